# Proves: a standby replays the statements of the SQL tests (sql/) with its pages compared record by record
# (wal_consistency_checking); every index that was there when its table would have been dropped is the same on both servers at
# the end, page by page, and sound.  The tests' output is the business of the regression tests; here tables are put
# aside where the tests drop them.  QUIVER_DEEP: all of them, else those that write most for their time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;
use ReplayServers;

my $source = "$FindBin::RealBin/../../sql";
my @tests = qw(ddl_rewrites index_rows index_write transactions);
# index_check makes damaged indexes.
@tests = grep { $_ ne 'index_check' } map { m{([^/]+)\.sql$} } sort glob("$source/*.sql") if $ENV{QUIVER_DEEP};

my $primary = start_primary('primary', init => [ extra => [ '-E', 'UTF8', '--locale=C' ] ], settings => q(
shared_buffers = 64MB
autovacuum = on
max_connections = 40
max_prepared_transactions = 5
log_min_messages = panic
));
my $standby = start_standby('standby', $primary, 'log_min_messages = warning');

# As pg_regress makes its database, and what puts tables aside with their indexes: into a schema of their own.
$primary->safe_psql('postgres', 'CREATE DATABASE origin TEMPLATE template0');
$primary->safe_psql('origin', q(
	CREATE EXTENSION quiver;
	CREATE EXTENSION pageinspect SCHEMA pg_catalog;
	CREATE SCHEMA aside;
	CREATE SEQUENCE aside.folders;
	CREATE FUNCTION aside.put(tables text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
		DECLARE folder text := 'aside_' || nextval('aside.folders'); t text;
		BEGIN
			EXECUTE 'CREATE SCHEMA ' || folder;
			FOREACH t IN ARRAY string_to_array(tables, ',') LOOP
				IF (SELECT relpersistence = 't' FROM pg_class WHERE oid = to_regclass(trim(t))) THEN
					EXECUTE format('DROP TABLE %s', trim(t));
				ELSIF to_regclass(trim(t)) IS NOT NULL THEN
					EXECUTE format('ALTER TABLE %s SET SCHEMA %s', trim(t), folder);
				END IF;
			END LOOP;
		END $$;
	GRANT ALL ON SCHEMA aside TO PUBLIC;
));

my $compared = 0;
foreach my $test (@tests)
{
	my $db = "regress_$test";
	$primary->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE origin");
	my $sql = slurp_file("$source/$test.sql");
	$sql =~ s/^DROP TABLE (?:IF EXISTS )?([\w", .]+?)(?: CASCADE)?;/SELECT aside.put('$1');/mg;
	my ($out, $err) = ('', '');
	# Errors are part of the tests.
	$primary->psql($db, "SET client_min_messages = error;\n$sql", on_error_stop => 0, stdout => \$out, stderr => \$err);
	unlike($err, qr/server closed the connection/, "$test: run to its end");
	catch_up($primary, $standby);
	my @indexes = split /\n/, $primary->safe_psql($db, q(
		SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_am a ON a.oid = relam JOIN pg_namespace n ON n.oid = relnamespace
			JOIN pg_index ON indexrelid = c.oid
			WHERE amname = 'quiver' AND c.relkind = 'i' AND relpersistence = 'p' AND indisvalid ORDER BY 1
	));
	next if !@indexes;
	$compared += @indexes;
	my @differ = grep { index_pages($primary, $_, $db) ne index_pages($standby, $_, $db) } @indexes;
	is("@differ", '', "$test: the same contents of " . @indexes . ' indexes');
	my $list = join(', ', map { "('$_')" } @indexes);
	is($standby->safe_psql($db, "SELECT i, f.* FROM (VALUES $list) s (i), quiver_check(i::regclass) f WHERE severity <> 'info'"), '', "$test: sound");
}
cmp_ok($compared, '>', $ENV{QUIVER_DEEP} ? 60 : 12, "$compared indexes compared");
$standby->stop;
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no inconsistent page on the standby');

done_testing();
