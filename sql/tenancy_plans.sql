--
-- Row-level security where a plan outlives the tenant it was made for: prepared statements and cursors while app.tenant_id changes.
-- docs/tenancy.md explains what is tested here.
--
SET jit = off;
CREATE TABLE tn_docs (id int PRIMARY KEY, tenant_id bigint, kind int, embedding vector(64));
-- hashed components, the same on every version, and no two distances alike; so many rows of 64 that indexes are graphs
CREATE FUNCTION tn_vector(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((hashint8extended(i::bigint * 100 + j % 8, 1) & 1048575) / 1048576.0::float8 * (1 + j / 64.0) ORDER BY j)::real[]::vector
        FROM generate_series(1, 64) j
$$;
-- a plan, with the query vector left out
CREATE FUNCTION tn_plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        RETURN NEXT regexp_replace(line, '''\[[^]]*\]''::vector', 'query');
    END LOOP;
END
$$;
INSERT INTO tn_docs SELECT i,
        CASE WHEN i = 777 THEN 4 WHEN i % 2 = 0 THEN 1 WHEN i % 20 IN (5, 7) THEN 2 WHEN i % 100 = 1 THEN 3 WHEN i % 100 <> 3 THEN 1000 + i % 7 END,
        i / 7 % 10, tn_vector(i)
    FROM generate_series(1, 4000) i;
CREATE INDEX tn_docs_embedding ON tn_docs USING quiver (embedding) WITH (ef_search = 200);
VACUUM ANALYZE tn_docs;
CREATE ROLE quiver_regress_app;
GRANT SELECT ON tn_docs TO quiver_regress_app;
ALTER TABLE tn_docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tn_docs USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
SET ROLE quiver_regress_app;

-- A generic plan, made for a big tenant and kept for all.
SET plan_cache_mode = force_generic_plan;
SET app.tenant_id = 1;
PREPARE nearest(vector, int) AS SELECT count(*) AS rows, count(DISTINCT id) AS different, array_agg(DISTINCT tenant_id) AS tenants FROM
    (SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> $1 LIMIT $2) s;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT tn_plan($$EXECUTE nearest(tn_vector(-7), 10)$$);
EXECUTE nearest(tn_vector(-7), 10);
SET app.tenant_id = 2;
EXECUTE nearest(tn_vector(-7), 10);
EXECUTE nearest(tn_vector(-8), 300);
EXECUTE nearest(tn_vector(-7), 5000);
SET app.tenant_id = 3;
EXECUTE nearest(tn_vector(-7), 5000);
SET app.tenant_id = 4;
EXECUTE nearest(tn_vector(-7), 10);
SET app.tenant_id = '';
EXECUTE nearest(tn_vector(-7), 10);
RESET app.tenant_id;
EXECUTE nearest(tn_vector(-7), 10);
SET app.tenant_id = 'acme';
EXECUTE nearest(tn_vector(-7), 10);
SET app.tenant_id = 2;
EXECUTE nearest(tn_vector(-7), 10);
EXECUTE nearest(NULL, 1000);
SELECT generic_plans > 8 AS generic, custom_plans FROM pg_prepared_statements WHERE name = 'nearest';
-- an aborted transaction takes its tenant with it
BEGIN;
SET LOCAL app.tenant_id = 3;
EXECUTE nearest(tn_vector(-7), 100);
ROLLBACK;
EXECUTE nearest(tn_vector(-7), 100);
BEGIN;
SAVEPOINT s;
SET LOCAL app.tenant_id = 3;
EXECUTE nearest(tn_vector(-7), 100);
ROLLBACK TO s;
EXECUTE nearest(tn_vector(-7), 100);
COMMIT;

-- The same statement under another role is planned anew: row-level security is a part of the plan.
RESET ROLE;
EXECUTE nearest(tn_vector(-7), 5000) \gset everyone_
SELECT :everyone_rows AS without_policy;
SET ROLE quiver_regress_app;
EXECUTE nearest(tn_vector(-7), 5000);
-- as is one whose policy changes
RESET ROLE;
ALTER POLICY tenant ON tn_docs USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::bigint));
SET ROLE quiver_regress_app;
EXECUTE nearest(tn_vector(-7), 10);
SET app.tenant_id = 3;
EXECUTE nearest(tn_vector(-7), 100);
SET app.tenant_id = '';
EXECUTE nearest(tn_vector(-7), 100);
SELECT generic_plans > 14 AS generic, custom_plans FROM pg_prepared_statements WHERE name = 'nearest';
DEALLOCATE nearest;

-- Custom plans, and a tenant that is a parameter of the statement beside the policy
SET plan_cache_mode = force_custom_plan;
PREPARE of_tenant(bigint) AS SELECT count(*), array_agg(DISTINCT tenant_id) AS tenants FROM
    (SELECT id, tenant_id FROM tn_docs WHERE tenant_id = $1 ORDER BY embedding <-> tn_vector(-7) LIMIT 50) s;
SET app.tenant_id = 2;
EXECUTE of_tenant(2);
EXECUTE of_tenant(3);
SET plan_cache_mode = force_generic_plan;
EXECUTE of_tenant(2);
EXECUTE of_tenant(3);
DEALLOCATE of_tenant;
RESET plan_cache_mode;

-- A function keeps its plans over calls and tenants.
CREATE FUNCTION pg_temp.nearest(k int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    SELECT concat(count(*), ' of ', string_agg(DISTINCT tenant_id::text, ',')) INTO result
        FROM (SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT k) s;
    RETURN result;
END
$$;
SELECT t AS tenant, pg_temp.nearest(20) FROM unnest(ARRAY[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]) t,
    set_config('app.tenant_id', t::text, false) s;

DROP FUNCTION pg_temp.nearest;

-- A cursor asks the policy's question anew for each row, so that rows after the change are the new tenant's ...
RESET ROLE;
ALTER POLICY tenant ON tn_docs USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
SET ROLE quiver_regress_app;
BEGIN;
SET LOCAL app.tenant_id = 2;
DECLARE c CURSOR FOR SELECT tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7);
FETCH 3 FROM c;
SET LOCAL app.tenant_id = 3;
FETCH 2 FROM c;
MOVE ALL FROM c;
SET LOCAL app.tenant_id = '';
FETCH 2 FROM c;
COMMIT;
-- ... and once for all where it is a sub-select: the cursor stays with the tenant of its first row, to the last
RESET ROLE;
ALTER POLICY tenant ON tn_docs USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::bigint));
SET ROLE quiver_regress_app;
BEGIN;
SET LOCAL app.tenant_id = 2;
DECLARE c CURSOR FOR SELECT tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7);
FETCH 3 FROM c;
SET LOCAL app.tenant_id = 3;
FETCH 2 FROM c;
MOVE ALL FROM c;
COMMIT;
BEGIN;
SET LOCAL app.tenant_id = 3;
DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7);
COMMIT;
SET app.tenant_id = 2;
MOVE 39 FROM c;
FETCH ALL FROM c \gset held_
SELECT :held_tenant_id AS held_of;
CLOSE c;
-- scrolled, through a Materialize
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 400;
MOVE ALL FROM c;
SET LOCAL app.tenant_id = 3;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 0 FROM c;
FETCH 1 FROM c;
COMMIT;

RESET ROLE;
DROP TABLE tn_docs;
DROP FUNCTION tn_vector, tn_plan;
DROP ROLE quiver_regress_app;
