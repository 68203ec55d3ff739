# Proves: a row that a search has found dead is not given to the executor again, be the index logged, unlogged or new in its
# transaction; vacuum and reuse of its address bring nothing back and hide nothing; a standby's old snapshot sees the row
# though its pages have the hints; a promoted standby uses them; no page differs between the two.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dim = 2100;		# one list entry a page: 65 rows make a graph
my $prefix = 'LOAD \'quiver\'; SET enable_seqscan = off; SET enable_sort = off; SET quiver.ef_search = 200;';

# v is on a line; the query is its end, so that ids come in order.  The beam is as wide as the graph.
sub vec_sql { my ($i) = @_; return "array_fill(($i)::real, '{$dim}')::vector"; }

# The nearest `limit` ids, and how many rows the index gave for them.  As a statement of its own, so that no vector is
# fetched: the TOAST table would be pruned.
sub search_sql
{
	my ($table, $limit) = @_;
	return qq(
		SELECT id FROM $table ORDER BY v <-> @{[vec_sql(0)]} LIMIT $limit;
		SELECT 'read', pg_stat_get_xact_tuples_returned('${table}_v'::regclass);
	);
}

# The output of such statements: ids in a row, the number, and so on.
sub results
{
	my ($output) = @_;
	$output =~ s/\n/,/g;
	return split /,?read\|(\d+),?/, $output;
}

sub search
{
	my ($node, $table, $limit) = @_;
	return results($node->safe_psql('postgres', "$prefix BEGIN; @{[search_sql($table, $limit)]} COMMIT;"));
}

sub array_of { return join(',', @_); }

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => ['--data-checksums']);
$primary->append_conf('postgresql.conf', qq(
wal_consistency_checking = 'generic'
wal_keep_size = 1GB
autovacuum = off
allow_in_place_tablespaces = on
));
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;

$primary->safe_psql('postgres', q(CREATE EXTENSION quiver; CREATE TABLESPACE elsewhere LOCATION ''));
my %tables = (graph => [ '', 100 ], list => [ '', 40 ], unlogged_graph => [ 'UNLOGGED', 100 ], unlogged_list => [ 'UNLOGGED', 40 ]);
for my $table (sort keys %tables)
{
	my ($kind, $rows) = @{ $tables{$table} };
	$primary->safe_psql('postgres', qq(
		CREATE $kind TABLE $table (id int, v vector($dim));
		ALTER TABLE $table ALTER v SET STORAGE EXTERNAL; -- a heap page that is never full is not pruned
		INSERT INTO $table SELECT i, @{[vec_sql('i')]} FROM generate_series(1, $rows) i;
		CREATE INDEX ${table}_v ON $table USING quiver (v);
	));
}
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# A snapshot that sees all rows, on the standby, before any of them goes.
my $old = $standby->background_psql('postgres');
$old->query_safe("$prefix BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;");

my @odd = map { 2 * $_ - 1 } 1 .. 20;
my @even = map { 2 * $_ } 1 .. 20;
my @first = (1 .. 20);
for my $table (sort keys %tables)
{
	$primary->safe_psql('postgres', "DELETE FROM $table WHERE id % 2 = 0");
	my ($ids, $reads) = search($primary, $table, 20);
	is($ids, array_of(@odd), "$table: what lives");
	cmp_ok($reads, '>', 30, "$table: the first search meets the dead");
	($ids, $reads) = search($primary, $table, 20);
	is($ids, array_of(@odd), "$table: the same again");
	is($reads, 20, "$table: the second search does not");
}

# A copy of the file carries the hints to the standby: the page is logged with its hole.  In one transaction: the second
# one would prune the catalog of what the first has left, for which replay would wait for the old snapshot to end.
$primary->safe_psql('postgres', q(
	BEGIN;
	ALTER INDEX graph_v SET TABLESPACE elsewhere;
	ALTER INDEX list_v SET TABLESPACE elsewhere;
	COMMIT;
));
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
for my $table ('graph', 'list')
{
	my ($ids, $reads) = results($old->query_safe(search_sql($table, 20)));
	is($ids, array_of(@first), "$table, standby: an old snapshot sees what was deleted since");
	($ids, $reads) = search($standby, $table, 20);
	is($ids, array_of(@odd), "$table, standby: a new one does not");
	cmp_ok($reads, '>', 30, "$table, standby: hints are not used");
	($ids, $reads) = search($standby, $table, 20);
	cmp_ok($reads, '>', 30, "$table, standby: nor set");
}

# Addresses come back, at the same places.  Half of the rows: so that hints stay.
for my $table (sort keys %tables)
{
	next if $table =~ /^graph|^list/;
	$primary->safe_psql('postgres', qq(
		VACUUM $table;
		INSERT INTO $table SELECT i, @{[vec_sql('i')]} FROM generate_series(2, 20, 2) i;
	));
	my ($ids) = search($primary, $table, 25);
	is($ids, array_of(1 .. 20, 21, 23, 25, 27, 29), "$table: vacuumed, and addresses used again");
	$primary->safe_psql('postgres', "DELETE FROM $table WHERE id < 20 AND id % 4 = 0");
	search($primary, $table, 25);
	my ($after, $reads) = search($primary, $table, 20);
	is($after, array_of((grep { $_ % 4 != 0 || $_ == 20 } 1 .. 20), 21, 23, 25, 27), "$table: killed anew");
	is($reads, 20, "$table: and not met again");
}
$primary->restart;
is((search($primary, 'unlogged_graph', 20))[1], 20, 'hints outlive an orderly restart');

# Promoted, with hints: a transaction that began before still ignores them, others use them.
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->stop;
$standby->promote;
for my $table ('graph', 'list')
{
	my ($ids, $reads) = results($old->query_safe(search_sql($table, 20)));
	is($ids, array_of(@first), "$table, promoted: the old snapshot still sees all");
	($ids, $reads) = search($standby, $table, 20);
	is($ids, array_of(@odd), "$table, promoted: a new one what lives");
	is($reads, 20, "$table, promoted: by the hints");
}
$old->query_safe('COMMIT;');
$old->quit;
for my $table ('graph', 'list')
{
	my $rows = $tables{$table}[1];
	$standby->safe_psql('postgres', qq(
		VACUUM $table;
		INSERT INTO $table SELECT i, @{[vec_sql('i')]} FROM generate_series(2, $rows, 2) i;
	));
	my ($ids) = search($standby, $table, 1000);
	is($ids, array_of(1 .. $rows), "$table, promoted: vacuumed and filled again");
}
$standby->stop;
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');

# New in its transaction under wal_level = minimal: not logged until it commits.  What a subtransaction left is dead at once.
my $minimal = PostgreSQL::Test::Cluster->new('minimal');
$minimal->init;
$minimal->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\n");
$minimal->start;
$minimal->safe_psql('postgres', 'CREATE EXTENSION quiver');
my @lines = results($minimal->safe_psql('postgres', qq(
	$prefix
	BEGIN;
	CREATE TABLE fresh (id int, v vector($dim));
	INSERT INTO fresh SELECT i, @{[vec_sql('i')]} FROM generate_series(1, 99, 2) i;
	CREATE INDEX fresh_v ON fresh USING quiver (v);
	SAVEPOINT s;
	INSERT INTO fresh SELECT i, @{[vec_sql('i')]} FROM generate_series(2, 100, 2) i;
	ROLLBACK TO s;
	@{[search_sql('fresh', 20)]}
	@{[search_sql('fresh', 20)]}
	INSERT INTO fresh SELECT i, @{[vec_sql('i')]} FROM generate_series(2, 100, 2) i;
	@{[search_sql('fresh', 20)]}
	COMMIT;
)));
is($lines[0], array_of(@odd), 'new: what lives');
cmp_ok($lines[1], '>', 30, 'new: the first search meets the dead');
is($lines[2], array_of(@odd), 'new: the same again');
is($lines[3] - $lines[1], 20, 'new: the second search does not');
is($lines[4], array_of(@first), 'new: rows written after the hints are seen');
search($minimal, 'fresh', 20);
my ($ids, $reads) = search($minimal, 'fresh', 20);
is($ids, array_of(@first), 'new, committed: what lives');
is($reads, 20, 'new, committed: by the hints');
$minimal->stop('immediate');
$minimal->start;
is((search($minimal, 'fresh', 1000))[0], array_of(1 .. 100), 'new: all rows after a crash');

done_testing();
