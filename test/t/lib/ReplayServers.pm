# Servers for tests of replay: a primary, standbys that stream from it or from each other, and vectors.

package ReplayServers;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(start_primary start_standby create_extensions);

# Standbys compare each page that they replay.  There is little room, so that pages are written and read again; nothing is
# vacuumed but by the test.  Options: "init", of what Cluster's init takes; "settings", more of them, which count.
sub start_primary
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 1, @{ $options{init} || [] });
	$node->append_conf('postgresql.conf', qq(
wal_consistency_checking = 'generic'
wal_keep_size = 8GB
max_wal_size = 1GB
shared_buffers = 16MB
autovacuum = off
log_statement = none
) . ($options{settings} || ''));
	$node->start;
	return $node;
}

# A standby of what a server, which may be one itself, has by now.
sub start_standby
{
	my ($name, $of, $settings) = @_;
	$of->backup("for_$name");
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($of, "for_$name", has_streaming => 1);
	$node->append_conf('postgresql.conf', $settings) if $settings;
	$node->start;
	return $node;
}

# The extensions, and vec(i): the same vector of whole numbers for the same i, of as many dimensions as are asked for.
sub create_extensions
{
	my ($node, $dim) = @_;
	my $default = $dim ? " DEFAULT $dim" : '';
	$node->safe_psql('postgres', qq(
		CREATE EXTENSION quiver;
		CREATE EXTENSION pageinspect;
		CREATE FUNCTION vec(i int, dim int$default) RETURNS vector LANGUAGE sql IMMUTABLE AS
			'SELECT array_agg((hashint8(i * 10000::bigint + j) % 1000)::real ORDER BY j)::vector FROM generate_series(1, dim) j';
	));
	return;
}

1;
