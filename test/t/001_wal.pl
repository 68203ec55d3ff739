# Proves: what the index does is in the WAL. A standby has the same pages (wal_consistency_checking compares them) and
# gives the same answers while rows are inserted, updated, deleted and vacuumed; so does a primary after a crash, and
# the standby once it is promoted. Unlogged and empty indexes included.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', qq(
wal_consistency_checking = 'generic'
wal_keep_size = 4GB
autovacuum = off
));
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $prefix = q(SET enable_seqscan = off; SET enable_sort = off;);

sub vec_sql
{
	my ($i) = @_;
	return "ARRAY[$i % 101, $i % 97, $i % 89, $i % 83, $i % 79, $i % 73]::vector";
}

# Rows through the index on a node: how many, how many distinct, and the nearest ones.
sub answers
{
	my ($node, $table) = @_;
	return $node->safe_psql('postgres', qq(
		$prefix
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 1000000) s;
		SELECT array_agg(id) FROM (SELECT id FROM $table ORDER BY v <-> '[50,40,30,20,10,0]' LIMIT 20) s;
		SELECT array_agg(id) FROM (SELECT id FROM $table ORDER BY v <-> '[7,70,7,70,7,70]' LIMIT 20) s;
	));
}

sub same_everywhere
{
	my ($table, $name) = @_;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	my $here = answers($primary, $table);
	my ($found, $distinct) = split /\|/, (split /\n/, $here)[0];
	my $rows = $primary->safe_psql('postgres', "SELECT count(*) FROM $table");
	is($found, $rows, "$name: all rows found");
	is($distinct, $rows, "$name: each once");
	is(answers($standby, $table), $here, "$name: the standby answers the same");
	return;
}

$primary->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	CREATE TABLE small (id int, v vector(6));
	CREATE INDEX ON small USING quiver (v);
	CREATE TABLE large (id int, v vector(6));
	INSERT INTO large SELECT i, @{[vec_sql('i')]} FROM generate_series(1, 12000) i;
	CREATE INDEX ON large USING quiver (v) WITH (m = 8, ef_construction = 32);
));

$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
like($standby->safe_psql('postgres', "$prefix EXPLAIN SELECT id FROM large ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5"),
	qr/Index Scan using large_v_idx/, 'the standby uses the index');

same_everywhere('small', 'empty');
same_everywhere('large', 'built');

for my $round (1 .. 3)
{
	my $from = 20000 + 1000 * $round;
	my $to = $from + 499;
	for my $table ('small', 'large')
	{
		$primary->safe_psql('postgres', qq(
			INSERT INTO $table SELECT i, @{[vec_sql('i')]} FROM generate_series($from, $to) i;
			INSERT INTO $table SELECT i, '[1,1,1,1,1,1]' FROM generate_series($to + 1, $to + 100) i;
			INSERT INTO $table VALUES ($to + 101, NULL), ($to + 102, '[0,0,0,0,0,0]');
			UPDATE $table SET v = @{[vec_sql('(id + 1)')]} WHERE id % 11 = $round;
			DELETE FROM $table WHERE id % 7 = $round;
			VACUUM $table;
		));
		same_everywhere($table, "$table, round $round");
	}
}

# a crash: what was committed is there, in the index too
$primary->safe_psql('postgres', "INSERT INTO large SELECT i, @{[vec_sql('i')]} FROM generate_series(50001, 50300) i");
my $before = answers($primary, 'large');
$primary->stop('immediate');
$primary->start;
is(answers($primary, 'large'), $before, 'the same answers after a crash');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
same_everywhere('large', 'after a crash');

# a cursor on the standby that begins before promotion goes on after it
my $session = $standby->background_psql('postgres');
$session->query_safe("$prefix BEGIN; DECLARE c CURSOR FOR SELECT id FROM large ORDER BY v <-> '[1,2,3,4,5,6]';");
my @seen = split /\n/, $session->query_safe('FETCH 5 FROM c;');
$standby->promote;
push @seen, split /\n/, $session->query_safe('FETCH ALL FROM c; COMMIT;');
$session->quit;
my %distinct = map { $_ => 1 } @seen;
my $rows = $standby->safe_psql('postgres', 'SELECT count(*) FROM large');
is(scalar(@seen), $rows, 'a cursor over promotion gives all rows');
is(scalar(keys %distinct), $rows, 'each once');
is(answers($standby, 'large'), answers($primary, 'large'), 'promoted: the same answers');
$standby->safe_psql('postgres', qq(
	INSERT INTO large SELECT i, @{[vec_sql('i')]} FROM generate_series(60001, 60200) i;
	DELETE FROM large WHERE id % 13 = 1;
	VACUUM large;
));
my ($found) = split /\|/, answers($standby, 'large');
is($found, $standby->safe_psql('postgres', 'SELECT count(*) FROM large'), 'promoted: writes and finds');

unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');

done_testing();
