# Proves: an index moves between tablespaces and back, with its table or alone, in a transaction that is rolled back too, and
# over a crash and on a standby it is where it was moved to; a dump restored, in SQL and in the custom form, gives the same
# index with its options.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nallow_in_place_tablespaces = on\nwal_keep_size = 1GB\n");
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', "CREATE TABLESPACE other LOCATION ''");
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT (ARRAY[i % 41, i % 37, i % 31, i % 29] || array_fill((i % 13)::real, ARRAY[496]))::vector';
	CREATE TABLE t (id int, v vector(500));
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 700) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 24, ef_search = 77);
	CREATE UNLOGGED TABLE u (id int, v vector(500));
	CREATE INDEX u_v ON u USING quiver (v);
));

sub rows
{
	my ($where, $table, $database) = @_;
	return $where->safe_psql($database // 'postgres', qq(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> vec(5) LIMIT 100000) s;
		SET enable_seqscan = on; SET enable_indexscan = off;
		SELECT count(*) FROM $table;
	));
}

sub place
{
	my ($where, $index) = @_;
	return $where->safe_psql('postgres', "SELECT pg_relation_filepath('$index') ~ '^pg_tblspc' , pg_relation_size('$index') > 8192");
}

my $next = 1000;
my $count = 700;

sub still_works
{
	my ($name, $moved) = @_;
	is(place($node, 't_v'), $moved, "$name: where it is");
	$node->safe_psql('postgres', "INSERT INTO t SELECT i, vec(i) FROM generate_series($next, $next + 9) i; DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 5); VACUUM t");
	$next += 10;
	$count += 5;
	is(rows($node, 't'), "$count|$count\n$count", "$name: all rows");
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	is(place($standby, 't_v'), $moved, "$name: the same on the standby");
	is(rows($standby, 't'), "$count|$count\n$count", "$name: all rows there");
	return;
}

$node->safe_psql('postgres', 'ALTER INDEX t_v SET TABLESPACE other');
still_works('moved', 't|t');
$node->stop('immediate');
$node->start;
still_works('moved, after a crash', 't|t');
$node->safe_psql('postgres', 'BEGIN; ALTER INDEX t_v SET TABLESPACE pg_default; INSERT INTO t VALUES (-1, vec(1)); ROLLBACK');
still_works('moved back and rolled back', 't|t');
$node->safe_psql('postgres', 'ALTER TABLE t SET TABLESPACE other; REINDEX (TABLESPACE pg_default) INDEX t_v');
still_works('built anew elsewhere', 'f|t');
$node->safe_psql('postgres', 'REINDEX (TABLESPACE other, CONCURRENTLY) INDEX t_v');
still_works('built anew while others write', 't|t');
$node->safe_psql('postgres', 'BEGIN; ALTER INDEX t_v SET TABLESPACE pg_default; INSERT INTO t SELECT i, vec(i) FROM generate_series(2000, 2099) i; COMMIT');
$count += 100;
$node->stop('immediate');
$node->start;
still_works('moved and written in one transaction, after a crash', 'f|t');

# Unlogged: the init fork moves as well, so after a crash the index is empty and works.
$node->safe_psql('postgres', 'INSERT INTO u SELECT i, vec(i) FROM generate_series(1, 700) i; ALTER INDEX u_v SET TABLESPACE other');
is(rows($node, 'u'), "700|700\n700", 'unlogged, moved: all rows');
$node->stop('immediate');
$node->start;
is(rows($node, 'u'), "0|0\n0", 'unlogged, moved, after a crash: empty');
$node->safe_psql('postgres', 'INSERT INTO u SELECT i, vec(i) FROM generate_series(1, 600) i');
is(rows($node, 'u'), "600|600\n600", 'unlogged, moved: filled anew');

# Dumped and restored, by both ways, without the tablespace.
my $folder = PostgreSQL::Test::Utils::tempdir();
my $definition = "SELECT string_agg(indexdef, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'";
$node->safe_psql('postgres', q(
	CREATE INDEX t_half ON t USING quiver ((v::halfvec(500)) halfvec_cosine_ops) WITH (storage = float16, exact_order = on);
	CREATE INDEX t_part ON t USING quiver (v vector_ip_ops) WHERE id > 100;
	CREATE TABLE p (id int, v vector(500)) PARTITION BY RANGE (id);
	CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (100);
	CREATE INDEX p_v ON p USING quiver (v);
	INSERT INTO p SELECT i, vec(i) FROM generate_series(0, 99) i;
));
my $before = $node->safe_psql('postgres', $definition);
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '--no-tablespaces', '-f', "$folder/t.sql" ], 'dumped as SQL');
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '--no-tablespaces', '-Fc', '-f', "$folder/t.dump" ], 'dumped');
unlike(slurp_file("$folder/t.sql"), qr/FUNCTION public\.vector_in|OPERATOR CLASS/, 'members of the extension are not in the dump');
foreach my $how ('sql', 'dump')
{
	$node->safe_psql('postgres', "CREATE DATABASE from_$how TEMPLATE template0");
	my $target = $node->connstr("from_$how");
	command_ok($how eq 'sql' ? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $target, '-f', "$folder/t.sql", '-o', "$folder/out" ]
		: [ 'pg_restore', '-j', '2', '-d', $target, "$folder/t.dump" ], "$how: restored");
	is($node->safe_psql("from_$how", $definition), $before, "$how: the same indexes");
	is(rows($node, 't', "from_$how"), "$count|$count\n$count", "$how: all rows");
	is(rows($node, 'p', "from_$how"), "100|100\n100", "$how: all rows of the partition");
	is($node->safe_psql("from_$how", "SELECT md5(string_agg(t::text, ' ' ORDER BY id, v)) FROM t"),
		$node->safe_psql('postgres', "SELECT md5(string_agg(t::text, ' ' ORDER BY id, v)) FROM t"), "$how: the same vectors");
}

done_testing();
