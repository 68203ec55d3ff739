# Proves: whatever goes on for long can be cancelled at any moment, soon, by a timeout and by another session, and the session
# goes on: builds of a list and of a graph, plain and concurrent, inserts into either and between the two, searches, walks,
# sweeps, vacuum and cursors; afterwards every row is found once and nothing is left locked or pinned.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT (ARRAY[i % 411, i % 371, i % 311, i % 291] || array_fill((i % 131)::real, ARRAY[496]))::vector';
	CREATE TABLE source AS SELECT i AS id, vec(i)::vector(500) AS v FROM generate_series(1, 6000) i;
	CREATE TABLE t (LIKE source);
	INSERT INTO t SELECT * FROM source;
	CREATE TABLE growing (LIKE source);
	CREATE INDEX growing_v ON growing USING quiver (v);
));

# A cancelled statement may take so long more than its timeout: generous, since the machine may be busy; a loop that does not
# ask takes many times as long, as the last line tells.
my $soon = 5;
my $slowest = 0;

# Runs statements in one session: settings, the one that is cancelled after so many milliseconds, and another.
sub cancelled
{
	my ($name, $ms, $sql) = @_;
	my ($out, $err);
	my $start = time;
	$node->psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; SET statement_timeout = $ms;\n$sql\nRESET statement_timeout; SELECT 'alive';",
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	my $took = time - $start - $ms / 1000;
	$slowest = $took if $took > $slowest;
	my $was = $err =~ /canceling statement due to statement timeout/;
	ok($out =~ /alive$/ && ($was || $err eq ''), "$name, $ms ms: " . ($was ? 'cancelled' : 'done')) or diag $err;
	cmp_ok($took, '<', $soon, "$name, $ms ms: soon") if $was;
	return $was;
}

# Until it is cancelled in the act at some of the moments, and at the last goes through or not.
sub at_moments
{
	my ($name, $sql, $after) = @_;
	my $hits = 0;
	foreach my $ms (2, 7, 20, 50, 120, 250)
	{
		$hits += cancelled($name, $ms, $sql) ? 1 : 0;
		$node->safe_psql('postgres', $after) if defined $after;
	}
	cmp_ok($hits, '>', 0, "$name: cancelled $hits times");
	return;
}

sub all_found
{
	my ($name, $table) = @_;
	my $got = $node->safe_psql('postgres', qq(
		SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> vec(7) LIMIT 1000000) s;
		SET enable_seqscan = on; SET enable_indexscan = off;
		SELECT count(*) FROM $table;
	));
	my ($found, $there) = split /\n/, $got;
	is($found, "$there|$there", "$name: all $there rows are found once");
	return;
}

# Builds, and what a cancelled concurrent one leaves.
at_moments('build', 'CREATE INDEX t_v ON t USING quiver (v) WITH (ef_construction = 200);', 'DROP INDEX IF EXISTS t_v');
at_moments('concurrent build', 'CREATE INDEX CONCURRENTLY t_v ON t USING quiver (v);', 'DROP INDEX IF EXISTS t_v');
$node->safe_psql('postgres', 'CREATE INDEX t_v ON t USING quiver (v)');
at_moments('reindex', 'REINDEX INDEX t_v;');
at_moments('concurrent reindex', 'REINDEX INDEX CONCURRENTLY t_v;', 'DROP INDEX IF EXISTS t_v_ccnew, t_v_ccnew1');
all_found('built', 't');

# Inserts: into the list, while it drains, into the graph.
my $rows = 0;
foreach my $round (1 .. 6)
{
	my $first = $round * 10000;
	at_moments("insert, round $round", "INSERT INTO growing SELECT id + $first, v FROM source;") if $round == 1;
	$node->safe_psql('postgres', "INSERT INTO growing SELECT id + $first, v FROM source WHERE id % 20 = $round");
	cancelled("insert, round $round", 10 * $round, "INSERT INTO growing SELECT id + $first, v FROM source WHERE id % 20 <> $round;");
	all_found("insert, round $round", 'growing');
}
at_moments('update', 'UPDATE growing SET v = v + v;');
all_found('update', 'growing');

# Searches: a stream to its end, with little memory, by bound, a walk, exact order, and one within a subtransaction.
at_moments('stream', 'SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(7) LIMIT 100000) s;');
at_moments('sweep', "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(7) LIMIT 100000) s;");
at_moments('bound', 'SELECT count(*) FROM t WHERE v <-> vec(7) < 1e6;');
at_moments('exact order', 'SET quiver.exact_order = on; SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(7) LIMIT 100000) s;');
at_moments('filter that nothing meets', 'SELECT id FROM t WHERE id < 0 ORDER BY v <-> vec(7) LIMIT 10;');
at_moments('nested loop', 'SELECT count(*) FROM source s, LATERAL (SELECT id FROM t ORDER BY t.v <-> s.v LIMIT 10) n;');
cancelled('subtransactions', 300, q(DO $$ BEGIN
	FOR i IN 1 .. 100000 LOOP
		BEGIN
			PERFORM id FROM t ORDER BY v <-> vec(i) LIMIT 50;
			RAISE EXCEPTION 'no';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$;));

# A cursor that is cancelled in a fetch is gone with its transaction; one that is closed between leaves nothing.
cancelled('cursor', 30, 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM t ORDER BY v <-> vec(7); FETCH 5 FROM c; MOVE ALL IN c; COMMIT;');

# Vacuum, again and again until it is through.
$node->safe_psql('postgres', 'DELETE FROM growing WHERE id % 3 = 0; DELETE FROM t WHERE id % 3 = 0');
at_moments('vacuum', 'VACUUM growing;');
cancelled('vacuum with a delay', 150, 'SET vacuum_cost_delay = 10; SET vacuum_cost_limit = 10; VACUUM t;');
all_found('vacuum cancelled', 'growing');
$node->safe_psql('postgres', 'VACUUM growing, t');
all_found('vacuumed', 'growing');
all_found('vacuumed', 't');

# By another session, at its own time, and by termination.
foreach my $function ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query("SET application_name = 'victim'; SET enable_seqscan = off; SET enable_sort = off");
	my $ended = 0;
	my $killer = $node->background_psql('postgres');
	$killer->query_until(qr/begun/, q(\echo begun
		DO $$ BEGIN
			FOR i IN 1 .. 6000 LOOP
				PERFORM pg_sleep(0.01);
				PERFORM pg_stat_clear_snapshot();
				PERFORM 1 FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active' AND query ~ '^INSERT';
				IF FOUND THEN
					PERFORM ) . $function . q{(pid) FROM pg_stat_activity WHERE application_name = 'victim';
					RETURN;
				END IF;
			END LOOP;
		END $$;
	});
	my $start = time;
	# Whoever is terminated loses the session as well.
	eval { $session->query('INSERT INTO growing SELECT id + 900000, v FROM source') };
	cmp_ok(time - $start, '<', 60, "$function ends an insert");
	eval { $session->quit };
	$killer->quit;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM growing WHERE id > 900000'), '0', "$function: nothing is inserted");
	all_found($function, 'growing');
}

# Nothing is left locked, and no buffer pinned: both would stop these.
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE relation IN ('t'::regclass, 't_v'::regclass, 'growing_v'::regclass)"), '0',
	'no lock is left');
$node->safe_psql('postgres', 'VACUUM (FULL) growing; REINDEX TABLE t; DROP TABLE t');
ok($slowest < $soon, sprintf('the slowest cancel took %.2f s', $slowest));
my $log = slurp_file($node->logfile);
unlike($log, qr/buffer refcount leak|PANIC|terminated by signal|TRAP:|snapshot .* still active/, 'nothing leaked');

done_testing();
