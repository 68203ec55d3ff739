-- conditions on a distance that become search conditions, and those that do not

SET jit = off;
CREATE TABLE points (id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(3), b bit(32));
-- no two distances to one vector are the same
INSERT INTO points SELECT i, format('[%s,%s,%s]', sin(i), cos(i * 0.7), sin(i * 1.3))::vector, NULL, NULL,
    (hashint4(i)::bit(32)) FROM generate_series(1, 1000) i;
UPDATE points SET h = v::halfvec, s = v::sparsevec;
INSERT INTO points VALUES (1001, NULL, NULL, NULL, NULL), (1002, '[0,0,0]', '[0,0,0]', '{}/3', 0::bit(32));
CREATE INDEX points_l2 ON points USING quiver (v);
ANALYZE points;

-- the search conditions of query's plan, and how its rows differ from those without an index
CREATE FUNCTION compare(query text, OUT condition text, OUT filter text, OUT rows bigint, OUT differing bigint)
LANGUAGE plpgsql AS $$
DECLARE
    line text;
    answers int[];
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true);
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        condition := coalesce(substring(line FROM 'Index Cond: (.*<@.*)'), condition);
        filter := coalesce(substring(line FROM 'Filter: (.*)'), filter);
    END LOOP;
    EXECUTE format('SELECT array_agg(id) FROM (%s) q', query) INTO answers;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true);
    EXECUTE format('SELECT count(*), 2 * count(*) FILTER (WHERE id <> ALL (%L::int[])) + coalesce(cardinality(%L::int[]), 0) - count(*)
                    FROM (%s) q', coalesce(answers, '{}'), answers, query) INTO rows, differing;
    PERFORM set_config('enable_indexscan', 'on', true);
END $$;


-- shapes
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' <= 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 0.5 > v <-> '[0.1,0.2,0.3]'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 0.5 >= '[0.1,0.2,0.3]' <-> v$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' BETWEEN 0.3 AND 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5::real$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 1 - (v <-> '[0.1,0.2,0.3]') > 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 0.5 <= 1 - (v <-> '[0.1,0.2,0.3]')$$);
SELECT * FROM compare($$SELECT id FROM points WHERE - (v <-> '[0.1,0.2,0.3]') > -0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE (v <-> '[0.1,0.2,0.3]') * -1 >= -0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE NOT v <-> '[0.1,0.2,0.3]' > 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE l2_distance(v, '[0.1,0.2,0.3]') < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < (SELECT 0.5 + 0 * count(*) FROM pg_am)$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 AND id % 2 = 0$$);
-- two about one value, and two about two
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 AND v <-> '[0.1,0.2,0.3]' <= 0.4$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.9 AND v <-> '[0.9,0.2,0.3]' < 0.8$$);
-- with an order: the same value, and another
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[0.1,0.2,0.3]' LIMIT 5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[1,0,0]' LIMIT 5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 ORDER BY v <-> '[1,0,0]', id LIMIT 5$$);

-- not of that shape: a lower bound, a bound of the row's own, another metric, a volatile bound
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' > 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < id$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> h::vector < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <=> '[0.1,0.2,0.3]' < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 + 0 * random()$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 0.5 OR id = 3$$);

-- radii at the edges
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < NULL$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> NULL < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < 'NaN'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' <= 'Infinity'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < '-Infinity'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < -1$$);
SELECT * FROM compare($$SELECT id FROM points WHERE - (v <-> '[0.1,0.2,0.3]') > 'NaN'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE - (v <-> '[0.1,0.2,0.3]') >= (SELECT 'NaN'::float8)$$);
SELECT * FROM compare($$SELECT id FROM points WHERE - (v <-> '[0.1,0.2,0.3]') >= (SELECT -0.5::float8)$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0,0,0]' < 0$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0,0,0]' <= 0$$);
-- the distance of a row itself, and the next number below
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' <= (SELECT v <-> '[0.1,0.2,0.3]' FROM points WHERE id = 77)$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <-> '[0.1,0.2,0.3]' < (SELECT v <-> '[0.1,0.2,0.3]' FROM points WHERE id = 77)$$);
-- another dimension is an error, as without an index
SELECT id FROM points WHERE v <-> '[1,2]' < 0.5;

-- other metrics: the radius is in the operator's unit
CREATE INDEX points_ip ON points USING quiver (v vector_ip_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE v <#> '[0.1,0.2,0.3]' < -0.4$$);
SELECT * FROM compare($$SELECT id FROM points WHERE (v <#> '[0.1,0.2,0.3]') * -1 > 0.4$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <#> '[0.1,0.2,0.3]' < 0.4 ORDER BY v <#> '[0.1,0.2,0.3]'$$);
DROP INDEX points_ip;

-- under cosine a zero vector has no distance: NaN < r is false, but 1 - NaN > c is true
CREATE INDEX points_cosine ON points USING quiver (v vector_cosine_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE v <=> '[0.1,0.2,0.3]' < 0.1$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <=> '[0,0,0]' < 0.1$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <=> '[0,0,0]' <= 'NaN'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE v <=> '[0.1,0.2,0.3]' <= 'NaN'$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 1 - (v <=> '[0.1,0.2,0.3]') > 0.9$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 1 - (v <=> '[0,0,0]') > 0.9$$);
SELECT * FROM compare($$SELECT id FROM points WHERE - (v <=> '[0.1,0.2,0.3]') > -0.1 ORDER BY v <=> '[0.1,0.2,0.3]'$$);
DROP INDEX points_cosine;

-- other types
DROP INDEX points_l2;
CREATE INDEX points_half ON points USING quiver (h);
SELECT * FROM compare($$SELECT id FROM points WHERE h <-> '[0.1,0.2,0.3]' < 0.5$$);
CREATE INDEX points_half_cosine ON points USING quiver ((v::halfvec(3)) halfvec_cosine_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE v::halfvec(3) <=> '[0.1,0.2,0.3]' < 0.1$$);

DROP INDEX points_half, points_half_cosine;
CREATE INDEX points_l1 ON points USING quiver (v vector_l1_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE v <+> '[0.1,0.2,0.3]' < 0.7$$);
SELECT * FROM compare($$SELECT id FROM points WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.7, 'l1')$$);
CREATE INDEX points_hamming ON points USING quiver (b);
SELECT * FROM compare($$SELECT id FROM points WHERE b <~> B'10101010101010101010101010101010' < 9$$);
SELECT * FROM compare($$SELECT id FROM points WHERE b <~> B'10101010101010101010101010101010' <= 9$$);
SELECT * FROM compare($$SELECT id FROM points WHERE quiver_within(b, B'10101010101010101010101010101010', 9)$$);
SELECT id FROM points WHERE b <~> B'1010' < 9;
CREATE INDEX points_jaccard ON points USING quiver (b bit_jaccard_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE b <%> B'10101010101010101010101010101010' < 0.5$$);
SELECT * FROM compare($$SELECT id FROM points WHERE 1 - (b <%> B'10101010101010101010101010101010') >= 0.5$$);
CREATE INDEX points_sparse ON points USING quiver (s);
SELECT * FROM compare($$SELECT id FROM points WHERE s <-> '{1:0.1,3:0.3}/3' < 0.5$$);
CREATE INDEX points_sparse_cosine ON points USING quiver (s sparsevec_cosine_ops);
SELECT * FROM compare($$SELECT id FROM points WHERE 1 - (s <=> '{1:0.1,3:0.3}/3') > 0.9$$);

-- quiver.planner_hook = off leaves PostgreSQL's plans
SET quiver.planner_hook = off;
SELECT * FROM compare($$SELECT id FROM points WHERE v <+> '[0.1,0.2,0.3]' < 0.7$$);
SELECT * FROM compare($$SELECT id FROM points WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.7, 'l1')$$);
RESET quiver.planner_hook;

DROP TABLE points;
