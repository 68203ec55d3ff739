# Proves: under wal_level = minimal, where what a transaction makes is synced and not logged, a crash at any moment leaves an
# index that is right: built over rows or filled after, in the transaction of its table or of its own, rewritten, truncated,
# copied into; and what was not committed leaves nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', q(
wal_level = minimal
max_wal_senders = 0
autovacuum = off
fsync = on
wal_skip_threshold = 0
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT (ARRAY[i % 41, i % 37, i % 31, i % 29] || array_fill((i % 13)::real, ARRAY[496]))::vector';
	CREATE TABLE old (id int, v vector(500));
	INSERT INTO old SELECT i, vec(i) FROM generate_series(1, 1000) i;
	CREATE INDEX old_v ON old USING quiver (v);
));

sub rows
{
	my ($table) = @_;
	return $node->safe_psql('postgres', qq(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> (SELECT v FROM $table LIMIT 1) LIMIT 100000) s;
		SET enable_seqscan = on; SET enable_indexscan = off;
		SELECT count(*) FROM $table;
	));
}

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

my $copied = join('', map { my $i = $_; "$i\t[" . join(',', $i % 41, $i % 37, $i % 31, $i % 29, ($i % 13) x 496) . "]\n" } 1 .. 600);

# name => [rows afterwards, what one transaction does]
my %cases = (
	built => [600, 'CREATE TABLE built (id int, v vector(500)); INSERT INTO built SELECT i, vec(i) FROM generate_series(1, 600) i;
		CREATE INDEX ON built USING quiver (v);'],
	filled => [600, 'CREATE TABLE filled (id int, v vector(500)); CREATE INDEX ON filled USING quiver (v);
		INSERT INTO filled SELECT i, vec(i) FROM generate_series(1, 600) i;'],
	twice => [700, 'CREATE TABLE twice (id int, v vector(500)); INSERT INTO twice SELECT i, vec(i) FROM generate_series(1, 600) i;
		CREATE INDEX ON twice USING quiver (v); INSERT INTO twice SELECT i, vec(i) FROM generate_series(601, 700) i;'],
	emptied => [50, 'CREATE TABLE emptied (id int, v vector(500)); CREATE INDEX ON emptied USING quiver (v);
		INSERT INTO emptied SELECT i, vec(i) FROM generate_series(1, 600) i; TRUNCATE emptied;
		INSERT INTO emptied SELECT i, vec(i) FROM generate_series(1, 50) i;'],
	part => [600, 'CREATE TABLE part (id int, v vector(500)); CREATE INDEX ON part USING quiver (v);
		INSERT INTO part SELECT i, vec(i) FROM generate_series(1, 600) i; SAVEPOINT s; TRUNCATE part;
		INSERT INTO part SELECT i, vec(i) FROM generate_series(1, 50) i; ROLLBACK TO s;'],
	frozen => [600, "CREATE TABLE frozen (id int, v vector(500)); CREATE INDEX ON frozen USING quiver (v);
		COPY frozen FROM STDIN (FREEZE);\n$copied\\.\n"],
	none => [0, 'CREATE TABLE none (id int, v vector(500)); CREATE INDEX ON none USING quiver (v);'],
	unlogged_then_logged => [700, 'CREATE UNLOGGED TABLE unlogged_then_logged (id int, v vector(500));
		INSERT INTO unlogged_then_logged SELECT i, vec(i) FROM generate_series(1, 600) i;
		CREATE INDEX ON unlogged_then_logged USING quiver (v); ALTER TABLE unlogged_then_logged SET LOGGED;
		INSERT INTO unlogged_then_logged SELECT i, vec(i) FROM generate_series(601, 700) i;'],
);

# Committed, and a crash at once.
foreach my $name (sort keys %cases)
{
	my ($expected, $sql) = @{ $cases{$name} };
	$node->safe_psql('postgres', "BEGIN;\n$sql\nCOMMIT;");
	crash();
	is(rows($name), "$expected|$expected\n$expected", "$name: all rows after a crash");
	$node->safe_psql('postgres', "INSERT INTO $name SELECT i, vec(i) FROM generate_series(9001, 9100) i; DELETE FROM $name WHERE id % 2 = 0; VACUUM $name");
	my $left = $node->safe_psql('postgres', "SELECT count(*) FROM $name");
	is(rows($name), "$left|$left\n$left", "$name: written and vacuumed");
}
crash();
foreach my $name (sort keys %cases)
{
	my $left = $node->safe_psql('postgres', "SELECT count(*) FROM $name");
	is(rows($name), "$left|$left\n$left", "$name: after another crash");
	$node->safe_psql('postgres', "DROP TABLE $name");
}

# Not committed: the crash comes while the session is still in its transaction, with its pages on disk or not.
my $made = "SELECT count(*) FROM pg_class WHERE relname IN ('" . join("', '", keys %cases) . "')";
foreach my $checkpoint ('', 'CHECKPOINT;')
{
	my $session = $node->background_psql('postgres');
	$session->query_safe("BEGIN;\n" . join("\n", map { $cases{$_}[1] } grep { $_ ne 'frozen' } sort keys %cases) . "\n$checkpoint");
	is($session->query_safe('SELECT count(*) FROM built'), '600', 'the session sees its tables');
	# What an old table's transaction changes goes as well.
	$session->query_safe('TRUNCATE old; INSERT INTO old VALUES (1, vec(1));');
	crash();
	# The session is lost with the server.
	eval { $session->quit };
	is($node->safe_psql('postgres', $made), '0', "not committed: nothing is left ($checkpoint)");
	is(rows('old'), "1000|1000\n1000", "not committed: the old table has its rows ($checkpoint)");
}

# An old table's index gets another file: what is inserted in that transaction after the rewrite is not logged either.
foreach my $rewrite ('REINDEX INDEX old_v', 'VACUUM FULL old', 'ALTER TABLE old ALTER v TYPE halfvec(500)', 'ALTER TABLE old SET UNLOGGED',
	'ALTER TABLE old SET LOGGED')
{
	my $insert = 'INSERT INTO old SELECT i, vec(i) FROM generate_series(5001, 5020) i';
	$node->safe_psql('postgres', $rewrite =~ /VACUUM/ ? "$rewrite; $insert" : "BEGIN; $rewrite; $insert; COMMIT;");
	# An unlogged table is empty after a crash.
	$rewrite =~ /UNLOGGED/ ? $node->restart : crash();
	my $there = $node->safe_psql('postgres', 'SELECT count(*) FROM old');
	cmp_ok($there, '>=', 1020, "$rewrite: the table has its rows");
	is(rows('old'), "$there|1020\n$there", "$rewrite: and the index too");
}

done_testing();
