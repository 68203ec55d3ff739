# Proves: quiver_prewarm leaves in shared buffers what it says, the upper layers also where not all fits, can be watched and cancelled; and after a start
# of a server that preloads quiver, a standby too, the indexes of all databases are there, one that is damaged or locked in nobody's way.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q(
autovacuum = off
max_prepared_transactions = 2
shared_buffers = 64MB
max_wal_senders = 4
));
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE other');
my $rows = 9000;
for my $database ('postgres', 'other')
{
	$node->safe_psql($database, qq(
		CREATE EXTENSION quiver;
		CREATE EXTENSION pg_buffercache;
		CREATE EXTENSION pageinspect;
		CREATE TABLE t AS SELECT i AS id, (SELECT array_agg(sin(i * j) ORDER BY j) FROM generate_series(1, 100) j)::vector(100) AS v
			FROM generate_series(1, $rows) i;
		CREATE INDEX large ON t USING quiver (v);
		CREATE INDEX small ON t USING quiver (v) WHERE id <= 3000;
		CREATE UNLOGGED TABLE u AS SELECT * FROM t WHERE id <= 2500;
		CREATE INDEX unlogged ON u USING quiver (v);
	));
	$rows -= 4000;
}

# Blocks of an index that every search begins with: meta page, centre, upper nodes, by the format's number of their kind.
$node->safe_psql('postgres', q(
	CREATE TABLE first AS SELECT name::text, block::int
		FROM unnest('{large,small}'::text[]) name, generate_series(0, pg_relation_size(name::regclass) / 8192 - 1) block
		WHERE get_byte(get_raw_page(name, block::int), 8176) IN (1, 2, 4);
	VACUUM FULL first;
));

my $buffered = sub {
	my ($server, $database, $index, $condition) = @_;
	$condition //= 'true';
	return $server->safe_psql($database, "SELECT count(*) FROM pg_buffercache b WHERE relfilenode = pg_relation_filenode('$index')
		AND relforknumber = 0 AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND $condition");
};
my $blocks = sub { my ($database, $index) = @_; return $node->safe_psql($database, "SELECT pg_relation_size('$index') / 8192") };
my $first_of = sub { my ($index) = @_; return $node->safe_psql('postgres', "SELECT count(*) FROM first WHERE name = '$index'") };
my %first = map { $_ => $first_of->($_) } 'large', 'small';
my $is_first = sub { "relblocknumber IN (SELECT block FROM first WHERE name = '$_[0]')" };
cmp_ok($first{large}, '>', 20, "pages of upper layers: $first{large}");
cmp_ok($blocks->('postgres', 'large'), '>', 1200, 'blocks of the index: ' . $blocks->('postgres', 'large'));

# --- by hand

$node->restart;
is($buffered->($node, 'postgres', 'large'), 0, 'cold after a start that prewarms nothing');
my $upper = $node->safe_psql('postgres', "SELECT quiver_prewarm('large', 'upper')");
is($buffered->($node, 'postgres', 'large'), $upper, "upper: $upper blocks, as it says");
cmp_ok($upper, '<=', $first{large}, 'upper: no others');
cmp_ok($upper, '>=', 0.95 * $first{large}, 'upper: all that links lead to');
is($buffered->($node, 'postgres', 'large', $is_first->('large')), $upper, 'upper: they are those of the upper layers');
my ($rc, $out, $err) = $node->psql('postgres', "SELECT quiver_prewarm('large')");
is($out, $blocks->('postgres', 'large'), 'all: every block');
is($err, '', 'all: without a word');
is($buffered->($node, 'postgres', 'large'), $out, 'all: and there it is');

# Watched, and cancelled.
my $busy = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $busy->query_safe('SELECT pg_backend_pid()');
$busy->query_until(qr/begins/, "\\echo begins\nSELECT count(quiver_prewarm('large')) FROM generate_series(1, 100000000);\n");
ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM quiver_prewarm_progress
	WHERE pid = $pid AND datname = 'postgres' AND relid = 'large'::regclass AND mode = 'all' AND done > 0 AND total = pg_relation_size('large') / 8192
	AND percent BETWEEN 0 AND 100"), 'a prewarming can be watched');
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
{
	local $ENV{PGOPTIONS} = '-c role=nobody';
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM quiver_prewarm_progress WHERE pid = $pid AND relid IS NULL AND done IS NULL"),
		'others see only that somebody does');
}
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $pid"), 'a prewarming can be cancelled');
is($node->safe_psql('postgres', 'SELECT count(*) FROM quiver_prewarm_progress'), '0', 'and is not shown any more');
$busy->quit;

# --- after a start

my $start = sub {
	my ($server, %settings) = @_;
	$server->append_conf('postgresql.conf', "$_ = '$settings{$_}'") for keys %settings;
	my $offset = -s $server->logfile;
	$server->restart;
	# The launcher is registered before anybody can connect, and ends last.
	ok($server->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'quiver prewarm%'"), 'workers have ended');
	return slurp_file($server->logfile, $offset);
};
my $log = $start->($node, 'shared_preload_libraries' => 'quiver', 'quiver.prewarm' => 'all');
for my $database ('postgres', 'other')
{
	is($buffered->($node, $database, $_), $blocks->($database, $_), "all: $database, $_") for 'large', 'small', 'unlogged';
}
cmp_ok($buffered->($node, 'postgres', 't'), '<', 10, 'no table');
unlike($log, qr/ERROR|FATAL|PANIC/, 'nothing went wrong');

$log = $start->($node, 'quiver.prewarm' => 'upper');
is($buffered->($node, 'postgres', 'large'), $upper, 'upper: as by hand');
is($buffered->($node, 'postgres', 'large', $is_first->('large')), $upper, 'upper: the same blocks');

# --- a database can be dropped at once

$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE other');
$node->append_conf('postgresql.conf', "quiver.prewarm = 'all'");
$node->restart;
is($node->psql('postgres', 'DROP DATABASE third'), 0, 'a database is dropped while indexes are prewarmed');

# --- an index that is locked, and one that is damaged

$node->safe_psql('postgres', "BEGIN; DROP INDEX large; PREPARE TRANSACTION 'holds'");
my $file = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('small')");
$node->stop;
open(my $handle, '+<', $file) or die $!;
sysread($handle, my $meta, 8192) == 8192 or die $!;
sysseek($handle, 0, 0);
syswrite($handle, "\0" x 8192);
close($handle);
$node->start;
$log = $start->($node);
is($buffered->($node, 'postgres', 'large'), 0, 'a locked index is left out');
like($log, qr/ERROR:  index "small" contains corrupted page at block 0/, 'a damaged one is reported');
is($buffered->($node, 'postgres', 'unlogged'), $blocks->('postgres', 'unlogged'), 'the others are not kept from it');
is($buffered->($node, 'other', 'large'), $blocks->('other', 'large'), 'nor other databases');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'holds'");
($rc, $out, $err) = $node->psql('postgres', "SELECT quiver_prewarm('small')");
like($err, qr/index "small" contains corrupted page at block 0/, 'by hand a damaged one is an error');
$node->safe_psql('postgres', 'REINDEX INDEX small');
$node->safe_psql('postgres', "UPDATE first SET name = 'stale' WHERE name = 'small'; CHECKPOINT");

# --- shared buffers that are smaller than the index

$log = $start->($node, 'shared_buffers' => '4MB', 'quiver.prewarm' => 'off');
($rc, $out, $err) = $node->psql('postgres', "SELECT quiver_prewarm('large')");
is($out, 512 - 64, 'too large: seven eighths of the buffers');
like($err, qr/NOTICE:  index "large" is larger than the buffers that it may take\nDETAIL:  448 of its \d+ blocks were read, those of the upper layers first; there are 512 buffers/,
	'too large: a NOTICE says so');
is($buffered->($node, 'postgres', 'large', $is_first->('large')), $upper, 'too large: the upper layers are there');
cmp_ok($buffered->($node, 'postgres', 'large'), '>', 300, 'too large: with most of what was read');
is($node->safe_psql('postgres', "SELECT quiver_prewarm('large', 'upper')"), $upper, 'too large: upper all the same');
$log = $start->($node, 'quiver.prewarm' => 'all');
# Of 512 buffers about half are free when the worker comes.
cmp_ok($buffered->($node, 'postgres', 'large', $is_first->('large')), '>', 50, 'too large, after a start: upper layers come first');
unlike($log, qr/ERROR|FATAL|PANIC/, 'too large, after a start: nothing went wrong');

# --- a standby

$node->append_conf('postgresql.conf', "shared_buffers = 64MB\nquiver.prewarm = 'all'");
$node->restart;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
$log = $start->($standby);
for my $database ('postgres', 'other')
{
	is($buffered->($standby, $database, $_), $blocks->($database, $_), "standby: $database, $_") for 'large', 'small';
}
unlike($log, qr/ERROR|PANIC/, 'standby: nothing went wrong');
$standby->append_conf('postgresql.conf', "quiver.prewarm = 'off'");
$standby->restart;
is($standby->safe_psql('postgres', "SELECT quiver_prewarm('large')"), $blocks->('postgres', 'large'), 'standby: by hand');
($rc, $out, $err) = $standby->psql('postgres', "SELECT quiver_prewarm('unlogged')");
like($err, qr/cannot read unlogged index "unlogged" during recovery/, 'standby: an unlogged one cannot be read');
$node->safe_psql('postgres', 'DROP DATABASE other');
$node->wait_for_catchup($standby);
pass('standby: a database is dropped');

$standby->stop;
$node->stop;
done_testing();
