# What several servers have of one index, for tests that want it to be the same everywhere.
#
# same_contents compares what is in the files at rest: their digests (quiver_index_digest), and page by page what is logged,
# without the hole with its hints, LSN, checksum and pages of zeros, so that a test can name the block.  It sees a change
# that was made without a record, which wal_consistency_checking does only where a later record touches that page.
# Needs the extension pageinspect.

package IndexContents;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(index_pages same_contents is_sound complete catch_up server_errors by_index);

# Each query by the index, if any serves it.
our $BY_INDEX = 'SET enable_seqscan = off; SET enable_sort = off;';

sub by_index { return $BY_INDEX; }

# A line a page: its number, and a digest of what is logged of it.
sub index_pages
{
	my ($node, $index, $db) = @_;
	return $node->safe_psql($db || 'postgres', qq(
		WITH pages AS (
			SELECT block, get_raw_page('$index', 'main', block) AS p
				FROM generate_series(0, pg_relation_size('$index') / 8192 - 1) block
		), ends AS (
			SELECT block, p, get_byte(p, 12) + 256 * get_byte(p, 13) AS lower, get_byte(p, 14) + 256 * get_byte(p, 15) AS upper
				FROM pages
		)
		SELECT block, md5(substring(p FROM 11 FOR lower - 10) || substring(p FROM upper + 1))
			FROM ends WHERE upper > 0 ORDER BY block;
	));
}

# Waits until standbys have replayed all that the server has written so far; whichever way it comes to them.
sub catch_up
{
	my ($primary, @standbys) = @_;
	my $lsn = $primary->lsn('insert');
	foreach my $standby (@standbys)
	{
		$standby->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'")
			or die $standby->name . " did not come to $lsn";
	}
	return;
}

# One test: the indexes have the same pages on both.
sub same_contents
{
	my ($name, $one, $other, @indexes) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @differ;
	foreach my $index (@indexes)
	{
		my %here = map { split /\|/ } split /\n/, index_pages($one, $index);
		my %there = map { split /\|/ } split /\n/, index_pages($other, $index);
		my %all = (%here, %there);
		push @differ, map { "$index: block $_" }
			grep { ($here{$_} // 'none') ne ($there{$_} // 'none') } sort { $a <=> $b } keys %all;
		push @differ, "$index: no page" if !%all;
		my $digest = "SELECT quiver_index_digest('$index')";
		push @differ, "$index: digest" if $one->safe_psql('postgres', $digest) ne $other->safe_psql('postgres', $digest);
	}
	splice @differ, 10 if @differ > 10;
	return is(join("\n", @differ), '', "$name: the same contents");
}

# One test: nothing wrong in the indexes, nor between them and their tables.
sub is_sound
{
	my ($name, $node, @indexes) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $list = join(', ', map { "('$_')" } @indexes);
	return is($node->safe_psql('postgres', qq(
		SELECT i, f.* FROM (VALUES $list) s (i), quiver_check(i::regclass, true) f WHERE f.severity <> 'info'
	)), '', "$name: sound");
}

# One test: a scan of the whole index gives each row of the table once.  Exact order would leave out what turns up too late.
sub complete
{
	my ($name, $node, $table, $order) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($by_index, $without) = split /\n/, $node->safe_psql('postgres', qq(
		$BY_INDEX SET quiver.exact_order = off;
		SELECT count(*), count(DISTINCT id), sum(id::bigint) FROM (SELECT id FROM $table ORDER BY $order) s;
		SET enable_seqscan = on; SET enable_sort = on; SET enable_indexscan = off; SET enable_indexonlyscan = off;
		SELECT count(*), count(DISTINCT id), sum(id::bigint) FROM $table;
	));
	return is($by_index, $without, "$name, $table: every row once");
}

# SQLSTATEs of the errors in a server's log from an offset on, with their counts; the log has %e before each message.
sub server_errors
{
	my ($node, $offset) = @_;
	my %count;
	$count{$_}++ foreach slurp_file($node->logfile, $offset) =~ / (\w{5}) (?:ERROR|FATAL|PANIC):  /g;
	return \%count;
}

1;
