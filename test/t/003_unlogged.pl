# Proves: an unlogged index is empty and usable after a crash, on a promoted standby too (its init fork is in the WAL), and
# survives an orderly restart with its rows.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nwal_keep_size = 1GB\n");
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE UNLOGGED TABLE u (id int, v vector(3));
	INSERT INTO u SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 6000) i;
	CREATE INDEX u_v ON u USING quiver (v);
	INSERT INTO u SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(6001, 6500) i;
	CREATE UNLOGGED TABLE u_cosine (id int, v halfvec(3));
	CREATE INDEX ON u_cosine USING quiver (v halfvec_cosine_ops);
));

my $all = q(
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM u ORDER BY v <-> '[1,2,3]' LIMIT 100000) s;
);
is($node->safe_psql('postgres', $all), '6500|6500', 'all rows before');

$node->restart;
is($node->safe_psql('postgres', $all), '6500|6500', 'all rows after an orderly restart');

$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $all), '0|0', 'none after a crash, and no error');
like($node->safe_psql('postgres', "SET enable_seqscan = off; EXPLAIN SELECT id FROM u ORDER BY v <-> '[1,2,3]' LIMIT 1"),
	qr/Index Scan using u_v/, 'the index is used');
$node->safe_psql('postgres', 'INSERT INTO u SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 500) i');
is($node->safe_psql('postgres', $all), '500|500', 'filled anew');
$node->safe_psql('postgres', 'DELETE FROM u WHERE id % 2 = 0; VACUUM u');
is($node->safe_psql('postgres', $all), '250|250', 'vacuumed');

$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$node->stop;
$standby->promote;
is($standby->safe_psql('postgres', $all), '0|0', 'promoted: empty, and no error');
$standby->safe_psql('postgres', q(
	INSERT INTO u SELECT i, ARRAY[i, i % 7, i % 11]::vector FROM generate_series(1, 500) i;
	INSERT INTO u_cosine SELECT id, v::halfvec FROM u;
));
is($standby->safe_psql('postgres', $all), '500|500', 'promoted: filled anew');
is($standby->safe_psql('postgres', q(
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(*) FROM (SELECT id FROM u_cosine ORDER BY v <=> '[1,2,3]' LIMIT 100000) s)), '500', 'the other index too');

done_testing();
