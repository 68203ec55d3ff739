# Proves: a standby of a standby has the same index and answers alike, also after the one between was promoted; what a commit has
# waited for on a synchronous standby (remote_apply) is found there by the index at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;
use ReplayServers;

my $deep = $ENV{QUIVER_DEEP};

my $primary = start_primary('primary');
create_extensions($primary, 200);
$primary->safe_psql('postgres', q(
	CREATE TABLE t (id int PRIMARY KEY, v vector(200));
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 1600) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE TABLE l (id int PRIMARY KEY, v vector(200));
	CREATE INDEX l_v ON l USING quiver (v) WITH (m = 8);
));
my $middle = start_standby('middle', $primary);
my $end = start_standby('end', $middle);

my $next = 10000;

sub churn
{
	my ($server, $round) = @_;
	foreach my $table ('t', 'l')
	{
		$server->safe_psql('postgres', qq(
			INSERT INTO $table SELECT i, vec(i) FROM generate_series($next, $next + 149) i;
			UPDATE $table SET v = vec(id + $round) WHERE id % 13 = $round % 13;
			DELETE FROM $table WHERE id % 9 = $round % 9;
			VACUUM $table;
			INSERT INTO $table SELECT i, vec(i) FROM generate_series($next + 150, $next + 199) i;
		));
	}
	$next += 200;
	return;
}

sub answers
{
	my ($where) = @_;
	return $where->safe_psql('postgres', by_index() . join(';', map {
		"SELECT i, (SELECT string_agg(id::text, ',') FROM (SELECT id FROM $_ ORDER BY v <-> vec(i) LIMIT 10) s) FROM generate_series(1, 50) i"
	} 't', 'l'));
}

sub same_everywhere
{
	my ($name, $server, @standbys) = @_;
	catch_up($server, @standbys);
	my $here = answers($server);
	foreach my $standby (@standbys)
	{
		my $where = "$name, " . $standby->name;
		is(answers($standby), $here, "$where: the same results");
		same_contents($where, $server, $standby, 't_v', 'l_v');
		is_sound($where, $standby, 't_v', 'l_v');
		complete($where, $standby, $_, 'v <-> vec(3)') foreach 't', 'l';
	}
	return;
}

foreach my $round (1 .. ($deep ? 10 : 2))
{
	churn($primary, $round);
	same_everywhere("round $round", $primary, $middle, $end);
}
is($middle->safe_psql('postgres', "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'end'"), '1', 'the last follows the one between');

# --- a synchronous standby

$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'middle'\nsynchronous_commit = remote_apply\n");
$primary->reload;
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'") or die 'no synchronous standby';
my $writer = $primary->background_psql('postgres');
my $reader = $middle->background_psql('postgres');
$reader->query_safe(by_index());
my @missed;
my $tries = $deep ? 1000 : 200;
foreach my $n (1 .. $tries)
{
	my $id = 500000 + $n;
	my $table = $n % 2 ? 't' : 'l';
	# Rows that are not a neighbour of their own vector are found by reading on; that is not what this is about.
	$writer->query_safe($n % 20 == 0 ? "VACUUM $table;" : "DELETE FROM $table WHERE id = $id - 1000;") if $n % 5 == 0;
	$writer->query_safe("INSERT INTO $table VALUES ($id, vec($id));");
	my $found = $reader->query_safe("SELECT count(*) FROM (SELECT id, v FROM $table ORDER BY v <-> vec($id) LIMIT 500) s WHERE id = $id;");
	push @missed, $id if $found != 1;
}
is("@missed", '', "$tries rows, each found on the synchronous standby when its commit has returned");
$writer->quit;
$reader->quit;
same_everywhere('synchronous', $primary, $middle, $end);

# --- the one between takes over; the last follows it onto the new timeline

$primary->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$primary->stop('immediate');
$middle->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
my $scan = $end->background_psql('postgres');
$scan->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ;' . by_index());
my $rows = $scan->query_safe('SELECT id FROM t ORDER BY id;');
$scan->query_safe('DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> vec(2);');
my $got = $scan->query_safe('FETCH 30 FROM c;');
$middle->promote;
# Inserts only: the last one has no slot and gives no feedback, and the scan there is to end.
$middle->safe_psql('postgres', "INSERT INTO $_ SELECT i, vec(i) FROM generate_series($next, $next + 299) i") foreach 't', 'l';
$next += 300;
catch_up($middle, $end);
$got .= "\n" . $scan->query_safe('FETCH ALL FROM c;');
is(join(' ', sort { $a <=> $b } split /\n+/, $got), join(' ', split /\n/, $rows), 'a scan on the last goes on over the promotion of its server');
$scan->query_safe('COMMIT;');
$scan->quit;
is($end->safe_psql('postgres', 'SELECT received_tli FROM pg_stat_wal_receiver'), '2', 'it follows onto the new timeline');
churn($middle, 20);
same_everywhere('promoted', $middle, $end);
is_sound('promoted', $middle, 't_v', 'l_v');

foreach my $node ($middle, $end)
{
	unlike(slurp_file($node->logfile), qr/inconsistent page|PANIC|TRAP/, $node->name . ': no inconsistent page');
}
done_testing();
