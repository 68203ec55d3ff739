--
-- The planner hook drops a distance that nobody reads, and only that.
--
LOAD 'quiver';
SET compute_query_id = off;
CREATE TABLE jd (id int, kind int, v vector(3));
INSERT INTO jd SELECT i, i % 5, ARRAY[i % 31, i % 29, i % 23]::vector FROM generate_series(1, 1000) i;
CREATE INDEX jd_v ON jd USING quiver (v);
ANALYZE jd;
SET enable_seqscan = off;
SET jit = off;
SET enable_sort = off;

-- what the hook has done to a plan; NULL stands for a dropped distance
CREATE FUNCTION pg_temp.distance(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
        plan := plan || line;
    END LOOP;
    RETURN CASE WHEN plan NOT LIKE '%Index Scan using jd_v%' THEN 'no index' WHEN plan LIKE '%NULL::double precision%' THEN 'dropped' ELSE 'kept' END;
END
$$;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM jd ORDER BY v <-> '[1,2,3]' LIMIT 3;

-- nobody reads it
SELECT pg_temp.distance(q), q FROM (VALUES
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 3'),
    ('SELECT id FROM jd WHERE kind = 1 ORDER BY v <-> ''[1,2,3]'''),
    ('SELECT ARRAY(SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 3)'),
    ('SELECT q.id, n.id FROM jd q, LATERAL (SELECT id FROM jd ORDER BY v <-> q.v LIMIT 2) n WHERE q.id < 3'),
    ('WITH c AS MATERIALIZED (SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 3) SELECT sum(id) FROM c'),
    ('SELECT id FROM (SELECT id, v FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 5) s ORDER BY id LIMIT 2')
) AS queries(q);

-- it is asked for, or a node above may read it
SELECT pg_temp.distance(q), q FROM (VALUES
    ('SELECT id, v <-> ''[1,2,3]'' AS d FROM jd ORDER BY d LIMIT 3'),
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' FETCH FIRST 3 ROWS WITH TIES'),
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 3 FOR UPDATE'),
    ('SELECT min(v <-> ''[1,2,3]'') FROM jd'),
    ('SELECT id, row_number() OVER (ORDER BY v <-> ''[1,2,3]'') FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 2')
) AS queries(q);
SET quiver.planner_hook = off;
SELECT pg_temp.distance('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 3');
RESET quiver.planner_hook;

-- the same answers with and without
CREATE FUNCTION pg_temp.same(query text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    with_hook text[];
    without text[];
BEGIN
    SET LOCAL quiver.planner_hook = on;
    EXECUTE format('SELECT array_agg(s::text) FROM (%s) s', query) INTO with_hook;
    SET LOCAL quiver.planner_hook = off;
    EXECUTE format('SELECT array_agg(s::text) FROM (%s) s', query) INTO without;
    RETURN with_hook = without AND cardinality(with_hook) > 0;
END
$$;
SELECT pg_temp.same(q), q FROM (VALUES
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 30'),
    ('SELECT id, kind FROM jd WHERE kind = 2 ORDER BY v <-> ''[1,2,3]'' LIMIT 30 OFFSET 5'),
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'''),
    ('SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' FETCH FIRST 7 ROWS WITH TIES'),
    ('SELECT id, v <-> ''[1,2,3]'' FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 30'),
    ('SELECT v FROM jd ORDER BY v <-> ''[1,2,3]'', v <-> ''[3,2,1]'' LIMIT 30'),
    ('SELECT jd FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 10'),
    ('SELECT q.id, n.id FROM jd q, LATERAL (SELECT id FROM jd ORDER BY v <-> q.v LIMIT 2) n WHERE q.id < 20'),
    ('SELECT q.id, n FROM jd q, LATERAL (SELECT * FROM jd ORDER BY v <-> q.v LIMIT 2) n WHERE q.id < 20'),
    ('SELECT q.id, (SELECT id FROM jd ORDER BY v <-> q.v OFFSET 1 LIMIT 1) FROM jd q WHERE q.id < 20'),
    ('SELECT id FROM jd WHERE id IN (SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 9) ORDER BY id'),
    ('SELECT id FROM jd WHERE (id, kind) = ANY (SELECT id, kind FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 9) ORDER BY id'),
    ('SELECT DISTINCT ON (1) 7 AS x, id FROM jd ORDER BY 1, v <-> ''[1,2,3]'''),
    ('(SELECT id FROM jd WHERE kind = 1 ORDER BY v <-> ''[1,2,3]'' LIMIT 5) UNION ALL (SELECT id FROM jd WHERE kind = 3 ORDER BY v <-> ''[3,2,1]'' LIMIT 5)'),
    ('(SELECT id FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 5) INTERSECT (SELECT id FROM jd ORDER BY v <-> ''[1,2,4]'' LIMIT 5) ORDER BY 1'),
    ('WITH c AS MATERIALIZED (SELECT id, kind FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 9) SELECT c1.id, c2 FROM c c1 JOIN c c2 USING (kind) ORDER BY 1, c2'),
    ('SELECT id, generate_series(1, 2) FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 9'),
    ('SELECT id, row_number() OVER (ORDER BY v <-> ''[1,2,3]'', id) FROM jd ORDER BY v <-> ''[1,2,3]'', id LIMIT 9'),
    ('SELECT min(v <-> ''[1,2,3]''), max(v <-> ''[1,2,3]'') FROM jd'),
    ('SELECT id FROM (SELECT id, v FROM jd ORDER BY v <-> ''[1,2,3]'' LIMIT 50) s ORDER BY v <-> ''[3,2,1]'' LIMIT 9')
) AS queries(q);

-- changes, cursors, created tables
BEGIN;
CREATE TEMP TABLE jd_found AS SELECT id FROM jd ORDER BY v <-> '[1,2,3]' LIMIT 4;
INSERT INTO jd_found SELECT id FROM jd ORDER BY v <-> '[1,2,3]' LIMIT 4;
SELECT count(*), count(DISTINCT id) FROM jd_found;
DECLARE c CURSOR FOR SELECT id FROM jd ORDER BY v <-> '[1,2,3.4]';
FETCH 2 FROM c;
UPDATE jd SET kind = -1 WHERE CURRENT OF c;
SELECT id FROM jd WHERE kind = -1;
DELETE FROM jd WHERE id IN (SELECT id FROM jd ORDER BY v <-> '[1,2,3]' LIMIT 4);
SELECT count(*) FROM jd;
ROLLBACK;
DROP TABLE jd;
