# Proves: a parallel build that is cancelled, or whose leader or worker is terminated, at random moments leaves no worker, no
# shared memory, no file, no lock and no descriptor behind, soon, and the session goes on; and a build goes through afterwards.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

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
my $seed = $ENV{QUIVER_SEED} || 18;
note "seed $seed";
srand $seed;

$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	SELECT setseed(0.18);
	CREATE TABLE t AS
		SELECT i AS id, (SELECT array_agg(random() - 0.5 + 0 * (i + j)) FROM generate_series(1, 200) j)::vector(200) AS v
		FROM generate_series(1, 6000) i;
	CHECKPOINT;
));

# All that a build could leave.
my $database = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'postgres'");
my $postmaster = $node->safe_psql('postgres', q(SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)));

sub children
{
	# Any of them may end meanwhile.
	return sort map { m{/proc/(\d+)/} } grep { (eval { slurp_file($_) } // '') =~ /^PPid:\s+$postmaster$/m } glob('/proc/[0-9]*/status');
}

sub left
{
	my ($session) = @_;
	my %left;
	$node->safe_psql('postgres', 'CHECKPOINT');
	$left{files} = $node->safe_psql('postgres',
		"SELECT string_agg(f, ' ' ORDER BY f) FROM pg_ls_dir('base/$database') f WHERE f ~ '^[0-9]+(_[a-z]+)?(\\.[0-9]+)?\$' AND f !~ '^(13|14|15|16)[0-9][0-9][0-9]' OR f ~ '^t[0-9]+_'");
	$left{relations} = $node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 't_v'");
	$left{locks} = $node->safe_psql('postgres', "SELECT string_agg(locktype || mode, ' ') FROM pg_locks WHERE relation IN ('t'::regclass::oid) OR (pid <> pg_backend_pid() AND locktype = 'relation')");
	$left{workers} = $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'");
	# Of this server: its main segment and the control segment of dynamic ones are mapped by the postmaster.
	my %ours;
	foreach my $pid (children(), $postmaster)
	{
		my $maps = eval { slurp_file("/proc/$pid/maps") } // '';
		$ours{$1}++ while $maps =~ m{(/dev/shm/\S+)}g;
		$left{memory} += () = $maps =~ m{memfd:quiver}g;
		$left{descriptors} += grep { (readlink($_) // '') =~ /memfd:quiver/ } glob("/proc/$pid/fd/*");
	}
	$left{segments} = join ' ', sort keys %ours;
	return \%left;
}

sub settled
{
	my ($name, $before) = @_;
	my $now;
	# A worker that has been told may take a moment to be gone.
	for (1 .. 100)
	{
		$now = left();
		last if $now->{workers} == 0;
		usleep(20_000);
	}
	is_deeply($now, $before, "$name: nothing is left");
	return;
}

my $before = left();
is($before->{memory} + $before->{descriptors} + $before->{workers}, 0, 'nothing there at first');

# How long a build takes, and that this test would see what one has.
my $start = time;
my $builder = $node->background_psql('postgres', on_error_stop => 0);
$builder->query_until(qr/begun/, "\\echo begun\nCREATE INDEX t_v ON t USING quiver (v);\n");
my %most;
my $building = 1;
for (1 .. 2000)
{
	my ($memory, $descriptors) = (0, 0);
	foreach my $pid (children())
	{
		my $maps = eval { slurp_file("/proc/$pid/maps") } // '';
		$memory++ if $maps =~ /memfd:quiver/;
		$descriptors++ if grep { (readlink($_) // '') =~ /memfd:quiver/ } glob("/proc/$pid/fd/*");
	}
	$most{memory} = $memory if $memory > ($most{memory} // 0);
	$most{descriptors} = $descriptors if $descriptors > ($most{descriptors} // 0);
	last if ($most{memory} // 0) == 3;
}
$builder->query('SELECT 1');
my $whole = time - $start;
is("$most{memory} $most{descriptors}", '3 3', 'a build: three processes have its memory');
note sprintf 'a whole build takes %.2f s', $whole;
$builder->query('DROP INDEX t_v');
# PostgreSQL keeps a segment for each session that has had workers.
$builder->quit;
settled('a whole build', $before);

my $slowest = 0;
my $cancelled = 0;
sub interrupted
{
	my ($name, $how) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\nCREATE INDEX t_v ON t USING quiver (v);\n");
	usleep(1e6 * rand() * 0.6 * $whole);
	my $at = time;
	my $did = $how->($pid);
	eval { $session->query("\\echo ended\n") };
	my $took = time - $at;
	$slowest = $took if $took > $slowest;
	cmp_ok($took, '<', 5, "$name: soon");
	is(eval { $session->query("SELECT 'alive'") } // '', 'alive', "$name: the session goes on") if $name !~ /leader terminated/;
	# Of the session, as long as it lives.
	my $maps = eval { slurp_file("/proc/$pid/maps") } // '';
	is((() = $maps =~ /memfd:quiver/g) + (grep { (readlink($_) // '') =~ /memfd:quiver/ } glob("/proc/$pid/fd/*")), 0,
		"$name: the session holds no memory of a build");
	eval { $session->quit };
	$cancelled++ if $node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 't_v'") eq '0';
	$node->safe_psql('postgres', 'DROP INDEX IF EXISTS t_v');
	settled($name, $before);
	return;
}

my $rounds = $ENV{QUIVER_DEEP} ? 100 : 10;
interrupted("cancelled, $_", sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") }) foreach 1 .. $rounds;
cmp_ok($cancelled, '>=', $rounds / 2, "$cancelled of $rounds builds were cancelled in the act");
$cancelled = 0;
interrupted("leader terminated, $_", sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") }) foreach 1 .. $rounds / 5;
cmp_ok($cancelled, '>=', 1, "$cancelled builds ended with their leader");
$cancelled = 0;
interrupted("worker terminated, $_", sub {
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE leader_pid = $_[0] AND pid <> $_[0] LIMIT 1")
}) foreach 1 .. $rounds / 2;
cmp_ok($cancelled, '>=', 1, "$cancelled builds ended with a worker");
note sprintf 'the slowest ended after %.2f s', $slowest;

# An error within a block that catches it, in one transaction with a build that goes through.
is($node->safe_psql('postgres', q(
	CREATE FUNCTION fails(id int, v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		'BEGIN IF id = 5000 THEN RAISE EXCEPTION ''row 5000''; END IF; RETURN v; END';
	DO $$ BEGIN
		CREATE INDEX t_v ON t USING quiver ((fails(id, v)::vector(200)));
	EXCEPTION WHEN raise_exception THEN
		CREATE INDEX t_w ON t USING quiver (v);
	END $$;
	SELECT count(*) FROM pg_class WHERE relname IN ('t_v', 't_w');
)), '1', 'an error that is caught, and another build in the same transaction');
is($node->safe_psql('postgres', "SELECT message FROM quiver_check('t_w', true) WHERE severity <> 'info'"), '', 'sound');
$node->safe_psql('postgres', 'DROP INDEX t_w');
settled('an error that is caught', $before);

$node->stop;
done_testing();
