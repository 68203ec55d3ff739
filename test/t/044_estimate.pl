# Proves: quiver_estimate tells the size of an index and the memory of its build within 15 in 100 of what the build then takes, and a time that
# is no wild guess; it can be cancelled.  With QUIVER_DEEP=1 twelve larger builds, whose table is in docs/decisions/0009-estimates.md.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $deep = $ENV{QUIVER_DEEP} ? 1 : 0;
my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', q(
autovacuum = off
fsync = off
jit = off
shared_buffers = 128MB
maintenance_work_mem = 4GB
max_wal_size = 4GB
max_parallel_workers_per_gather = 0
min_parallel_table_scan_size = 0
max_worker_processes = 8
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE FUNCTION uniform(d int, i int) RETURNS real[] LANGUAGE sql VOLATILE AS
		'SELECT array_agg((random() + 0 * (i + j))::real) FROM generate_series(1, d) j';
	CREATE FUNCTION bits(d int, i int) RETURNS bit varying LANGUAGE sql IMMUTABLE AS
		$$SELECT left(string_agg((('x' || md5(i || ':' || j))::bit(128))::text, ''), d)::bit varying FROM generate_series(1, (d + 127) / 128) j$$;
	-- so many entries on the average, as many of their dimensions apart
	CREATE FUNCTION sparse(d int, n float8, i int) RETURNS text LANGUAGE sql VOLATILE AS
		$$SELECT '{' || string_agg((d / k * j + 1 + floor(random() * (d / k - 1)))::int || ':' || (random() + 0.01 + 0 * i)::real, ',') || '}/' || d
			FROM (SELECT greatest(1, round(n + n / 4 * sqrt(-2 * ln(1 - random())) * cos(6.2831853 * random()) + 0 * i))::int AS k) s, generate_series(0, k - 1) j$$;
));

# type, dimensions, rows, class, m, workers, clusters (0: none), entries
my @builds = $deep ? (
	[ 'vector', 2, 200000, 'vector_l2_ops', 16, 0, 0 ],
	[ 'vector', 128, 60000, 'vector_l2_ops', 16, 0, 0 ],
	[ 'vector', 128, 60000, 'vector_cosine_ops', 16, 2, 300 ],
	[ 'vector', 400, 20000, 'vector_l2_ops', 16, 0, 200 ],
	[ 'vector', 768, 15000, 'vector_cosine_ops', 16, 2, 100 ],
	[ 'vector', 1536, 6000, 'vector_ip_ops', 32, 0, 0 ],
	[ 'vector', 3072, 3000, 'vector_l2_ops', 16, 0, 0 ],
	[ 'halfvec', 100, 100000, 'halfvec_l2_ops', 8, 0, 500 ],
	[ 'halfvec', 1024, 10000, 'halfvec_l1_ops', 24, 0, 0 ],
	[ 'bit', 256, 100000, 'bit_hamming_ops', 16, 0, 0 ],
	[ 'sparsevec', 30000, 20000, 'sparsevec_ip_ops', 16, 0, 0, 100 ],
	[ 'vector', 128, 500, 'vector_l2_ops', 16, 0, 0 ],
	[ 'vector', 128, 0, 'vector_l2_ops', 16, 0, 0 ],
) : (
	[ 'vector', 2, 40000, 'vector_l2_ops', 16, 0, 0 ],
	[ 'vector', 64, 12000, 'vector_cosine_ops', 16, 2, 50 ],
	[ 'halfvec', 768, 3000, 'halfvec_l2_ops', 24, 0, 30 ],
	[ 'bit', 256, 15000, 'bit_jaccard_ops', 8, 0, 0 ],
	[ 'sparsevec', 10000, 4000, 'sparsevec_l2_ops', 16, 0, 0, 60 ],
	[ 'vector', 3072, 700, 'vector_ip_ops', 16, 0, 0 ],
	[ 'vector', 128, 500, 'vector_l2_ops', 16, 0, 0 ],
);

sub table_of
{
	my ($type, $dim, $rows, $clusters, $entries) = @_;
	my $value = $type eq 'bit' ? "bits($dim, i)::bit($dim)" :
		$type eq 'sparsevec' ? "sparse($dim, $entries, i)::sparsevec($dim)" : "uniform($dim, i)::$type($dim)";
	my $make = "SELECT setseed(0.4); DROP TABLE IF EXISTS t, c; CREATE UNLOGGED TABLE t (v $type($dim));";
	if ($clusters)
	{
		return "$make CREATE UNLOGGED TABLE c AS SELECT i AS id, $value AS v FROM generate_series(0, $clusters - 1) i;
			CREATE UNIQUE INDEX ON c (id); ANALYZE c;
			INSERT INTO t SELECT c.v + $value FROM generate_series(1, $rows) i JOIN c ON id = i % $clusters;";
	}
	return "$make INSERT INTO t SELECT $value FROM generate_series(1, $rows) i;";
}

# Private memory of a process, bytes.
sub private_of
{
	my ($pid) = @_;
	open(my $handle, '<', "/proc/$pid/status") or return 0;
	while (<$handle>)
	{
		return $1 * 1024 if /^RssAnon:\s+(\d+)/;
	}
	return 0;
}

# Memory of a build, at this moment: its processes' private memory, and the file that they share.
sub memory_of
{
	my ($pid, $workers) = @_;
	my $bytes = private_of($pid);
	return $bytes if !$workers;
	for my $link (glob "/proc/$pid/fd/*")
	{
		next if (readlink($link) // '') !~ /memfd:quiver/;
		my @status = stat($link);
		$bytes += $status[12] * 512 if @status;
	}
	for my $line (glob '/proc/[0-9]*/cmdline')
	{
		open(my $handle, '<', $line) or next;
		my $title = <$handle> // '';
		$bytes += private_of($line =~ m{/proc/(\d+)/}) if $title =~ /parallel worker for PID $pid\b/;
	}
	return $bytes;
}

my $session = $node->background_psql('postgres', timeout => 3600);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe("SET client_min_messages = warning; CREATE TABLE w AS SELECT uniform(8, i)::vector(8) AS v FROM generate_series(1, 3000) i; CREATE INDEX ON w USING quiver (v);
	SELECT * FROM quiver_estimate(2000, 100)");
my $folder = PostgreSQL::Test::Utils::tempdir();

# Seconds and the most memory of a build.
sub build
{
	my ($class, $m, $workers) = @_;
	my $before = private_of($pid);
	unlink "$folder/stop";
	my $sampler = fork() // die $!;
	if ($sampler == 0)
	{
		my $most = 0;
		while (!-e "$folder/stop")
		{
			my $now = memory_of($pid, $workers);
			$most = $now if $now > $most;
			usleep($workers ? 20000 : 1000);
		}
		append_to_file("$folder/most", "$most\n");
		require POSIX;
		POSIX::_exit(0);
	}
	my $start = time;
	$session->query_safe("SET max_parallel_maintenance_workers = $workers; CREATE INDEX i ON t USING quiver (v $class) WITH (m = $m)");
	my $seconds = time - $start;
	append_to_file("$folder/stop", '');
	waitpid($sampler, 0);
	my $most = (split /\n/, slurp_file("$folder/most"))[-1];
	return ($seconds, $most - $before);
}

my @table;
for (@builds)
{
	my ($type, $dim, $rows, $class, $m, $workers, $clusters, $entries) = @$_;
	my ($metric) = $class =~ /_(\w+)_ops/;
	my $name = "$type($dim), $rows rows, $metric, m $m, $workers workers";
	my $more = $entries ? ", nonzeros => $entries" : '';
	my ($bytes, $memory, $likely, $low, $high) = split /\|/, $node->safe_psql('postgres',
		"SELECT * FROM quiver_estimate($rows, $dim, '$type', m => $m, metric => '$metric', workers => $workers$more)");
	$session->query_safe(table_of($type, $dim, $rows, $clusters, $entries));
	my ($seconds, $most) = build($class, $m, $workers);
	my $size = $session->query_safe("SELECT pg_relation_size('i')");
	push @table, sprintf('| %s(%d) | %d | %s | %d | %d | %s | %.1f | %.1f | %+.1f %% | %.1f | %.1f | %s | %.1f (%.1f to %.1f) | %.1f |', $type, $dim, $rows, $metric, $m, $workers,
		$clusters ? "$clusters clusters" : 'uniform', $bytes / 1e6, $size / 1e6, 100 * ($bytes / $size - 1), $memory / 1e6, $most / 1e6, $most < 1e6 ? '-' : sprintf('%+.1f %%', 100 * ($memory / $most - 1)),
		$likely, $low, $high, $seconds);
	note($table[-1]);
	cmp_ok(abs($bytes - $size), '<=', 0.15 * $size, "$name: size $bytes for $size");
	# A huge page is had or not, and memory that a small build takes for a moment may not be seen.
	cmp_ok(abs($memory - $most), '<=', 0.15 * $most + 2400000, "$name: memory $memory for $most");
	# How busy the machine is nobody knows.
	cmp_ok($seconds, '>=', $low / 5, "$name: seconds $seconds for $low to $high");
	cmp_ok($seconds, '<=', 5 * $high + 2, "$name: seconds $seconds for $low to $high");
	cmp_ok($low, '<=', $likely, "$name: low");
	cmp_ok($likely, '<=', $high, "$name: high");
}
$session->quit;
note(join("\n", '', '| type | rows | metric | m | workers | data | size, estimated MB | built | off by | memory, estimated MB | built | off by | seconds, estimated | built |',
	'| --- | ---: | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |', @table)) if $deep;

# A cancel during the calibration.
my $begin = time;
my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '300ms'; SELECT * FROM quiver_estimate(10000000, 16000, m => 100, ef_construction => 1000)");
like($err, qr/canceling statement due to statement timeout/, 'a calibration can be cancelled');
cmp_ok(time - $begin, '<', 5, 'and at once');

$node->stop;
done_testing();
