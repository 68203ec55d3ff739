# Proves: where /dev/shm is small (8 MB, in a mount namespace of its own) a build of many times that size goes through, in parallel;
# and where it is full, serially, with one NOTICE that says so.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A tmpfs of 8 MB in the place of /dev/shm, for a command and its children.
my @inside = ('unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'sh', '-c',
	'mount -t tmpfs -o size=8m tmpfs /dev/shm && exec "$@"', 'sh');
plan skip_all => 'no mount namespaces for ordinary users here' if system(@inside, 'true') != 0;

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
system_or_bail(@inside, 'pg_ctl', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', "--cluster-name=small", 'start');
$node->_update_pid(1);

$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	SELECT setseed(0.19);
	CREATE TABLE t AS
		SELECT i AS id, (SELECT array_agg(random() - 0.5 + 0 * (i + j)) FROM generate_series(1, 200) j)::vector(200) AS v
		FROM generate_series(1, 12000) i;
));
is($node->safe_psql('postgres', q(
	CREATE TABLE df (line text);
	COPY df FROM PROGRAM 'df --output=size -k /dev/shm | tail -n 1';
	SELECT trim(line) FROM df;
)), '8192', '/dev/shm has 8 MB there');

sub build
{
	my ($name) = @_;
	my $offset = -s $node->logfile;
	my ($out, $err) = ('', '');
	is($node->psql('postgres', 'DROP INDEX IF EXISTS i; CREATE INDEX i ON t USING quiver (v)', stdout => \$out, stderr => \$err), 0, "$name: built")
		or diag $err;
	is($node->safe_psql('postgres', "SELECT message FROM quiver_check('i', true) WHERE severity <> 'info'"), '', "$name: sound");
	return ($err, slurp_file($node->logfile, $offset));
}

my ($err, $log) = build('small');
like($log, qr/index "i": 2 of 2 workers launched to link rows, 2 took part/, 'small: two workers take part');
unlike($err, qr/without parallel workers/, 'small: without a word');
cmp_ok($node->safe_psql('postgres', "SELECT pg_relation_size('i') / 1048576"), '>', 10, 'small: the index is larger than /dev/shm');

# All but a megabyte, which would do for smaller segments.
$node->safe_psql('postgres', q(COPY (SELECT) TO PROGRAM
	'head -c $(($(df --output=avail -B1 /dev/shm | tail -n 1) - 1000000)) /dev/zero > /dev/shm/filling'));
($err, $log) = build('full');
my $notices = () = $err =~ /NOTICE:  index "i" is built without parallel workers/g;
is($notices, 1, 'full: one NOTICE');
like($err, qr/DETAIL:  There is too little shared memory left for workers/, 'full: which says why');
unlike($log, qr/workers launched/, 'full: a serial build');

$node->stop;
done_testing();
