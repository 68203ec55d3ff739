# Proves: a former primary that went on writing after a failover is brought back by pg_rewind as a standby whose indexes are those
# of the new primary, page by page; that hints about dead rows which only it had known are gone, so that a row it had deleted
# and the new primary has not is found there, also when it is promoted in its turn.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;
use ReplayServers;

my $rounds = $ENV{QUIVER_DEEP} ? 6 : 2;
note("$rounds rounds");

# wal_log_hints is what pg_rewind needs in the absence of checksums; Cluster sets it.
my $primary = start_primary('one');
create_extensions($primary, 200);
$primary->safe_psql('postgres', q(
	CREATE TABLE t (id int PRIMARY KEY, v vector(200));
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 1600) i;
	CREATE INDEX t_v ON t USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE TABLE l (id int PRIMARY KEY, v vector(200));
	INSERT INTO l SELECT i, vec(i) FROM generate_series(1, 300) i;
	CREATE INDEX l_v ON l USING quiver (v) WITH (m = 8);
));
my $standby = start_standby('two', $primary);

# The nearest of vec(i) that a new scan finds, and how many rows the index gave.
sub nearest
{
	my ($where, $table, $i) = @_;
	return $where->safe_psql('postgres', by_index() . qq(
		LOAD 'quiver';
		BEGIN;
		SELECT id FROM $table ORDER BY v <-> vec($i) LIMIT 1;
		SELECT pg_stat_get_xact_tuples_returned('${table}_v'::regclass);
		COMMIT;));
}

# Whether a new scan finds a row near its own vector.
sub found
{
	my ($where, $table, $i) = @_;
	return $where->safe_psql('postgres', by_index() . "SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> vec($i) LIMIT 100) s WHERE id = $i");
}

foreach my $round (1 .. $rounds)
{
	my $name = "round $round";
	catch_up($primary, $standby);
	# Two that both tables have, and that are the first which a search for their vectors meets.
	my ($kept, $gone);
	foreach my $id (split /\n/, $primary->safe_psql('postgres', 'SELECT id FROM t JOIN l USING (id) ORDER BY id LIMIT 40'))
	{
		next if grep { (split /\n/, nearest($primary, $_, $id))[0] != $id } 't', 'l';
		($kept, $gone) = ($gone, $id);
		last if defined $kept;
	}
	ok(defined $kept, "$name: there are rows to begin with") or last;

	# Rows that both know to be dead, with hints here; and a checkpoint, so that what comes is news to the log.
	$primary->safe_psql('postgres', "DELETE FROM $_ WHERE id = $gone") foreach 't', 'l';
	nearest($primary, $_, $gone) foreach 't', 'l';
	$primary->safe_psql('postgres', 'CHECKPOINT');
	catch_up($primary, $standby);
	$standby->safe_psql('postgres', 'CHECKPOINT');

	# Two histories.
	$standby->promote;
	foreach my $table ('t', 'l')
	{
		# What is written here is written there in other words; one row is deleted there alone, and found dead.
		$primary->safe_psql('postgres', "DELETE FROM $table WHERE id = $kept");
		is((split /\n/, nearest($primary, $table, $kept))[1], '2', "$name, $table: the old primary finds a dead row");
		is((split /\n/, nearest($primary, $table, $kept))[1], '1', "$name, $table: and has a hint");
	}
	# Pages with hints and no record besides are among them; of the rest many get records.
	$primary->safe_psql('postgres', qq(
		INSERT INTO t SELECT i, vec(i) FROM generate_series(@{[ $round * 100000 ]}, @{[ $round * 100000 + 99 ]}) i;
		INSERT INTO l SELECT i, vec(i) FROM generate_series(@{[ $round * 100000 ]}, @{[ $round * 100000 + 400 ]}) i;
	)) if $round % 2 == 0;
	$primary->safe_psql('postgres', 'DELETE FROM t WHERE id % 7 = 1; VACUUM t; REINDEX INDEX l_v') if $round % 4 == 0;
	$standby->safe_psql('postgres', qq(
		INSERT INTO t SELECT i, vec(i) FROM generate_series(@{[ $round * 100000 + 50000 ]}, @{[ $round * 100000 + 50049 ]}) i;
		DELETE FROM t WHERE id % 17 = $round AND id NOT IN ($kept, $gone);
		VACUUM t;
	)) if $round > 1;
	$primary->stop('fast');

	# pg_rewind replaces the settings by the new primary's.
	my $settings = slurp_file($primary->data_dir . '/postgresql.conf');
	$standby->safe_psql('postgres', 'CHECKPOINT');
	command_ok([ 'pg_rewind', '--source-server', $standby->connstr('postgres'), '--target-pgdata', $primary->data_dir, '--no-sync' ], "$name: pg_rewind");
	unlink($primary->data_dir . '/postgresql.conf');
	append_to_file($primary->data_dir . '/postgresql.conf', $settings);
	$primary->enable_streaming($standby);
	$primary->start;
	($primary, $standby) = ($standby, $primary);

	catch_up($primary, $standby);
	same_contents("$name, rewound", $primary, $standby, 't_v', 'l_v');
	is_sound("$name, rewound", $standby, 't_v', 'l_v');
	complete("$name, rewound", $standby, $_, 'v <-> vec(3)') foreach 't', 'l';
	# A copy of the rewound server, promoted before anything else is written, since a record zeroes its page's hints: scans
	# that begin now heed them.
	$standby->stop;
	$standby->backup_fs_cold('cold');
	$standby->start;
	my $copy = PostgreSQL::Test::Cluster->new("copy$round");
	$copy->init_from_backup($standby, 'cold');
	$copy->append_conf('postgresql.conf', "primary_conninfo = ''\n");
	$copy->set_standby_mode;
	$copy->start;
	$copy->promote;
	foreach my $table ('t', 'l')
	{
		is(found($copy, $table, $kept), '1', "$name, $table: the row that only the old primary had deleted is found");
		is(found($copy, $table, $gone), '0', "$name, $table: the one that both had deleted is not");
		complete("$name, promoted copy", $copy, $table, 'v <-> vec(3)');
	}
	is_sound("$name, promoted copy", $copy, 't_v', 'l_v');
	$copy->stop;
	$copy->clean_node;
	$primary->safe_psql('postgres', "INSERT INTO t SELECT i, vec(i) FROM generate_series(@{[ $round * 100000 + 60000 ]}, @{[ $round * 100000 + 60099 ]}) i; VACUUM l");
	catch_up($primary, $standby);
	same_contents("$name, followed", $primary, $standby, 't_v', 'l_v');
	unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, "$name: no inconsistent page");
	system('rm', '-rf', $standby->backup_dir . '/cold');
	$primary->safe_psql('postgres', "DELETE FROM $_ WHERE id < $kept + 20; VACUUM $_") foreach 't';
}

done_testing();
