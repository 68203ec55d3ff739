# Proves: whatever one byte of an index file becomes, with a checksum that is right, statements end with rows, fewer rows or a
# clean error: no crash, no hang, no memory of a size that the page made up, and no row that a policy or the index's own
# predicate forbids; and quiver_check reports it where it is structure.
#
# Bytes of twelve indexes of all forms are changed, as many of each kind of field (test/fakes/field_map.h), one a time: the
# database is copied file by file, one byte of each index in the copy is changed, then each is checked, searched, walked,
# inserted into, deleted from and vacuumed. QUIVER_DEEP=1 changes 10,000 (QUIVER_FLIPS says how many), QUIVER_SEED others.
# There is no directory in this version of the format, so none of its fields.

use strict;
use warnings;

use File::Copy;
use IPC::Open2;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{QUIVER_SEED} || 20240607;
my $flips = $ENV{QUIVER_FLIPS} || ($ENV{QUIVER_DEEP} ? 10000 : 240);
note("seed $seed, $flips flips");

# --- the tool that knows the fields

my $tool = "$PostgreSQL::Test::Utils::tmp_check/index_flips";
my ($includes) = run_command([ 'pg_config', '--includedir-server' ]);
system_or_bail('gcc', '-O2', '-c', '-o', "$tool.o", '-I', $includes, 'test/tools/page_checksum.c');
system_or_bail('g++', '-std=c++20', '-O1', '-Wall', '-Isrc/core', '-Itest', '-o', $tool, 'test/tools/index_flips.cpp',
	'test/fakes/field_map.cpp', glob('src/core/page/*.cpp'), "$tool.o");
my $tool_pid = open2(my $answers, my $commands, $tool);

sub tool
{
	print $commands join("\t", @_), "\n";
	$commands->flush;
	my $answer = <$answers>;
	die "index_flips has ended" unless defined $answer;
	chomp $answer;
	my ($ok, @fields) = split(/\t/, $answer);
	return @fields;
}

my @kinds = tool('kinds');
# QUIVER_FIELD=row and the like: only kinds whose names match.
my $only = $ENV{QUIVER_FIELD} ? qr/$ENV{QUIVER_FIELD}/ : qr/./;
my @structural = map { s/^\*// ? 1 : 0 } @kinds;

# --- twelve indexes

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(extra => ['--data-checksums']);
# A long-lived statement would be a hang; sessions of the test alone are to change the pages.
$node->append_conf('postgresql.conf', q(
autovacuum = off
statement_timeout = 60s
restart_after_crash = on
log_statement = none
jit = off
fsync = off
shared_buffers = 32MB
max_wal_size = 4GB
));
$node->start;

# name, type, operator and class, rows before the list may close, rows then, options; and what the rows are like
my @tables = (
	{ name => 'codes4', type => 'vector(30)', op => '<->', class => 'vector_l2_ops', rows => 260 },
	{ name => 'codes2', type => 'vector(100)', op => '<->', class => 'vector_l2_ops', rows => 220 },
	{ name => 'codes1', type => 'vector(500)', op => '<=>', class => 'vector_cosine_ops', rows => 160 },
	{ name => 'floats', type => 'vector(3)', op => '<#>', class => 'vector_ip_ops', rows => 1100 },
	{ name => 'chunked', type => 'vector(5000)', op => '<->', class => 'vector_l2_ops', rows => 60, with => 'm = 8' },
	{ name => 'manhattan', type => 'vector(3000)', op => '<+>', class => 'vector_l1_ops', rows => 80, with => 'm = 4' },
	{ name => 'hamming', type => 'bit(700)', op => '<~>', class => 'bit_hamming_ops', rows => 200, with => 'm = 8' },
	{ name => 'jaccard', type => 'bit(20001)', op => '<%>', class => 'bit_jaccard_ops', rows => 80, with => 'm = 4' },
	{ name => 'sparse', type => 'sparsevec(5000)', op => '<=>', class => 'sparsevec_cosine_ops', rows => 160, with => 'm = 8' },
	{ name => 'list', type => 'halfvec(60)', op => '<->', class => 'halfvec_l2_ops', rows => 300, list => 1 },
	{ name => 'copies', type => 'vector(12)', op => '<->', class => 'vector_l2_ops', rows => 300, copies => 3000 },
	{ name => 'churned', type => 'halfvec(200)', op => '<->', class => 'halfvec_l2_ops', rows => 260, churn => 1 });
# Every other index's predicate implies the policy as well, which the planner then leaves to the index.
$tables[$_]{predicate} = $_ % 2 ? 'keep AND tenant = 1' : 'keep' for 0 .. $#tables;

# Row i of a table, as an expression; some NULL, some zero, every ninth one of three vectors.
sub value_of
{
	my ($table, $i) = @_;
	my ($type, $dim) = $table->{type} =~ /(\w+)\((\d+)\)/;
	my $which = $table->{copies} ? "CASE WHEN $i > 400 THEN $i % 2 ELSE $i END" : "CASE WHEN $i % 9 = 0 THEN $i / 9 % 3 ELSE $i END";
	my $value = $type eq 'bit' ? "bits($which, $dim)" : $type eq 'sparsevec' ? "sparse($which, $dim)" : "dense($which, $dim)";
	return "(CASE WHEN $i % 41 = 40 THEN NULL ELSE $value END)::$type($dim)";
}

sub insert_rows
{
	my ($table, $from, $to) = @_;
	return "INSERT INTO $table->{name} SELECT i, CASE WHEN i % 5 = 0 THEN 2 ELSE 1 END, i % 4 <> 1, " . value_of($table, 'i') . " FROM generate_series($from, $to) i;\n";
}

$node->safe_psql('postgres', 'CREATE DATABASE template');
$node->safe_psql('template', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION dense(which int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS
		'SELECT array_agg(CASE WHEN which % 50 = 49 THEN 0 ELSE (hashint8(which * 100000::bigint + j) % 1000)::real / 1000 END ORDER BY j)::vector
		FROM generate_series(1, dim) j';
	CREATE FUNCTION sparse(which int, dim int) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS
		$$SELECT ('{' || string_agg(j || ':' || (hashint8(which * 100000::bigint + j) % 1000 + 1000) / 1000.0, ',') || '}/' || dim)::sparsevec
		FROM (SELECT 1 + (which * 7 + k * (1 + which % 3)) % dim AS j FROM generate_series(1, CASE WHEN which % 20 = 7 THEN 1300 ELSE 8 + which % 30 END) k GROUP BY 1) s
		WHERE which % 50 <> 49 OR j < 0$$;
	CREATE FUNCTION bits(which int, dim int) RETURNS bit varying LANGUAGE sql IMMUTABLE AS
		$$SELECT string_agg(CASE WHEN which % 50 <> 49 AND hashint8(which * 100000::bigint + j) % 3 = 0 THEN '1' ELSE '0' END, '' ORDER BY j)::bit varying
		FROM generate_series(1, dim) j$$;
	CREATE ROLE reader;
));
my $first = 30;
for my $table (@tables)
{
	my $name = $table->{name};
	my $with = $table->{with} ? " WITH ($table->{with})" : '';
	$node->safe_psql('template', qq(
		CREATE TABLE $name (id int, tenant int, keep bool, v $table->{type});
		ALTER TABLE $name ALTER v SET STORAGE EXTERNAL;
		ALTER TABLE $name ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON $name TO reader USING (tenant = 1);
		GRANT SELECT ON $name TO reader;
		) . insert_rows($table, 1, $first) . qq(
		CREATE INDEX ${name}_v ON $name USING quiver (v $table->{class})$with WHERE $table->{predicate};
		CREATE TABLE ${name}_q AS SELECT ) . value_of($table, '1001') . qq( AS v;
		GRANT SELECT ON ${name}_q TO reader;
		CREATE TABLE ${name}_new AS SELECT i AS id, 1 AS tenant, true AS keep, ) . value_of($table, 'i') . qq( AS v FROM generate_series(5001, 5006) i;
	));
	$table->{file} = $node->safe_psql('template', "SELECT pg_relation_filepath('${name}_v')");
}
# An index whose only row is to be exchanged for one that neither its predicate nor the policy allows.
$node->safe_psql('template', q(
	CREATE TABLE pair (id int, tenant int, keep bool, v vector(3));
	ALTER TABLE pair ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON pair TO reader USING (tenant = 1);
	GRANT SELECT ON pair TO reader;
	INSERT INTO pair VALUES (1, 1, true, '[1,2,3]'), (2, 2, true, '[1,2,3]');
	CREATE INDEX pair_v ON pair USING quiver (v) WHERE tenant = 1;
));
my $pair = $node->safe_psql('template', "SELECT pg_relation_filepath('pair_v')");

# Lists that close early make graphs of few rows.
$node->stop;
tool('row', $node->data_dir . "/$pair", 2);
for my $table (@tables)
{
	tool('list_limit', $node->data_dir . "/$table->{file}", 2) unless $table->{list} || $table->{type} =~ /sparse/;
}
$node->start;
for my $table (@tables)
{
	my $name = $table->{name};
	my $rows = $table->{rows};
	my $sql = insert_rows($table, $first + 1, $rows);
	$sql .= insert_rows($table, 401, 400 + $table->{copies}) if $table->{copies};
	for my $round (1 .. ($table->{churn} ? 3 : 0))
	{
		$sql .= "DELETE FROM $name WHERE id % 5 = $round;\nVACUUM $name;\n" . insert_rows($table, 1000 * $round, 1000 * $round + 40);
	}
	# an index without rows that wait to be removed, but for one table's
	$sql .= "DELETE FROM $name WHERE id % 50 = 3;\n" . ($table->{churn} ? '' : "VACUUM $name;\n");
	$node->psql('template', $sql, on_error_die => 1);
	is($node->safe_psql('template', "SELECT count(*) FROM quiver_check('${name}_v', true) WHERE severity <> 'info'"), '0', "$name: sound");
	note("$name: " . $node->safe_psql('template',
		"SELECT state, nodes_by_level, total_bytes / 8192, posting_bytes / 8192, chunk_bytes / 8192, loose_bytes / 8192, free_places FROM quiver_index_stats('${name}_v')"));
}
$node->safe_psql('postgres', 'ALTER ROLE reader SET enable_seqscan = off; CHECKPOINT');

# What the reader asks of a table, and what all of it is when nothing is damaged.
sub near
{
	my ($table, $limit) = @_;
	return "SELECT id, tenant, keep FROM $table->{name} WHERE $table->{predicate} ORDER BY v $table->{op} (SELECT v FROM $table->{name}_q) LIMIT $limit";
}
my $as_reader = 'SET ROLE reader; SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;';
like($node->safe_psql('template', "$as_reader EXPLAIN (COSTS OFF) SELECT id FROM pair ORDER BY v <-> '[1,2,4]' LIMIT 5"), qr/Index Scan using pair_v.*Filter: \(tenant = 1\)/s,
	'a policy is looked at though the predicate of the index implies it');
is($node->safe_psql('template', "$as_reader SELECT id FROM pair ORDER BY v <-> '[1,2,4]' LIMIT 5"), '', 'a row of another tenant is not shown');
is($node->safe_psql('template', "$as_reader SELECT id FROM pair WHERE v <-> '[1,2,4]' < 5 ORDER BY v <-> '[1,2,4]' LIMIT 5"), '', 'nor within a distance');
for my $table (@tables)
{
	like($node->safe_psql('template', "$as_reader EXPLAIN (COSTS OFF) " . near($table, 10)), qr/Index Scan using $table->{name}_v/, "$table->{name}: the index is used");
	$table->{seen} = $node->safe_psql('template', "$as_reader SELECT count(*) FROM (" . near($table, 100000) . ') s');
	cmp_ok($table->{seen}, '>', 10, "$table->{name}: $table->{seen} rows for the reader");
	$table->{bytes} = [ tool('map', $node->data_dir . "/$table->{file}") ];
}

# --- the flips

# Copies of the files as they are now; sessions of the copies' own databases come and go.
my $sound = PostgreSQL::Test::Utils::tempdir();
for my $table (@tables)
{
	$table->{sound} = "$sound/$table->{name}";
	copy($node->data_dir . "/$table->{file}", $table->{sound}) or die "could not copy: $!";
}
my ($template_oid) = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'template'");

# Memory that a statement may not have, because a page says so, is refused by the kernel: none needs as much.
sub limit_memory
{
	my $pid = (split(/\n/, slurp_file($node->data_dir . '/postmaster.pid')))[0];
	my ($pages) = split(/ /, slurp_file("/proc/$pid/statm"));
	system_or_bail('prlimit', '--pid', $pid, '--as=' . ($pages * 4096 + 400 * 1024 * 1024)) unless $ENV{LD_PRELOAD};
	return;
}
limit_memory();

# One flip's statements; marks tell which of them an output belongs to.
sub script_of
{
	my ($number, $table) = @_;
	my $name = $table->{name};
	my @steps = (
		check => "SELECT severity, count(*), min(message) FROM quiver_check('${name}_v', true) WHERE severity <> 'info' GROUP BY 1 ORDER BY 1",
		search => "$as_reader " . near($table, 10),
		walk => "SELECT 'walk', count(*), count(DISTINCT id), count(*) FILTER (WHERE tenant <> 1 OR NOT keep) FROM (" . near($table, 100000) . ') s; RESET ROLE',
		insert => "INSERT INTO $name SELECT * FROM ${name}_new",
		delete => "DELETE FROM $name WHERE id % 7 = 2",
		vacuum => "VACUUM (INDEX_CLEANUP ON) $name",
		again => "$as_reader " . near($table, 10),
		rewalk => "SELECT 'walk', count(*), count(DISTINCT id), count(*) FILTER (WHERE tenant <> 1 OR NOT keep) FROM (" . near($table, 100000) . ') s; RESET ROLE');
	my $script = '';
	while (my ($step, $sql) = splice(@steps, 0, 2))
	{
		$script .= "\\echo \@\@ $number $step\n\\warn \@\@ $number $step\n$sql;\n";
	}
	return $script;
}

# Pieces of an output by their marks.
sub pieces
{
	my ($text) = @_;
	my (%pieces, $last);
	for my $line (split(/\n/, $text))
	{
		if ($line =~ /^@@ (\d+) (\w+)$/)
		{
			$last = "$1 $2";
			$pieces{$last} = '';
		}
		elsif (defined $last)
		{
			$pieces{$last} .= "$line\n";
		}
	}
	return (\%pieces, $last);
}

my %count = map { $_ => [ map { 0 } @kinds ] } qw(flips reported failed crash hang wrong unclean);
my $copy = 0;
my $done = 0;
my @missed;

# What may happen to a statement that meets damage. A page whose LSN lies in the future is PostgreSQL's to refuse; an index
# that says it is of other dimensions refuses values of its column.
sub is_clean
{
	my ($state, $message) = @_;
	return $state =~ /^(XX002|0A000|XX001|54000)$/ || $message =~ /xlog flush request .* is not satisfied/ ||
		($state eq '22000' && $message =~ /^different (\w+ dimensions|bit lengths) \d+ and \d+$/);
}

sub round
{
	my $database = "copy$copy";
	my @round;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template STRATEGY file_copy");
	my $oid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = '$database'");
	my $script = '';
	for my $table (@tables)
	{
		last if $done == $flips;
		# of the kinds that this index has, the one that has had the fewest
		my ($kind) = sort { $count{flips}[$a] <=> $count{flips}[$b] || $a <=> $b } grep { $table->{bytes}[$_] > 0 && $kinds[$_] =~ $only } 0 .. $#kinds;
		(my $target = $node->data_dir . "/$table->{file}") =~ s{/base/$template_oid/}{/base/$oid/};
		my ($block, $offset, $old, $new) = tool('flip', $table->{sound}, $kind, $seed * 1000000 + $done, $target);
		push @round, { number => $done, table => $table, kind => $kind, what => "flip $done: $kinds[$kind] of $table->{name}, block $block offset $offset: $old -> $new" };
		$script .= script_of($done, $table);
		$count{flips}[$kind]++;
		$done++;
	}

	my ($out, $err) = ('', '');
	while (@round)
	{
		IPC::Run::run([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($database), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
		my ($rows, $last) = pieces($out);
		my ($errors) = pieces($err);
		my @left = @round;
		@round = ();
		for my $flip (@left)
		{
			judge($flip, $rows, $errors);
		}
		my $lost = defined $last && $err =~ /server closed the connection|connection to server was lost/;
		last unless $lost;
		# The statement that was last begun; what comes after it has not been tried.
		my ($number) = $last =~ /^(\d+)/;
		my ($culprit) = grep { $_->{number} == $number } @left;
		$count{crash}[$culprit->{kind}]++;
		diag("crash: $culprit->{what}, $last");
		$node->poll_query_until('postgres', 'SELECT true');
		@round = grep { $_->{number} > $number } @left;
		$script = join('', map { script_of($_->{number}, $_->{table}) } @round);
	}
	$node->safe_psql('postgres', "DROP DATABASE $database");
	$copy++;
	return;
}

# Counts what became of one flip.
sub judge
{
	my ($flip, $rows, $errors) = @_;
	my $kind = $flip->{kind};
	my $number = $flip->{number};
	return unless exists $rows->{"$number check"};
	my (%once, $failed);
	for my $step (qw(check search walk insert delete vacuum again rewalk))
	{
		my $out = $rows->{"$number $step"} // '';
		my $err = $errors->{"$number $step"} // '';
		while ($err =~ /^(?:psql:\S+ )?(?:ERROR|FATAL|PANIC):\s+(\w{5}): (.*)$/mg)
		{
			my ($state, $message) = ($1, $2);
			$failed = 1;
			next if is_clean($state, $message);
			my $what = $state eq '57014' ? 'hang' : 'unclean';
			diag("$what: $flip->{what}, $step: $state $message");
			$once{$what} = 1;
		}
		if ($step eq 'check' && ($out ne '' || $err =~ /ERROR/))
		{
			$once{reported} = 1;
		}
		if ($step =~ /search|again/ && grep { !/^\d+\|1\|t$/ } split(/\n/, $out))
		{
			diag("wrong row: $flip->{what}, $step: $out");
			$once{wrong} = 1;
		}
		if ($step =~ /walk/ && $out =~ /^walk\|\d+\|\d+\|(\d+)/ && $1 > 0)
		{
			diag("wrong row: $flip->{what}, $step: $out");
			$once{wrong} = 1;
		}
	}
	$count{failed}[$kind]++ if $failed;
	$count{$_}[$kind]++ for keys %once;
	push @missed, $flip->{what} if !$once{reported} && $structural[$kind];
	return;
}

my $begun = time;
round() while $done < $flips;
note(sprintf('%d flips in %d databases, %d s', $done, $copy, time - $begun));

# --- the table

my ($tried, $reported) = (0, 0);
my $line = '| %-26s | %5s | %8s | %6s | %9s | %5s | %4s | %9s |';
note(sprintf($line, 'field kind', 'flips', 'reported', '%', 'an error', 'crash', 'hang', 'wrong row'));
note('| ' . join(' | ', map { '-' x $_ } 26, 5, 8, 6, 9, 5, 4, 9) . ' |');
for my $kind (0 .. $#kinds)
{
	next unless $count{flips}[$kind];
	note(sprintf($line, $kinds[$kind], $count{flips}[$kind], $count{reported}[$kind],
		sprintf('%.1f', 100 * $count{reported}[$kind] / $count{flips}[$kind]), map { $count{$_}[$kind] } qw(failed crash hang wrong)));
	next unless $structural[$kind];
	$tried += $count{flips}[$kind];
	$reported += $count{reported}[$kind];
}
note("structure: $reported of $tried reported, " . sprintf('%.2f %%', 100 * $reported / ($tried || 1)));
note("not reported: $_") for @missed;

sub total { my $sum = 0; $sum += $_ for @{ $count{ $_[0] } }; return $sum; }
is(total('crash'), 0, 'no crash');
is(total('hang'), 0, 'no hang');
is(total('wrong'), 0, 'no row that a policy or a predicate forbids');
is(total('unclean'), 0, 'no other error');
cmp_ok(total('failed'), '>', $done / 20, 'damage was met');
# of a few flips one missed is a per cent
cmp_ok($reported, '>=', ($tried >= 1000 ? 0.99 : 0.97) * $tried, 'quiver_check reports damaged structure');

close($commands);
waitpid($tool_pid, 0);
$node->stop;
done_testing();
