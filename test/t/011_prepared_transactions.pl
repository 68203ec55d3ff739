# Proves: rows of prepared transactions are in the index over crash, restart, vacuum and promotion, visible when they are
# committed and gone when they are rolled back; tables and indexes made in one come and go with it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_prepared_transactions = 10\nwal_keep_size = 1GB\n");
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT (ARRAY[i % 41, i % 37, i % 31, i % 29] || array_fill((i % 13)::real, ARRAY[496]))::vector';
	CREATE TABLE list (id int, v vector(500));
	CREATE TABLE graph (id int, v vector(500));
	CREATE INDEX list_v ON list USING quiver (v);
	CREATE INDEX graph_v ON graph USING quiver (v) WITH (m = 8);
	INSERT INTO list SELECT i, vec(i) FROM generate_series(1, 100) i;
	INSERT INTO graph SELECT i, vec(i) FROM generate_series(1, 1000) i;
));

# Rows through the index: how many, how many distinct; and how many there are.
sub rows
{
	my ($where, $table) = @_;
	return $where->safe_psql('postgres', qq(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> vec(5) LIMIT 100000) s;
		SET enable_seqscan = on; SET enable_indexscan = off;
		SELECT count(*) FROM $table;
	));
}
like($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN SELECT id FROM graph ORDER BY v <-> vec(5) LIMIT 1"),
	qr/Index Scan using graph_v/, 'the index is used');

# Two transactions, one to be committed and one to be rolled back, with rows of their own.
sub prepare
{
	my ($name, $first) = @_;
	$node->safe_psql('postgres', qq(
		BEGIN;
		INSERT INTO list SELECT i, vec(i) FROM generate_series($first, $first + 49) i;
		INSERT INTO graph SELECT i, vec(i) FROM generate_series($first, $first + 199) i;
		DELETE FROM graph WHERE id BETWEEN $first / 1000 AND $first / 1000 + 99;
		SAVEPOINT s;
		INSERT INTO graph SELECT i, vec(i) FROM generate_series($first + 200, $first + 299) i;
		ROLLBACK TO s;
		PREPARE TRANSACTION 'rows $name';
		BEGIN;
		CREATE TABLE made_$name (id int, v vector(500));
		INSERT INTO made_$name SELECT i, vec(i) FROM generate_series(1, 600) i;
		CREATE INDEX ON made_$name USING quiver (v);
		INSERT INTO made_$name SELECT i, vec(i) FROM generate_series(601, 650) i;
		PREPARE TRANSACTION 'table $name';
	));
	return;
}

sub unchanged
{
	my ($name) = @_;
	is(rows($node, 'list'), "100|100\n100", "$name: the list as before");
	is(rows($node, 'graph'), "1000|1000\n1000", "$name: the graph as before");
	return;
}

prepare('good', 100000);
prepare('bad', 200000);
unchanged('prepared');
$node->safe_psql('postgres', 'VACUUM list, graph');
unchanged('vacuumed meanwhile');
$node->stop('immediate');
$node->start;
unchanged('after a crash');
# Others write beside rows that nobody sees yet.
$node->safe_psql('postgres', q(
	INSERT INTO list SELECT i, vec(i) FROM generate_series(101, 110) i;
	DELETE FROM list WHERE id > 100;
	VACUUM list, graph;
));
unchanged('written beside');
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '4', 'all are still prepared');

$node->safe_psql('postgres', "$_") foreach ("COMMIT PREPARED 'rows good'", "COMMIT PREPARED 'table good'",
	"ROLLBACK PREPARED 'rows bad'", "ROLLBACK PREPARED 'table bad'");

sub decided
{
	my ($where, $name) = @_;
	is(rows($where, 'list'), "150|150\n150", "$name: the list has the rows committed");
	is(rows($where, 'graph'), "1100|1100\n1100", "$name: the graph has the rows committed and not those deleted");
	is($where->safe_psql('postgres', 'SELECT count(*) FILTER (WHERE id BETWEEN 100 AND 199), count(*) FILTER (WHERE id < 100000), count(*) FILTER (WHERE id >= 200000) FROM graph'),
		'0|900|0', "$name: they are the right ones");
	is(rows($where, 'made_good'), "650|650\n650", "$name: the table made");
	is($where->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname LIKE 'made\\_bad%'"), '0',
		"$name: the other table is gone");
	return;
}

decided($node, 'decided');
$node->safe_psql('postgres', 'VACUUM list, graph, made_good');
decided($node, 'vacuumed');
$node->stop('immediate');
$node->start;
decided($node, 'after another crash');

# A transaction that is prepared when the standby takes over is decided there.
prepare('good2', 300000);
prepare('bad2', 400000);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
decided($standby, 'standby');
$node->stop;
$standby->promote;
$standby->safe_psql('postgres', "$_") foreach ("ROLLBACK PREPARED 'rows bad2'", "COMMIT PREPARED 'rows good2'",
	"COMMIT PREPARED 'table good2'", "ROLLBACK PREPARED 'table bad2'", 'VACUUM list, graph', 'INSERT INTO graph SELECT i, vec(i) FROM generate_series(500000, 500099) i');
is(rows($standby, 'list'), "200|200\n200", 'promoted: the list');
my ($found, $there) = split /\n/, rows($standby, 'graph');
is($found, "$there|$there", "promoted: the graph, $there rows");
is(rows($standby, 'made_good2'), "650|650\n650", 'promoted: the table made');

done_testing();
