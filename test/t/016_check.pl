# Proves: quiver_check finds flipped bytes in an index file, of every kind of field; finds nothing while clients insert,
# update, delete and vacuum; works on a standby; ends at once when it is cancelled; names what it cannot check.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{QUIVER_SEED} || 20240921;
srand($seed);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_connections = 50\nstatement_timeout = 120s\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int, dim int) RETURNS vector LANGUAGE sql AS
		'SELECT array_agg((hashint8(i * 100000::bigint + j) % 1000)::real / 1000 ORDER BY j)::vector FROM generate_series(1, dim) j';
));

# --- flipped bytes

my $block_size = 8192;
my $special = $block_size - 16;
my $dim = 800;

# The same table gives the same index, so each flip gets an index of its own.
my @named = (
	# name, offset in the page, bits, severity
	['magic number of the page', $special + 2, 0x01, 'error'],
	['kind of the page', $special, 0x40, 'error'],
	['partition of the page', $special + 8, 0x01, 'error'],
	['next page', $special + 12, 0x01, 'warning'],
	['generation', 24 + 3, 0x01, 'error'],
	['level', 24 + 4, 0x01, 'error'],
	['in use', 24 + 5, 0x01, 'error'],
	['neighbours', 24 + 6, 0x80, 'warning'],
	['rows', 24 + 7, 0x04, 'error'],
	['scale of the vector', 24 + 16, 0x01, 'error'],
	['scale of the edges', 24 + 20, 0x01, 'warning'],
	['posting chain', 24 + 30, 0x01, 'error'],
	['address of the row', 24 + 48 + 4, 0x40, 'error'],
	['flags of the row', 24 + 48 + 6, 0x01, 'error']);
my @by_slots = (
	['number of a neighbour', sub { 24 + 64 + 3 }, 0x01, 'warning'],
	['term of a neighbour', sub { 24 + 64 + 4 * $_[0] + 1 }, 0x08, 'warning'],
	['code of a neighbour', sub { 24 + 64 + 10 * $_[0] + 5 }, 0x10, 'warning'],
	['vector', sub { 24 + (64 + 10 * $_[0] + $_[0] * $dim / 8 + 7 & ~7) + 21 }, 0x08, 'warning']);
my $at_random = 24;
my $indexes = @named + @by_slots + $at_random;

$node->safe_psql('postgres', qq(
	CREATE TABLE f (id int, v vector($dim));
	INSERT INTO f SELECT i, vec(i, $dim) FROM generate_series(1, 420) i;
	DO \$\$ BEGIN FOR i IN 0 .. $indexes - 1 LOOP
		EXECUTE format('CREATE INDEX f_%s ON f USING quiver (v) WITH (ef_construction = 32)', i);
	END LOOP; END \$\$;
	CHECKPOINT;
));
my $check = "SELECT coalesce(min(severity), 'nothing') FROM quiver_check('f_%s', true) WHERE severity <> 'info'";
is($node->safe_psql('postgres', sprintf($check, 0)), 'nothing', 'a sound index');
is($node->safe_psql('postgres', "SELECT state FROM quiver_index_stats('f_0')"), 'graph', 'it is a graph');

my @path = map { $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('f_$_')") } 0 .. $indexes - 1;
$node->stop;

# Turns bits of a byte of the file over.
sub flip
{
	my ($path, $offset, $bits) = @_;
	open(my $file, '+<:raw', $path) or die "could not open $path: $!";
	sysseek($file, $offset, 0) or die;
	sysread($file, my $byte, 1) == 1 or die;
	sysseek($file, $offset, 0) or die;
	syswrite($file, chr(ord($byte) ^ $bits)) == 1 or die;
	close($file);
	return;
}

my $whole = slurp_file($path[0]);
my $slots = unpack('v', substr($whole, 24 + 40, 2));
my @node_blocks = grep { unpack('C', substr($whole, $block_size * $_ + $special, 1)) == 3 } 0 .. length($whole) / $block_size - 1;
cmp_ok(scalar(@node_blocks), '>', 100, 'pages of nodes');

my @flips = map { [$_->[0], $node_blocks[10] * $block_size + $_->[1], $_->[2], $_->[3]] } @named;
push @flips, map { [$_->[0], $node_blocks[10] * $block_size + $_->[1]->($slots), $_->[2], $_->[3]] } @by_slots;
for (1 .. $at_random)
{
	my $block = $node_blocks[int(rand(@node_blocks))];
	my $lower = unpack('v', substr($whole, $block * $block_size + 12, 2));
	push @flips, ['at random', $block * $block_size + 24 + int(rand($lower - 24)), 1 << int(rand(8)), undef];
}
flip($path[$_], $flips[$_][1], $flips[$_][2]) for 0 .. $#flips;

$node->start;
my $found = 0;
for my $i (0 .. $#flips)
{
	my ($name, $offset, $bits, $severity) = @{ $flips[$i] };
	my ($rc, $out, $err) = $node->psql('postgres', sprintf($check, $i));
	# A server with checksums refuses the page itself.
	my $refused = $err =~ /invalid page in block|page verification failed/;
	if (defined $severity)
	{
		ok($refused || $out eq $severity, "$name: $severity") or diag("$out$err");
	}
	else
	{
		ok($refused || $rc == 0, "byte $offset, bits $bits: $out") or diag($err);
		$found++ if $refused || $out ne 'nothing';
	}
}
# Unused slots and what no other page repeats (a hash, say) are a good part of a page; low bits of numbers are within
# tolerance.
note("$found of $at_random flips at random found");
cmp_ok($found, '>=', $at_random / 3, 'of the others, many are found');
$node->safe_psql('postgres', 'REINDEX TABLE f');
is($node->safe_psql('postgres', sprintf($check, 5)), 'nothing', 'REINDEX mends it');
$node->safe_psql('postgres', 'DROP TABLE f');

# --- beside writers

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nmax_standby_streaming_delay = -1\n");
$standby->start;

$node->safe_psql('postgres', q(
	CREATE SEQUENCE ids;
	CREATE TABLE t (id int DEFAULT nextval('ids'), v vector(150));
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 6, ef_construction = 24);
	CREATE UNLOGGED TABLE u (v vector(3));
	CREATE INDEX u_v ON u USING quiver (v);
));
my $complaints = "SELECT severity, block, item, message FROM quiver_check('t_v', true) WHERE severity <> 'info'";
$ENV{PGOPTIONS} = '-c client_min_messages=error';
my $script = q(
	DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT * FROM quiver_check('t_v', true, random() < 0.7) WHERE severity <> 'info' LOOP
			RAISE EXCEPTION 'found %', r;
		END LOOP;
	END $$;);
for my $round (1 .. 3)
{
	$node->pgbench('--no-vacuum --client=6 --jobs=2 --transactions=40', 0, [qr{actually processed: 240/240}], [qr{^$}],
		"checks beside writers, round $round", {
			"00${round}_insert\@5" => q(
				\set i random(1, 1000000)
				INSERT INTO t (v) SELECT CASE WHEN i % 17 = 0 THEN NULL WHEN i % 3 = 0 THEN vec(i % 7, 150) ELSE vec(:i + i, 150) END
					FROM generate_series(1, 20) i;),
			"01${round}_update\@2" => q(
				\set i random(0, 20)
				UPDATE t SET id = id + 1 WHERE ctid = ANY (ARRAY(SELECT ctid FROM t WHERE id % 21 = :i FOR UPDATE SKIP LOCKED));),
			"02${round}_delete\@2" => q(
				\set i random(0, 9)
				DELETE FROM t WHERE ctid = ANY (ARRAY(SELECT ctid FROM t WHERE id % 10 = :i AND random() < 0.3 FOR UPDATE SKIP LOCKED));),
			"03${round}_vacuum\@1" => q(VACUUM (SKIP_LOCKED) t;),
			"04${round}_check\@3" => $script
		});
	is($standby->safe_psql('postgres', $complaints), '', "standby, round $round") if $round < 3;
	is($node->safe_psql('postgres', $complaints), '', "afterwards, round $round");
}
# Within these rounds the list has closed and has begun to drain.
isnt($node->safe_psql('postgres', "SELECT state FROM quiver_index_stats('t_v')"), 'list', 'it is no list any more');

# --- on a standby

$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', $complaints), '', 'standby: sound');
is($standby->safe_psql('postgres', "SELECT quiver_index_stats('t_v')"),
	$node->safe_psql('postgres', "SELECT quiver_index_stats('t_v')"), 'standby: the same figures');
my ($rc, $out, $err) = $standby->psql('postgres', "SELECT * FROM quiver_check('u_v')");
like($err, qr/cannot read unlogged index "u_v" during recovery/, 'standby: an unlogged index');
($rc, $out, $err) = $standby->psql('postgres', "SELECT * FROM quiver_index_stats('u_v')");
like($err, qr/cannot read unlogged index "u_v" during recovery/, 'standby: its figures');
$standby->stop;

# --- a temporary index of another session

my $other = $node->background_psql('postgres');
$other->query_safe('CREATE TEMP TABLE tt (v vector(3)); CREATE INDEX tt_v ON tt USING quiver (v);');
($rc, $out, $err) = $node->psql('postgres', "SELECT f.* FROM pg_class c, quiver_check(c.oid) f WHERE relname = 'tt_v'");
like($err, qr/cannot read temporary index "tt_v" of another session/, 'a temporary index of another session');
$other->quit;

# --- cancel

$node->safe_psql('postgres', q(
	CREATE TABLE c (v vector(100));
	INSERT INTO c SELECT vec(i, 100) FROM generate_series(1, 6000) i;
	CREATE INDEX c_v ON c USING quiver (v);
));
($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = 30; SELECT count(*) FROM quiver_check('c_v', true)");
like($err, qr/canceling statement due to statement timeout/, 'a check is cancelled');
is($node->safe_psql('postgres', "SELECT count(*) FROM quiver_check('c_v', true) WHERE severity <> 'info'"), '0', 'and runs again');

$node->stop;
done_testing();
