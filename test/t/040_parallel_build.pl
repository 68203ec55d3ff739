# Proves: workers take part in a build of every operator class, of odd shapes, of expressions and partial indexes, of partitions,
# concurrently and under writes, and the index has every row once and is sound; that they do not where they may not; that progress
# tells phases, done and total; and that neither rows nor recall depend on who builds.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', q(
autovacuum = off
max_worker_processes = 8
max_parallel_maintenance_workers = 2
min_parallel_table_scan_size = 0
maintenance_work_mem = 256MB
log_min_messages = debug1
));
$node->start;
my $seed = $ENV{QUIVER_SEED} || 17;
note "seed $seed";

# Of random vectors, halves, bits and sparse ones enough rows that a graph is made.
$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	SELECT setseed($seed / 1000.0);
	CREATE TABLE source AS
		SELECT i AS id, (SELECT array_agg(random() - 0.5 + 0 * (i + j)) FROM generate_series(1, 200) j)::vector(200) AS v,
			(SELECT string_agg((random() + 0 * (i + j) < 0.5)::int::text, '') FROM generate_series(1, 2000) j)::bit(2000) AS b
		FROM generate_series(1, 3200) i;
	CREATE TABLE rows AS SELECT id, v, v::halfvec(200) AS h, v::sparsevec(200) AS s, b FROM source;
	CREATE TABLE queries AS SELECT id, v FROM rows WHERE id % 80 = 0;
));

my $log = $node->logfile;

# What a statement writes into the log.
sub logged
{
	my ($sql, %options) = @_;
	my $offset = -s $log;
	my ($out, $err) = ('', '');
	my $rc = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err);
	is($rc, 0, $options{name} // $sql) or diag $err;
	return (slurp_file($log, $offset), $out, $err);
}

# How many workers were launched to load and to link, and the rows they did.
sub workers_of
{
	my ($text, $index) = @_;
	my %got;
	while ($text =~ /index "$index": (\d+) of (\d+) workers launched to (\w+) rows, (\d+) took part with (\d+) rows/g)
	{
		$got{$3} = { launched => $1, wanted => $2, took_part => $4, rows => $5 };
	}
	return \%got;
}

# Every row once and nothing damaged.
sub sound
{
	my ($index, $table, $name) = @_;
	is($node->safe_psql('postgres', "SELECT severity, block, message FROM quiver_check('$index', true) WHERE severity <> 'info'"),
		'', "$name: sound, and has all rows of the table");
	is($node->safe_psql('postgres', "SELECT rows FROM quiver_index_stats('$index')"),
		$node->safe_psql('postgres', "SELECT count(*) FROM $table"), "$name: as many rows as the table");
	return;
}

# Builds by workers, who must have launched for both steps.
sub build
{
	my ($sql, $index, $table, $name) = @_;
	my ($text) = logged($sql, name => $name);
	my $got = workers_of($text, $index);
	foreach my $step ('load', 'link')
	{
		ok($got->{$step} && $got->{$step}{launched} == 2 && $got->{$step}{wanted} == 2, "$name: two workers launched to $step");
	}
	sound($index, $table, $name);
	return $got;
}

# --- every operator class
my %rows_by_workers = (load => 0, link => 0);
foreach my $class (
	(map { [ 'v', "vector_${_}_ops" ] } qw(l2 ip cosine l1)),
	(map { [ 'h', "halfvec_${_}_ops" ] } qw(l2 ip cosine l1)),
	(map { [ 's', "sparsevec_${_}_ops" ] } qw(l2 ip cosine l1)),
	(map { [ 'b', "bit_${_}_ops" ] } qw(hamming jaccard)))
{
	my ($column, $ops) = @$class;
	my $got = build("CREATE INDEX i ON rows USING quiver ($column $ops)", 'i', 'rows', $ops);
	$rows_by_workers{$_} += $got->{$_}{rows} foreach keys %rows_by_workers;
	is($node->safe_psql('postgres', "SELECT state FROM quiver_index_stats('i')"), 'graph', "$ops: a graph");
	$node->safe_psql('postgres', 'DROP INDEX i');
}
cmp_ok($rows_by_workers{$_}, '>', 14 * 3200 / 10, "workers $_ a share of the rows: $rows_by_workers{$_} of " . 14 * 3200)
	foreach sort keys %rows_by_workers;

# --- recall of a parallel build against that of a serial one
sub recall
{
	my ($workers) = @_;
	return $node->safe_psql('postgres', qq(
		SET max_parallel_maintenance_workers = $workers;
		CREATE INDEX i ON rows USING quiver (v);
		SET enable_seqscan = off; SET quiver.ef_search = 200;
		SELECT count(*) / (10.0 * (SELECT count(*) FROM queries)) FROM (
			SELECT q.id AS query, n.id FROM queries q, LATERAL (SELECT id FROM rows ORDER BY rows.v <-> q.v LIMIT 10) n
			INTERSECT SELECT query, id FROM exact) s;
		DROP INDEX i;
	));
}
$node->safe_psql('postgres', q(
	CREATE TABLE exact AS SELECT q.id AS query, n.id FROM queries q, LATERAL (SELECT id FROM rows ORDER BY rows.v <-> q.v LIMIT 10) n));
my ($serial, $parallel) = (recall(0), recall(2));
note "recall@10 at ef 200 of 200 random dimensions: serial $serial, parallel $parallel";
cmp_ok($serial, '>', 0.8, 'recall of a serial build');
cmp_ok($parallel, '>', $serial - 0.03, 'recall of a parallel build');

# --- odd shapes
$node->safe_psql('postgres', q(
	CREATE TABLE nulls AS SELECT i AS id, r.v::vector(200) AS v
		FROM generate_series(1, 32000) i LEFT JOIN rows r ON i = 10 * r.id;
	CREATE TABLE same AS SELECT i AS id, '[1,2,3]'::vector(3) AS v FROM generate_series(1, 100000) i;
	CREATE TABLE zeros AS SELECT i AS id, '[0,0,0]'::vector(3) AS v FROM generate_series(1, 20000) i;
	CREATE TABLE one AS SELECT 1 AS id, '[1,2,3]'::vector(3) AS v;
	CREATE TABLE none (id int, v vector(3));
));
build('CREATE INDEX i_nulls ON nulls USING quiver (v)', 'i_nulls', 'nulls', 'NULL mostly');
build('CREATE INDEX i_same ON same USING quiver (v)', 'i_same', 'same', '100,000 equal vectors');
is($node->safe_psql('postgres', "SELECT nodes FROM quiver_index_stats('i_same')"), '1', '100,000 equal vectors: one node');
# What fits a list, or has no distance, is not linked.
foreach my $shape ([ 'zeros', 'zero vectors under cosine' ], [ 'one', 'one row' ], [ 'none', 'no rows' ])
{
	my ($table, $name) = @$shape;
	my ($text) = logged("CREATE INDEX i_$table ON $table USING quiver (v vector_cosine_ops)", name => $name);
	my $got = workers_of($text, "i_$table");
	ok($got->{load}, "$name: loaded by workers");
	ok(!$got->{link}, "$name: nothing to link");
	sound("i_$table", $table, $name);
}

# --- expressions, predicates, and what workers may not evaluate
build('CREATE INDEX i ON rows USING quiver ((h::vector(200)) vector_ip_ops)', 'i', 'rows', 'expression');
build('CREATE INDEX i_part ON rows USING quiver (v) WHERE id > 200', 'i_part', 'rows WHERE id > 200', 'partial');
{
	my ($text) = logged('CREATE INDEX i_few ON rows USING quiver (v) WHERE id < 100', name => 'partial, few rows');
	my $got = workers_of($text, 'i_few');
	ok($got->{load} && !$got->{link}, 'partial, few rows: loaded by workers, a list');
	sound('i_few', 'rows WHERE id < 100', 'partial, few rows');
}
$node->safe_psql('postgres', q(
	CREATE FUNCTION unsafe(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN v; END';
	CREATE FUNCTION safe(id int, v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		'BEGIN IF id = 1600 THEN RAISE EXCEPTION ''row 1600''; END IF; RETURN v; END';
	CREATE TEMPORARY TABLE of_session AS SELECT 1;
));
foreach my $serial (
	[ 'an unsafe expression', 'CREATE INDEX s ON rows USING quiver ((unsafe(v)::vector(200)))' ],
	[ 'an unsafe predicate', 'CREATE INDEX s ON rows USING quiver (v) WHERE unsafe(v) IS NOT NULL' ],
	[ 'a temporary table', 'CREATE TEMPORARY TABLE tt AS SELECT * FROM rows; CREATE INDEX s ON tt USING quiver (v); DROP TABLE tt' ],
	[ 'no workers allowed', 'SET max_parallel_maintenance_workers = 0; CREATE INDEX s ON rows USING quiver (v)' ],
	[ 'no workers for the table', 'ALTER TABLE rows SET (parallel_workers = 0); CREATE INDEX s ON rows USING quiver (v); ALTER TABLE rows RESET (parallel_workers)' ],
	[ 'a small table', 'SET min_parallel_table_scan_size = 100000; CREATE INDEX s ON rows USING quiver (v)' ],
	[ 'little memory', "SET maintenance_work_mem = '15MB'; CREATE INDEX s ON rows USING quiver (v)" ])
{
	my ($name, $sql) = @$serial;
	my ($text) = logged($sql, name => $name);
	is_deeply(workers_of($text, 's'), {}, "$name: a serial build");
	$node->safe_psql('postgres', 'DROP INDEX IF EXISTS s');
}
{
	my ($text) = logged("SET maintenance_work_mem = '16MB'; CREATE INDEX s ON rows USING quiver (v)", name => 'memory for one worker');
	is(workers_of($text, 's')->{link}{wanted}, 1, 'memory for one worker: one');
	$node->safe_psql('postgres', 'DROP INDEX s; ALTER TABLE rows SET (parallel_workers = 1)');
	($text) = logged("SET maintenance_work_mem = '14MB'; CREATE INDEX s ON rows USING quiver (v)", name => 'one worker for the table');
	is(workers_of($text, 's')->{link}{wanted}, 1, 'one worker for the table: one, whatever the memory');
	$node->safe_psql('postgres', 'DROP INDEX s; ALTER TABLE rows RESET (parallel_workers)');
}

# --- workers that do not start do not matter
{
	my ($text) = logged('SET max_parallel_workers = 0; CREATE INDEX s ON rows USING quiver (v)', name => 'no worker to be had');
	my $got = workers_of($text, 's');
	is("$got->{load}{launched} $got->{link}{launched}", '0 0', 'no worker to be had: none was launched');
	sound('s', 'rows', 'no worker to be had');
	$node->safe_psql('postgres', 'DROP INDEX s');
}

# --- an error of whoever meets it
{
	my ($out, $err);
	isnt($node->psql('postgres', 'CREATE INDEX s ON rows USING quiver ((safe(id, v)::vector(200)))', stdout => \$out, stderr => \$err), 0,
		'an error in an expression ends the build');
	like($err, qr/ERROR:  row 1600/, 'with its own text');
}

# --- unlogged, REINDEX, and a second index of the same name after an error
build('CREATE UNLOGGED TABLE u AS SELECT * FROM rows; CREATE INDEX i_u ON u USING quiver (v)', 'i_u', 'u', 'unlogged');
build('REINDEX INDEX i_u', 'i_u', 'u', 'REINDEX');

# --- partitions
{
	my ($text) = logged(q(
		CREATE TABLE parent (id int, v vector(200)) PARTITION BY RANGE (id);
		CREATE TABLE p1 PARTITION OF parent FOR VALUES FROM (0) TO (2600);
		CREATE TABLE p2 PARTITION OF parent FOR VALUES FROM (2600) TO (10000);
		INSERT INTO parent SELECT id, v FROM rows;
		CREATE INDEX ip ON parent USING quiver (v);
	), name => 'CREATE INDEX on the parent');
	ok(workers_of($text, 'p1_v_idx')->{link}, 'CREATE INDEX on the parent: workers link a partition');
	sound('p1_v_idx', 'p1', 'first partition');
	sound('p2_v_idx', 'p2', 'second partition');
	logged(q(
		CREATE TABLE p3 (id int, v vector(200));
		INSERT INTO p3 SELECT id + 10000, v FROM rows;
		CREATE INDEX i_only ON ONLY parent USING quiver (v vector_ip_ops);
		CREATE INDEX i_p1 ON p1 USING quiver (v vector_ip_ops);
		CREATE INDEX i_p2 ON p2 USING quiver (v vector_ip_ops);
		ALTER INDEX i_only ATTACH PARTITION i_p1;
		ALTER INDEX i_only ATTACH PARTITION i_p2;
	), name => 'ON ONLY, ATTACH PARTITION of indexes');
	is($node->safe_psql('postgres', "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i_only'::regclass"), 't', 'the parent index is valid then');
	($text) = logged('ALTER TABLE parent ATTACH PARTITION p3 FOR VALUES FROM (10000) TO (20000)', name => 'ATTACH PARTITION of a table');
	ok(workers_of($text, 'p3_v_idx')->{link}, 'ATTACH PARTITION of a table: workers link its rows');
	sound('p3_v_idx', 'p3', 'attached partition');
	sound('p3_v_idx1', 'p3', 'attached partition, other index');
	$node->safe_psql('postgres', 'DROP TABLE parent');
}

# --- concurrently, under writes
$node->safe_psql('postgres', 'DROP INDEX i, i_part, i_few; CREATE TABLE busy AS SELECT id, v FROM rows; ALTER TABLE busy ADD PRIMARY KEY (id)');
my @writers = map {
	my $writer = $node->background_psql('postgres');
	$writer->query_until(qr/begun/, qq(\\echo begun
		DO \$\$ DECLARE n int := 0; r int; BEGIN
			PERFORM setseed(0.$_);
			WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'stop') LOOP
				n := n + 1;
				r := 1 + (random() * 3000)::int;
				INSERT INTO busy SELECT 100000 * $_ + n, v FROM rows WHERE id = r;
				UPDATE busy SET v = (SELECT v FROM rows WHERE id = r) WHERE id = r / 2 * 2 + $_ - 1;
				DELETE FROM busy WHERE id = 100000 * $_ + n - 50 AND n % 3 = 0;
				COMMIT;
			END LOOP;
		END \$\$;
	));
	$writer
} (1, 2);
{
	my ($text) = logged('CREATE INDEX CONCURRENTLY i_busy ON busy USING quiver (v)', name => 'CONCURRENTLY under writes');
	my $got = workers_of($text, 'i_busy');
	is("$got->{load}{launched} $got->{link}{launched}", '2 2', 'CONCURRENTLY under writes: two workers');
	is($node->safe_psql('postgres', "SELECT message FROM quiver_check('i_busy', true) WHERE severity <> 'info'"), '', 'CONCURRENTLY: sound under writes');
	($text) = logged('REINDEX INDEX CONCURRENTLY i_busy', name => 'REINDEX CONCURRENTLY under writes');
	$got = workers_of($text, 'i_busy_ccnew');
	is("$got->{load}{launched} $got->{link}{launched}", '2 2', 'REINDEX CONCURRENTLY under writes: two workers');
	is($node->safe_psql('postgres', "SELECT message FROM quiver_check('i_busy', true) WHERE severity <> 'info'"), '', 'REINDEX CONCURRENTLY: sound under writes');
}
$node->safe_psql('postgres', 'CREATE TABLE stop ()');
$_->quit foreach @writers;
is($node->safe_psql('postgres', "SELECT message FROM quiver_check('i_busy', true) WHERE severity <> 'info'"), '', 'sound afterwards');
is($node->safe_psql('postgres', q(
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM busy ORDER BY v <-> (SELECT v FROM rows WHERE id = 1) LIMIT 1000000) s)),
	$node->safe_psql('postgres', 'SELECT count(*), count(*) FROM busy'), 'and every row is found once');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM busy WHERE id > 10000'), '>', 10, 'the writers have written');

# --- progress and activity
my $watch = $node->background_psql('postgres');
$watch->query_until(qr/begun/, q(\echo begun
	CREATE TABLE seen AS SELECT 0 AS n, phase, blocks_done, blocks_total, tuples_done, tuples_total, 0 AS workers, false AS same_query FROM pg_stat_progress_create_index;
	CREATE TABLE seen_view AS SELECT 0 AS n, * FROM quiver_build_progress;
	DO $$ DECLARE n int := 0; BEGIN
		LOOP
			PERFORM pg_stat_clear_snapshot();
			INSERT INTO seen_view SELECT n, * FROM quiver_build_progress;
			n := n + 1;
			INSERT INTO seen SELECT n, phase, blocks_done, blocks_total, tuples_done, tuples_total,
				(SELECT count(*) FROM pg_stat_activity w WHERE w.leader_pid = p.pid),
				EXISTS (SELECT FROM pg_stat_activity w WHERE w.leader_pid = p.pid AND query ~ 'i_watched')
				FROM pg_stat_progress_create_index p;
			EXIT WHEN EXISTS (SELECT FROM seen) AND NOT FOUND;
			COMMIT;
		END LOOP;
	END $$;
));
# Slowly, so that each phase is seen.
$node->safe_psql('postgres', q(
	CREATE FUNCTION slowly(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		'BEGIN PERFORM pg_sleep(0.0005); RETURN v; END'));
logged('CREATE INDEX i_watched ON rows USING quiver ((slowly(v)::vector(200))) WITH (ef_construction = 400)', name => 'watched');
$watch->quit;
note $node->safe_psql('postgres', 'SELECT phase, count(*), max(blocks_done), max(blocks_total), max(tuples_done), max(tuples_total), max(workers) FROM seen GROUP BY 1 ORDER BY min(n)');
is($node->safe_psql('postgres', "SELECT count(DISTINCT phase) FROM seen WHERE phase IN ('building index: loading rows', 'building index: linking rows')"),
	'2', 'phases of loading and linking are seen');
is($node->safe_psql('postgres', "SELECT count(*) FROM seen WHERE phase = 'building index: linking rows' AND tuples_total = 3200 AND tuples_done BETWEEN 1 AND 3199") > 3 ? 1 : 0,
	1, 'linking: done between 0 and the total');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT tuples_done < lag(tuples_done) OVER (ORDER BY n) AS falls FROM seen WHERE phase = 'building index: linking rows') s WHERE falls"),
	'0', 'linking: done never falls');
is($node->safe_psql('postgres', "SELECT max(workers), bool_or(same_query) FROM seen WHERE phase = 'building index: linking rows'"),
	'2|t', 'two workers are active then, with the text of the statement');

# The view: percent does not fall (while loading it is the server that says how far a parallel scan is), time that is left is told while rows are linked, and the whole estimate is not far off.
is($node->safe_psql('postgres', q(SELECT count(*) FROM (SELECT percent < lag(percent) OVER (ORDER BY n) AS falls FROM seen_view WHERE phase <> 'loading rows') s WHERE falls)),
	'0', 'quiver_build_progress: percent never falls once rows are linked');
is($node->safe_psql('postgres', q(SELECT string_agg(DISTINCT datname || ' ' || relid::regclass || ' ' || phase, ', ') FROM seen_view WHERE phase LIKE '%ing rows')),
	'postgres rows linking rows, postgres rows loading rows', 'quiver_build_progress: where and what');
is($node->safe_psql('postgres', q(SELECT min(percent) < 20 AND max(percent) > 80 AND min(percent) >= 0 AND max(percent) <= 100 FROM seen_view)),
	't', 'quiver_build_progress: from little to nearly all');
is($node->safe_psql('postgres', q(
	SELECT bool_and(remaining_time >= interval '0'), bool_or(remaining_time > interval '0'),
		percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM phase_time + remaining_time))
			BETWEEN 0.4 * extract(epoch FROM max(phase_time)) AND 2.5 * extract(epoch FROM max(phase_time))
	FROM seen_view WHERE phase = 'linking rows' AND done > 800)), 't|t|t', 'quiver_build_progress: the time left');

$node->stop;
done_testing();
