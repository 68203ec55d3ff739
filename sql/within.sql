-- quiver_within, the operator <@ and the type quiver_bound

SET jit = off;
CREATE TABLE items (id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(3), b bit(16));
INSERT INTO items SELECT i, format('[%s,%s,%s]', sin(i), cos(i * 0.7), sin(i * 1.3))::vector FROM generate_series(1, 300) i;
UPDATE items SET h = v::halfvec, s = v::sparsevec, b = (id * 7919 % 65536)::bit(16);
INSERT INTO items VALUES (301, NULL, NULL, NULL, NULL), (302, '[0,0,0]', '[0,0,0]', '{}/3', 0::bit(16));

-- it says what the operator <= radius says, and is NULL where that is
SELECT count(*) FROM items, unnest(ARRAY[0.3, 0.9, 1.2, 'NaN']) r
    WHERE quiver_within(v, '[0.1,0.2,0.3]', r) IS DISTINCT FROM (v <-> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(v, '[0.1,0.2,0.3]', r, 'l2') IS DISTINCT FROM (v <-> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(v, '[0.1,0.2,0.3]', r, 'ip') IS DISTINCT FROM (v <#> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(v, '[0.1,0.2,0.3]', r, 'cosine') IS DISTINCT FROM (v <=> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(v, '[0.1,0.2,0.3]', r, 'l1') IS DISTINCT FROM (v <+> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(h, '[0.1,0.2,0.3]', r) IS DISTINCT FROM (h <-> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(h, '[0.1,0.2,0.3]', r, 'ip') IS DISTINCT FROM (h <#> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(h, '[0.1,0.2,0.3]', r, 'cosine') IS DISTINCT FROM (h <=> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(h, '[0.1,0.2,0.3]', r, 'l1') IS DISTINCT FROM (h <+> '[0.1,0.2,0.3]' <= r)
       OR quiver_within(s, '{1:0.1,3:0.3}/3', r) IS DISTINCT FROM (s <-> '{1:0.1,3:0.3}/3' <= r)
       OR quiver_within(s, '{1:0.1,3:0.3}/3', r, 'ip') IS DISTINCT FROM (s <#> '{1:0.1,3:0.3}/3' <= r)
       OR quiver_within(s, '{1:0.1,3:0.3}/3', r, 'cosine') IS DISTINCT FROM (s <=> '{1:0.1,3:0.3}/3' <= r)
       OR quiver_within(s, '{1:0.1,3:0.3}/3', r, 'l1') IS DISTINCT FROM (s <+> '{1:0.1,3:0.3}/3' <= r)
       OR quiver_within(b, B'1010101010101010', r * 6) IS DISTINCT FROM (b <~> B'1010101010101010' <= r * 6)
       OR quiver_within(b, B'1010101010101010', r, 'jaccard') IS DISTINCT FROM (b <%> B'1010101010101010' <= r);
SELECT quiver_within('[1,2]'::vector, '[1,2]', 0), quiver_within('[1,2]'::vector, NULL, 0), quiver_within('[1,2]'::vector, '[1,3]', NULL);

SELECT quiver_within('[1,2]'::vector, '[1,2,3]', 1);
SELECT quiver_within('[1,2]'::vector, '[1,2]', 1, 'euclid');
SELECT quiver_within('[1,2]'::vector, '[1,2]', 1, 'hamming');
SELECT quiver_within(B'01', B'01', 1, 'l2');

-- <@ says the same of a bound, but never raises on a row
SELECT count(*) FROM items, unnest(ARRAY[0.3, 0.9, 1.2, 'NaN']) r
    WHERE (v <@ quiver_l2_bound('[0.1,0.2,0.3]'::vector, r)) IS DISTINCT FROM (v <-> '[0.1,0.2,0.3]' <= r)
       OR (v <@ quiver_cosine_bound('[0.1,0.2,0.3]'::vector, r)) IS DISTINCT FROM (v <=> '[0.1,0.2,0.3]' <= r)
       OR (h <@ quiver_ip_bound('[0.1,0.2,0.3]'::halfvec, r)) IS DISTINCT FROM (h <#> '[0.1,0.2,0.3]' <= r)
       OR (s <@ quiver_l1_bound('{1:0.1,3:0.3}/3'::sparsevec, r)) IS DISTINCT FROM (s <+> '{1:0.1,3:0.3}/3' <= r)
       OR (b <@ quiver_hamming_bound(B'1010101010101010', r * 6)) IS DISTINCT FROM (b <~> B'1010101010101010' <= r * 6)
       OR (b <@ quiver_jaccard_bound(B'1010101010101010', r)) IS DISTINCT FROM (b <%> B'1010101010101010' <= r);
SELECT '[1,2]'::vector <@ quiver_l2_bound('[1,2,3]'::vector, 0) AS other_dimensions;
SELECT '[1,2]'::vector <@ quiver_l2_bound('[1,2]'::halfvec, 0);
SELECT '[0,0]'::vector <@ quiver_cosine_bound('[1,2]'::vector, 2) AS nan,
    '[0,0]'::vector <@ quiver_or_nan(quiver_cosine_bound('[1,2]'::vector, 2)) AS or_nan;
SELECT oid::regprocedure FROM pg_proc WHERE (proname ~ '^quiver_.*_bound$' OR proname IN ('quiver_below', 'quiver_reach', 'quiver_or_nan'))
    AND NOT proleakproof ORDER BY 1;

-- the radii of < and of k - d
SELECT r, quiver_below(r), quiver_below(r) < r AS below FROM unnest(ARRAY[0, 1, -1, 'NaN', 'Infinity', '-Infinity'::float8]) r;
SELECT count(*) FROM generate_series(1, 2000) i, LATERAL (SELECT sin(i) AS k, cos(i * 1.1) * 10 ^ (i % 9 - 6) AS d) x
    WHERE d > quiver_reach(k, k - d);
SELECT quiver_reach(1, 0.25) BETWEEN 0.75 AND 0.75 + 1e-14 AS near, quiver_reach(1e308, -1e308), quiver_reach('NaN', 1);

-- the type: short to show, nothing to make it of
SELECT quiver_l2_bound('[1,2,3]'::vector, 0.5), quiver_or_nan(quiver_cosine_bound('[1,2,3]'::halfvec, 1e-9)), quiver_jaccard_bound(B'01', 'NaN');
SELECT 'l2 <= 0.5'::quiver_bound;
SELECT typreceive, typsend FROM pg_type WHERE typname = 'quiver_bound';
CREATE TEMP TABLE bounds AS SELECT r, quiver_l2_bound('[0.1,0.2,0.3]'::vector, r) AS bound,
    quiver_l2_bound(array_fill(0.1, ARRAY[4000])::vector, r) AS large FROM generate_series(1, 9) r;
COPY bounds TO STDOUT (FORMAT binary);
SELECT r, bound, large, (SELECT count(*) FROM items WHERE v <@ bound), (SELECT count(*) FROM items WHERE v <-> '[0.1,0.2,0.3]' <= r),
    array_fill(0.1, ARRAY[4000])::vector <@ large AS near FROM bounds WHERE r < 3;

-- the planner makes an index condition of it, with the hook and without
CREATE INDEX items_v ON items USING quiver (v vector_cosine_ops);
CREATE INDEX items_h ON items USING quiver (h);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.01, 'cosine') ORDER BY v <=> '[0.1,0.2,0.3]' LIMIT 3;
SET quiver.planner_hook = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.01, 'cosine') ORDER BY v <=> '[0.1,0.2,0.3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within(embedding => v, query => '[0.1,0.2,0.3]', radius => 0.01, distance => 'cosine');
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within('[0.1,0.2,0.3]', h, 0.1);
-- another distance than the index's is a filter, and an unknown one an error when it is computed
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.01);
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.01, 'euclid');
RESET quiver.planner_hook;
SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.03, 'cosine') ORDER BY id;
SELECT id FROM items WHERE quiver_within(h, '[0.1,0.2,0.3]', 0.7) ORDER BY h <-> '[0.1,0.2,0.3]';
SET enable_indexscan = off;
SELECT id FROM items WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.03, 'cosine') ORDER BY id;
SELECT id FROM items WHERE quiver_within(h, '[0.1,0.2,0.3]', 0.7) ORDER BY h <-> '[0.1,0.2,0.3]';
RESET enable_indexscan;
-- <@ with a bound in another metric: each row is checked
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE v <@ quiver_l2_bound('[0.1,0.2,0.3]'::vector, 0.8);
SELECT count(*) FROM items WHERE v <@ quiver_l2_bound('[0.1,0.2,0.3]'::vector, 0.8);
SET enable_indexscan = off;
SELECT count(*) FROM items WHERE v <@ quiver_l2_bound('[0.1,0.2,0.3]'::vector, 0.8);
RESET enable_indexscan;
RESET enable_seqscan;

-- estimates: by the column's statistics where there are any, as those of <@; else few rows
CREATE TABLE known AS SELECT i AS id, format('[%s,%s,%s]', sin(i), cos(i * 0.7), sin(i * 1.3))::vector(3) AS v FROM generate_series(1, 2000) i;
CREATE FUNCTION estimate(condition text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM known WHERE ' || condition INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::int;
END $$;
SELECT estimate($$quiver_within(v, '[0.1,0.2,0.3]', 0.9)$$) < 20 AS few;
ANALYZE known;
SELECT estimate($$quiver_within(v, '[0.1,0.2,0.3]', 0.9)$$) BETWEEN 200 AND 600 AS nearly_right,
    (SELECT count(*) FROM known WHERE quiver_within(v, '[0.1,0.2,0.3]', 0.9)) BETWEEN 300 AND 400 AS right,
    estimate($$quiver_within(v, '[0.1,0.2,0.3]', 0.9)$$) = estimate($$v <@ quiver_l2_bound('[0.1,0.2,0.3]'::vector, 0.9)$$) AS same,
    estimate($$quiver_within(v, '[0.1,0.2,0.3]', 0.1)$$) < 20 AS few,
    estimate($$quiver_within(v, '[0.1,0.2,0.3]', 0.9, 'euclid')$$) < 20 AS unknown;
DROP TABLE known;
DROP FUNCTION estimate;

-- in another schema
CREATE SCHEMA elsewhere;
ALTER EXTENSION quiver SET SCHEMA elsewhere;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE elsewhere.quiver_within(v, '[0.1,0.2,0.3]', 0.01, 'cosine');
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE 1 - (v OPERATOR(elsewhere.<=>) '[0.1,0.2,0.3]') > 0.99;
RESET enable_seqscan;
ALTER EXTENSION quiver SET SCHEMA public;
DROP SCHEMA elsewhere;

DROP TABLE items, bounds;
