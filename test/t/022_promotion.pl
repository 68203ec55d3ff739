# Proves: nothing that was acknowledged is lost when a standby is promoted in the middle of a write load, be the old primary
# killed or still at it, and nothing is there that was not written; scans begun before the promotion go on and give what their
# snapshot sees; hints about dead rows that came with the base backup are used by scans begun after it only; an unlogged index
# is empty and usable; a new standby follows.
#
# Clients wait for the standby (synchronous_commit = remote_apply).  Each has rows of its own and a script whose effects are
# known, so that after n acknowledged statements its rows are those of the first n, or of the first n + 1: one may have
# committed without the client having been told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use IndexContents;
use ReplayServers;

my $seed = $ENV{QUIVER_SEED} || 20241105;
srand($seed);
my $promotions = $ENV{QUIVER_ROUNDS} || ($ENV{QUIVER_DEEP} ? 10 : 2);
my $clients = 4;
my $dim = 150;
note("seed $seed, $promotions promotions");

my $node = start_primary('node0', init => [ extra => ['--data-checksums'] ], settings => 'max_connections = 40');
create_extensions($node, $dim);
$node->safe_psql('postgres', qq(
	CREATE TABLE t (id int PRIMARY KEY, client int, vector_of int, v vector($dim));
	INSERT INTO t SELECT i, 0, i, vec(i) FROM generate_series(1, 1700) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE UNLOGGED TABLE u (id int, v vector($dim));
	CREATE INDEX u_v ON u USING quiver (v);
	CREATE TABLE killed (id int, v vector(2100));
	ALTER TABLE killed ALTER v SET STORAGE EXTERNAL;
	CREATE INDEX killed_v ON killed USING quiver (v);
));

# What each client's rows are: id => number of its vector.
my @state = map { {} } 0 .. $clients;
my $next_id = 10000;

# A client's script, and what each of its statements does to its rows: [ id, number of its vector or undef ] each.
sub script
{
	my ($client, $statements) = @_;
	my @ids = sort { $a <=> $b } keys %{ $state[$client] };
	my ($sql, @effects) = ('');
	for my $n (1 .. $statements)
	{
		my @changes;
		my $kind = @ids < 20 ? 0 : int(rand(10));
		if ($kind < 5)
		{
			# Some vectors are of many rows.
			@changes = map { [ $_, rand() < 0.2 ? 1 + int(rand(5)) : $_ ] } map { $next_id++ } 1 .. 1 + int(rand(4));
			push @ids, map { $_->[0] } @changes;
			$sql .= 'INSERT INTO t VALUES ' . join(', ', map { "($_->[0], $client, $_->[1], vec($_->[1]))" } @changes);
		}
		elsif ($kind < 8)
		{
			@changes = ([ $ids[ rand(@ids) ], 1000000 + int(rand(1000000)) ]);
			$sql .= "UPDATE t SET vector_of = $changes[0][1], v = vec($changes[0][1]) WHERE id = $changes[0][0]";
		}
		else
		{
			@changes = ([ splice(@ids, rand(@ids), 1), undef ]);
			$sql .= "DELETE FROM t WHERE id = $changes[0][0]";
		}
		# The pause keeps a fast machine from coming to the script's end.
		$sql .= ";\n\\echo done $n\nSELECT pg_sleep(0.003);\n";
		push @effects, \@changes;
	}
	return ($sql, \@effects);
}

# A client's rows after so many of its statements.
sub rows_after
{
	my ($load, $count) = @_;
	my %rows = %{ $state[ $load->{client} ] };
	foreach my $change (map { @$_ } @{ $load->{effects} }[ 0 .. $count - 1 ])
	{
		my ($id, $vector) = @$change;
		if (defined $vector) { $rows{$id} = $vector; }
		else { delete $rows{$id}; }
	}
	return \%rows;
}

sub as_text
{
	my ($rows) = @_;
	return join(' ', map { "$_=$rows->{$_}" } sort { $a <=> $b } keys %$rows);
}

# A client's rows by the index on a server.
sub rows_of
{
	my ($where, $client, $how) = @_;
	return $where->safe_psql('postgres', qq($how
		SELECT coalesce(string_agg(id || '=' || vector_of, ' ' ORDER BY id), '') FROM
			(SELECT id, vector_of FROM t WHERE client = $client ORDER BY v <-> vec(5)) s));
}

# The nearest 20 rows of `killed`, and how many the index gave for them.
sub killed_search
{
	my ($where) = @_;
	my $output = $where->safe_psql('postgres', by_index() . qq(
		LOAD 'quiver'; SET quiver.ef_search = 200;
		BEGIN;
		SELECT id FROM killed ORDER BY v <-> array_fill(0::real, '{2100}')::vector LIMIT 20;
		SELECT 'read', pg_stat_get_xact_tuples_returned('killed_v'::regclass);
		COMMIT;));
	my ($ids, $reads) = $output =~ /^(.*)\nread\|(\d+)$/s;
	return (join(',', split /\n/, $ids), $reads);
}

foreach my $round (1 .. $promotions)
{
	my $killed = $round % 2;
	my $name = "promotion $round, old primary " . ($killed ? 'killed' : 'at it');
	my $dir = PostgreSQL::Test::Utils::tempdir();

	# Hints about dead rows, for the base backup to carry.  A checkpoint first, so that they are news to the log.
	$node->safe_psql('postgres', qq(
		TRUNCATE killed;
		INSERT INTO killed SELECT i, array_fill(i::real, '{2100}')::vector FROM generate_series(1, 100) i;
		DELETE FROM killed WHERE id % 2 = 0;
		TRUNCATE u;
		INSERT INTO u SELECT i, vec(i) FROM generate_series(1, 50) i;
		CHECKPOINT;
	));
	my $odd = join(',', map { 2 * $_ - 1 } 1 .. 20);
	killed_search($node);
	is(join(' ', killed_search($node)), "$odd 20", "$name: hints on the primary");

	$node->backup("base$round");
	my $standby = PostgreSQL::Test::Cluster->new("node$round");
	$standby->init_from_backup($node, "base$round", has_streaming => 1);
	$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''\nhot_standby_feedback = on\nmax_standby_streaming_delay = -1\n");
	$standby->start;
	$node->append_conf('postgresql.conf', "synchronous_standby_names = '*'\nsynchronous_commit = remote_apply\n");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'") or die 'no standby';

	my ($ids, $reads) = killed_search($standby);
	is($ids, $odd, "$name: the standby finds what lives");
	cmp_ok($reads, '>', 20, "$name: and does not use hints in recovery");

	# The load.
	my @load;
	foreach my $client (1 .. $clients)
	{
		my ($sql, $effects) = script($client, 10000);
		my $load = { client => $client, effects => $effects, out => '', err => '' };
		append_to_file("$dir/client$client.sql", $sql);
		$load->{handle} = IPC::Run::start(
			[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$dir/client$client.sql" ],
			'>', \$load->{out}, '2>', \$load->{err});
		push @load, $load;
	}
	# Vacuum beside it, which waits for nobody; it takes no lock that replay would wait for with the scans below.
	append_to_file("$dir/vacuum.sql", "SET synchronous_commit = local;\n" . "VACUUM (TRUNCATE off) t;\nSELECT pg_sleep(0.05);\n" x 5000);
	my ($vacuum_out, $vacuum_err) = ('', '');
	my $vacuum = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', "$dir/vacuum.sql" ], '>', \$vacuum_out, '2>', \$vacuum_err);
	# How many statements were acknowledged; dies where they stop coming before there are as many as asked for.
	my $loaded = sub {
		my ($least) = @_;
		my $end = time + 120;
		for (;;)
		{
			my $count = 0;
			foreach my $load (@load)
			{
				$load->{handle}->pump_nb;
				$count += () = $load->{out} =~ /^done \d+$/mg;
			}
			return $count if $count >= $least;
			die "after 120 s $count of $least statements; " . join('', map { $_->{err} } @load) if time > $end;
			sleep(0.02);
		}
	};
	$loaded->(40);
	if ($round % 3 == 2)
	{
		$node->safe_psql('postgres', 'SET synchronous_commit = local; REINDEX INDEX CONCURRENTLY t_v');
		catch_up($node, $standby);
	}

	# Scans on the standby that begin in recovery.
	my $began = time;
	my @scans;
	foreach my $n (1 .. 3)
	{
		$loaded->($loaded->(0) + 50);
		my $session = $standby->background_psql('postgres');
		$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;');
		my $rows = $session->query_safe('SELECT id FROM t ORDER BY id;');
		$session->query_safe("DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> vec(@{[ 100 + $n ]});");
		# It stops at a row on a page of the table that nobody changes: replay of what vacuum does there would wait for its pin.
		my $got = $session->query_safe("FETCH @{[$n * 20]} FROM c;");
		$got .= "\n" . $session->query_safe('FETCH FROM c;') until ($got =~ /(\d+)$/)[0] < 850;
		push @scans, { session => $session, rows => $rows, got => $got };
	}
	$loaded->($loaded->(0) + 50 + int(rand(100)));

	# The failover.
	if ($killed)
	{
		$node->stop('immediate');
		$standby->promote;
	}
	else
	{
		$standby->promote;
		sleep(0.2);
		$node->stop('immediate');
	}
	note(sprintf('%s after %.1f s of load', $name, time - $began));
	$_->{handle}->finish foreach @load;
	$vacuum->finish;

	# Each client's rows are what it was told, or one statement more.
	my $acknowledged = 0;
	foreach my $load (@load)
	{
		my $client = $load->{client};
		my $count = () = $load->{out} =~ /^done \d+$/mg;
		$acknowledged += $count;
		like($load->{err}, qr/connection|terminating/, "$name: client $client lost its server after $count statements");
		my $rows = rows_of($standby, $client, by_index());
		my ($n) = grep { $rows eq as_text(rows_after($load, $_)) } $count, $count + 1;
		ok(defined $n, "$name: client $client has what was acknowledged")
			or diag("after $count: " . as_text(rows_after($load, $count)) . "\nfound: $rows");
		is(rows_of($standby, $client, 'SET enable_indexscan = off;'), $rows, "$name: client $client, the table has the same");
		$state[$client] = rows_after($load, $n // $count);
	}
	note("$name: $acknowledged statements were acknowledged");

	# Writes and vacuum go on under the scans begun in recovery.
	$standby->safe_psql('postgres', qq(
		INSERT INTO t SELECT i, -$round, i, vec(i) FROM generate_series($next_id, $next_id + 199) i;
		DELETE FROM t WHERE client = 0 AND id > 900 AND id % 50 = $round;
		VACUUM t;
	));
	$next_id += 200;
	foreach my $n (0 .. $#scans)
	{
		my $scan = $scans[$n];
		$scan->{got} .= "\n" . $scan->{session}->query_safe('FETCH ALL FROM c;');
		is(join(' ', sort { $a <=> $b } split /\n+/, $scan->{got}), join(' ', split /\n/, $scan->{rows}),
			"$name: scan $n begun before goes on: " . (() = $scan->{rows} =~ /\n/g) . ' rows');
		is(join(' ', sort { $a <=> $b } split /\n/, $scan->{session}->query_safe('SELECT id FROM t ORDER BY v <-> vec(77);')), join(' ', split /\n/, $scan->{rows}),
			"$name: and its snapshot another time");
		$scan->{session}->query_safe('COMMIT;');
		$scan->{session}->quit;
	}

	($ids, $reads) = killed_search($standby);
	is("$ids $reads", "$odd 20", "$name: hints that the backup brought are used now");
	is($standby->safe_psql('postgres', by_index() . 'SELECT count(*) FROM (SELECT FROM u ORDER BY v <-> vec(1)) s'), '0', "$name: the unlogged index is empty");
	is($standby->safe_psql('postgres', by_index() . 'INSERT INTO u SELECT i, vec(i) FROM generate_series(1, 60) i; SELECT count(*) FROM (SELECT FROM u ORDER BY v <-> vec(1)) s'),
		'60', "$name: and takes rows");
	complete($name, $standby, 't', 'v <-> vec(9)');
	is_sound($name, $standby, 't_v', 'killed_v', 'u_v');
	unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, "$name: no inconsistent page");
	$node->clean_node;
	$node = $standby;
}

done_testing();
