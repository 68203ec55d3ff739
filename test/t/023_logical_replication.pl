# Proves: logical replication of tables with vectors of all types, initial copy and changes, in text and in binary mode, with a key
# and with REPLICA IDENTITY FULL: both sides have the same values to the last bit, and each side's index gives all rows of its
# table and answers as a sort does; into a type of another precision; to a table that has its own index and options.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', "autovacuum = off\nshared_buffers = 16MB\nlog_statement = none\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "autovacuum = off\nshared_buffers = 16MB\nlog_statement = none\n");
$subscriber->start;

my $connection = "host=@{[ $publisher->host ]} port=@{[ $publisher->port ]} dbname=postgres application_name=quiver_subscription";

# On both sides; more rows than a list holds (d is a list).  Values of all magnitudes, which text must carry to the last bit.
my @columns = (
	[ 'a', 'vector(200)', 'vector_l2_ops', '<->', 'vec(i, 200)' ],
	[ 'b', 'halfvec(200)', 'halfvec_cosine_ops', '<=>', 'vec(i, 200)::halfvec' ],
	[ 'c', 'sparsevec(500)', 'sparsevec_l2_ops', '<->', 'vec(i, 500)::sparsevec' ],
	[ 'd', 'bit(96)', 'bit_hamming_ops', '<~>', "(hashint8(i)::bit(32) || hashint8(i + 1)::bit(32) || hashint8(i + 2)::bit(32))" ]);
my $kinds = join(', ', map { "$_->[0] $_->[1]" } @columns);
my $values = join(', ', map { $_->[4] } @columns);
my @tables = ('keyed', 'full');
foreach my $node ($publisher, $subscriber)
{
	$node->safe_psql('postgres', qq(
		CREATE EXTENSION quiver;
		CREATE FUNCTION vec(i int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS
			\$\$SELECT array_agg((hashint8(i * 10000::bigint + j) % 1000)::real / 7 * CASE WHEN dim > 300 AND j % 40 <> i % 40 THEN 0 ELSE 1 END
				ORDER BY j)::vector FROM generate_series(1, dim) j\$\$;
		CREATE TABLE keyed (id int PRIMARY KEY, $kinds);
		CREATE TABLE "full" (id int, $kinds);
		ALTER TABLE "full" REPLICA IDENTITY FULL;
	));
	foreach my $table (@tables)
	{
		$node->safe_psql('postgres', "CREATE INDEX ${table}_$_->[0] ON \"$table\" USING quiver ($_->[0] $_->[2]) WITH (m = 8, ef_construction = @{[ $node == $publisher ? 32 : 40 ]})") foreach @columns;
	}
}
my @indexes = map { my $table = $_; map { "${table}_$_->[0]" } @columns } @tables;

sub wait_for
{
	$publisher->wait_for_catchup('quiver_subscription');
	return;
}

sub compare
{
	my ($name) = @_;
	wait_for();
	foreach my $table (@tables)
	{
		# halfvec and sparsevec print as they are stored; so do floats, in the shortest form that reads back the same.
		my $digest = qq(SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)), md5(string_agg(vector_send(a), '' ORDER BY t::text)) FROM "$table" t);
		my $here = $publisher->safe_psql('postgres', $digest);
		is($subscriber->safe_psql('postgres', $digest), $here, "$name, $table: the same rows, " . ($here =~ /^(\d+)/)[0]);
		foreach (@columns)
		{
			my ($column, $type, $class, $operator, $vector) = @$_;
			complete("$name, subscriber, $column", $subscriber, "\"$table\"", "$column $operator (SELECT $vector FROM (SELECT 5 AS i) q)");
			# One of the nearest as a sort finds them: recall of an index is another test's matter, a wrong value is this one's.
			my $nearest = "SELECT string_agg(d::text, ' ') FROM (SELECT $column $operator (SELECT $vector FROM (SELECT 8 AS i) q) AS d FROM \"$table\" ORDER BY $column $operator (SELECT $vector FROM (SELECT 8 AS i) q) LIMIT 3) s";
			is($subscriber->safe_psql('postgres', by_index() . "SET quiver.ef_search = 400; SET quiver.exact_order = on; $nearest"),
				$publisher->safe_psql('postgres', "SET enable_indexscan = off; $nearest"), "$name, $table, $column: the nearest");
		}
	}
	is_sound("$name, publisher", $publisher, @indexes);
	is_sound("$name, subscriber", $subscriber, @indexes);
	return;
}

foreach my $binary ('off', 'on')
{
	my $name = "binary $binary";
	my $first = $binary eq 'off' ? 1 : 100001;
	$publisher->safe_psql('postgres', qq(
		TRUNCATE keyed, "full";
		INSERT INTO keyed SELECT i, $values FROM generate_series($first, $first + 1349) i;
		INSERT INTO "full" SELECT i, $values FROM generate_series($first, $first + 199) i;
		INSERT INTO "full" VALUES ($first + 200);
	));
	$subscriber->safe_psql('postgres', 'TRUNCATE keyed, "full"');
	$publisher->safe_psql('postgres', 'CREATE PUBLICATION quiver_publication FOR TABLE keyed, "full"');
	$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION quiver_subscription CONNECTION '$connection' PUBLICATION quiver_publication WITH (binary = $binary)");
	$subscriber->wait_for_subscription_sync($publisher, 'quiver_subscription');
	compare("$name, initial copy");

	foreach my $table (@tables)
	{
		my $more = $table eq 'keyed' ? 300 : 40;
		$publisher->safe_psql('postgres', qq(
			INSERT INTO "$table" SELECT i, $values FROM generate_series($first + 5000, $first + 4999 + $more) i;
			INSERT INTO "$table" (id) VALUES ($first + 6000);
			UPDATE "$table" SET (a, b, c, d) = (SELECT $values FROM (SELECT id + 77 AS i) s) WHERE id % 20 = 3;
			UPDATE "$table" SET id = id + 50000 WHERE id % 31 = 5;
			UPDATE "$table" SET b = NULL WHERE id % 37 = 6;
			DELETE FROM "$table" WHERE id % 9 = 4;
			BEGIN;
			INSERT INTO "$table" SELECT i, $values FROM generate_series($first + 7000, $first + 7020) i;
			ROLLBACK;
		));
	}
	compare("$name, changes");
	$_->safe_psql('postgres', 'VACUUM keyed, "full"') foreach $publisher, $subscriber;
	compare("$name, vacuumed");
	my $sent = $publisher->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND query LIKE 'START_REPLICATION%binary%'");
	is($sent, $binary eq 'on' ? '1' : '0', "$name: it is the mode that was asked for");
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION quiver_subscription');
	$publisher->safe_psql('postgres', 'DROP PUBLICATION quiver_publication');
}

# Text goes into another type: half the bytes on the subscriber.
foreach my $node ($publisher, $subscriber)
{
	my $type = $node == $publisher ? 'vector' : 'halfvec';
	$node->safe_psql('postgres', qq(
		CREATE TABLE narrow (id int PRIMARY KEY, v $type(150));
		CREATE INDEX narrow_v ON narrow USING quiver (v);
	));
}
$publisher->safe_psql('postgres', 'INSERT INTO narrow SELECT i, vec(i, 150) FROM generate_series(1, 100) i; CREATE PUBLICATION quiver_publication FOR TABLE narrow');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION quiver_subscription CONNECTION '$connection' PUBLICATION quiver_publication");
$subscriber->wait_for_subscription_sync($publisher, 'quiver_subscription');
$publisher->safe_psql('postgres', 'UPDATE narrow SET v = vec(id + 1, 150) WHERE id > 50');
wait_for();
is($subscriber->safe_psql('postgres', 'SELECT md5(string_agg(v::text, chr(10) ORDER BY id)) FROM narrow'),
	$publisher->safe_psql('postgres', 'SELECT md5(string_agg(v::halfvec::text, chr(10) ORDER BY id)) FROM narrow'), 'vector into halfvec: the values rounded');
complete('vector into halfvec', $subscriber, 'narrow', 'v <-> vec(5, 150)::halfvec');
is_sound('vector into halfvec', $subscriber, 'narrow_v');

foreach my $node ($publisher, $subscriber)
{
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|ERROR/, $node->name . ': no error');
}
done_testing();
