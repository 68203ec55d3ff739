# Proves: CREATE INDEX CONCURRENTLY, REINDEX CONCURRENTLY and DROP INDEX CONCURRENTLY under clients that insert, update (the vector,
# another column, in place), delete, roll back and vacuum, with workers and without, in ample memory and part by part, give an index
# that is sound and has every row; searches go on without an error or a missing row, as do cursors open over the replacement; and
# one that is cancelled, in whatever step, leaves what PostgreSQL leaves: an INVALID index that can be dropped.
#
# A searching client's statement compares what the index gives with what the table has, so that a missing row is an error.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;

my $seed = $ENV{QUIVER_SEED} || 46;
my $rows = $ENV{QUIVER_DEEP} ? 20000 : 2500;
my $rounds = $ENV{QUIVER_ROUNDS} || ($ENV{QUIVER_DEEP} ? 3 : 1);
note "seed $seed, $rows rows, $rounds rounds";

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', q(
autovacuum = off
max_worker_processes = 8
min_parallel_table_scan_size = 0
max_connections = 30
));
$node->start;
# Rows lie near 40 centres, some equal others, some have no vector.  "n" has an index, so that its update is a new entry in each;
# that of "hot" is none.
$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	SELECT setseed($seed / 1000.0);
	CREATE TABLE parts AS SELECT c, (SELECT array_agg((random() - 0.5) * CASE WHEN c < 40 THEN 1 ELSE 0.7 END + 0 * (c + j)) FROM generate_series(1, 160) j)::vector(160) AS v
		FROM generate_series(0, 1036) c;
	ALTER TABLE parts ADD PRIMARY KEY (c);
	CREATE FUNCTION vec(i bigint) RETURNS vector LANGUAGE sql STABLE AS
		'SELECT a.v + n.v FROM parts a, parts n WHERE a.c = i % 40 AND n.c = 40 + i % 997 AND i % 17 <> 3';
	CREATE TABLE busy (id serial PRIMARY KEY, n int NOT NULL DEFAULT 0, hot int NOT NULL DEFAULT 0, v vector(160)) WITH (fillfactor = 80);
	INSERT INTO busy (v) SELECT vec(i * 7919::bigint) FROM generate_series(1, $rows) i;
	CREATE INDEX busy_n ON busy (n);
	-- Some row that nobody has locked.
	CREATE FUNCTION some_row(r bigint) RETURNS int LANGUAGE sql AS
		'SELECT id FROM busy WHERE id >= (SELECT max(id) FROM busy) * r / 1000000 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED';
	-- Goes on with a cursor; how many rows came, and the sum of their ids.
	CREATE FUNCTION take(c refcursor, many int, OUT count bigint, OUT sum bigint) LANGUAGE plpgsql AS '
		DECLARE i int;
		BEGIN
			count := 0; sum := 0;
			WHILE count < many LOOP
				FETCH c INTO i;
				EXIT WHEN NOT FOUND;
				count := count + 1; sum := sum + i;
			END LOOP;
		END';
	VACUUM ANALYZE;
));

# --- clients
my %scripts = (
	insert => q(
		INSERT INTO busy (v) SELECT vec(:r + k) FROM generate_series(1, 2) k;),
	vector => q(
		UPDATE busy SET v = vec(:r) WHERE id = (SELECT some_row(:r));),
	other => q(
		UPDATE busy SET n = n + 1 WHERE id = (SELECT some_row(:r));),
	in_place => q(
		UPDATE busy SET hot = hot + 1 WHERE id = (SELECT some_row(:r));),
	delete => q(
		DELETE FROM busy WHERE id = (SELECT some_row(:r));),
	undone => q(
		BEGIN;
		INSERT INTO busy (v) VALUES (vec(:r));
		UPDATE busy SET n = n + 1, v = vec(:r + 1) WHERE id = (SELECT some_row(:r));
		ROLLBACK;),
	slowly => q(
		BEGIN;
		UPDATE busy SET n = n + 1 WHERE id = (SELECT some_row(:r));
		\sleep 20 ms
		INSERT INTO busy (v) VALUES (vec(:r));
		\sleep 20 ms
		COMMIT;),
	# One waits while an index is replaced, the other does not.
	vacuum => q(
		VACUUM busy;
		\sleep 50 ms
		VACUUM (SKIP_LOCKED) busy;
		\sleep 50 ms),
	complete => q(
		SELECT 1 / ((SELECT (count(*), count(DISTINCT id), sum(id)) FROM (SELECT id FROM busy ORDER BY v <-> (SELECT vec(:r))) s)
			= (SELECT (count(*), count(id), sum(id)) FROM (SELECT id FROM busy ORDER BY id) t))::int;),
	nearest => q(
		SELECT 1 / (count(*) = 10)::int FROM (SELECT id FROM busy ORDER BY v <-> (SELECT vec(:r)) LIMIT 10) s;),
	filtered => q(
		SELECT 1 / ((SELECT (count(*), sum(id)) FROM (SELECT id FROM busy WHERE hot % 7 = 1 ORDER BY v <-> (SELECT vec(:r))) s)
			= (SELECT (count(*), sum(id)) FROM (SELECT id FROM busy WHERE hot % 7 = 1 ORDER BY id) t))::int;));
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/$_.sql", "\\set r random(1, 1000000)\n$scripts{$_}\n") foreach keys %scripts;
my @running;

# Runs scripts with their weights, again and again until they are to stop.
sub start_clients
{
	my ($options, %weights) = @_;
	my $client = { out => '', err => '' };
	my $files = join(' ', map { "-f $dir/$_.sql\@$weights{$_}" } sort keys %weights);
	my $pgbench = "pgbench --no-vacuum --jobs=1 --time=2 $options -h '@{[ $node->host ]}' -p @{[ $node->port ]} $files postgres";
	local $ENV{PGOPTIONS} = '-c client_min_messages=error -c enable_seqscan=off -c enable_sort=off';
	$client->{handle} = IPC::Run::start([ 'sh', '-c', "seed=$seed; while [ -e $dir/go_on ]; do seed=\$((seed + 1)); $pgbench --random-seed=\$seed || exit; done" ],
		'>', \$client->{out}, '2>', \$client->{err});
	push @running, $client;
	return;
}

sub start_all
{
	append_to_file("$dir/go_on", '');
	start_clients('--client=4 --rate=160', insert => 4, vector => 2, other => 2, in_place => 4, delete => 7, undone => 1, slowly => 1);
	start_clients('--client=1', vacuum => 1);
	start_clients('--client=2 --rate=16', complete => 2, nearest => 4, filtered => 1);
	return;
}

# None has met an error.
sub stop_all
{
	my ($name) = @_;
	unlink("$dir/go_on");
	foreach my $client (@running)
	{
		$client->{handle}->finish;
		$client->{err} =~ s/^pgbench: setting random seed to \d+\n//mg;
		is($client->{err}, '', "$name: clients without an error");
		my $done = 0;
		$done += $1 while $client->{out} =~ /actually processed: (\d+)/g;
		cmp_ok($done, '>', 0, "$name: they did something: $done transactions");
	}
	@running = ();
	return;
}

# --- what is checked
sub sound
{
	my ($name) = @_;
	is($node->safe_psql('postgres', q(SELECT severity, block, message FROM quiver_check('busy_v', true) WHERE severity <> 'info')), '', "$name: sound, and has every row");
	return;
}

# Indexes of the access method, and whether they are valid.
sub indexes
{
	return $node->safe_psql('postgres', q(
		SELECT string_agg(relname || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END, ', ' ORDER BY relname)
			FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'busy'::regclass AND relam = (SELECT oid FROM pg_am WHERE amname = 'quiver')));
}

sub settings
{
	my ($workers, $memory) = @_;
	return "SET maintenance_work_mem = '$memory'; SET max_parallel_maintenance_workers = $workers; SET client_min_messages = debug1;";
}

# A statement that builds, and what it tells: workers in both steps, or none; a NOTICE where it is bounded.
sub build
{
	my ($sql, $workers, $memory) = @_;
	my $name = "$sql, $workers workers, $memory";
	$node->safe_psql('postgres', 'ALTER TABLE busy ' . ($workers ? "SET (parallel_workers = $workers)" : 'RESET (parallel_workers)'));
	my ($out, $err);
	is($node->psql('postgres', settings($workers, $memory) . $sql, stdout => \$out, stderr => \$err), 0, $name) or diag $err;
	is(() = $err =~ /NOTICE: .*is built part by part/g, $memory eq '1MB' ? 1 : 0, "$name: part by part, or not");
	is(() = $err =~ /: $workers of $workers workers launched to (?:load|link) rows/g, $workers ? 2 : 0, "$name: workers loaded and linked");
	return;
}

# Temporary files, and files of relations that are none.
sub left_behind
{
	# Files of indexes that were dropped stay until then.
	$node->safe_psql('postgres', 'CHECKPOINT');
	return join ' ', glob($node->data_dir . '/base/pgsql_tmp/*'), $node->safe_psql('postgres', q(
		SELECT string_agg(f, ' ') FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database WHERE datname = current_database())) f
		WHERE f ~ '^\d+$' AND NOT EXISTS (SELECT FROM pg_class WHERE pg_relation_filenode(oid) = f::oid)));
}

# --- under load
my $create = 'CREATE INDEX CONCURRENTLY busy_v ON busy USING quiver (v) WITH (m = 8, ef_construction = 32)';
start_all();
foreach my $round (1 .. $rounds)
{
	foreach my $memory ('256MB', '1MB')
	{
		foreach my $workers (0, 2)
		{
			$node->safe_psql('postgres', 'DROP INDEX CONCURRENTLY IF EXISTS busy_v');
			build($create, $workers, $memory);
			sound('created');
			my $file = $node->safe_psql('postgres', "SELECT pg_relation_filenode('busy_v')");
			build('REINDEX INDEX CONCURRENTLY busy_v', $workers, $memory);
			sound('replaced');
			isnt($node->safe_psql('postgres', "SELECT pg_relation_filenode('busy_v')"), $file, 'another file');
			is(indexes(), 'busy_v', 'one index, and it is valid');
		}
	}
}
ok($node->poll_query_until('postgres', "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = 'busy_v'"), 'the clients search by the index');

# --- cursors.  The first was open before; the replacement waits for its snapshot when it has built.  The second is opened then, so
# that the indexes are swapped under it; the end of the old one waits for it.
my $wait = 60;

# Waits until a build is in a step; kills or cancels it there, if that is wanted.
sub in_phase
{
	my ($phase, $action) = @_;
	$action ||= 'sign';
	my ($out, $err);
	my $rc = $node->psql('postgres', qq(
		DO \$\$ DECLARE ends timestamptz := clock_timestamp() + interval '$wait s'; BEGIN
			LOOP
				PERFORM pg_stat_clear_snapshot();
				PERFORM $action(pid) FROM pg_stat_progress_create_index WHERE phase = '$phase';
				EXIT WHEN FOUND;
				IF clock_timestamp() > ends THEN RAISE EXCEPTION 'no "$phase"'; END IF;
				COMMIT;
			END LOOP;
		END \$\$), stdout => \$out, stderr => \$err);
	return is($rc, 0, "seen: $phase") || diag $err;
}

sub start_reindex
{
	my ($workers, $memory) = @_;
	my $run = { out => '', err => '' };
	$run->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
		'-c', settings($workers, $memory), '-c', 'REINDEX INDEX CONCURRENTLY busy_v' ], '>', \$run->{out}, '2>', \$run->{err});
	return $run;
}

# A session in a snapshot of its own with a cursor, and what that must give.
sub open_cursor
{
	my $session = $node->background_psql('postgres');
	$session->query_safe(q(SET enable_seqscan = off; SET enable_sort = off; BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT id FROM busy ORDER BY v <-> (SELECT v FROM parts WHERE c = 50);));
	my $expected = $session->query_safe('SELECT count(*), sum(id) FROM (SELECT id FROM busy ORDER BY id) s;');
	return { session => $session, expected => $expected, count => 0, sum => 0 };
}

sub take
{
	my ($cursor, $count) = @_;
	my ($got, $sum) = split /\|/, $cursor->{session}->query_safe("SELECT * FROM take('c', $count);");
	$cursor->{count} += $got;
	$cursor->{sum} += $sum;
	return;
}

sub close_cursor
{
	my ($name, $cursor) = @_;
	take($cursor, 1000000);
	is("$cursor->{count}|$cursor->{sum}", $cursor->{expected}, "$name: every row of its snapshot once");
	$cursor->{session}->query_safe('COMMIT;');
	$cursor->{session}->quit;
	return;
}

{
	my $file = $node->safe_psql('postgres', "SELECT pg_relation_filenode('busy_v')");
	my $first = open_cursor();
	take($first, 100);
	my $reindex = start_reindex(2, '1MB');
	in_phase('waiting for old snapshots');
	take($first, 300);
	my $second = open_cursor();
	take($second, 150);
	is($node->safe_psql('postgres', "SELECT pg_relation_filenode('busy_v')"), $file, 'cursors: the old index still');
	close_cursor('cursor open before the replacement', $first);
	in_phase('waiting for readers before marking dead');
	isnt($node->safe_psql('postgres', "SELECT pg_relation_filenode('busy_v')"), $file, 'cursors: the new index');
	is(indexes(), 'busy_v, busy_v_ccold INVALID', 'cursors: the old one is there');
	take($second, 500);
	sound('while a cursor reads the old one');
	close_cursor('cursor open over the swap', $second);
	$reindex->{handle}->finish;
	unlike($reindex->{err}, qr/ERROR|FATAL/, 'cursors: replaced');
	is(indexes(), 'busy_v', 'cursors: the old one is gone');
	sound('after the cursors');
}

# --- cancelled
foreach my $case (
	[ 'building index: loading rows', 'pg_cancel_backend', 0, '256MB', 'ccnew' ],
	[ 'building index: linking rows', 'pg_cancel_backend', 2, '256MB', 'ccnew' ],
	[ 'building index: linking rows', 'pg_terminate_backend', 2, '1MB', 'ccnew' ],
	[ 'building index: sorting rows', 'pg_cancel_backend', 0, '1MB', 'ccnew' ],
	[ 'waiting for old snapshots', 'pg_cancel_backend', 2, '1MB', 'ccnew' ],
	[ 'waiting for readers before marking dead', 'pg_cancel_backend', 0, '256MB', 'ccold' ])
{
	my ($phase, $action, $workers, $memory, $left) = @$case;
	my $name = "$action while $phase";
	$node->safe_psql('postgres', 'ALTER TABLE busy ' . ($workers ? "SET (parallel_workers = $workers)" : 'RESET (parallel_workers)'));
	my $first = $phase =~ /^waiting/ ? open_cursor() : undef;
	my $reindex = start_reindex($workers, $memory);
	if ($left eq 'ccold')
	{
		in_phase('waiting for old snapshots');
		my $second = open_cursor();
		close_cursor("$name, first cursor", $first);
		$first = $second;
	}
	in_phase($phase, $action);
	$reindex->{handle}->finish;
	like($reindex->{err}, $action =~ /cancel/ ? qr/ERROR:  canceling statement due to user request/ : qr/FATAL:  terminating connection/, $name);
	close_cursor("$name, cursor", $first) if $first;
	is(indexes(), "busy_v, busy_v_$left INVALID", "$name: what is left");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND query ~ 'REINDEX'"), '0', "$name: no worker is left");
	my ($out, $err);
	isnt($node->psql('postgres', "SELECT * FROM quiver_check('busy_v_$left', true)", stdout => \$out, stderr => \$err), 0, "$name: what is left is not checked");
	sound("$name: the index");
	$node->safe_psql('postgres', 'DROP INDEX ' . ($memory eq '1MB' ? 'CONCURRENTLY ' : '') . "busy_v_$left");
	is(indexes(), 'busy_v', "$name: it can be dropped");
}
build('REINDEX INDEX CONCURRENTLY busy_v', 2, '1MB');
sound('after all cancels');

# What a cancelled CREATE leaves can be built anew as well.
{
	my $run = { out => '', err => '' };
	$node->safe_psql('postgres', 'DROP INDEX CONCURRENTLY busy_v');
	$run->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', settings(2, '1MB'), '-c', $create ],
		'>', \$run->{out}, '2>', \$run->{err});
	in_phase('building index: linking rows', 'pg_cancel_backend');
	$run->{handle}->finish;
	like($run->{err}, qr/ERROR:  canceling statement due to user request/, 'CREATE cancelled');
	is(indexes(), 'busy_v INVALID', 'CREATE cancelled: an INVALID index');
	build('REINDEX INDEX CONCURRENTLY busy_v', 2, '1MB');
	is(indexes(), 'busy_v', 'CREATE cancelled: REINDEX makes it valid');
	sound('CREATE cancelled, REINDEX');
}
# All indexes of the table, one after the other.
{
	my ($out, $err);
	is($node->psql('postgres', 'REINDEX TABLE CONCURRENTLY busy', stdout => \$out, stderr => \$err), 0, 'REINDEX TABLE CONCURRENTLY') or diag $err;
	sound('REINDEX TABLE');
}
stop_all('load');

sound('at rest');
complete('at rest', $node, 'busy', 'v <-> (SELECT v FROM parts WHERE c = 50)');
is(left_behind(), '', 'no file is left');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|division by zero|deadlock/, 'nothing else in the log');

done_testing();
