# Proves: under row-level security every tenant gets its rows and no other's while many tenants share pooled connections and
# write at once, by views, functions and on a standby; and what a tenant can and cannot learn of others is what docs say.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nwal_keep_size = 1GB\n");
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# Tenant t of 1..4 has every row whose id is t modulo 5; 0 are nobody's. Vectors are hashed, the same on every machine.
# So many rows of 64 dimensions that indexes are graphs.
my $point = '(SELECT array_agg((hashint8extended(i::bigint * 100 + j % 8, 1) & 1048575) / 1048576.0::float8 * (1 + j / 64.0) ORDER BY j)::real[]::vector
	FROM generate_series(1, 64) j)';
$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	CREATE FUNCTION point(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS 'SELECT $point';
	CREATE TABLE docs (id int PRIMARY KEY, tenant_id bigint, embedding vector(64));
	INSERT INTO docs SELECT i, NULLIF(i % 5, 0), point(i) FROM generate_series(1, 6000) i;
	CREATE INDEX docs_embedding ON docs USING quiver (embedding) WITH (ef_search = 100);
	CREATE ROLE app LOGIN;
	GRANT SELECT, INSERT, UPDATE, DELETE ON docs TO app;
	ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
	CREATE POLICY tenant ON docs TO app USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
	VACUUM ANALYZE docs;
));

# psql as a role with settings; returns what it printed, and its errors.
sub as
{
	my ($where, $role, $sql) = @_;
	my ($stdout, $stderr);
	$where->psql('postgres', $sql, stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
	return wantarray ? ($stdout, $stderr) : $stdout;
}
my $by_index = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;';
my $q = 'point(-7)';
my $summary = 'count(*), count(DISTINCT id), min(tenant_id), max(tenant_id)';

# A pool of connections of one role; each transaction says whose it is. A tenant's own rows are known by their ids, so each
# statement checks itself: wrong rows are an error, and pgbench stops with it.
$ENV{PGOPTIONS} = '-c client_min_messages=error -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off';
my $check = q(
	DO $$
	DECLARE
		tenant bigint := current_setting('app.tenant_id');
		found bigint;
		foreign_rows bigint;
		q vector := point((random() * 10000)::int);
	BEGIN
		SELECT count(*), count(*) FILTER (WHERE id % 5 <> tenant OR tenant_id <> tenant) INTO found, foreign_rows FROM
			(SELECT id, tenant_id FROM docs ORDER BY embedding <-> q LIMIT 40) s;
		IF foreign_rows > 0 OR found <> 40 THEN
			RAISE EXCEPTION 'tenant %: % rows, % of others', tenant, found, foreign_rows;
		END IF;
	END
	$$;
);
$node->pgbench('--no-vacuum --client=6 --jobs=2 --transactions=60 -U app',
	0, [qr{actually processed: 360/360}], [qr{^$}], 'tenants on pooled connections', {
		'001_search@6' => qq(
			\\set t random(1, 4)
			BEGIN;
			SET LOCAL app.tenant_id = :t;
			$check
			COMMIT;),
		'002_write@3' => qq(
			\\set t random(1, 4)
			\\set i random(2000, 200000)
			BEGIN;
			SET LOCAL app.tenant_id = :t;
			INSERT INTO docs SELECT :i * 5 + :t + 5 * i, :t, point(:i + i) FROM generate_series(1, 5) i ON CONFLICT DO NOTHING;
			DELETE FROM docs WHERE id IN (SELECT id FROM docs ORDER BY embedding <-> point(:i) LIMIT 2);
			$check
			COMMIT;),
		'003_without@1' => q(
			DO $$
			BEGIN
				IF EXISTS (SELECT id FROM docs ORDER BY embedding <-> point(1) LIMIT 1) THEN
					RAISE EXCEPTION 'rows without a tenant';
				END IF;
			END
			$$;)
	});
delete $ENV{PGOPTIONS};

# A vacuum after all that, and every tenant has exactly its rows.
$node->safe_psql('postgres', 'VACUUM ANALYZE docs');
foreach my $t (1 .. 4)
{
	my $own = $node->safe_psql('postgres', "SELECT count(*), count(*), $t, $t FROM docs WHERE tenant_id = $t");
	my $found = "SET app.tenant_id = $t; $by_index SELECT $summary FROM (SELECT * FROM docs ORDER BY embedding <-> $q LIMIT 100000) s";
	is(as($node, 'app', $found), $own, "tenant $t: all its rows and no others");
	$node->wait_for_catchup($standby) if $t == 1;
	is(as($standby, 'app', $found), $own, "tenant $t: the same on a standby");
}
like(as($node, 'app', "SET app.tenant_id = 1; EXPLAIN SELECT id FROM docs ORDER BY embedding <-> $q LIMIT 10"),
	qr/Index Scan using docs_embedding/, 'the planner takes the index under the policy');

# Views with the caller's rights.
SKIP:
{
	skip 'security_invoker came with 15', 3 if $node->pg_version < 15;
	$node->safe_psql('postgres', q(
		CREATE VIEW invoked WITH (security_invoker) AS SELECT id, tenant_id, embedding FROM docs;
		CREATE VIEW invoked_barrier WITH (security_invoker, security_barrier) AS SELECT id, tenant_id, embedding FROM docs;
		GRANT SELECT ON invoked, invoked_barrier TO app;
	));
	my $out = as($node, 'app', "SET app.tenant_id = 2; $by_index SELECT $summary FROM (SELECT * FROM invoked ORDER BY embedding <-> $q LIMIT 200) s");
	is($out, '200|200|2|2', 'a security_invoker view is under the policy');
	like(as($node, 'app', "SET app.tenant_id = 2; $by_index EXPLAIN SELECT id FROM invoked ORDER BY embedding <-> $q LIMIT 10"),
		qr/Index Scan using docs_embedding/, 'and served by the index');
	unlike(as($node, 'app', "SET app.tenant_id = 2; $by_index EXPLAIN SELECT id FROM invoked_barrier ORDER BY embedding <-> $q LIMIT 10"),
		qr/docs_embedding/, 'with security_barrier it is not: ORDER BY stays above the barrier');
}

# A function: its statement's plan, told by auto_explain.
$node->safe_psql('postgres', q(
	CREATE FUNCTION nearest(query vector, k int) RETURNS TABLE (id int, tenant_id bigint) LANGUAGE sql STABLE SECURITY DEFINER
		SET search_path = public, pg_temp
	BEGIN ATOMIC
		SELECT d.id, d.tenant_id FROM docs d WHERE d.tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint
			ORDER BY d.embedding <-> query LIMIT k;
	END;
	CREATE ROLE caller LOGIN;
));
my ($out, $err) = as($node, 'caller', "SET app.tenant_id = 3; SELECT $summary FROM nearest($q, 50); SELECT id FROM docs;");
is($out, '50|50|3|3', 'a SECURITY DEFINER function searches for callers without rights on the table');
like($err, qr/permission denied for table docs/, 'who cannot read it otherwise');
($out, $err) = as($node, 'postgres', qq(
	LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log;
	SET enable_seqscan = off; SET app.tenant_id = 3; SELECT count(*) FROM nearest($q, 50);));
like($err, qr/Index Scan using docs_embedding/, 'and does so by the index');

# A setting is the client's to choose, a default of its role too. A table of members asked by session_user is not.
$node->safe_psql('postgres', q(
	CREATE ROLE anna LOGIN;
	ALTER ROLE anna SET app.tenant_id = '1';
	CREATE TABLE members (member name, tenant_id bigint);
	INSERT INTO members VALUES ('anna', 1);
	GRANT SELECT ON members, docs TO anna;
	CREATE POLICY anna ON docs TO anna USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
));
my $mine = "SELECT $summary FROM (SELECT * FROM docs ORDER BY embedding <-> $q LIMIT 100) s";
is(as($node, 'anna', "$by_index $mine"), '100|100|1|1', "a role's default sets the tenant");
is(as($node, 'anna', "$by_index SET app.tenant_id = 2; $mine"), '100|100|2|2', '... which whoever may run statements changes');
$node->safe_psql('postgres', q(
	ALTER POLICY anna ON docs USING (tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM members m WHERE m.member = session_user)));
));
($out, $err) = as($node, 'anna', "$by_index SET app.tenant_id = 2; SET ROLE app; SET SESSION AUTHORIZATION app; $mine;");
is($out, '100|100|1|1', 'the table of members stands, whatever the client sets');
like($err, qr/permission denied to set role "app".*permission denied to set session authorization/s, '... or tries to become');

# What a tenant can learn of others: listed in docs/tenancy.md.
($out, $err) = as($node, 'anna', "INSERT INTO docs VALUES (2, 1, NULL)");
like($err, qr/permission denied/, 'anna may not write');
$node->safe_psql('postgres', 'GRANT INSERT ON docs TO anna; INSERT INTO docs VALUES (-2, 2, NULL)');
($out, $err) = as($node, 'anna', 'INSERT INTO docs VALUES (-2, 1, NULL)');
like($err, qr/duplicate key value violates unique constraint "docs_pkey"/, 'a key of all tenants tells that a row exists');
unlike($err, qr/\(-2\)/, '... without showing its values');
is(as($node, 'anna', "SELECT count(*) FROM pg_stats WHERE tablename = 'docs'"), '0', "the column's statistics are hidden");
($out, $err) = as($node, 'anna', "$by_index SELECT id FROM docs ORDER BY embedding <-> '[1,2,3]' LIMIT 1");
like($err, qr/^psql:<stdin>:\d+: ERROR:  different vector dimensions 64 and 3$/m, "an error shows the query's value and the column's type, no row's");

# EXPLAIN ANALYZE counts the rows that the filter removed, so near to a query vector: that is how many rows of others lie nearer
# than one's own. One's own partition has none.
$node->safe_psql('postgres', q(
	CREATE TABLE parts (id int, tenant_id bigint, embedding vector(64)) PARTITION BY LIST (tenant_id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
	CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
	INSERT INTO parts SELECT * FROM docs;
	CREATE INDEX ON parts USING quiver (embedding);
	CREATE POLICY tenant ON parts USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
	ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON parts TO app;
	ANALYZE parts;
));
my $probe = 'SET app.tenant_id = 1; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM %s ORDER BY embedding <-> point(2) LIMIT 1';
like(as($node, 'app', $by_index . sprintf($probe, 'docs')), qr/Rows Removed by Filter: [1-9]/, 'one index for all tells how many rows of others lie nearer');
$out = as($node, 'app', $by_index . sprintf($probe, 'parts'));
like($out, qr/Index Scan using parts_1_embedding_idx/, 'a partition of its own is searched by its index');
unlike($out, qr/Rows Removed/, '... and tells nothing of others');
($out, $err) = as($node, 'app', 'SET app.tenant_id = 2; SELECT id FROM parts_1 LIMIT 1');
like($err, qr/permission denied for table parts_1/, 'a partition is no way around the policy of its parent');

done_testing();
