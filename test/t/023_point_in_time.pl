# Proves: a base backup taken under load, with the archive, comes back at a point in time (a name, a time, any LSN, so also
# between two records of one insert or vacuum) with an index that equals its table, is sound, and takes writes; at the named
# point it has the pages that the server had then.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;

my $seed = $ENV{QUIVER_SEED} || 20241106;
srand($seed);
my $points = $ENV{QUIVER_ROUNDS} || ($ENV{QUIVER_DEEP} ? 25 : 3);
note("seed $seed, $points points");

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1, has_archiving => 1);
$node->append_conf('postgresql.conf', qq(
wal_consistency_checking = 'generic'
max_wal_size = 1GB
shared_buffers = 16MB
max_connections = 20
autovacuum = off
log_statement = none
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE EXTENSION pageinspect;
	CREATE FUNCTION vec(i int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT array_agg((hashint8(i * 10000::bigint + j) % 1000)::real ORDER BY j)::vector FROM generate_series(1, dim) j';
	CREATE TABLE t (id serial PRIMARY KEY, v vector(200));
	INSERT INTO t (v) SELECT vec(i, 200) FROM generate_series(1, 1600) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE TABLE w (id serial PRIMARY KEY, v vector(2100));
	INSERT INTO w (v) SELECT vec(i, 2100) FROM generate_series(1, 90) i;
	CREATE INDEX w_v ON w USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE TABLE l (id serial PRIMARY KEY, v vector(300));
	CREATE INDEX l_v ON l USING quiver (v) WITH (m = 8, ef_construction = 32);
));
my @indexes = ('t_v', 'w_v', 'l_v');
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/change.sql", q(
	\set i random(1, 1000000)
	\set d random(1, 2500)
	INSERT INTO t (v) SELECT vec(:i + i, 200) FROM generate_series(1, 4) i;
	INSERT INTO t (v) SELECT vec(:i % 5, 200) FROM generate_series(1, 2) i;
	INSERT INTO l (v) SELECT vec(:i + i, 300) FROM generate_series(1, 8) i;
	INSERT INTO w (v) VALUES (vec(:i, 2100));
	UPDATE t SET v = vec(:i, 200) WHERE id = :d;
	DELETE FROM t WHERE id BETWEEN :d AND :d + 5;
	DELETE FROM w WHERE id = :d / 10;
	DELETE FROM l WHERE id = :d;
));
append_to_file("$dir/vacuum.sql", 'VACUUM (SKIP_LOCKED) t, w, l;');

sub load
{
	my ($transactions) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	return IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client=3', '--jobs=1', "--transactions=$transactions", "--random-seed=$seed", '-h', $node->host, '-p', $node->port,
			'-f', "$dir/change.sql\@6", '-f', "$dir/vacuum.sql\@1", 'postgres'
		],
		'>', '/dev/null', '2>', '/dev/null');
}

# The backup begins under load, and its index pages are of different times.
my $running = load(45);
$node->poll_query_until('postgres', 'SELECT count(*) > 1620 FROM t') or die 'no load';
$node->backup('base');
my $from = $node->lsn('insert');
ok($running->finish, 'the load under the backup');

# At rest, with a name.
$node->safe_psql('postgres', "SELECT pg_create_restore_point('at rest')");
my %then = map { $_ => index_pages($node, $_) } @indexes;
my $rows_then = $node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM t');

# More load, with moments noted in it, and a disaster at its end.
$running = load(40);
$node->poll_query_until('postgres', "SELECT count(*) <> $1 FROM t") or die 'no load' if $rows_then =~ /^(\d+)/;
my $to_rest = $node->lsn('insert');
select(undef, undef, undef, 0.5);
my $time = $node->safe_psql('postgres', "SELECT pg_create_restore_point('noon'); SELECT clock_timestamp()");
$time =~ s/.*\n//;
ok($running->finish, 'the load after it');
my $to = $node->lsn('insert');
$node->safe_psql('postgres', 'DELETE FROM t; DELETE FROM w WHERE id % 2 = 0; VACUUM t, w; SELECT pg_switch_wal()');
$node->poll_query_until('postgres', "SELECT last_archived_wal >= pg_walfile_name('$to') FROM pg_stat_archiver") or die 'not archived';

# Any byte between the backup's end and the end of the load: recovery stops after the record that has it.
sub any_lsn
{
	my ($first, $last) = @_;
	my $number = sub { my ($high, $low) = split m{/}, $_[0]; return hex($high) * 2**32 + hex($low); };
	my $at = $number->($first) + int(rand($number->($last) - $number->($first)));
	return sprintf('%X/%X', $at >> 32, $at & 0xFFFFFFFF);
}

my @targets = (
	[ "recovery_target_name = 'at rest'", 'a name' ],
	[ "recovery_target_time = '$time'", 'a time' ],
	map { [ "recovery_target_lsn = '$_'", "LSN $_" ] } map { any_lsn($from, $to) } 1 .. $points);

foreach my $n (0 .. $#targets)
{
	my ($target, $name) = @{ $targets[$n] };
	my $restored = PostgreSQL::Test::Cluster->new("restored$n");
	$restored->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
	$restored->append_conf('postgresql.conf', "$target\nrecovery_target_action = promote\narchive_mode = off\n");
	$restored->start;
	$restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'still in recovery';
	if ($n == 0)
	{
		is(index_pages($restored, $_), $then{$_}, "$name, $_: the pages of then") foreach @indexes;
		is($restored->safe_psql('postgres', 'SELECT count(*), sum(id) FROM t'), $rows_then, "$name: the rows of then");
	}
	is_sound($name, $restored, @indexes);
	complete($name, $restored, $_->[0], "v <-> vec(3, $_->[1])") foreach [ 't', 200 ], [ 'w', 2100 ], [ 'l', 300 ];
	$restored->safe_psql('postgres', q(
		INSERT INTO t (v) SELECT vec(i, 200) FROM generate_series(5000001, 5000060) i;
		INSERT INTO w (v) SELECT vec(i, 2100) FROM generate_series(5000001, 5000010) i;
		INSERT INTO l (v) SELECT vec(i, 300) FROM generate_series(5000001, 5000060) i;
		DELETE FROM t WHERE id % 11 = 0;
		VACUUM t, w, l;
	));
	is_sound("$name, written to and vacuumed", $restored, @indexes);
	complete("$name, written to and vacuumed", $restored, $_->[0], "v <-> vec(3, $_->[1])") foreach [ 't', 200 ], [ 'w', 2100 ], [ 'l', 300 ];
	$restored->stop;
	unlike(slurp_file($restored->logfile), qr/inconsistent page|PANIC|TRAP/, "$name: no inconsistent page");
	$restored->clean_node;
}

done_testing();
