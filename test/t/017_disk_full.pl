# Proves: where the file system of the indexes is full, whatever page it is that finds no room, inserts, updates, vacuums and builds end
# with SQLSTATE 53100 and nothing else, the server stays, a build leaves no file; no row is lost, quiver_check finds the indexes
# sound while there is no room and after, and all goes on when there is; a crash meanwhile changes nothing.
#
# Only the indexes are on the small file system: without room for WAL the server itself ends, by design.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use SmallDisk;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuiverLoad;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => $SmallDisk::why unless defined $SmallDisk::path;

my $seed = $ENV{QUIVER_SEED} || 20241129;
srand($seed);
note("seed $seed");
my $deep = $ENV{QUIVER_DEEP};

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', q(
autovacuum = off
max_connections = 30
log_line_prefix = '%m [%p] %e '
));
$node->start;
mkdir("$SmallDisk::path/space") or die;
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$SmallDisk::path/space'");

my $load = QuiverLoad->new($node, clients => 4, tablespace => 'small');
$load->create;
note($load->states);
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

# Runs a statement that may fail for want of room; tells whether it did.
sub full
{
	my ($name, $sql) = @_;
	my $offset = -s $node->logfile;
	my ($rc, $out, $err) = $node->psql('postgres', $sql);
	my %states = QuiverLoad::sqlstates($node, $offset);
	# What other workers of a parallel vacuum say then.
	delete $states{'57P01'} if $states{'53100'};
	# And what PostgreSQL makes of a worker that starts when its leader has ended.
	my @late = slurp_file($node->logfile, $offset) =~ / 55000 ERROR:  (.*)/g;
	delete $states{'55000'} if $states{'53100'} && !grep { $_ ne 'could not map dynamic shared memory segment' } @late;
	my $said = join(' ', sort keys %states);
	ok($said eq '53100' || ($said eq '' && $rc == 0), "$name: " . ($said || 'there was room')) or diag($err);
	return $said eq '53100';
}

# --- each page that an insert asks for, in 4 kB, the file system's own pages: so a page of the server's may be half written, too

for my $table ($load->tables)
{
	my $refused = 0;
	for my $pages (0 .. ($deep ? 40 : 7))
	{
		SmallDisk::fill(4096 * $pages);
		my $kind = (qw(spread spread few null))[ $pages % 4 ];
		my $first = 1_000_000 + 10_000 * $pages;
		# Rows enough for more pages than there are: of nodes, of further rows of a vector, of rows without one.
		my $op = [ 'insert', $table, $first, $first + { spread => 400, few => 600, null => 5000 }->{$kind}, $kind, $pages ];
		$refused += full("insert into $table, $pages pages left", 'BEGIN; ' . QuiverLoad::sql($op) . '; ROLLBACK');
		$load->check("insert into $table, $pages pages left", $table) if $pages % 8 == 3;
		SmallDisk::empty();
	}
	cmp_ok($refused, '>=', 4, "insert into $table: refused $refused times");
	$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) $table");
	$load->check("insert into $table, vacuumed", $table);
}

# --- vacuum, which wants room for the map of free pages where there has been none

my $refused = 0;
for my $table ($load->tables)
{
	$node->safe_psql('postgres', "REINDEX TABLE $table");
	$load->run([ 'delete', $table, 100, 1_000_000 ]);
	SmallDisk::fill(0);
	$refused += full("vacuum $table", "VACUUM (INDEX_CLEANUP ON) $table");
	$load->check("vacuum $table", $table);
	SmallDisk::empty();
	$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) $table");
	$load->check("vacuum $table, again", $table);
}
cmp_ok($refused, '>', 0, "vacuum refused $refused times");
$load->insert_some;

# --- builds

sub files
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	return join(' ', sort map { -s . ' ' . s{.*/}{}r } glob("$SmallDisk::path/space/*/*/*"));
}

my $before = files();
for my $kilobytes (0, 12, 100, 1000)
{
	for my $sql (
		'CREATE INDEX extra ON g USING quiver (v vector_ip_ops)',
		'REINDEX INDEX g_l2',
		'CREATE INDEX CONCURRENTLY extra ON g USING quiver (v vector_ip_ops)',
		'REINDEX INDEX CONCURRENTLY g_cosine')
	{
		SmallDisk::fill($kilobytes * 1024);
		ok(full("$sql, $kilobytes kB left", $sql), "$sql, $kilobytes kB left: refused");
		SmallDisk::empty();
		$node->safe_psql('postgres', 'DROP INDEX IF EXISTS extra, g_cosine_ccnew') if $sql =~ /CONCURRENTLY/;
	}
}

# A build with little memory has its temporary files there, and the index elsewhere.
for my $kilobytes (0, 100, 700, 1500)
{
	for my $workers (0, 1)
	{
		my $sql = "CREATE INDEX extra ON g USING quiver (v vector_ip_ops) TABLESPACE pg_default";
		SmallDisk::fill($kilobytes * 1024);
		ok(full("in little memory, $workers workers, $kilobytes kB left", "SET temp_tablespaces = small; SET maintenance_work_mem = '1MB';"
			. "ALTER TABLE g SET (parallel_workers = $workers); $sql"), "in little memory, $workers workers, $kilobytes kB left: refused");
		SmallDisk::empty();
	}
}
$node->safe_psql('postgres', 'ALTER TABLE g RESET (parallel_workers)');
is(files(), $before, 'builds leave no file');
$load->check('builds', 'g');

# --- everything at once, and no room after a while

for my $kilobytes (0, 300, ($deep ? (40, 100, 600, 1000, 2000) : ()))
{
	my $offset = -s $node->logfile;
	SmallDisk::fill($kilobytes * 1024);
	$load->start(ops => ($deep ? 400 : 120), chunk => 20);
	$load->finish;
	my %states = QuiverLoad::sqlstates($node, $offset);
	my $count = delete $states{'53100'};
	cmp_ok($count || 0, '>', 0, "load, $kilobytes kB left: no room " . ($count || 0) . ' times');
	# A build may find what the one before has left; workers of a parallel vacuum end with their leader.
	delete @states{ '42P07', '57P01', '55000' };
	is(join(' ', sort keys %states), '', "load, $kilobytes kB left: no other error");
	$load->settle("load, $kilobytes kB left");
	$load->check("load, $kilobytes kB left");
	SmallDisk::empty();
	$load->insert_some;
	$load->mend_indexes;
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) ' . join(', ', $load->tables));
	$load->check("load, $kilobytes kB left, and room again");
}
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server has stayed');

# --- a crash without room; recovery needs none, as no file has gone since the checkpoint

for my $round (1 .. ($deep ? 10 : 1))
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	SmallDisk::fill(200_000);
	$load->start(ops => 400, others => ['vacuum']);
	sleep(0.7 + rand(0.5));
	QuiverLoad::kill_server($node);
	$load->finish;
	$node->start;
	$load->settle("crash $round");
	$load->check("crash $round");
	SmallDisk::empty();
	$load->insert_some;
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) ' . join(', ', $load->tables));
	$load->check("crash $round, and room again");
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|\] XX\d\d\d/, 'no damage');

done_testing();
