# Proves: a server that is killed in the middle of inserts, updates and vacuums comes back with an index that gives every
# committed row once, takes new rows and is vacuumed; and a standby that followed all of it has the same pages.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $seed = $ENV{QUIVER_SEED} || 20240608;
srand($seed);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
autovacuum = off
wal_consistency_checking = 'generic'
wal_keep_size = 4GB
checkpoint_timeout = 30s
));
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# One table begins empty, the other as a graph.
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql AS
		'SELECT array_agg((hashint8(i * 100::bigint + j) % 1000)::real ORDER BY j)::vector FROM generate_series(1, 10) j';
	CREATE TABLE t (id serial PRIMARY KEY, v vector(10));
	CREATE INDEX ON t USING quiver (v) WITH (m = 6, ef_construction = 30);
	CREATE TABLE g (id serial PRIMARY KEY, v vector(10));
	INSERT INTO g (v) SELECT vec(i) FROM generate_series(1, 8000) i;
	CREATE INDEX ON g USING quiver (v) WITH (m = 6, ef_construction = 30);
));

sub all_found
{
	my ($where, $table, $name) = @_;
	my $got = $where->safe_psql('postgres', qq(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10]' LIMIT 1000000) s;
	));
	my $rows = $where->safe_psql('postgres', "SELECT count(*) FROM $table");
	is($got, "$rows|$rows", "$name, $table: all $rows rows, each once");
	return;
}

my $dir = PostgreSQL::Test::Utils::tempdir();
my %scripts = (
	'insert' => q(
		\set i random(1, 1000000)
		INSERT INTO t (v) SELECT vec(:i + i) FROM generate_series(1, 20) i;
		INSERT INTO g (v) SELECT vec(:i % 50) FROM generate_series(1, 10) i;
	),
	'change' => q(
		\set i random(1, 8000)
		UPDATE g SET v = vec(:i + 7) WHERE id = :i;
		DELETE FROM t WHERE id BETWEEN :i AND :i + 10;
		DELETE FROM g WHERE id BETWEEN :i AND :i + 3;
	),
	'vacuum' => q(VACUUM (SKIP_LOCKED) t, g;),
);
for my $name (keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
}

for my $round (1 .. 4)
{
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client=6', '--jobs=2', '--time=60', '-h', $node->host, '-p', $node->port,
			'-f', "$dir/insert.sql\@4", '-f', "$dir/change.sql\@4", '-f', "$dir/vacuum.sql\@1", 'postgres'
		],
		'>', \$out, '2>', \$err);
	Time::HiRes::sleep(1 + rand());
	$node->stop('immediate');
	$load->finish;
	$node->start;
	for my $table ('t', 'g')
	{
		all_found($node, $table, "round $round, after the crash");
	}
	$node->safe_psql('postgres', 'INSERT INTO t (v) SELECT vec(i) FROM generate_series(1, 50) i; VACUUM t, g');
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	for my $table ('t', 'g')
	{
		all_found($node, $table, "round $round, vacuumed");
		all_found($standby, $table, "round $round, standby");
	}
}
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|corrupted page/, 'no damage on the primary');

done_testing();
