--
-- Every row has an entry: NULLs, vectors without a direction, duplicates.
--
SET enable_seqscan = off;
SET jit = off;
CREATE TABLE ir (id int, v vector(2));
INSERT INTO ir VALUES (1, '[1,0]'), (2, NULL), (3, '[0,0]'), (4, '[0,1]'), (5, NULL), (6, '[-1,0]'), (7, '[2,2]'), (8, '[0,0]');

-- L2: a zero vector is a point like any other
CREATE INDEX ir_v ON ir USING quiver (v vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id, v <-> '[1,0]' AS d FROM ir ORDER BY v <-> '[1,0]';
SELECT id, round((v <-> '[1,0]')::numeric, 3) AS d FROM ir ORDER BY v <-> '[1,0]' LIMIT 1;
SELECT array_agg(id ORDER BY id), round(d::numeric, 3) FROM (SELECT id, v <-> '[1,0]' AS d FROM ir ORDER BY v <-> '[1,0]' LIMIT 100) s GROUP BY 2 ORDER BY 2;
-- the order of rows without distance, as the scan gives it
SELECT v IS NULL AS missing, count(*) FROM (SELECT v, row_number() OVER () AS n FROM (SELECT v FROM ir ORDER BY v <-> '[1,0]' LIMIT 100) s) t GROUP BY 1 HAVING min(n) > 6 OR max(n) <= 6 ORDER BY 1;

-- a NULL query: every distance is NULL, every row comes
SELECT count(*), count(d) FROM (SELECT v <-> NULL AS d FROM ir ORDER BY v <-> NULL LIMIT 100) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> (SELECT NULL::vector) LIMIT 100) s;
SELECT count(*) FROM (SELECT id FROM ir ORDER BY v <-> (SELECT v FROM ir WHERE id = 2) LIMIT 3) s;
DROP INDEX ir_v;

-- inner product
CREATE INDEX ir_v ON ir USING quiver (v vector_ip_ops);
SELECT id, v <#> '[1,0]' AS d FROM ir ORDER BY v <#> '[1,0]' LIMIT 2;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <#> '[1,0]' LIMIT 100) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <#> '[0,0]' LIMIT 100) s;
DROP INDEX ir_v;

-- cosine: NaN after all numbers, NULL after NaN
CREATE INDEX ir_v ON ir USING quiver (v vector_cosine_ops);
EXPLAIN (COSTS OFF) SELECT id FROM ir ORDER BY v <=> '[3,0.1]' LIMIT 100;
SELECT CASE WHEN v IS NULL THEN 'null' WHEN v <=> '[3,0.1]' = 'NaN' THEN 'nan' ELSE id::text END
    FROM ir ORDER BY v <=> '[3,0.1]' LIMIT 100;
-- a query without a direction: NaN for all that have a vector
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d = 'NaN')
    FROM (SELECT id, v <=> '[0,0]' AS d FROM ir ORDER BY v <=> '[0,0]' LIMIT 100) s;
SELECT bool_and(v IS NOT NULL) FROM (SELECT v FROM ir ORDER BY v <=> '[0,0]' LIMIT 6) s;

-- the same rows, inserted after the index was there
TRUNCATE ir;
SELECT count(*) FROM (SELECT id FROM ir ORDER BY v <=> '[1,0]' LIMIT 100) s;
INSERT INTO ir VALUES (1, '[1,0]'), (2, NULL), (3, '[0,0]'), (4, '[0,1]'), (5, NULL), (6, '[-1,0]'), (7, '[2,2]'), (8, '[0,0]');
SELECT CASE WHEN v IS NULL THEN 'null' WHEN v <=> '[3,0.1]' = 'NaN' THEN 'nan' ELSE id::text END
    FROM ir ORDER BY v <=> '[3,0.1]' LIMIT 100;
DROP TABLE ir;

-- only NULLs; nothing at all
CREATE TABLE ir (id int, v vector(3));
INSERT INTO ir SELECT i, NULL FROM generate_series(1, 500) i;
CREATE INDEX ir_v ON ir USING quiver (v);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 1000) s;
TRUNCATE ir;
SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 5;

-- duplicates in any number, built and inserted, and all of them found
INSERT INTO ir SELECT i, CASE WHEN i % 3 = 0 THEN ARRAY[i, i, i]::vector ELSE '[1,2,3]' END FROM generate_series(1, 1500) i;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 1000) s WHERE id % 3 <> 0;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 9999) s;
REINDEX INDEX ir_v;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 1000) s WHERE id % 3 <> 0;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2,3]' LIMIT 9999) s;
DROP TABLE ir;

-- extreme values: denormals and the largest floats there are
CREATE TABLE ir (id int, v vector(2), h halfvec(2));
INSERT INTO ir VALUES (1, '[1e-38,-1e-38]', '[6e-8,-6e-8]'), (2, '[1e19,-1e19]', '[65504,-65504]'), (3, '[3.4e38,3.4e38]', '[1,1]'), (4, '[1e-45,0]', '[0,0]');
CREATE INDEX ON ir USING quiver (v);
CREATE INDEX ON ir USING quiver (h);
CREATE INDEX ON ir USING quiver (v vector_cosine_ops);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <-> '[1,2]' LIMIT 9) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY h <-> '[1,2]' LIMIT 9) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ir ORDER BY v <=> '[1,2]' LIMIT 9) s;
INSERT INTO ir SELECT * FROM ir;
SELECT count(*) FROM (SELECT id FROM ir ORDER BY v <-> '[3e38,3e38]' LIMIT 9) s;
SELECT count(*) FROM (SELECT id FROM ir ORDER BY v <=> '[1e-45,1e-45]' LIMIT 9) s;
DROP TABLE ir;
