# Proves: after many rounds of deletes, updates, inserts and vacuums, some of them cancelled, every row is found once
# through the index, recall stays, and an index does not grow without end while its table keeps its size.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;

my $vector = q(ARRAY[hashint4(i) % 1000, hashint4(i + 1000000) % 1000, hashint4(i + 2000000) % 1000, hashint4(i + 3000000) % 1000,
	hashint4(i + 4000000) % 1000, hashint4(i + 5000000) % 1000, hashint4(i + 6000000) % 1000, hashint4(i + 7000000) % 1000]::vector);

$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	CREATE TABLE t (id int, v vector(8));
	INSERT INTO t SELECT i, $vector FROM generate_series(1, 8000) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 40);
));

sub all_found
{
	my ($name) = @_;
	my $got = $node->safe_psql('postgres', q(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 1000000) s;
	));
	my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM t');
	is($got, "$rows|$rows", "$name: all $rows rows, each once");
	return;
}

sub recall
{
	my $hits = $node->safe_psql('postgres', q(
		CREATE TEMP TABLE q AS SELECT v FROM t ORDER BY hashint4(id) LIMIT 40;
		SET enable_seqscan = off;
		CREATE TEMP TABLE a AS SELECT q.v AS q, n.id FROM q, LATERAL (SELECT id FROM t ORDER BY v <-> q.v LIMIT 10) n;
		SET enable_seqscan = on; SET enable_indexscan = off;
		CREATE TEMP TABLE b AS SELECT q.v AS q, n.id FROM q, LATERAL (SELECT id FROM t ORDER BY v <-> q.v LIMIT 10) n;
		SELECT round(count(*) / 400.0, 3) FROM a NATURAL JOIN b;
	));
	return $hits;
}

all_found('built');
my $fresh = recall();
cmp_ok($fresh, '>=', 0.9, "recall when built: $fresh");

my $next = 8001;
for my $round (1 .. 6)
{
	my $last = $next + 1499;
	my $cancelled = $round % 2 == 0;
	$node->safe_psql('postgres', qq(
		DELETE FROM t WHERE hashint4(id + $round) % 5 = 0;
		UPDATE t SET id = id WHERE id % 17 = $round;
	));
	if ($cancelled)
	{
		# a vacuum that ends half way through the index leaves a state that the next one finishes; it sleeps after
		# each page, so that it is still there when the poll has started
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		$session->query_until(qr/start/, "SET vacuum_cost_delay = 20; SET vacuum_cost_limit = 1;\n\\echo start\nVACUUM t;\n");
		ok($node->poll_query_until('postgres', q(
			SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE phase = 'vacuuming indexes')), "round $round: vacuuming the index");
		$node->safe_psql('postgres', 'SELECT pg_sleep(0.1 * random()); SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum');
		$session->quit;
		all_found("round $round, vacuum cancelled");
	}
	$node->safe_psql('postgres', "INSERT INTO t SELECT i, $vector FROM generate_series($next, $last) i");
	all_found("round $round, before vacuum");
	$node->safe_psql('postgres', 'VACUUM t');
	all_found("round $round, vacuumed");
	$next = $last + 1;
}
my $worn = recall();
cmp_ok($worn, '>=', $fresh - 0.05, "recall after it: $worn");

# more dead rows than vacuum's memory holds: several passes over the index
$node->safe_psql('postgres', q(
	INSERT INTO t SELECT 1000000 + i, NULL FROM generate_series(1, 250000) i;
	DELETE FROM t WHERE id > 1000000;
));
my ($rc, $out, $err) = $node->psql('postgres', "SET maintenance_work_mem = '1MB'; VACUUM (VERBOSE) t");
like($err, qr/index scans: [2-9]/, 'several passes in one vacuum') if $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;
all_found('after several passes');

# all but a few
$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 100 <> 0');
$node->safe_psql('postgres', 'VACUUM t');
all_found('few left');
$node->safe_psql('postgres', 'DELETE FROM t');
$node->safe_psql('postgres', 'VACUUM t');
all_found('none left');
$node->safe_psql('postgres', "INSERT INTO t SELECT i, $vector FROM generate_series(1, 3000) i");
all_found('filled again');

# in parallel workers
$node->safe_psql('postgres', q(
	SET min_parallel_index_scan_size = 0;
	CREATE INDEX t_v2 ON t USING quiver (v vector_cosine_ops);
	DELETE FROM t WHERE id % 2 = 0;
	VACUUM (PARALLEL 2) t;
));
all_found('parallel vacuum');

done_testing();
