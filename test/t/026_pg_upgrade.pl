# Proves: pg_upgrade, by copy and by link, brings the indexes over as they are: valid without REINDEX, page by page what they were,
# sound, used, with their options; and they take writes and vacuum afterwards.  From the server
# that QUIVER_OLD_INSTALL names (a folder with bin/ and lib/, the extension in it), else within one version.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use IndexContents;

my ($bin) = run_command([ 'pg_config', '--bindir' ]);
my $old_bin = $ENV{QUIVER_OLD_INSTALL} ? "$ENV{QUIVER_OLD_INSTALL}/bin" : $bin;
note("from $old_bin to $bin");

my $setup = q(
	CREATE SCHEMA q;
	CREATE EXTENSION quiver SCHEMA q;
	CREATE EXTENSION pageinspect;
	ALTER DATABASE postgres SET search_path = public, q;
	SET search_path = public, q;
	CREATE FUNCTION vec(i int, dim int) RETURNS q.vector LANGUAGE sql IMMUTABLE AS
		'SELECT array_agg((hashint8(i * 10000::bigint + j) % 1000)::real ORDER BY j)::q.vector FROM generate_series(1, dim) j';
	CREATE TABLE graph (id int PRIMARY KEY, v vector(200), tenant int);
	INSERT INTO graph SELECT i, vec(i % 1700, 200), i % 5 FROM generate_series(1, 1800) i;
	INSERT INTO graph VALUES (2001, NULL), (2002, array_fill(0, '{200}')::vector);
	CREATE INDEX graph_v ON graph USING quiver (v) WITH (m = 8, ef_construction = 32, ef_search = 77, exact_order = on, storage = float32);
	CREATE INDEX graph_cosine ON graph USING quiver (v vector_cosine_ops) WITH (m = 8, ef_construction = 32);
	CREATE INDEX graph_part ON graph USING quiver (v vector_ip_ops) WITH (m = 8, ef_construction = 32) WHERE tenant = 1;
	CREATE INDEX graph_half ON graph USING quiver ((v::halfvec(200)) halfvec_l1_ops) WITH (m = 8, ef_construction = 32);
	CREATE TABLE list (id int PRIMARY KEY, v sparsevec(300));
	CREATE INDEX list_v ON list USING quiver (v);
	INSERT INTO list SELECT i, vec(i, 300)::sparsevec FROM generate_series(1, 20) i;
	CREATE TABLE wide (id int PRIMARY KEY, v vector(2100));
	INSERT INTO wide SELECT i, vec(i, 2100) FROM generate_series(1, 90) i;
	CREATE INDEX wide_v ON wide USING quiver (v) WITH (m = 8, ef_construction = 32);
	CREATE UNLOGGED TABLE quick (id int PRIMARY KEY, v bit(64));
	INSERT INTO quick SELECT i, hashint8extended(i, 0)::bit(64) FROM generate_series(1, 500) i;
	CREATE INDEX quick_v ON quick USING quiver (v bit_hamming_ops);
	DELETE FROM graph WHERE id % 10 = 3;
	VACUUM graph;
	DELETE FROM graph WHERE id % 10 = 4;
);
my @indexes = ('graph_v', 'graph_cosine', 'graph_part', 'graph_half', 'list_v', 'wide_v', 'quick_v');
my @orders = ([ 'graph', 'v <-> vec(3, 200)' ], [ 'graph', 'v <=> vec(3, 200)' ], [ 'graph', 'v::halfvec(200) <+> vec(3, 200)::halfvec' ],
	[ 'list', 'v <-> vec(3, 300)::sparsevec' ], [ 'wide', 'v <-> vec(3, 2100)' ], [ 'quick', "v <~> B'" . '0' x 64 . "'" ]);

sub answers
{
	my ($where) = @_;
	return $where->safe_psql('postgres', by_index() . join(';', map {
		"SELECT string_agg(id::text, ',') FROM (SELECT id FROM $_->[0] ORDER BY $_->[1] LIMIT 40) s"
	} @orders, [ 'graph', 'v <#> vec(3, 200)' ]) . ';' .
		"SELECT string_agg(id::text, ',') FROM (SELECT id FROM graph WHERE tenant = 1 ORDER BY v <#> vec(3, 200) LIMIT 40) s");
}

foreach my $mode ('copy', 'link')
{
	my $old = PostgreSQL::Test::Cluster->new("old_$mode", install_path => $ENV{QUIVER_OLD_INSTALL});
	$old->init(extra => [ '-E', 'UTF8', '--locale=C', $old->pg_version >= 18 ? ('--no-data-checksums') : () ]);
	$old->append_conf('postgresql.conf', "autovacuum = off\nmax_prepared_transactions = 0\n");
	$old->start;
	$old->safe_psql('postgres', $setup);
	my %pages = map { $_ => index_pages($old, $_) } @indexes;
	my $digests = "SELECT quiver_index_digest(i::regclass) FROM unnest('{@{[ join(',', @indexes) ]}}'::text[]) i";
	my $digest = $old->safe_psql('postgres', $digests);
	my $options = $old->safe_psql('postgres', "SELECT relname, reloptions FROM pg_class WHERE relname IN ('" . join("','", @indexes) . "') ORDER BY 1");
	my $answers = answers($old);
	$old->stop;

	my $new = PostgreSQL::Test::Cluster->new("new_$mode");
	# 18 has checksums by default, and both sides must agree.
	$new->init(extra => [ '-E', 'UTF8', '--locale=C', $new->pg_version >= 18 ? ('--no-data-checksums') : () ]);
	$new->append_conf('postgresql.conf', "autovacuum = off\n");
	# It writes into the current folder.
	my $folder = PostgreSQL::Test::Utils::tempdir();
	chdir($folder) or die;
	command_ok(
		[
			'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old_bin, '-B', $bin, '-s', $new->host,
			'-p', $old->port, '-P', $new->port, $mode eq 'link' ? ('--link') : ()
		], "$mode: pg_upgrade");
	$new->start;
	is($new->safe_psql('postgres', "SELECT count(*), bool_and(indisvalid AND indisready) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam WHERE amname = 'quiver'"),
		@indexes . '|t', "$mode: all indexes are there and valid");
	is($new->safe_psql('postgres', "SELECT relname, reloptions FROM pg_class WHERE relname IN ('" . join("','", @indexes) . "') ORDER BY 1"), $options, "$mode: their options");
	is(index_pages($new, $_), $pages{$_}, "$mode, $_: page by page what it was") foreach @indexes;
	is($new->safe_psql('postgres', $digests), $digest, "$mode: the same digests");
	is_sound($mode, $new, @indexes);
	is(answers($new), $answers, "$mode: the same answers");
	like($new->safe_psql('postgres', by_index() . "EXPLAIN SELECT id FROM graph ORDER BY v <=> vec(3, 200) LIMIT 3"), qr/Index Scan using graph_cosine/, "$mode: by the index");
	is($new->safe_psql('postgres', "SELECT ef_search, exact_order, storage FROM quiver_index_stats('graph_v')"), '77|t|float32', "$mode: options in force");
	complete($mode, $new, @$_) foreach @orders;
	$new->safe_psql('postgres', q(
		INSERT INTO graph SELECT i, vec(i, 200), i % 5 FROM generate_series(3001, 3200) i;
		UPDATE graph SET v = vec(id + 7, 200) WHERE id % 20 = 1;
		DELETE FROM graph WHERE id % 9 = 2;
		INSERT INTO list SELECT i, vec(i, 300)::sparsevec FROM generate_series(21, 60) i;
		DELETE FROM wide WHERE id % 3 = 0;
		VACUUM graph, list, wide, quick;
		INSERT INTO wide SELECT i, vec(i, 2100) FROM generate_series(101, 130) i;
		REINDEX INDEX CONCURRENTLY graph_half;
	));
	is_sound("$mode, written to and vacuumed", $new, @indexes);
	complete("$mode, written to and vacuumed", $new, @$_) foreach @orders;
	$new->stop;
	unlike(slurp_file($new->logfile), qr/PANIC|TRAP|ERROR/, "$mode: no error");
	chdir($FindBin::RealBin) or die;
}

done_testing();
