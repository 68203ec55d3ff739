-- which plan is cheaper: tables of all sizes, filters, limits, joins

SET jit = off;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION vectors(rows int, dim int) RETURNS TABLE (i int, v vector) LANGUAGE sql AS $$
    SELECT i, array_agg(sin(i * (d * 0.37 + 1)))::vector FROM generate_series(1, rows) i, generate_series(1, dim) d GROUP BY i ORDER BY i
$$;

-- what a distance costs: it grows with the dimension, and more where vectors lie in the TOAST table
CREATE FUNCTION cost_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8;
END $$;
CREATE TABLE few (v vector(3), s sparsevec(1000000), b bit(768));
CREATE TABLE inline (v vector(300), h halfvec(300));
CREATE TABLE toasted (v vector(768), u vector);
CREATE TABLE large (v vector(3000));
INSERT INTO few SELECT (SELECT v FROM vectors(1, 3)), '{1:1}/1000000', B'1'::bit(768) FROM generate_series(1, 100);
INSERT INTO inline SELECT v, v::halfvec FROM (SELECT v FROM vectors(1, 300)) x, generate_series(1, 100);
INSERT INTO toasted SELECT v, v FROM (SELECT v FROM vectors(1, 768)) x, generate_series(1, 100);
INSERT INTO large SELECT v FROM (SELECT v FROM vectors(1, 3000)) x, generate_series(1, 100);
VACUUM ANALYZE few, inline, toasted, large;
CREATE VIEW costs AS SELECT name, cost_of(format('SELECT %s FROM %s', expression, name)) - cost_of(format('SELECT FROM %s', name)) AS cost, expression
    FROM (VALUES ('few', 'v <-> NULL::vector'), ('few', 'v <-> v'), ('few', 's <-> s'), ('few', 'b <~> b'), ('inline', 'v <-> v'), ('inline', 'h <=> h'), ('inline', 'v <+> v'),
        ('toasted', 'v <-> v'), ('toasted', 'u <-> u'), ('toasted', 'l2_distance(v, v)'), ('toasted', 'quiver_within(v, v, 1)'),
        ('large', 'v <-> v'), ('large', 'v <@ quiver_l2_bound(NULL::vector, 1)')) x (name, expression);
SELECT name, expression, CASE WHEN cost < 4.5 THEN 'little' WHEN cost < 10 THEN 'some' WHEN cost < 300 THEN 'much' ELSE 'most' END AS cost FROM costs ORDER BY name, expression COLLATE "C";
-- where the column is kept in line
ALTER TABLE toasted ALTER v SET STORAGE plain;
SELECT cost < 10 AS plain FROM costs WHERE name = 'toasted' AND expression = 'v <-> v';
DROP VIEW costs;
DROP TABLE few, inline, toasted, large;

-- empty, and never analyzed
CREATE TABLE grown (id int, kind int, v vector(64));
CREATE INDEX grown_v ON grown USING quiver (v);
EXPLAIN (COSTS OFF) SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
SELECT cost_of('SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10') < 1e6 AS finite;
INSERT INTO grown SELECT i, i % 100, v FROM vectors(3000, 64);
EXPLAIN (COSTS OFF) SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM grown WHERE v <-> (SELECT v FROM vectors(1, 64)) < 0.5;
ANALYZE grown;
EXPLAIN (COSTS OFF) SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;

-- a handful of rows: nothing beats reading them
CREATE TABLE tiny AS SELECT * FROM grown WHERE id <= 5;
CREATE INDEX tiny_v ON tiny USING quiver (v);
ANALYZE tiny;
EXPLAIN (COSTS OFF) SELECT id FROM tiny ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;

-- a filter that many rows meet, one that few meet, and no LIMIT
CREATE INDEX grown_kind ON grown (kind);
CREATE INDEX grown_id ON grown (id);
EXPLAIN (COSTS OFF) SELECT id FROM grown WHERE kind < 80 ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM grown WHERE id < 20 ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64));
-- LIMIT unknown
SET plan_cache_mode = force_generic_plan;
PREPARE some_of(vector, int) AS SELECT id FROM grown ORDER BY v <-> $1 LIMIT $2;
EXPLAIN (COSTS OFF) EXECUTE some_of('[1]', 10);
RESET plan_cache_mode;
-- a cursor wants its first rows soon
BEGIN;
EXPLAIN (COSTS OFF) DECLARE c CURSOR FOR SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64));
ROLLBACK;

-- joins: the nearest few, then their details; and the nearest of each
CREATE TABLE details (id int PRIMARY KEY, title text);
INSERT INTO details SELECT i, 'title ' || i FROM generate_series(1, 3000) i;
ANALYZE details;
EXPLAIN (COSTS OFF) SELECT title FROM grown JOIN details USING (id) ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 5;
EXPLAIN (COSTS OFF) SELECT t.id, n.id FROM tiny t, LATERAL (SELECT id FROM grown g ORDER BY g.v <-> t.v LIMIT 3) n;
EXPLAIN (COSTS OFF) SELECT t.id, g.id FROM tiny t JOIN grown g ON g.v <-> t.v < 0.2;

-- a distance to an outer query's row, as the argument of a function that is inlined
CREATE FUNCTION squared(d float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT d * d';
SELECT count(*) FROM tiny t WHERE (SELECT count(*) FROM tiny u WHERE squared(t.v <-> u.v) <= 0) = 1;
DROP FUNCTION squared;

-- a bound is served by the index, whether in order or not; one that the index cannot end at is not
EXPLAIN (COSTS OFF) SELECT id FROM grown WHERE v <-> (SELECT v FROM vectors(1, 64)) < 0.5 ORDER BY id;
EXPLAIN (COSTS OFF) SELECT id FROM grown WHERE v <=> (SELECT v FROM vectors(1, 64)) < 0.5;

-- partitions
CREATE TABLE parted (id int, kind int, v vector(64)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (1501);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1501) TO (3001);
INSERT INTO parted SELECT * FROM grown;
CREATE INDEX parted_v ON parted USING quiver (v);
ANALYZE parted;
EXPLAIN (COSTS OFF) SELECT id FROM parted ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE id < 1000 ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;

-- a wide beam costs more, and is yet cheaper than all rows
SET quiver.ef_search = 1000;
EXPLAIN (COSTS OFF) SELECT id FROM grown ORDER BY v <-> (SELECT v FROM vectors(1, 64)) LIMIT 10;
RESET quiver.ef_search;

DROP TABLE grown, tiny, details, parted;
DROP FUNCTION vectors, cost_of;
