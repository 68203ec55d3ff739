# Proves: a server whose processes are all killed with SIGKILL at a random moment of inserts, updates, deletes, vacuums, index builds
# and checkpoints comes back with every committed row, found once through indexes of every kind, which quiver_check finds sound,
# take new rows and are vacuumed; and a standby that followed all of it has the same pages.
#
# Cluster.pm sets fsync = off. That changes nothing here: a killed process loses its memory, and the kernel keeps what it has written.
# What a machine that goes away leaves of its files, and pages that are torn, are the subject of test/unit/graph/faults_test.cpp.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuiverLoad;
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{QUIVER_SEED} || 20240608;
srand($seed);
note("seed $seed");
my $rounds = $ENV{QUIVER_DEEP} ? 50 : 5;
my $least = 1000;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
autovacuum = off
full_page_writes = on
wal_consistency_checking = 'generic'
wal_keep_size = 4GB
checkpoint_timeout = 30s
max_connections = 30
));
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

my $load = QuiverLoad->new($node, clients => 5);
$load->create;
note('at first: ' . $load->states);

my ($fewest, $left, %met) = (undef, 0);
for my $round (1 .. $rounds)
{
	# So that there is a list again, which closes and drains in this round or the next.
	$load->truncate_table('l') if $node->safe_psql('postgres', "SELECT state FROM quiver_index_stats('l_l2')") eq 'graph';
	$load->start(ops => 600);
	$load->wait_for_rows($least + int(rand(1000)));
	sleep(rand(0.5));
	my $processes = QuiverLoad::kill_server($node);
	$load->finish;
	$node->start;

	my $states = $load->states;
	note("round $round: $processes processes killed; $states");
	$met{$1}++ if $states =~ /l_l2 (\w+)/;
	my $rows = $load->settle("round $round");
	cmp_ok($rows, '>=', $least, "round $round: enough was going on");
	$fewest = $rows if !defined $fewest || $rows < $fewest;
	$load->check("round $round, after the crash");

	# An invalid index that a crash has left takes rows, too, if it is ready.
	$load->insert_some;
	$left += $load->mend_indexes;
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) ' . join(', ', $load->tables));
	$load->check("round $round, vacuumed");
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	$load->check_indexes($standby, "round $round, standby");
	unlike($load->errors, qr/ERROR:/, "round $round: no error before the crash");
}
note("$rounds crashes, at least $fewest rows committed between two; $left indexes left invalid; the list was: "
	  . join(', ', map { "$_ $met{$_} times" } sort keys %met));
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');
unlike(slurp_file($node->logfile), qr/inconsistent page|PANIC|TRAP|corrupted page|XX\d\d\d/, 'no damage on the primary');

done_testing();
