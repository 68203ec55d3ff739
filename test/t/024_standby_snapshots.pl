# Proves: scans on a standby with an old snapshot give every row that it sees, once, while vacuum on the primary empties and
# frees nodes, pages of rows and parts of large nodes under them, and new rows take the places; with hot_standby_feedback, which
# keeps rows that the snapshot sees, and without it, where replay has to wait (max_standby_streaming_delay = -1).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;
use ReplayServers;

my $seed = $ENV{QUIVER_SEED} || 20241104;
srand($seed);
my $rounds = $ENV{QUIVER_DEEP} ? 10 : 1;
note("seed $seed, $rounds rounds");

my $primary = start_primary('primary');
my $standby = start_standby('standby', $primary, 'wal_receiver_status_interval = 1s');

create_extensions($primary);

# name, dimensions, rows, vector of row i, rows that die before the snapshots besides every third.  "graph": nodes of one row.
# "chains": vectors with many rows each, on pages of their own; pages in the middle of the first one's chain empty, and so does
# a node with all its chain.  "wide": nodes of several pages.  "drains": a list that is nearly full, and moves into the graph
# under the scan.  "loose": rows without a vector.
#
# No row of the first two fifths dies.  An open cursor has a pin on the page of the table where its last row is, and replay of
# what vacuum does to that page would wait for it; so cursors stop at rows on pages that vacuum has nothing to do on.
my %tables = (
	graph => [ 200, 1800, 'vec(i, 200)', 'false' ],
	chains => [ 60, 10000, 'vec(CASE WHEN i <= 4000 THEN i % 4 WHEN i < 8000 THEN 0 ELSE i / 1000 END, 60)', 'id BETWEEN 4001 AND 6999 OR id BETWEEN 8000 AND 8999' ],
	wide => [ 2100, 130, 'vec(i, 2100)', 'false' ],
	drains => [ 600, 375, 'vec(i, 600)', 'false' ],
	loose => [ 60, 6000, 'CASE WHEN i % 20 = 0 THEN vec(i, 60) END', 'v IS NULL AND id BETWEEN 2600 AND 5500' ]);
my @names = sort keys %tables;
my @indexes = map { "${_}_v" } @names;

sub stats
{
	my ($table, $column) = @_;
	return $primary->safe_psql('postgres', "SELECT $column FROM quiver_index_stats('${table}_v')");
}

# Of rows in no order, each number once and no other.
sub same_rows
{
	my ($name, $got, $expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my %count;
	$count{$_}++ foreach split /\n/, $got;
	my @twice = grep { $count{$_} > 1 } keys %count;
	my %expected = map { $_ => 1 } split /\n/, $expected;
	my @missed = grep { !$count{$_} } keys %expected;
	my @foreign = grep { !$expected{$_} } keys %count;
	return is("missed: @missed, foreign: @foreign, twice: @twice", 'missed: , foreign: , twice: ', "$name: " . keys(%expected) . ' rows, each once');
}

foreach my $round (1 .. $rounds)
{
	foreach my $feedback ('on', 'off')
	{
		my $name = "round $round, feedback $feedback";
		$standby->append_conf('postgresql.conf', "hot_standby_feedback = $feedback\nmax_standby_streaming_delay = -1\n");
		$standby->reload;
		$primary->poll_query_until('postgres', 'SELECT bool_and((backend_xmin IS NOT NULL) = ' . ($feedback eq 'on' ? 'true' : 'false') . ') FROM pg_stat_replication')
			or die 'feedback';

		# Every third row is dead before the snapshots are taken; vacuum comes afterwards.
		foreach my $table (@names)
		{
			my ($dim, $rows, $vector, $dying) = @{ $tables{$table} };
			$primary->safe_psql('postgres', qq(
				DROP TABLE IF EXISTS $table;
				CREATE TABLE $table (id int PRIMARY KEY, v vector($dim)) WITH (fillfactor = @{[ $dim > 500 ? 10 : 100 ]});
				INSERT INTO $table SELECT i, $vector FROM generate_series(1, $rows) i;
				CREATE INDEX ${table}_v ON $table USING quiver (v) WITH (m = 8, ef_construction = 32);
				DELETE FROM $table WHERE id > $rows * 2 / 5 AND (id % 3 = $round % 3 OR $dying);
			));
		}
		is(stats('drains', 'state'), 'list', "$name: a list that is nearly full") if $round == 1;
		catch_up($primary, $standby);

		# One session a table, so that each has its cursor in a place of its own.
		my (%session, %expected, %got);
		foreach my $table (@names)
		{
			my $session = $session{$table} = $standby->background_psql('postgres');
			$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;');
			$expected{$table} = $session->query_safe("SELECT id FROM $table ORDER BY id;");
			$session->query_safe("DECLARE c CURSOR FOR SELECT id FROM $table ORDER BY v <-> vec(0, $tables{$table}[0]);");
			$got{$table} = '';
		}
		# Some rows of each, the last one on a page that stays as it is.
		my $fetch = sub {
			my ($most) = @_;
			foreach my $table (@names)
			{
				my $safe = $tables{$table}[1] * 2 / 5 - ($table eq 'wide' ? 17 : 40);
				my $rows = $session{$table}->query_safe('FETCH ' . (1 + int(rand($most))) . ' FROM c;');
				for (;;)
				{
					$got{$table} .= "$rows\n";
					last if $rows eq '' || ($rows =~ /(\d+)$/)[0] < $safe;
					$rows = $session{$table}->query_safe('FETCH FROM c;');
				}
			}
			return;
		};
		$fetch->(60);
		if ($feedback eq 'on')
		{
			# What the primary keeps by now is what these snapshots see, and no more: rows dead before them may go.
			my $xmin = $session{graph}->query_safe('SELECT pg_snapshot_xmin(pg_current_snapshot());');
			$primary->poll_query_until('postgres', "SELECT bool_and(backend_xmin::text::bigint = $xmin) FROM pg_stat_replication") or die 'xmin';
		}

		# Their nodes and pages are freed, and taken again.
		foreach my $table (@names)
		{
			$primary->safe_psql('postgres', "VACUUM $table");
		}
		my %before = map { $_ => $primary->safe_psql('postgres', "SELECT pg_relation_size('${_}_v')") } @names;
		cmp_ok(stats('graph', 'free_places'), '>', 100, "$name: places were freed") if $round == 1;
		my $free = stats('chains', 'free_pages');
		cmp_ok($free, '>', 1, "$name: pages of rows were freed") if $round == 1;
		cmp_ok(stats('loose', 'free_pages'), '>', 1, "$name: pages of rows without a distance were freed") if $round == 1;
		catch_up($primary, $standby);
		$fetch->(200);
		foreach my $table (@names)
		{
			my ($dim, $rows, $vector) = @{ $tables{$table} };
			my $more = int($rows / 6);
			$vector = "vec(i % 9, $dim)" if $table eq 'chains';
			$primary->safe_psql('postgres', "INSERT INTO $table SELECT i, $vector FROM generate_series(100001, 100000 + $more) i");
		}
		cmp_ok(stats('chains', 'free_pages'), '<', $free, "$name: chains of rows took freed pages") if $round == 1;
		foreach my $table ('graph', 'wide', 'loose')
		{
			cmp_ok($primary->safe_psql('postgres', "SELECT pg_relation_size('${table}_v')"), '<=', $before{$table} + 8192 * ($table eq 'wide' ? 8 : 3),
				"$name: new rows of $table took freed places") if $round == 1;
		}
		isnt(stats('drains', 'state'), 'list', "$name: the list moves") if $round == 1;
		catch_up($primary, $standby);
		$fetch->(200);

		# Rows that the snapshots see go, and what can be freed of them is.
		foreach my $table (@names)
		{
			$primary->safe_psql('postgres', qq(
				DELETE FROM $table WHERE id % 4 = 1 AND id BETWEEN $tables{$table}[1] * 2 / 5 AND 100000;
				VACUUM $table;
				INSERT INTO $table SELECT i, vec(i, $tables{$table}[0]) FROM generate_series(200001, 200100) i;
			));
		}
		if ($feedback eq 'on')
		{
			catch_up($primary, $standby);
		}
		else
		{
			my $lsn = $primary->lsn('insert');
			ok($standby->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryConflictSnapshot'"),
				"$name: replay waits for the snapshots") if $round == 1;
			is($standby->safe_psql('postgres', "SELECT pg_last_wal_replay_lsn() < '$lsn'"), 't', "$name: it has not come to the end");
		}
		$fetch->(200);
		foreach my $table (@names)
		{
			$got{$table} .= $session{$table}->query_safe('FETCH ALL FROM c;');
			$got{$table} =~ s/\n+/\n/g;
			same_rows("$name, $table, a cursor across it", $got{$table}, $expected{$table});
			same_rows("$name, $table, the old snapshot", $session{$table}->query_safe("SELECT id FROM $table ORDER BY v <-> vec(5, $tables{$table}[0]);"),
				$expected{$table});
			$session{$table}->query_safe('COMMIT;');
			$session{$table}->quit;
		}
		catch_up($primary, $standby);
		same_contents($name, $primary, $standby, @indexes);
		is_sound("$name, standby", $standby, @indexes);
	}
}

unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP|ERROR|FATAL/, 'no inconsistent page on the standby, no error');

done_testing();
