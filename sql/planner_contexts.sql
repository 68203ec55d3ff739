-- bounds on a distance in every kind of statement: the plan, and the rows against those without an index

CREATE TABLE docs (id int PRIMARY KEY, tenant int, kind text, v vector(3));
-- no two distances to one vector are the same
INSERT INTO docs SELECT i, i % 10, chr(97 + i % 7), format('[%s,%s,%s]', sin(i), cos(i * 0.7), sin(i * 1.3))::vector
    FROM generate_series(1, 2000) i;
INSERT INTO docs VALUES (2001, 1, 'a', NULL);
CREATE INDEX docs_v ON docs USING quiver (v);
CREATE TABLE probes (id int PRIMARY KEY, tenant int, q vector(3), r float8);
INSERT INTO probes SELECT i, i, format('[%s,%s,%s]', sin(i + 0.1), cos(i * 0.7), sin(i * 1.3 - 0.1))::vector, 0.1 * i FROM generate_series(1, 4) i;
INSERT INTO probes VALUES (5, 5, NULL, 0.5), (6, 6, '[0.1,0.2,0.3]', NULL);
ANALYZE docs, probes;

-- query with the index and without: rows, and how many differ
CREATE FUNCTION differing(query text, OUT rows bigint, OUT differing bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('enable_indexscan', 'off', true);
    EXECUTE 'CREATE TEMP TABLE expected AS ' || query;
    PERFORM set_config('enable_indexscan', 'on', true);
    EXECUTE 'CREATE TEMP TABLE found AS ' || query;
    SELECT count(*) FROM expected INTO rows;
    SELECT count(*) FROM ((TABLE expected EXCEPT ALL TABLE found) UNION ALL (TABLE found EXCEPT ALL TABLE expected)) d INTO differing;
    DROP TABLE expected, found;
END $$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET jit = off;

-- prepared, planned for any parameters
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector, float8, int) AS SELECT id FROM docs WHERE v <-> $1 < $2 ORDER BY v <-> $1 LIMIT $3;
EXPLAIN (COSTS OFF) EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
EXECUTE nearest('[0.1,0.2,0.3]', 0.3, 3);
EXECUTE nearest('[0.1,0.2,0.3]', NULL, 3);
EXECUTE nearest(NULL, 0.5, 3);
PREPARE similar_ones(vector, float8) AS SELECT count(*) FROM docs WHERE 1 - (v <-> $1) >= $2;
EXPLAIN (COSTS OFF) EXECUTE similar_ones('[0.1,0.2,0.3]', 0.5);
EXECUTE similar_ones('[0.1,0.2,0.3]', 0.5);
PREPARE near(vector, float8) AS SELECT count(*) FROM docs WHERE quiver_within(v, $1, $2);
EXPLAIN (COSTS OFF) EXECUTE near('[0.1,0.2,0.3]', 0.5);
EXECUTE near('[0.1,0.2,0.3]', 0.5);
-- the plan goes with the index
BEGIN;
DROP INDEX docs_v;
EXPLAIN (COSTS OFF) EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
ROLLBACK;
EXPLAIN (COSTS OFF) EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
-- and with the operator family
BEGIN;
ALTER OPERATOR FAMILY vector_l2_ops USING quiver DROP OPERATOR 2 (vector, quiver_bound);
EXPLAIN (COSTS OFF) EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
EXECUTE nearest('[0.1,0.2,0.3]', 0.5, 3);
ROLLBACK;
DEALLOCATE ALL;
RESET plan_cache_mode;

-- LATERAL: bound and order from another table
EXPLAIN (COSTS OFF) SELECT p.id, d.id FROM probes p, LATERAL (SELECT id FROM docs WHERE v <-> p.q < p.r ORDER BY v <-> p.q LIMIT 2) d;
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p, LATERAL (SELECT id FROM docs WHERE v <-> p.q < p.r ORDER BY v <-> p.q LIMIT 2) d');

-- a join by distance: the index is searched for each row of the other table
EXPLAIN (COSTS OFF) SELECT p.id, d.id FROM probes p JOIN docs d ON d.v <-> p.q < p.r;
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p JOIN docs d ON d.v <-> p.q < p.r');
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p JOIN docs d ON p.q <-> d.v <= 0.3 AND d.tenant = p.tenant');
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p LEFT JOIN docs d ON d.v <-> p.q < p.r AND d.kind = ''b''');
SELECT * FROM differing('SELECT p.id FROM probes p WHERE EXISTS (SELECT FROM docs d WHERE 1 - (d.v <-> p.q) > 0.8)');
SELECT * FROM differing('SELECT p.id FROM probes p WHERE NOT EXISTS (SELECT FROM docs d WHERE d.v <-> p.q < 0.1)');
-- two conditions, one of them a join's; quiver_within as a join condition; bounds from two tables
EXPLAIN (COSTS OFF) SELECT p.id, d.id FROM probes p JOIN docs d ON d.v <-> p.q < p.r WHERE d.v <-> '[0.1,0.2,0.3]' < 1.2;
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p JOIN docs d ON d.v <-> p.q < p.r WHERE d.v <-> ''[0.1,0.2,0.3]'' < 1.2');
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p JOIN docs d ON quiver_within(d.v, p.q, p.r)');
SELECT * FROM differing('SELECT p.id, o.id AS other, d.id AS doc FROM probes p, probes o, docs d WHERE d.v <-> p.q < o.r AND p.id < o.id');
-- the join's other side sorted by distance
SELECT * FROM differing('SELECT d.id FROM docs d JOIN probes p ON p.tenant = d.tenant WHERE d.v <-> ''[0.1,0.2,0.3]'' < 0.6 ORDER BY d.v <-> ''[0.1,0.2,0.3]'' LIMIT 4');

-- writes and row locks
EXPLAIN (COSTS OFF) UPDATE docs SET kind = 'z' WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
EXPLAIN (COSTS OFF) DELETE FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <-> '[0.1,0.2,0.3]' FOR UPDATE;
BEGIN;
SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.35 ORDER BY v <-> '[0.1,0.2,0.3]' FOR UPDATE;
UPDATE docs SET kind = 'z' WHERE v <-> '[0.1,0.2,0.3]' < 0.4 RETURNING v <-> '[0.1,0.2,0.3]' < 0.4;
-- a vector moved within its own bound is met once
UPDATE docs SET v = '[0.1,0.2,0.3]' WHERE v <-> '[0.1,0.2,0.3]' < 0.35;
SELECT count(*) FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.01;
DELETE FROM docs USING probes p WHERE docs.v <-> p.q < 0.2 AND p.id = 2;
SELECT * FROM differing('SELECT id, kind FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.9');
ROLLBACK;

-- a sample stays a sample; a contradiction stays empty
EXPLAIN (COSTS OFF) SELECT id FROM docs TABLESAMPLE BERNOULLI (100) WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <-> '[0.1,0.2,0.3]';
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4 AND false;
SET constraint_exclusion = on;
ALTER TABLE docs ADD CONSTRAINT small CHECK (tenant < 10);
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4 AND tenant > 20;
ALTER TABLE docs DROP CONSTRAINT small;
RESET constraint_exclusion;

-- a session's first statement
\c -
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET jit = off;

-- cursors, rescans, parallel query
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[0.1,0.2,0.3]';
FETCH 3 FROM c;
FETCH BACKWARD 1 FROM c;
FETCH 2 FROM c;
COMMIT;
SET force_parallel_mode = on;
SELECT * FROM differing('SELECT id FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.5');
RESET force_parallel_mode;

-- an order by more than the distance
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[0.1,0.2,0.3]', id LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY v <-> '[0.1,0.2,0.3]', id LIMIT 3;
SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[0.1,0.2,0.3]', id LIMIT 3;

-- subqueries, unions, aggregates
EXPLAIN (COSTS OFF) SELECT * FROM (SELECT id, v <-> '[0.1,0.2,0.3]' AS distance FROM docs) d WHERE distance < 0.4 ORDER BY distance LIMIT 2;
SELECT * FROM differing('SELECT * FROM (SELECT id, v <-> ''[0.1,0.2,0.3]'' AS distance FROM docs) d WHERE distance < 0.4');
SELECT * FROM differing('WITH d AS MATERIALIZED (SELECT id FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.4) SELECT * FROM d');
SELECT * FROM differing('SELECT id, v FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.4 UNION ALL SELECT id, q FROM probes WHERE q <-> ''[0.1,0.2,0.3]'' < 0.4');
SELECT * FROM differing('SELECT kind, count(*), min(v <-> ''[0.1,0.2,0.3]'') FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.7 GROUP BY kind');
EXPLAIN (COSTS OFF) SELECT count(*) FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4;

-- partitions with columns in another order: each searched, then merged
CREATE TABLE parted (id int, tenant int, kind text, v vector(3)) PARTITION BY LIST (tenant);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0, 1, 2, 3, 4);
CREATE TABLE parted_5 (v vector(3), gone int, kind text, tenant int, id int);
ALTER TABLE parted_5 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_5 FOR VALUES IN (5, 6, 7, 8, 9);
INSERT INTO parted SELECT id, tenant, kind, v FROM docs;
CREATE INDEX parted_v ON parted USING quiver (v);
ANALYZE parted;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
SELECT id FROM parted WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
SELECT * FROM differing('SELECT id FROM parted WHERE v <-> ''[0.1,0.2,0.3]'' < 0.6');
SELECT * FROM differing('SELECT id FROM parted WHERE v <-> ''[0.1,0.2,0.3]'' < 0.9 AND tenant = 7');
EXPLAIN (COSTS OFF) SELECT p.id, d.id FROM probes p JOIN parted d ON d.v <-> p.q < p.r;
SELECT * FROM differing('SELECT p.id, d.id AS doc FROM probes p JOIN parted d ON d.v <-> p.q < p.r');
SET enable_partitionwise_join = on;
SELECT * FROM differing('SELECT a.id, b.id AS other FROM parted a JOIN parted b ON a.tenant = b.tenant AND a.v <-> b.v < 0.3 AND a.id < b.id AND a.id <= 50');
RESET enable_partitionwise_join;
EXPLAIN (COSTS OFF) UPDATE parted SET kind = 'z' WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
DROP TABLE parted;

-- partial indexes: only where the condition implies the predicate
DROP INDEX docs_v;
CREATE INDEX docs_b ON docs USING quiver (v) WHERE kind = 'b';
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.6 AND kind = 'b';
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.6 AND kind = 'b' FOR UPDATE;
SELECT * FROM differing('SELECT id FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.9 AND kind = ''b''');
-- no column is needed: a plain index scan all the same
EXPLAIN (COSTS OFF) SELECT count(*) FROM docs WHERE kind = 'b';
-- two indexes: each serves its own metric, and the smaller one where both do
CREATE INDEX docs_v ON docs USING quiver (v);
CREATE INDEX docs_cosine ON docs USING quiver (v vector_cosine_ops);
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <=> '[0.1,0.2,0.3]' < 0.01;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <=> '[0.1,0.2,0.3]' LIMIT 3;
SELECT * FROM differing('SELECT id FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.8 AND v <=> ''[0.1,0.2,0.3]'' < 0.05');
SELECT * FROM differing('SELECT id FROM docs WHERE v <-> ''[0.1,0.2,0.3]'' < 0.6 ORDER BY v <=> ''[0.1,0.2,0.3]'' LIMIT 3');
DROP INDEX docs_b, docs_cosine;

-- row-level security: the condition raises nothing, so it may come before the policy; the comparison may not
CREATE ROLE regress_quiver_tenant;
GRANT SELECT ON docs, probes TO regress_quiver_tenant;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant = current_setting('app.tenant')::int);
SET ROLE regress_quiver_tenant;
SET app.tenant = '3';
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.9 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE 1 - (v <-> '[0.1,0.2,0.3]') > 0.1;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.9);
SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.9 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
SELECT id, tenant FROM docs WHERE 1 - (v <-> '[0.1,0.2,0.3]') > 0.4 ORDER BY id;
-- what another table's row says may leak into a condition only through what cannot leak
CREATE FUNCTION pg_temp.leaky(vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
EXPLAIN (COSTS OFF) SELECT d.id FROM probes p JOIN docs d ON d.v <-> p.q < p.r;
EXPLAIN (COSTS OFF) SELECT d.id FROM probes p JOIN docs d ON d.v <-> pg_temp.leaky(p.q) < p.r;
DROP FUNCTION pg_temp.leaky;
RESET ROLE;
SELECT id FROM docs WHERE v <-> '[0.1,0.2,0.3]' < 0.9 AND tenant = 3 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 3;
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, v FROM docs WHERE tenant = 3;
EXPLAIN (COSTS OFF) SELECT id FROM barrier WHERE v <-> '[0.1,0.2,0.3]' < 0.4;
SELECT * FROM differing('SELECT id FROM barrier WHERE v <-> ''[0.1,0.2,0.3]'' < 0.9');
DROP VIEW barrier;
DROP POLICY own ON docs;
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON docs, probes FROM regress_quiver_tenant;
DROP ROLE regress_quiver_tenant;

-- the setting
SET quiver.planner_hook = off;
EXPLAIN (COSTS OFF) SELECT p.id, d.id FROM probes p JOIN docs d ON d.v <-> p.q < p.r;
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY v <-> '[0.1,0.2,0.3]', id LIMIT 3;

DROP TABLE docs, probes;
DROP FUNCTION differing;
