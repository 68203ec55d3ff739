# Proves: quiver_index_digest is the same on a primary, on its standby and on a cascaded one at rest, whatever hints each has
# set; after a crash, recovery and promotion too; one changed byte of what is logged changes it, one of what is not does not;
# it can be cancelled.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
# Bytes are flipped below, which checksums would refuse.
$primary->init(allows_streaming => 1, extra => $primary->pg_version >= 18 ? ['--no-data-checksums'] : []);
$primary->append_conf('postgresql.conf', "autovacuum = off\nwal_keep_size = 1GB\n");
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = off');
$standby->start;

# One index for each way that nodes lie on pages, and a list.
my %tables = (list => [ 300, 40 ], small => [ 60, 3000 ], large => [ 2100, 150 ]);
sub vec_sql { my ($i, $dim) = @_; return "(SELECT array_agg(sin(($i) * k)::real ORDER BY k)::vector FROM generate_series(1, $dim) k)"; }
$primary->safe_psql('postgres', 'CREATE EXTENSION quiver');
for my $table (sort keys %tables)
{
	my ($dim, $rows) = @{ $tables{$table} };
	$primary->safe_psql('postgres', qq(
		CREATE TABLE $table (id int, v vector($dim));
		INSERT INTO $table SELECT i, @{[ vec_sql('i', $dim) ]} FROM generate_series(1, $rows) i;
		CREATE INDEX ${table}_v ON $table USING quiver (v) WITH (m = 8, ef_construction = 32);
	));
}

sub digest { my ($node, $table) = @_; return $node->safe_psql('postgres', "SELECT quiver_index_digest('${table}_v')"); }
sub digests { my ($node) = @_; return join("\n", map { digest($node, $_) } sort keys %tables); }

sub same_on_standby
{
	my ($name) = @_;
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	my $here = digests($primary);
	is(digests($standby), $here, "$name: the standby has the same");
	return $here;
}

my $prefix = 'SET enable_seqscan = off; SET enable_sort = off; SET quiver.ef_search = 200;';
sub reads
{
	my ($node, $table) = @_;
	return (split /\n/, $node->safe_psql('postgres', qq(
		LOAD 'quiver'; $prefix
		BEGIN;
		SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> @{[ vec_sql(1, $tables{$table}[0]) ]}) s;
		SELECT pg_stat_get_xact_tuples_returned('${table}_v'::regclass);
		COMMIT;)))[-1];
}

my %seen;
$seen{ same_on_standby('as built') }++;
for my $round (1 .. 3)
{
	for my $table (sort keys %tables)
	{
		my ($dim, $rows) = @{ $tables{$table} };
		$primary->safe_psql('postgres', qq(
			DELETE FROM $table WHERE id % 4 = $round;
			UPDATE $table SET v = @{[ vec_sql("id + $round", $dim) ]} WHERE id % 8 = 0;
			INSERT INTO $table SELECT i, @{[ vec_sql('i % 1000', $dim) ]} FROM generate_series($round * 10000, $round * 10000 + $rows / 8) i;
		));
	}
	$seen{ same_on_standby("round $round") }++;
	$primary->safe_psql('postgres', 'VACUUM ' . join(', ', sort keys %tables));
	$seen{ same_on_standby("round $round, vacuumed") }++;
}
is(scalar(keys %seen), 7, 'and each time another than before');

# Hints, on the primary alone.
my $before = digests($primary);
$primary->safe_psql('postgres', "DELETE FROM small WHERE id % 4 = 0");
my $first = reads($primary, 'small');
cmp_ok(reads($primary, 'small'), '<', $first - 100, 'hints are set');
$primary->safe_psql('postgres', 'CHECKPOINT');
is(digests($primary), $before, 'hints do not count');
same_on_standby('hints');

# A page of zeros at the end, as an extension leaves it that was not logged: on the primary alone.
my $path = $primary->data_dir . '/' . $primary->safe_psql('postgres', "SELECT pg_relation_filepath('small_v')");
$primary->stop;
append_to_file($path, "\0" x 8192);
$primary->start;
is(digests($primary), $before, 'a page of zeros does not count');
same_on_standby('a page of zeros');

# A crash: recovery makes the same pages.
my $dim = $tables{small}[0];
$primary->safe_psql('postgres', "CHECKPOINT; INSERT INTO small SELECT i, @{[ vec_sql('i', $dim) ]} FROM generate_series(50000, 50100) i");
$before = digests($primary);
$primary->stop('immediate');
$primary->start;
is(digests($primary), $before, 'the same after a crash');
same_on_standby('after the crash');

# Cascaded, then promoted.
$standby->backup('cascade');
my $cascaded = PostgreSQL::Test::Cluster->new('cascaded');
$cascaded->init_from_backup($standby, 'cascade', has_streaming => 1);
$cascaded->start;
is(digests($cascaded), $before, 'a base backup of the standby has the same');
$primary->stop('immediate');
$standby->promote;
is(digests($standby), $before, 'the same after promotion');
$standby->safe_psql('postgres', "INSERT INTO small SELECT i, @{[ vec_sql('i', $dim) ]} FROM generate_series(60000, 60100) i");
$standby->wait_for_catchup($cascaded, 'replay', $standby->lsn('insert'));
isnt(digest($standby, 'small'), (split /\n/, $before)[2], 'it is written to');
is(digests($cascaded), digests($standby), 'and its standby follows');
$cascaded->stop;
$standby->stop;

# Bytes of the file: where they lie says whether they count.
my $whole = slurp_file($path);
my ($block) = grep { unpack('C', substr($whole, 8192 * $_ + 8176, 1)) == 3 } 1 .. length($whole) / 8192 - 1;
my $lower = unpack('v', substr($whole, 8192 * $block + 12, 2));
my @bytes = (
	['LSN', 4, 0], ['flags', 10, 0], ['head of a node', 24 + 8, 1], ['last byte of the data', $lower - 1, 1],
	['hole', $lower, 0], ['hints', 8167, 0], ['counter', 8168, 0], ['generation of the page', 8180, 1]);
$primary->start;
$before = digest($primary, 'small');
my $flipped;
for (@bytes, [ 'nothing', undef, 0 ])
{
	my ($name, $offset, $counts) = @$_;
	$primary->stop;
	defined($_) && flip($path, 8192 * $block + $_) for $flipped, $offset;
	$flipped = $offset;
	$primary->start;
	my $after = digest($primary, 'small');
	is($after eq $before ? 0 : 1, $counts, "a bit of: $name");
}

# A damaged meta page is refused.
$primary->stop;
flip($path, 24 + 4);
$primary->start;
my ($rc, $out, $err) = $primary->psql('postgres', q(\set VERBOSITY verbose
	SELECT quiver_index_digest('small_v')));
like($err, qr/ERROR:  (0A000|XX002): .*"small_v"/, 'another format');
$primary->stop;
flip($path, 24 + 4);
$primary->start;

# Cancelled, with nothing left behind.
$primary->safe_psql('postgres', "INSERT INTO small SELECT i, @{[ vec_sql('i', $dim) ]} FROM generate_series(100000, 106000) i");
($rc, $out, $err) = $primary->psql('postgres', q(
	SET statement_timeout = 20;
	SELECT count(quiver_index_digest('small_v')) FROM generate_series(1, 100000)));
like($err, qr/canceling statement due to statement timeout/, 'cancelled');
unlike($err, qr/leak/, 'nothing leaks');
$primary->stop;

sub flip
{
	my ($file_name, $offset) = @_;
	open(my $file, '+<:raw', $file_name) or die "could not open $file_name: $!";
	sysseek($file, $offset, 0) or die;
	sysread($file, my $byte, 1) == 1 or die;
	sysseek($file, $offset, 0) or die;
	syswrite($file, chr(ord($byte) ^ 0x02)) == 1 or die;
	close($file);
	return;
}

done_testing();
