# Proves: a server short of memory, of connections or of time ends what it cannot do with an error that says so, and nothing else:
# builds, inserts, searches, vacuums and checks under a limit of memory, more clients than connections, backends cancelled and
# terminated at random, timeouts of 1 to 100 ms, transactions idle for too long; afterwards every committed row is found once
# through indexes of every kind and quiver_check finds them sound.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuiverLoad;
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{QUIVER_SEED} || 20241130;
srand($seed);
note("seed $seed");
my $deep = $ENV{QUIVER_DEEP};
my $connections = 16;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', qq(
autovacuum = off
max_connections = $connections
superuser_reserved_connections = 0
log_line_prefix = '%m [%p] %e '
));
$node->start;

my $load = QuiverLoad->new($node, clients => 4);
$load->create;
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

# A load, of which only errors of these kinds, each at least so often, may come.
sub load
{
	my ($name, $least, %options) = @_;
	my $also = delete $options{also} || [];
	my $offset = -s $node->logfile;
	$load->start(ops => ($deep ? 600 : 120), chunk => 8, %options);
	$load->finish;
	my %states = QuiverLoad::sqlstates($node, $offset);
	note("$name: " . join(', ', map { "$_ $states{$_} times" } sort keys %states));
	foreach my $state (sort keys %$least)
	{
		my $count = delete $states{$state} || 0;
		cmp_ok($count, '>=', $least->{$state}, "$name: $state $count times");
	}
	# A cancel may come when the client has its answer, and has left.
	delete @states{ '08006', @$also };
	is(join(' ', sort keys %states), '', "$name: no other error");
	cmp_ok($load->settle($name), '>', 100, "$name: some of it was done");
	$load->check($name);
	$load->insert_some;
	$load->mend_indexes;
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) ' . join(', ', $load->tables));
	$load->check("$name, vacuumed");
	return;
}

# Does something to a random backend, again and again, every few milliseconds.
sub storm
{
	my ($function, $pause) = @_;
	return qq(SET application_name = 'storm';
		DO \$\$ BEGIN FOR i IN 1 .. 100 LOOP
			PERFORM pg_stat_clear_snapshot();
			PERFORM $function((SELECT pid FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND application_name <> 'storm' ORDER BY random() LIMIT 1));
			PERFORM pg_sleep(random() * $pause);
		END LOOP; END \$\$;
	);
}

# What a build finds after one that was ended: the index that it left invalid. What the workers of a parallel vacuum say when their leader
# is cancelled: that they were terminated, or that the memory they share is gone.
my @left = ('42P07', '57P01', '55000');

# --- storms

load('cancels', { '57014' => 20 }, scripts => { storm => storm('pg_cancel_backend', 0.02) }, also => \@left);
load('terminations', { '57P01' => 10 }, scripts => { storm => storm('pg_terminate_backend', 0.1) }, also => [ '42P07', '55000' ]);

# --- timeouts; the others have none, and so meet clients that give up while they wait or work

load('timeouts', { '57014' => 20 }, before => sub { return sprintf('SET statement_timeout = %d;', 1 + int(100**rand())) });

# --- connections: a crowd leaves two for four clients

load('connections', { '53300' => 20 }, chunk => 2, others => [], scripts => { map { ("crowd$_" => 'SELECT pg_sleep(2);') } 1 .. $connections - 2 });

# --- transactions that nobody ends

{
	my $offset = -s $node->logfile;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $insert = QuiverLoad::sql([ 'insert', 'l', 900_000, 900_400, 'spread', 1 ]);
	$session->query("SET idle_in_transaction_session_timeout = 100; SET enable_seqscan = off;
		BEGIN; $insert; SAVEPOINT s; UPDATE g SET n = n + 1 WHERE id < 50;
		DECLARE c CURSOR FOR SELECT id FROM g ORDER BY v <-> vec(7, 64)::vector; FETCH 5 FROM c;");
	my $end = time + 60;
	sleep(0.05) while !{ QuiverLoad::sqlstates($node, $offset) }->{'25P03'} && time < $end;
	eval { $session->quit };
	my %states = QuiverLoad::sqlstates($node, $offset);
	is(join(' ', %states), '25P03 1', 'idle in a transaction: ended');
	$load->check('idle in a transaction');
}

# --- memory: a backend's address space is limited to what it has and so much more

my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/limit.sh", q{
	size=$(sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' /proc/$BACKEND/status)
	prlimit --pid $BACKEND --as=$(( (size + $1) * 1024 )):
});

# Runs a statement in a session of its own; tells how it ended.
my $scripts = 0;
sub limited
{
	my ($kilobytes, $sql) = @_;
	my $file = "$dir/limited" . ++$scripts . '.sql';
	# The stack grows before, as far as the server lets it: a stack that cannot grow is a crash of any program.
	append_to_file($file, qq(
		SET client_min_messages = error; SET maintenance_work_mem = '1GB'; SET work_mem = '1GB'; SET enable_seqscan = off; SET enable_sort = off;
		SELECT pg_backend_pid() AS backend \\gset
		\\setenv BACKEND :backend
		SELECT repeat('[', 1000000)::json;
		SELECT id FROM g ORDER BY v <-> vec(7, 64)::vector LIMIT 1;
		\\! sh $dir/limit.sh $kilobytes
		$sql
		\\! prlimit --pid \$BACKEND --as=unlimited:
		ROLLBACK;
		SELECT 'alive';
	));
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'), '-f', $file ],
		'<', '/dev/null', '>', \$out, '2>', \$err);
	my %states;
	$states{$1}++ while $err =~ /^psql:\S+ (?:ERROR|FATAL):  (\w{5})$/mg;
	$states{'server gone'}++ if $out !~ /^alive$/m;
	delete $states{'54001'};
	# What is sent to a transaction that has failed.
	delete $states{'25P02'};
	return join(' ', sort keys %states);
}

my %statements = (
	'build' => 'CREATE INDEX extra ON g USING quiver (v vector_ip_ops) WITH (ef_construction = 100);',
	'reindex' => 'REINDEX INDEX CONCURRENTLY g_l2;',
	'insert into g' => 'BEGIN; ' . QuiverLoad::sql([ 'insert', 'g', 900_000, 900_050, 'spread', 1 ]) . ';',
	'insert into h' => 'BEGIN; ' . QuiverLoad::sql([ 'insert', 'h', 900_000, 900_010, 'spread', 1 ]) . ';',
	'insert into s' => 'BEGIN; ' . QuiverLoad::sql([ 'insert', 's', 900_000, 900_050, 'spread', 1 ]) . ';',
	'search' => 'SELECT count(*) FROM (SELECT id FROM g ORDER BY v <-> vec(7, 64)::vector LIMIT 100000) q;',
	'sparse search' => 'SELECT count(*) FROM (SELECT id FROM s ORDER BY v <-> sparse(7) LIMIT 100000) q;',
	'vacuum' => 'VACUUM (INDEX_CLEANUP ON) g;',
	'check' => "SELECT count(*) FROM quiver_check('g_l2', true);",
	'figures' => "SELECT rows FROM quiver_index_stats('g_l2');",
);
my $offset = -s $node->logfile;
my %refused = map { $_ => 0 } keys %statements;
for my $kilobytes ((map { $_ * 128 } ($deep ? 0 .. 30 : (0, 2, 4 .. 11))), 3000)
{
	foreach my $name (sort keys %statements)
	{
		$load->run([ 'move', 'g', 1, 40, 5 ]) if $name eq 'vacuum';
		my $said = limited($kilobytes, $statements{$name});
		ok($said eq '53200' || $said eq '', "$name, $kilobytes kB: " . ($said || 'done'));
		$refused{$name}++ if $said eq '53200';
		$load->check("$name, $kilobytes kB", 'g') if $name eq 'vacuum';
	}
	$load->mend_indexes;
	$node->safe_psql('postgres', 'DROP INDEX IF EXISTS extra');
}
cmp_ok($refused{$_}, '>', 0, "$_: refused $refused{$_} times") foreach sort keys %statements;
my $told = slurp_file($node->logfile, $offset);
my %contexts;
$contexts{$1}++ while $told =~ /Failed on request of size \d+ in memory context "(quiver [^"]*)"/g;
# A build's pages are no memory context's.
$contexts{'quiver build'}++ while $told =~ /could not map \d+ bytes of memory for an index build/g;
cmp_ok($contexts{"quiver $_"} || 0, '>', 0, "within a $_ of ours") foreach 'build', 'insert', 'scan';
$load->check('memory');
$load->insert_some;
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) ' . join(', ', $load->tables));
$load->check('memory, vacuumed');

is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server has stayed');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|buffer refcount leak|\] XX\d\d\d/, 'no damage');
done_testing();
