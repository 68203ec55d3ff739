--
-- Plans: which use the index, and that they give the rows of those that do not.
--
CREATE TABLE ip (id int PRIMARY KEY, kind int, v vector(8));
INSERT INTO ip SELECT i, i % 10, ARRAY[i % 97, i % 89, i % 83, i % 79, i % 73, i % 71, i % 67, i % 61]::vector
    FROM generate_series(1, 2000) i;
CREATE INDEX ip_v ON ip USING quiver (v);

-- without any setting, never analyzed, right after creation
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]';
ANALYZE ip;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]';
-- another metric, descending, NULLS FIRST: not this index
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <=> '[1,2,3,4,5,6,7,7]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' DESC LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' NULLS FIRST LIMIT 10;
-- the operator's sides may be exchanged
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY '[1,2,3,4,5,6,7,7]' <-> v LIMIT 10;
-- few rows by another index are sorted instead
EXPLAIN (COSTS OFF) SELECT id FROM ip WHERE id BETWEEN 5 AND 9 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 10;

SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;

-- a filter outside the index: the scan goes on until there are enough
EXPLAIN (COSTS OFF) SELECT id FROM ip WHERE kind = 3 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 200;
SELECT count(*), count(DISTINCT id), min(kind), max(kind)
    FROM (SELECT * FROM ip WHERE kind = 3 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1000) s;

-- wrong dimensions, through the index and not
SELECT id FROM ip ORDER BY v <-> '[1,2,3]' LIMIT 1;
SET enable_indexscan = off;
SELECT id FROM ip ORDER BY v <-> '[1,2,3]' LIMIT 1;
RESET enable_indexscan;

-- cursors: forward, restarted, held, and scrolled through a Materialize
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]';
FETCH 3 FROM c;
MOVE 1000 FROM c;
MOVE 1 FROM c;
MOVE ALL FROM c;
FETCH BACKWARD 1 FROM c;
ROLLBACK;
BEGIN;
EXPLAIN (COSTS OFF) DECLARE c SCROLL CURSOR FOR SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]';
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 3;
COMMIT;
FETCH ALL FROM c;
FETCH BACKWARD 2 FROM c;
CLOSE c;

-- prepared: a custom and a generic plan give the same
PREPARE nearest(vector, int) AS SELECT id FROM ip ORDER BY v <-> $1 LIMIT $2;
SET plan_cache_mode = force_custom_plan;
EXECUTE nearest('[1,2,3,4,5,6,7,7]', 3);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE nearest('[1,2,3,4,5,6,7,7]', 3);
EXECUTE nearest('[1,2,3,4,5,6,7,7]', 3);
EXECUTE nearest('[10,20,30,40,50,60,7,8]', 1);
EXECUTE nearest(NULL, 0);
RESET plan_cache_mode;
DEALLOCATE nearest;

-- a rescan for each outer row
EXPLAIN (COSTS OFF) SELECT o.id, i.id FROM (VALUES (10), (20), (NULL)) o(id) LEFT JOIN ip q ON q.id = o.id,
    LATERAL (SELECT id FROM ip ORDER BY v <-> q.v LIMIT 1) i;
SELECT o.id, i.id IS NOT NULL AS some FROM (VALUES (10), (20), (NULL)) o(id) LEFT JOIN ip q ON q.id = o.id,
    LATERAL (SELECT id FROM ip ORDER BY v <-> q.v LIMIT 1) i ORDER BY 1;
SELECT count(*) FROM (SELECT q.id FROM (SELECT * FROM ip ORDER BY id LIMIT 50) q,
    LATERAL (SELECT id, v FROM ip ORDER BY v <-> q.v LIMIT 1) i WHERE i.v = q.v) s;

-- no column needed, no order: every row, by a plain index scan
SET enable_indexonlyscan = on;
CREATE INDEX ip_part ON ip USING quiver (v) WHERE kind = 4;
DROP INDEX ip_v;
VACUUM ip;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ip WHERE kind = 4;
SELECT count(*) FROM ip WHERE kind = 4;
EXPLAIN (COSTS OFF) SELECT 1 FROM ip WHERE kind = 4 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 2;
SELECT 1 FROM ip WHERE kind = 4 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 2;
-- the partial index serves what its predicate implies, nothing else
SELECT count(*), min(kind), max(kind) FROM (SELECT * FROM ip WHERE kind = 4 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1000) s;
EXPLAIN (COSTS OFF) SELECT id FROM ip WHERE kind = 5 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 2;
UPDATE ip SET kind = 4 WHERE id = 15;
UPDATE ip SET kind = 6 WHERE id = 14;
SELECT count(*), count(*) FILTER (WHERE id = 15), count(*) FILTER (WHERE id = 14)
    FROM (SELECT * FROM ip WHERE kind = 4 ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1000) s;
DROP INDEX ip_part;

-- an expression
CREATE INDEX ip_expr ON ip USING quiver ((l2_normalize(v)::vector(8)) vector_ip_ops);
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY l2_normalize(v)::vector(8) <#> '[1,0,0,0,0,0,0,0]' LIMIT 2;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ip ORDER BY l2_normalize(v)::vector(8) <#> '[1,0,0,0,0,0,0,0]' LIMIT 5000) s;
DROP INDEX ip_expr;

-- two distances at once: the executor sorts, the rows are right
CREATE INDEX ip_v ON ip USING quiver (v);
CREATE TABLE ip_two AS SELECT id, v FROM ip WHERE id <= 300;
INSERT INTO ip_two SELECT id + 1000, v FROM ip_two WHERE id <= 50;
CREATE INDEX ON ip_two USING quiver (v);
EXPLAIN (COSTS OFF) SELECT id FROM ip_two ORDER BY v <-> '[1,2,3,4,5,6,7,7]', v <-> '[8,7,6,5,4,3,2,1]' LIMIT 5;
CREATE TEMP TABLE two_index AS SELECT row_number() OVER () AS n, v FROM
    (SELECT v FROM ip_two ORDER BY v <-> '[1,2,3,4,5,6,7,7]', v <-> '[8,7,6,5,4,3,2,1]') s;
SET enable_indexscan = off;
RESET enable_sort;
SELECT count(*) FROM two_index NATURAL JOIN (SELECT row_number() OVER () AS n, v FROM
    (SELECT v FROM ip_two ORDER BY v <-> '[1,2,3,4,5,6,7,7]', v <-> '[8,7,6,5,4,3,2,1]') s) t;
RESET enable_indexscan;
SET enable_sort = off;

-- partitions are merged by distance
CREATE TABLE ip_parts (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE ip_parts_1 PARTITION OF ip_parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE ip_parts_2 PARTITION OF ip_parts FOR VALUES FROM (1000) TO (9999);
INSERT INTO ip_parts SELECT id, v FROM ip;
INSERT INTO ip_parts VALUES (0, NULL), (9998, NULL);
CREATE INDEX ON ip_parts USING quiver (v);
EXPLAIN (COSTS OFF) SELECT id FROM ip_parts ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 5;
SELECT array_agg(id) = ARRAY(SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 5) AS same
    FROM (SELECT id FROM ip_parts ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 5) s;
SELECT count(*), count(DISTINCT id), count(v) FROM (SELECT id, v FROM ip_parts ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 5000) s;

-- row locks, and changes of the rows found
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1 FOR UPDATE;
BEGIN;
SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1 FOR UPDATE;
UPDATE ip SET v = '[0,0,0,0,0,0,0,0]' WHERE id = (SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1) RETURNING id;
SELECT id FROM ip ORDER BY v <-> '[0,0,0,0,0,0,0,0]' LIMIT 1;
ROLLBACK;

-- row-level security: enough rows for each tenant
CREATE ROLE quiver_regress_tenant;
ALTER TABLE ip ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ip USING (kind = current_setting('app.kind')::int);
GRANT SELECT ON ip TO quiver_regress_tenant;
SET ROLE quiver_regress_tenant;
SET app.kind = 7;
EXPLAIN (COSTS OFF) SELECT id FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 20;
SELECT count(*), min(kind), max(kind) FROM (SELECT * FROM ip ORDER BY v <-> '[1,2,3,4,5,6,7,7]' LIMIT 1000) s;
RESET ROLE;

DROP TABLE ip, ip_two, ip_parts;
DROP ROLE quiver_regress_tenant;
