--
-- Row-level security by who the caller is: a table of members, helper functions, views over the table, and what a query can
-- learn of rows that the policy hides. docs/tenancy.md explains what is tested here.
--
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

CREATE ROLE quiver_regress_anna;
CREATE ROLE quiver_regress_berta;
CREATE ROLE quiver_regress_clara;
GRANT SELECT ON tn_docs TO quiver_regress_anna, quiver_regress_berta, quiver_regress_clara;
CREATE TABLE tn_members (member name, tenant_id bigint);
-- one tenant, twice and beside a NULL; several; none
INSERT INTO tn_members VALUES ('quiver_regress_anna', 3), ('quiver_regress_anna', 3), ('quiver_regress_anna', NULL),
    ('quiver_regress_berta', 2), ('quiver_regress_berta', 3), ('quiver_regress_berta', 4);
ALTER TABLE tn_docs ENABLE ROW LEVEL SECURITY;
SET jit = off;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;

-- an array of one's tenants: an InitPlan. The policy's subquery reads tn_members with the caller's rights
CREATE POLICY member ON tn_docs USING (tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM tn_members m WHERE m.member = current_user)));
SET ROLE quiver_regress_anna;
SELECT count(*) FROM tn_docs;
RESET ROLE;
GRANT SELECT ON tn_members TO quiver_regress_anna, quiver_regress_berta, quiver_regress_clara;
SET ROLE quiver_regress_anna;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
-- who says to be another tenant is none the more
SELECT * FROM tn_answer('1', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
SET ROLE quiver_regress_berta;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$);
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs WHERE tenant_id <> 2 AND kind < 5 ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$);
SET ROLE quiver_regress_clara;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
RESET ROLE;

-- the same with IN: a hashed subplan, right as well
ALTER POLICY member ON tn_docs USING (tenant_id IN (SELECT m.tenant_id FROM tn_members m WHERE m.member = current_user));
SET ROLE quiver_regress_berta;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
RESET ROLE;

-- a function that reads the table of members for callers who may not
REVOKE SELECT ON tn_members FROM quiver_regress_anna, quiver_regress_berta, quiver_regress_clara;
CREATE FUNCTION tn_my_tenants(caller name) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT array_agg(tenant_id) FROM public.tn_members WHERE member = caller';
ALTER POLICY member ON tn_docs USING (tenant_id = ANY ((SELECT tn_my_tenants(current_user))::bigint[]));
SET ROLE quiver_regress_berta;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
SELECT count(*) FROM tn_members;
SET ROLE quiver_regress_clara;
SELECT * FROM tn_answer('', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
RESET ROLE;

-- BYPASSRLS sees everyone, and row_security = off is an error rather than an answer with rows left out
CREATE ROLE quiver_regress_backup BYPASSRLS;
GRANT SELECT ON tn_docs TO quiver_regress_backup;
SET ROLE quiver_regress_backup;
SELECT scans, rows, right_rows FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$);
SET ROLE quiver_regress_berta;
SET row_security = off;
SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1;
RESET row_security;
RESET ROLE;

-- Functions of the caller's see the rows that the policy lets through and no others, in a condition or beside the distance.
ALTER POLICY member ON tn_docs USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);
GRANT CREATE ON SCHEMA public TO quiver_regress_anna;
SET ROLE quiver_regress_anna;
SET app.tenant_id = 3;
CREATE TEMP TABLE tn_seen (tenant_id bigint);
CREATE FUNCTION tn_look(tenant bigint) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    INSERT INTO tn_seen VALUES (tenant);
    RETURN true;
END
$$;
SELECT count(*) FROM (SELECT id, tenant_id FROM tn_docs WHERE tn_look(tenant_id) ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
SELECT count(*) FROM (SELECT tn_look(tenant_id), id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
SELECT tenant_id, count(*) FROM tn_seen GROUP BY 1;
-- nor does an operator that may fail meet other rows: this one divides by zero in those of tenant 2
SELECT count(*) FROM (SELECT id, tenant_id FROM tn_docs WHERE 1 / (tenant_id - 2) > 0 ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
SELECT count(*) FROM (SELECT id, tenant_id FROM tn_docs WHERE embedding <-> tn_vector(-7) < 100 ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
DROP FUNCTION tn_look;
RESET ROLE;

-- A view runs with its owner's rights: the table's owner is exempt from the policy, unless FORCE
CREATE VIEW tn_plain AS SELECT id, tenant_id, embedding FROM tn_docs;
GRANT SELECT ON tn_plain TO quiver_regress_anna;
SET ROLE quiver_regress_anna;
SELECT scans, rows, tenants LIKE '%1,%2,%3%' AS everyone, right_rows FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_plain ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$);
RESET ROLE;
CREATE ROLE quiver_regress_owner;
ALTER TABLE tn_docs OWNER TO quiver_regress_owner;
ALTER VIEW tn_plain OWNER TO quiver_regress_owner;
SET ROLE quiver_regress_anna;
SELECT scans, rows, tenants LIKE '%1,%2,%3%' AS everyone, right_rows FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_plain ORDER BY embedding <-> tn_vector(-7) LIMIT 10000$$);
RESET ROLE;
ALTER TABLE tn_docs FORCE ROW LEVEL SECURITY;
SET ROLE quiver_regress_anna;
SELECT * FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_plain ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
RESET ROLE;

-- A view with the condition in it, no policy: by the index, and open to functions that tell. With security_barrier they see
-- nothing, and rows are sorted: ORDER BY does not go below the barrier.
ALTER TABLE tn_docs NO FORCE ROW LEVEL SECURITY;
CREATE VIEW tn_mine AS SELECT id, tenant_id, embedding FROM tn_docs WHERE tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint;
CREATE VIEW tn_mine_barrier WITH (security_barrier) AS SELECT id, tenant_id, embedding FROM tn_docs WHERE tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint;
ALTER VIEW tn_mine OWNER TO quiver_regress_owner;
ALTER VIEW tn_mine_barrier OWNER TO quiver_regress_owner;
GRANT SELECT ON tn_mine, tn_mine_barrier TO quiver_regress_anna;
SET ROLE quiver_regress_anna;
SELECT * FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_mine ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
CREATE FUNCTION tn_look(tenant bigint) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    INSERT INTO tn_seen VALUES (tenant);
    RETURN true;
END
$$;
TRUNCATE tn_seen;
SELECT count(*) FROM (SELECT id, tenant_id FROM tn_mine WHERE tn_look(tenant_id) ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
SELECT count(*) > 40 AS told FROM tn_seen;
TRUNCATE tn_seen;
SELECT count(*) FROM (SELECT id, tenant_id FROM tn_mine_barrier WHERE tn_look(tenant_id) ORDER BY embedding <-> tn_vector(-7) LIMIT 100) s;
SELECT count(*) > 40 AS told FROM tn_seen;
-- only reading the table is left
SET enable_seqscan = on; SET enable_sort = on;
SELECT tn_plan($$SELECT id, tenant_id FROM tn_mine_barrier ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$);
SET enable_seqscan = off; SET enable_sort = off;
SELECT rows, tenants, right_rows FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_mine_barrier ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$);
DROP FUNCTION tn_look;
RESET ROLE;

-- A function whose body has condition, order and limit: the index serves it, and the caller needs no right on the table. A key
-- that the caller passes or sets is the caller's choice; this one comes from the table of members.
CREATE FUNCTION tn_nearest(query vector, k int) RETURNS TABLE (id int, tenant_id bigint, distance float8)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT d.id, d.tenant_id, d.embedding <-> query FROM tn_docs d
        WHERE d.tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM tn_members m WHERE m.member = session_user)) ORDER BY d.embedding <-> query LIMIT k;
END
$$;
REVOKE ALL ON tn_docs, tn_mine, tn_mine_barrier, tn_plain FROM quiver_regress_anna, quiver_regress_berta, quiver_regress_clara;
SET SESSION AUTHORIZATION quiver_regress_berta;
SELECT count(*), array_agg(DISTINCT tenant_id) FROM tn_nearest(tn_vector(-7), 100);
SELECT count(*), array_agg(DISTINCT tenant_id) FROM tn_nearest(tn_vector(-7), 10000);
SELECT id FROM tn_docs LIMIT 1;
SET SESSION AUTHORIZATION quiver_regress_clara;
SELECT count(*) FROM tn_nearest(tn_vector(-7), 100);
RESET SESSION AUTHORIZATION;

DROP FUNCTION tn_answer, tn_nearest;
DROP VIEW tn_plain, tn_mine, tn_mine_barrier;
DROP TABLE tn_docs, tn_members, tn_seen;
DROP FUNCTION tn_vector, tn_plan, tn_my_tenants;
REVOKE CREATE ON SCHEMA public FROM quiver_regress_anna;
DROP ROLE quiver_regress_anna, quiver_regress_berta, quiver_regress_clara, quiver_regress_backup, quiver_regress_owner;
