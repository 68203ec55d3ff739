# Proves: a streaming standby has after each round of inserts, updates, deletes, vacuums and reindexing the same index, page by
# page, and answers 200 queries alike, while clients search it all along: without an error where it tells the primary of its
# snapshots (hot_standby_feedback), with nothing but the server's own recovery conflicts where it does not.
#
# A client's statement compares what it gets by the index with what the table has, so that a wrong answer is an error too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;
use ReplayServers;

my $seed = $ENV{QUIVER_SEED} || 20241103;
my $rounds = $ENV{QUIVER_ROUNDS} || ($ENV{QUIVER_DEEP} ? 10 : 2);
note("seed $seed, $rounds rounds each with and without hot_standby_feedback");

my $primary = start_primary('primary', settings => "max_connections = 30\nlog_line_prefix = '%m [%p] %q%a %e '\n");
my $standby = start_standby('standby', $primary, 'wal_receiver_status_interval = 1s');

# name, operator, its class, the column's type, rows to begin with and in a round, vector of row i, options.  Nodes of many
# to a page and of several pages, with codes and without; "growing" begins empty and becomes a graph on the way.
my @tables = (
	[ 'graph', '<->', 'vector_l2_ops', 'vector(200)', 1300, 100, 'vec(i, 200)', 'm = 8, ef_construction = 40' ],
	[ 'wide', '<->', 'vector_l2_ops', 'vector(2100)', 80, 8, 'vec(i, 2100)', 'm = 8, ef_construction = 40' ],
	[ 'cosine', '<=>', 'halfvec_cosine_ops', 'halfvec(160)', 1600, 100, 'vec(i, 160)::halfvec', 'm = 12' ],
	[ 'bits', '<~>', 'bit_hamming_ops', 'bit(512)', 1200, 80, 'bits(i)', 'm = 6, ef_construction = 24' ],
	[ 'sparse', '<->', 'sparsevec_l2_ops', 'sparsevec(2000)', 700, 50, 'sparse(i)', 'm = 6, ef_construction = 24' ],
	[ 'growing', '<->', 'vector_l2_ops', 'vector(300)', 0, 260, 'vec(i, 300)', 'm = 8' ]);
my @names = map { $_->[0] } @tables;
my @indexes = map { "${_}_v" } @names;

create_extensions($primary);
$primary->safe_psql('postgres', q(
	CREATE FUNCTION bits(i int) RETURNS bit LANGUAGE sql IMMUTABLE AS
		$$SELECT string_agg(hashint8(i * 10000::bigint + j)::bit(32)::text, '')::bit(512) FROM generate_series(1, 16) j$$;
	CREATE FUNCTION sparse(i int) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS
		$$SELECT ('{' || string_agg((1 + 40 * j + abs(hashint8(i * 100::bigint + j) % 40)) || ':' || (1 + i % (j + 7)), ',') || '}/2000')::sparsevec
			FROM generate_series(0, 14) j$$;
));
foreach (@tables)
{
	my ($name, $operator, $class, $type, $rows, $more, $vector, $options) = @$_;
	$primary->safe_psql('postgres', qq(
		CREATE TABLE $name (id serial PRIMARY KEY, changes int NOT NULL DEFAULT 0, v $type);
		INSERT INTO $name (v) SELECT $vector FROM generate_series(1, $rows) i;
		CREATE INDEX ${name}_v ON $name USING quiver (v $class) WITH ($options);
	));
}

# What runs on the primary in a round, a script a table, side by side: rows come, some of them with a vector that is there, some
# without one; rows change, with their vector and without; rows go.
sub churn
{
	my ($round) = @_;
	my @running;
	foreach (@tables)
	{
		my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
		my $first = 10000 * $round;
		my $last = $first + $more - 1;
		my $kind = $type =~ /^bit/ ? 'bit' : 'vector';
		my $script = qq(
			SET client_min_messages = error;
			INSERT INTO $name (v) SELECT $vector FROM generate_series($first, $last) i;
			INSERT INTO $name (v) SELECT v FROM $name WHERE id % 23 = $round % 23;
			INSERT INTO $name (v) VALUES (NULL);
			BEGIN;
			INSERT INTO $name (v) SELECT $vector FROM generate_series($last + 1, $last + $more / 4) i;
			ROLLBACK;
			UPDATE $name SET changes = changes + 1 WHERE (id + $seed + $round) % 13 = 0;
			VACUUM $name;
			UPDATE $name SET v = (SELECT $vector FROM (SELECT id + $first AS i) s) WHERE (id + $seed + $round) % 17 = 0;
			DELETE FROM $name WHERE hashint4(id + $seed + $round) % 9 = 0;
			VACUUM $name;
			INSERT INTO $name (v) SELECT $vector FROM generate_series($last + $more, $last + $more + $more / 3) i;
			DELETE FROM $name WHERE hashint4(id + $seed - $round) % 30 = 0;
		);
		$script .= "REINDEX INDEX CONCURRENTLY ${name}_v;\n" if $round % 5 == 2 && $name ne 'growing';
		$script .= "REINDEX INDEX ${name}_v;\n" if $round % 5 == 4 && $name ne 'growing';
		$script .= "INSERT INTO $name (v) SELECT $vector FROM generate_series($last + 2 * $more, $last + 2 * $more + 5) i;\n";
		my $run = { name => $name, out => '', err => '' };
		$run->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr('postgres'), '-f', '-' ],
			'<', \$script, '>', \$run->{out}, '2>', \$run->{err});
		push @running, $run;
	}
	$primary->safe_psql('postgres', queries());
	$_->{handle}->finish foreach @running;
	is(join('', map { $_->{err} } @running), '', "round $round: churned");
	return;
}

# First all that is deleted is dead to everybody, and searches on the primary leave hints about it; then no row is dead any
# more, since hints, which are each server's own, change the order of rows at one and the same distance.
sub settle
{
	my ($name) = @_;
	my $next = $primary->safe_psql('postgres', 'SELECT pg_snapshot_xmax(pg_current_snapshot())');
	$primary->poll_query_until('postgres', "SELECT bool_and(backend_xmin IS NULL OR backend_xmin::text::bigint >= $next) FROM pg_stat_replication")
		or die 'the standby keeps old rows';
	$primary->safe_psql('postgres', queries());
	catch_up($primary, $standby);
	same_contents("$name, with hints", $primary, $standby, @indexes);
	$primary->safe_psql('postgres', 'VACUUM ' . join(', ', @names));
	catch_up($primary, $standby);
	return;
}

# 200 queries, of several kinds.
sub queries
{
	my $sql = by_index();
	foreach (@tables)
	{
		my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
		my $count = $name eq 'wide' ? 15 : $name eq 'growing' ? 25 : 40;
		$sql .= qq(
			SELECT '$name', i, (SELECT string_agg(id::text, ',') FROM
				(SELECT id FROM $name WHERE i % 5 <> 0 OR id % 7 = 0 ORDER BY v $operator $vector LIMIT (ARRAY[10, 1, 100, 30])[1 + i % 4]) s)
				FROM generate_series(1, $count) i;
		);
	}
	$sql .= 'SET quiver.ef_search = 150; SET quiver.exact_order = on;' .
		"SELECT i, (SELECT string_agg(id::text, ',') FROM (SELECT id FROM graph ORDER BY v <-> vec(i, 200) LIMIT 50) s) FROM generate_series(101, 120) i;";
	$sql .= "SELECT i, (SELECT count(*) || ' ' || sum(id) FROM graph WHERE v <-> vec(i, 200) < 5500) FROM generate_series(121, 130) i;";
	return $sql;
}

# Clients on the standby.  "complete" reads an index to its end, "slowly" with pauses, across which replay goes on.
my $dir = PostgreSQL::Test::Utils::tempdir();
my %scripts = (
	nearest => join('', map {
		my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
		"\\set i random(1, 30000)\n" .
		"SELECT 1 / (count(*) = (SELECT least(10, count(*)) FROM (SELECT FROM $name LIMIT 10) l))::int FROM (SELECT id FROM $name ORDER BY v $operator (SELECT $vector FROM (SELECT :i AS i) q) LIMIT 10) s;\n"
	} @tables[ 0, 2, 3, 4, 5 ]),
	complete => join('', map {
		my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
		"\\set i random(1, 30000)\n" . complete_sql($name, 'id', "v $operator (SELECT $vector FROM (SELECT :i AS i) q)")
	} @tables),
	slowly => join('', map {
		my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
		"\\set i random(1, 30000)\n" . complete_sql($name, 'id, CASE WHEN id % 40 = 0 THEN pg_sleep(0.01) END AS pause', "v $operator (SELECT $vector FROM (SELECT :i AS i) q)")
	} @tables[ 0, 1, 5 ]));

sub complete_sql
{
	my ($table, $columns, $order) = @_;
	return "SELECT 1 / ((SELECT (count(*), sum(id)) FROM (SELECT $columns FROM $table ORDER BY $order) s) = (SELECT (count(*), sum(id)) FROM (SELECT id FROM $table ORDER BY id) t))::int;\n";
}

foreach my $name (keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
}

# Both parts of a client's comparison, and each query, go the way they are meant to.
$primary->safe_psql('postgres', 'INSERT INTO growing (v) SELECT vec(i, 300) FROM generate_series(1, 20) i');
catch_up($primary, $standby);
foreach (@tables)
{
	my ($name, $operator, $class, $type, $rows, $more, $vector) = @$_;
	my $plan = $standby->safe_psql('postgres', by_index() . 'EXPLAIN ' . complete_sql($name, 'id', "v $operator (SELECT $vector FROM (SELECT 7 AS i) q)"));
	like($plan, qr/Scan using ${name}_v.*Scan using ${name}_pkey/s, "$name: plans");
}

my $done = 0;
foreach my $feedback ('on', 'off')
{
	# Without feedback replay soon wins.  With it replay may have to wait for a lock, which a REINDEX takes.
	$standby->append_conf('postgresql.conf', "hot_standby_feedback = $feedback\nmax_standby_streaming_delay = " . ($feedback eq 'on' ? '60s' : '20ms') . "\n");
	$standby->reload;
	if ($feedback eq 'on')
	{
		$primary->poll_query_until('postgres', 'SELECT bool_and(backend_xmin IS NOT NULL) FROM pg_stat_replication') or die 'no feedback';
	}
	else
	{
		$primary->poll_query_until('postgres', 'SELECT bool_and(backend_xmin IS NULL) FROM pg_stat_replication') or die 'feedback';
	}
	my $logged = -s $standby->logfile;
	# Again and again, since a conflict may end a connection and pgbench's client with it.
	my ($out, $err) = ('', '');
	my $pgbench = "pgbench --no-vacuum --client=4 --jobs=1 --time=3 --rate=8 -h '@{[ $standby->host ]}' -p @{[ $standby->port ]}"
		. " -f $dir/nearest.sql\@6 -f $dir/complete.sql\@2 -f $dir/slowly.sql\@2 postgres";
	append_to_file("$dir/go_on", '');
	local $ENV{PGOPTIONS} = '-c enable_seqscan=off -c enable_sort=off';
	my $clients = IPC::Run::start([ 'sh', '-c', "seed=$seed; while [ -e $dir/go_on ]; do seed=\$((seed + 1)); $pgbench --random-seed=\$seed; done" ],
		'>', \$out, '2>', \$err);
	delete $ENV{PGOPTIONS};
	for my $round ($done + 1 .. $done + $rounds)
	{
		churn($round);
		settle("round $round, feedback $feedback");
		my $here = $primary->safe_psql('postgres', queries());
		is($standby->safe_psql('postgres', queries()), $here, "round $round, feedback $feedback: the same results");
		same_contents("round $round, feedback $feedback", $primary, $standby, @indexes);
		is_sound("round $round, feedback $feedback, standby", $standby, @indexes);
		$clients->pump_nb;
	}
	$done += $rounds;
	unlink("$dir/go_on") or die;
	$clients->finish;
	my $errors = server_errors($standby, $logged);
	my $transactions = 0;
	$transactions += $1 while $out =~ /actually processed: (\d+)/g;
	cmp_ok($transactions, '>', 20, "feedback $feedback: clients were at it all along, $transactions transactions");
	note("feedback $feedback: ", join(', ', map { "$errors->{$_} x $_" } sort keys %$errors) || 'no errors');
	if ($feedback eq 'on')
	{
		is(join(' ', keys %$errors), '', 'feedback on: no error at all');
		unlike($err, qr/error|aborted/, 'feedback on: no client gave up');
	}
	else
	{
		cmp_ok($errors->{40001} // 0, '>', 0, 'feedback off: recovery conflicts came');
		is(join(' ', grep { !/^(40001|57014)$/ } sort keys %$errors), '', 'feedback off: no other error');
	}
}

isnt($primary->safe_psql('postgres', "SELECT state FROM quiver_index_stats('growing_v')"), 'list', 'the list has become a graph');
is_sound('primary', $primary, @indexes);
complete('standby', $standby, $_->[0], "v $_->[1] (SELECT $_->[6] FROM (SELECT 7 AS i) q)") foreach @tables;
$standby->stop;
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');

done_testing();
