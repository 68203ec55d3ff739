# Proves: rows inserted, updated and deleted by several clients at once, with searches and vacuums beside them, are all
# found through the index afterwards, each once, and no client sees an error.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_connections = 50\ndeadlock_timeout = 2s\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE SEQUENCE ids;
	CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('ids'), v vector(12));
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 40);
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql AS
		'SELECT array_agg((hashint8(i * 100::bigint + j) % 1000)::real ORDER BY j)::vector FROM generate_series(1, 12) j';
));

sub all_found
{
	my ($name) = @_;
	my $got = $node->safe_psql('postgres', q(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM t ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10,11,12]' LIMIT 1000000) s;
	));
	my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM t');
	is($got, "$rows|$rows", "$name: all $rows rows, each once");
	return;
}

# VACUUM (SKIP_LOCKED) warns where it skips, and pgbench's stderr must be empty.
$ENV{PGOPTIONS} = '-c client_min_messages=error';

# The first inserts into an empty index, the list's growth, its change into a graph: all with eight clients.
$node->pgbench('--no-vacuum --client=8 --jobs=2 --transactions=100',
	0, [qr{actually processed: 800/800}], [qr{^$}], 'inserts', {
		'001_insert' => q(INSERT INTO t (v) SELECT vec(i + :client_id * 100000 + (random() * 90000)::int) FROM generate_series(1, 10) i;)
	});
all_found('inserts');

# Few distinct vectors: many clients add rows to the same nodes.
$node->pgbench('--no-vacuum --client=8 --jobs=2 --transactions=50',
	0, [qr{actually processed: 400/400}], [qr{^$}], 'inserts of duplicates', {
		'002_duplicate' => q(INSERT INTO t (v) SELECT vec(i % 3) FROM generate_series(1, 10) i;)
	});
all_found('inserts of duplicates');

# Everything at once, vacuum too.
$node->pgbench('--no-vacuum --client=8 --jobs=2 --transactions=120',
	0, [qr{actually processed: 960/960}], [qr{^$}], 'reads and writes', {
		'003_insert@4' => q(
			\set i random(1, 1000000)
			INSERT INTO t (v) SELECT vec(:i + i) FROM generate_series(1, 5) i;),
		'004_search@6' => q(
			\set i random(1, 1000000)
			SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(:i) LIMIT 10) s;),
		'005_delete@2' => q(
			\set i random(1, 9000)
			DELETE FROM t WHERE id IN (SELECT id FROM t WHERE id BETWEEN :i AND :i + 20 FOR UPDATE SKIP LOCKED);),
		'006_update@2' => q(
			\set i random(1, 9000)
			UPDATE t SET v = vec(:i) WHERE id = (SELECT id FROM t WHERE id >= :i ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED);),
		'007_rollback@1' => q(
			\set i random(1, 1000000)
			BEGIN;
			INSERT INTO t (v) SELECT vec(:i + i) FROM generate_series(1, 3) i;
			ROLLBACK;),
		'008_vacuum@1' => q(VACUUM (SKIP_LOCKED) t;)
	});
all_found('reads and writes');
$node->safe_psql('postgres', 'VACUUM t');
all_found('vacuumed');

# A row just committed is found by its own vector among the nearest.
my $missed = $node->safe_psql('postgres', q(
	SET enable_seqscan = off;
	SELECT count(*) FROM (SELECT * FROM t ORDER BY id DESC LIMIT 200) q
		WHERE NOT EXISTS (SELECT FROM (SELECT v FROM t ORDER BY v <-> q.v LIMIT 1) n WHERE n.v = q.v);
));
cmp_ok($missed, '<=', 4, "rows not found by their own vector: $missed of 200");

done_testing();
