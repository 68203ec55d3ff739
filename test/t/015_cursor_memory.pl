# Proves: a cursor that stays open while rows are inserted, deleted and vacuumed, again and again, keeps its memory within
# work_mem however many rows it has given, and gives each row of its snapshot once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT (ARRAY[i % 411, i % 371, i % 311, i % 291] || array_fill((i % 131)::real, ARRAY[96]))::vector';
	CREATE TABLE t (id int, v vector(100));
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 20000) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 24);
	DELETE FROM t WHERE id > 18000;
));

# Memory beyond work_mem that does not grow with the rows given: what a search has in any case.
my $base = 512 * 1024;
foreach my $work_mem (64, 4096)
{
	my $reader = $node->background_psql('postgres');
	$reader->query_safe("SET work_mem = '${work_mem}kB'; SET enable_seqscan = off; SET enable_sort = off; SET quiver.ef_search = 100;
		BEGIN; CREATE TEMP TABLE seen (id int) ON COMMIT DROP;
		DECLARE c CURSOR FOR SELECT id FROM t WHERE id <= 18000 ORDER BY v <-> vec(7);");
	like($reader->query_safe('EXPLAIN (COSTS OFF) SELECT id FROM t WHERE id <= 18000 ORDER BY v <-> vec(7)'), qr/Index Scan using t_v/,
		"$work_mem kB: the index is used");
	my ($most, $first) = (0);
	foreach my $round (1 .. 9)
	{
		$reader->query_safe(q(
			DO $$
			DECLARE
				c refcursor := 'c';
				i int;
			BEGIN
				FOR n IN 1 .. 2100 LOOP
					FETCH c INTO i;
					EXIT WHEN NOT FOUND;
					INSERT INTO seen VALUES (i);
				END LOOP;
			END $$;));
		my $bytes = $reader->query_safe("SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'quiver scan%'");
		$first //= $bytes;
		$most = $bytes if $bytes > $most;
		# Others write beside it: rows that the cursor does not see, gone again, and vacuumed.
		$node->safe_psql('postgres', "INSERT INTO t SELECT i, vec(i) FROM generate_series(30001, 30300) i; DELETE FROM t WHERE id > 18000; VACUUM t");
	}
	cmp_ok($first, '>', 0, "$work_mem kB: the search's memory is seen");
	cmp_ok($most, '<=', $work_mem * 1024 + $base, "$work_mem kB: at most $most bytes, $first after the first rows");
	is($reader->query_safe('SELECT count(*), count(DISTINCT id), max(id) FROM seen'), '18000|18000|18000', "$work_mem kB: every row once");
	$reader->query_safe('COMMIT');
	is($reader->query_safe("SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'quiver scan%'"), '0', "$work_mem kB: given back");
	$reader->quit;
}

done_testing();
