-- btree operator classes: index scans, order, uniqueness, merge joins, DISTINCT

CREATE TABLE t (id int, v vector, h halfvec, s sparsevec);
INSERT INTO t SELECT i, v, v, v FROM
    (SELECT i, ARRAY[i % 10, i / 10 - 5]::vector AS v FROM generate_series(0, 99) i) AS samples;
INSERT INTO t VALUES (100, NULL, NULL, NULL), (101, '[0]', '[0]', '{}/1'), (102, '[0,-5,0]', '[0,-5,0]', '{2:-5}/3');
CREATE UNIQUE INDEX t_v ON t (v);
CREATE UNIQUE INDEX t_h ON t (h);
CREATE UNIQUE INDEX t_s ON t (s);
ANALYZE t;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;

EXPLAIN (COSTS OFF) SELECT id FROM t WHERE v = '[3,-2]';
SELECT (SELECT id FROM t WHERE v = '[3,-2]') AS v, (SELECT id FROM t WHERE h = '[3,-2]') AS h,
    (SELECT id FROM t WHERE s = '{1:3,2:-2}/2') AS s;
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE h >= '[1,-5]' AND h < '[1,-2]' ORDER BY h;
SELECT array_agg(id) FROM (SELECT id FROM t WHERE v >= '[1,-5]' AND v < '[1,-2]' ORDER BY v) q;
SELECT array_agg(id) FROM (SELECT id FROM t WHERE h >= '[1,-5]' AND h < '[1,-2]' ORDER BY h) q;
SELECT array_agg(id) FROM (SELECT id FROM t WHERE s >= '{1:1,2:-5}/2' AND s < '{1:1,2:-2}/2' ORDER BY s) q;
-- the three orders are one; shorter before longer, NULL last
SELECT (array_agg(id ORDER BY v))[1:6] AS first, (array_agg(id ORDER BY v))[101:103] AS last,
    array_agg(id ORDER BY v) = array_agg(id ORDER BY h) AND array_agg(id ORDER BY v) = array_agg(id ORDER BY s) AS same FROM t;

INSERT INTO t (id, v) VALUES (200, '[3,-2]');
INSERT INTO t (id, v) VALUES (200, '[-0]');
INSERT INTO t (id, h) VALUES (200, '[3,-2]');
INSERT INTO t (id, s) VALUES (200, '{2:-2,1:3}/2');

SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM t a JOIN t b USING (v);
SELECT (SELECT count(*) FROM t a JOIN t b USING (v)) AS v, (SELECT count(*) FROM t a JOIN t b USING (h)) AS h,
    (SELECT count(*) FROM t a JOIN t b USING (s)) AS s;
SELECT count(DISTINCT v), count(DISTINCT h), count(DISTINCT s) FROM (SELECT * FROM t UNION ALL SELECT * FROM t) q;

-- values that are stored out of line, and sorts of them
RESET enable_sort;
CREATE TABLE big AS SELECT i AS id, (array_fill(7, ARRAY[2000]) || ARRAY[i])::vector AS v FROM generate_series(1, 50) i;
SELECT array_agg(id ORDER BY v DESC) = array_agg(id ORDER BY id DESC) AS sorted FROM big;
SELECT a.id FROM big a JOIN big b ON a.v = b.v AND b.id = 17;
DROP TABLE big, t;
