--
-- Row-level security by a setting: each tenant gets its rows, all that LIMIT asks for, and never another's, by the index or
-- without. docs/tenancy.md explains what is tested here.
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
INSERT INTO tn_docs VALUES (4001, 2, 1, NULL), (4002, 1, 1, NULL);
CREATE INDEX tn_docs_embedding ON tn_docs USING quiver (embedding) WITH (ef_search = 200);
VACUUM ANALYZE tn_docs;
SELECT tenant_id, count(*) FROM tn_docs WHERE tenant_id < 1000 OR tenant_id IS NULL GROUP BY 1 ORDER BY 1;

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
GRANT SELECT, INSERT, UPDATE, DELETE ON tn_docs TO quiver_regress_app;
ALTER TABLE tn_docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tn_docs USING (tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint);

-- never set: no rows, no error
SET ROLE quiver_regress_app;
SELECT current_setting('app.tenant_id', true) IS NULL AS never_set;
SELECT count(*) FROM tn_docs;
SELECT count(*) FROM (SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10) s;

-- a tenant with half of the rows: the planner takes the index by itself
SET app.tenant_id = 1;
SELECT tn_plan($$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$);
SELECT * FROM tn_answer('1', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$);

-- each kind of value, by the index: nothing, nobody's number, a number with blanks, the last bigint
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT quote_literal(t) AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '4', '5', '', '-1', ' 3 ', '9223372036854775807']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$) a;
-- more than there are
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100000$$) a;
-- with conditions of the query's own; the tenant asked for by name is the policy's or nobody
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE kind = 7 AND embedding IS NOT NULL ORDER BY embedding <-> tn_vector(-7) LIMIT 30$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE tenant_id = 2 ORDER BY embedding <-> tn_vector(-7) LIMIT 30$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE tenant_id IN (2, 3) OR true ORDER BY embedding <-> tn_vector(-7) OFFSET 5 LIMIT 30$$) a;
-- a query vector taken from one's own row, and the rows without a vector
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '4']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> (SELECT embedding FROM tn_docs ORDER BY id LIMIT 1) LIMIT 20$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '4']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE embedding IS NULL ORDER BY embedding <-> tn_vector(-7) LIMIT 20$$) a;
-- a query for each of one's own rows
SELECT t AS tenant, a.* FROM unnest(ARRAY['2', '3', '4']) t,
    tn_answer(t, $$SELECT n.id, n.tenant_id FROM (SELECT * FROM tn_docs ORDER BY id LIMIT 1 OFFSET 0) q,
        LATERAL (SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> q.embedding LIMIT 15) n$$) a;

-- within a distance: the index is asked for it, the policy and the condition itself are checked on each row
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE embedding <-> tn_vector(-7) < 3.1 ORDER BY embedding <-> tn_vector(-7)$$) a;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs WHERE quiver_within(embedding, tn_vector(-7), 3.5)$$) a;

-- what is no number is an error, with the index and without
SET app.tenant_id = 'acme';
SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1;
SET enable_indexscan = off;
SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1;
SET enable_indexscan = on;

-- SET LOCAL ends with its transaction, and leaves an empty string where nothing was: the reason for NULLIF
DISCARD ALL;
SET jit = off;
SET ROLE quiver_regress_app;
BEGIN;
SET LOCAL app.tenant_id = 3;
SELECT count(*) FROM tn_docs;
COMMIT;
SELECT quote_nullable(current_setting('app.tenant_id', true)) AS left_over;
SELECT count(*) FROM tn_docs;

-- writing: the policy holds for new rows too, and for those found through the index
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SET app.tenant_id = 3;
BEGIN;
INSERT INTO tn_docs VALUES (5001, 3, 7, tn_vector(-7));
SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1;
UPDATE tn_docs SET kind = 99 WHERE id = (SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1) RETURNING id, tenant_id, kind;
DELETE FROM tn_docs WHERE id IN (SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 3) RETURNING tenant_id;
SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1 FOR UPDATE \gset nearest_
SELECT :nearest_tenant_id AS locked_of;
ROLLBACK;
INSERT INTO tn_docs VALUES (5002, 2, 7, tn_vector(-7));
UPDATE tn_docs SET tenant_id = 2 WHERE id = (SELECT id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 1);

-- the owner is exempt until FORCE; then it is a tenant like any other, or none
RESET ROLE;
ALTER TABLE tn_docs OWNER TO quiver_regress_app;
SET ROLE quiver_regress_app;
SELECT rows, tenants LIKE '%1,%2,%3%' AS everyone FROM tn_answer('3', $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100000$$);
ALTER TABLE tn_docs FORCE ROW LEVEL SECURITY;
SELECT t AS tenant, a.* FROM unnest(ARRAY['3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100000$$) a;
RESET ROLE;

-- with an index on the tenant as well, few rows are sorted and many streamed
CREATE INDEX tn_docs_tenant ON tn_docs (tenant_id);
ANALYZE tn_docs;
SET enable_seqscan = on; SET enable_bitmapscan = on; SET enable_sort = on;
SET ROLE quiver_regress_app;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 10$$) a;

-- asked once for the statement, by an InitPlan
RESET ROLE;
ALTER POLICY tenant ON tn_docs USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::bigint));
SET ROLE quiver_regress_app;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT t AS tenant, a.* FROM unnest(ARRAY['1', '2', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 100$$) a;

-- rows for all beside one's own
RESET ROLE;
CREATE POLICY shared ON tn_docs FOR SELECT USING (tenant_id IS NULL);
SET ROLE quiver_regress_app;
SELECT t AS tenant, a.* FROM unnest(ARRAY['2', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 500$$) a;
-- and a restrictive policy beside both
RESET ROLE;
CREATE POLICY young ON tn_docs AS RESTRICTIVE FOR SELECT USING (kind < 4);
SET ROLE quiver_regress_app;
SELECT t AS tenant, a.* FROM unnest(ARRAY['2', '3', '']) t,
    tn_answer(t, $$SELECT id, tenant_id FROM tn_docs ORDER BY embedding <-> tn_vector(-7) LIMIT 500$$) a;

RESET ROLE;
DROP FUNCTION tn_answer;
DROP TABLE tn_docs;
DROP FUNCTION tn_vector, tn_plan;
DROP ROLE quiver_regress_app;
