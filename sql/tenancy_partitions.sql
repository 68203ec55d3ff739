--
-- Tenants apart: PostgreSQL's own partitions by list and by hash of the tenant, and partial indexes, under row-level security.
-- docs/tenancy.md explains what is tested here.
--
SET jit = off;
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
CREATE TABLE tn_rows AS SELECT i AS id,
        CASE WHEN i = 777 THEN 4 WHEN i % 2 = 0 THEN 1 WHEN i % 20 IN (5, 7) THEN 2 WHEN i % 100 = 1 THEN 3 WHEN i % 100 <> 3 THEN 1000 + i % 7 END::bigint AS tenant_id,
        i / 7 % 10 AS kind, tn_vector(i)::vector(64) AS embedding
    FROM generate_series(1, 4000) i;

-- by list: big tenants have a partition of their own, the others share one
CREATE TABLE tn_list (id int, tenant_id bigint, kind int, embedding vector(64)) PARTITION BY LIST (tenant_id);
CREATE TABLE tn_list_1 PARTITION OF tn_list FOR VALUES IN (1);
CREATE TABLE tn_list_2 PARTITION OF tn_list FOR VALUES IN (2);
CREATE TABLE tn_list_rest PARTITION OF tn_list DEFAULT;
INSERT INTO tn_list SELECT * FROM tn_rows;
CREATE INDEX tn_list_embedding ON tn_list USING quiver (embedding) WITH (ef_search = 200);
-- by hash: as many partitions as one likes
CREATE TABLE tn_hash (id int, tenant_id bigint, kind int, embedding vector(64)) PARTITION BY HASH (tenant_id);
CREATE TABLE tn_hash_0 PARTITION OF tn_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE tn_hash_1 PARTITION OF tn_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE tn_hash_2 PARTITION OF tn_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO tn_hash SELECT * FROM tn_rows;
CREATE INDEX tn_hash_embedding ON tn_hash USING quiver (embedding) WITH (ef_search = 200);
-- one table with an index for each big tenant
CREATE TABLE tn_part (id int, tenant_id bigint, kind int, embedding vector(64));
INSERT INTO tn_part SELECT * FROM tn_rows;
CREATE INDEX tn_part_1 ON tn_part USING quiver (embedding) WITH (ef_search = 200) WHERE tenant_id = 1;
CREATE INDEX tn_part_2 ON tn_part USING quiver (embedding) WITH (ef_search = 200) WHERE tenant_id = 2;
CREATE INDEX tn_part_tenant ON tn_part (tenant_id);
VACUUM ANALYZE tn_list, tn_hash, tn_part;

-- What query (of id and tenant_id) gives to tenant: by which scans, how many rows, whose, and whether they are the exact scan's
-- (as many, each once, nine of ten the same where LIMIT chooses).
CREATE FUNCTION tn_answer(tenant text, query text, OUT scans text, OUT rows int, OUT tenants text, OUT right_rows bool) LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found int[];
    truth int[];
    settings text[] := ARRAY[current_setting('enable_seqscan'), current_setting('enable_sort'), current_setting('enable_indexscan')];
BEGIN
    PERFORM set_config('app.tenant_id', tenant, false);
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        scans := concat_ws(', ', nullif(scans, ''), substring(line FROM '(?:Index Scan using |Seq Scan on |Bitmap Index Scan on )(\w+)'));
    END LOOP;
    EXECUTE format('SELECT array_agg(id), string_agg(DISTINCT coalesce(tenant_id::text, ''nobody''), '','') FROM (%s) s', query) INTO found, tenants;
    PERFORM set_config('enable_seqscan', 'on', false), set_config('enable_sort', 'on', false), set_config('enable_indexscan', 'off', false);
    EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO truth;
    PERFORM set_config('enable_seqscan', settings[1], false), set_config('enable_sort', settings[2], false), set_config('enable_indexscan', settings[3], false);
    rows := coalesce(cardinality(found), 0);
    right_rows := rows = coalesce(cardinality(truth), 0) AND rows = (SELECT count(DISTINCT f) FROM unnest(found) f)
        AND (SELECT count(*) FROM unnest(found) f WHERE f = ANY (truth)) >= 0.9 * rows;
END
$$;

CREATE ROLE quiver_regress_app;
GRANT SELECT, INSERT, UPDATE ON tn_list, tn_hash, tn_part TO quiver_regress_app;
ALTER TABLE tn_list ENABLE ROW LEVEL SECURITY;
ALTER TABLE tn_hash ENABLE ROW LEVEL SECURITY;
ALTER TABLE tn_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tn_list USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
CREATE POLICY tenant ON tn_hash USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
CREATE POLICY tenant ON tn_part USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
SET ROLE quiver_regress_app;

-- The executor leaves out the other partitions when it starts: a big tenant's partition is searched by its index, and no row of
-- another tenant is read.
SET app.tenant_id = 1;
SELECT tn_plan($$SELECT id, tenant_id FROM tn_list ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$);
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '4', '5', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_list ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '4', '5', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_hash ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_list WHERE kind < 5 ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_hash WHERE kind < 5 ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$) a;

-- a generic plan leaves them out anew for each tenant
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector, int) AS SELECT id, tenant_id FROM tn_list ORDER BY embedding <-> $1 LIMIT $2;
SET app.tenant_id = 2;
SELECT tn_plan($$EXECUTE nearest(tn_vector(-7), 10)$$);
CREATE TEMP TABLE tn_found_2 AS EXECUTE nearest(tn_vector(-7), 50);
SET app.tenant_id = 3;
CREATE TEMP TABLE tn_found_3 AS EXECUTE nearest(tn_vector(-7), 50);
SET app.tenant_id = '';
CREATE TEMP TABLE tn_found AS EXECUTE nearest(tn_vector(-7), 50);
RESET plan_cache_mode;
INSERT INTO tn_found SELECT * FROM tn_found_2 UNION ALL SELECT * FROM tn_found_3;
SELECT tenant_id, count(*), count(DISTINCT id) FROM tn_found GROUP BY 1 ORDER BY 1;
DEALLOCATE nearest;
-- A tenant set by the statement itself comes too late for the choice of the partition, made as it starts: no rows, and nobody else's.
SET app.tenant_id = 2;
SELECT t AS tenant, a.rows, a.tenants FROM unnest(ARRAY['1', '2', '3', '']) t, set_config('app.tenant_id', t, false) s,
    LATERAL (SELECT count(*) AS rows, array_agg(DISTINCT tenant_id) AS tenants FROM
        (SELECT id, tenant_id FROM tn_list WHERE t IS NOT NULL ORDER BY embedding <-> tn_vector(-7) LIMIT 50) n) a;

-- A partition named in a query is under its own policies only. It has none: what protects it is that nobody is granted it.
SELECT count(*) FROM tn_list_2;
SELECT count(*) FROM tn_hash_0;
-- a tenant's row goes to its partition and nobody else's
SET app.tenant_id = 2;
INSERT INTO tn_list VALUES (6000, 2, 1, tn_vector(-7));
INSERT INTO tn_list VALUES (6001, 1, 1, tn_vector(-7));
UPDATE tn_list SET tenant_id = 1 WHERE id = 6000;
SELECT * FROM tn_answer('2', $$SELECT id, tenant_id FROM tn_list ORDER BY embedding <-> tn_vector(-7) LIMIT 1$$);

-- A set of tenants leaves no partition out: each is searched, to its end where it has nothing.
RESET ROLE;
ALTER POLICY tenant ON tn_list USING (tenant_id = ANY (ARRAY(SELECT unnest(string_to_array(NULLIF(current_setting('app.tenant_id', true), ''), ',')::bigint[]))));
SET ROLE quiver_regress_app;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2,3', '3,4', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_list ORDER BY embedding <-> tn_vector(-7) LIMIT 300$$) a;

-- A partial index serves queries that name its tenant as a constant, which the planner can see; the policy alone does not do.
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_part ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$) a;
SET enable_seqscan = on; SET enable_bitmapscan = on; SET enable_sort = on;
SET app.tenant_id = 1;
SELECT tn_plan($$SELECT id, tenant_id FROM tn_part WHERE tenant_id = 1 ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$);
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_part WHERE tenant_id = 1 ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$) a;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_part WHERE tenant_id = 1 ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_part WHERE tenant_id = 2 ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$) a;
-- tenants without an index of their own are found by the ordinary one
SELECT t AS tenant, a.* FROM unnest(ARRAY['3', '4']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_part ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$) a;
-- a parameter is a constant in a custom plan only
PREPARE nearest(bigint) AS SELECT id, tenant_id FROM tn_part WHERE tenant_id = $1 ORDER BY embedding <-> tn_vector(-7) LIMIT 100;
SET app.tenant_id = 2;
SET plan_cache_mode = force_custom_plan;
SELECT tn_plan($$EXECUTE nearest(2)$$);
SET plan_cache_mode = force_generic_plan;
CREATE TEMP TABLE tn_generic AS EXECUTE nearest(2);
SELECT tenant_id, count(*) FROM tn_generic GROUP BY 1;
SET plan_cache_mode = force_custom_plan;
SELECT * FROM tn_answer('2', 'SELECT * FROM tn_generic');
RESET plan_cache_mode;
-- a function that writes the tenant into the statement: a plan with the right index for every caller
CREATE FUNCTION pg_temp.nearest(query vector, k int) RETURNS TABLE (id int, tenant_id bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT id, tenant_id FROM tn_part WHERE tenant_id = %L::bigint ORDER BY embedding <-> $1 LIMIT $2',
        NULLIF(current_setting('app.tenant_id', true), '')) USING query, k;
END
$$;
SET app.tenant_id = 1;
SELECT count(*), array_agg(DISTINCT tenant_id) AS tenants FROM pg_temp.nearest(tn_vector(-7), 50);
SET app.tenant_id = 2;
SELECT count(*), array_agg(DISTINCT tenant_id) AS tenants FROM pg_temp.nearest(tn_vector(-7), 50);
SET app.tenant_id = 3;
SELECT count(*), array_agg(DISTINCT tenant_id) AS tenants FROM pg_temp.nearest(tn_vector(-7), 50);
SET app.tenant_id = '';
SELECT count(*), array_agg(DISTINCT tenant_id) AS tenants FROM pg_temp.nearest(tn_vector(-7), 50);
DROP FUNCTION pg_temp.nearest;

RESET ROLE;
DROP FUNCTION tn_answer;
DROP TABLE tn_rows, tn_list, tn_hash, tn_part, tn_found, tn_found_2, tn_found_3, tn_generic;
DROP FUNCTION tn_vector, tn_plan;
DROP ROLE quiver_regress_app;
