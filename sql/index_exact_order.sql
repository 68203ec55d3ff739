--
-- exact_order: rows come in the order of the true distances, whatever rounding
-- the index's copies have, and so does everything that builds on that order.
--
-- Values come from PostgreSQL's hash functions, so that they are the same on every version.
CREATE FUNCTION pg_temp.components(seed text, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg((hashint4extended(i, hashtextextended(seed, 0)) % 1000) / 1000.0::real ORDER BY i) FROM generate_series(1, dim) i
$$;

-- Points that crowd around a few, nearer to each other than a float16 tells
-- apart; a few of huge and of tiny components, of none, and some twice.
CREATE FUNCTION pg_temp.point(i int, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT CASE WHEN i % 60 = 59 THEN array_fill(0::real, ARRAY[dim])
        ELSE (SELECT array_agg(CASE i % 60 WHEN 57 THEN c * 60000 WHEN 58 THEN c / 16384 ELSE c + e / 100 END ORDER BY n)
              FROM unnest(pg_temp.components('c' || i % 7, dim), pg_temp.components((i - i % 45 / 44)::text, dim)) WITH ORDINALITY u(c, e, n)) END
$$;

SET jit = off;
CREATE TABLE ieclasses (col text, type text, op text, class text);
INSERT INTO ieclasses VALUES
    ('v', 'vector', '<->', 'vector_l2_ops'), ('v', 'vector', '<#>', 'vector_ip_ops'), ('v', 'vector', '<=>', 'vector_cosine_ops'), ('v', 'vector', '<+>', 'vector_l1_ops'),
    ('h', 'halfvec', '<->', 'halfvec_l2_ops'), ('h', 'halfvec', '<#>', 'halfvec_ip_ops'), ('h', 'halfvec', '<=>', 'halfvec_cosine_ops'), ('h', 'halfvec', '<+>', 'halfvec_l1_ops'),
    ('b', 'bit', '<~>', 'bit_hamming_ops'), ('b', 'bit', '<%>', 'bit_jaccard_ops'),
    ('s', 'sparsevec', '<->', 'sparsevec_l2_ops'), ('s', 'sparsevec', '<#>', 'sparsevec_ip_ops'), ('s', 'sparsevec', '<=>', 'sparsevec_cosine_ops'), ('s', 'sparsevec', '<+>', 'sparsevec_l1_ops');
CREATE TABLE ie (id int, kind int, v vector(40), h halfvec(40), b bit(40), s sparsevec(40));
INSERT INTO ie SELECT i, i % 3, c::vector, c::halfvec, (hashint4extended(i, 3) & 1023)::bit(40),
        (SELECT array_agg(CASE WHEN hashint4extended(n::int, i % 7) % 4 = 0 THEN x ELSE 0 END ORDER BY n) FROM unnest(c) WITH ORDINALITY u(x, n))::vector::sparsevec
    FROM generate_series(1, 600) i, pg_temp.point(i, 40) c;
INSERT INTO ie (id, kind) SELECT i, 0 FROM generate_series(601, 610) i;

-- Whether the rows of class's index come in the order of their distances as
-- SQL computes them, the nearest ones those of the exact scan; nothing if so.
CREATE FUNCTION pg_temp.faults(col text, op text, class text, wanted int DEFAULT 1000, nearest int DEFAULT 10) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stmt text := format('SELECT %1$I %2$s (SELECT %1$I FROM ie WHERE id = %%1$s) AS d FROM ie ORDER BY %1$I %2$s (SELECT %1$I FROM ie WHERE id = %%1$s) LIMIT %3$s', col, replace(op, '%', '%%'), wanted);
    line text;
    plan text := '';
    exact float8[];
    found float8[];
    faults text := '';
BEGIN
    FOR q IN 1..60 BY 4 LOOP
        PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_sort', 'on', true);
        EXECUTE format('SELECT array_agg(d) FROM (%s) s', format(stmt, q)) INTO exact;
        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true), set_config('enable_sort', 'off', true);
        EXECUTE format('SELECT array_agg(d) FROM (%s) s', format(stmt, q)) INTO found;
        IF found[1:nearest] IS DISTINCT FROM exact[1:nearest] THEN
            faults := faults || format(' [%s: %s, not %s]', q, found[1:nearest], exact[1:nearest]);
        END IF;
        -- SQL's order: NaN above all numbers, NULL above NaN
        IF found IS DISTINCT FROM ARRAY(SELECT d FROM unnest(found) d ORDER BY d) THEN
            faults := faults || format(' [%s: out of order]', q);
        END IF;
        IF cardinality(found) < 0.9 * cardinality(exact) THEN
            faults := faults || format(' [%s: %s rows of %s]', q, cardinality(found), cardinality(exact));
        END IF;
    END LOOP;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || format(stmt, 1) LOOP
        plan := plan || line;
    END LOOP;
    RETURN faults || CASE WHEN plan NOT LIKE '%Index Scan using ie_' || class || ' %' THEN plan ELSE '' END;
END
$$;

-- so wide that every row is looked at, and the order alone is tested
SET quiver.ef_search = 1000;
SET quiver.exact_order = on;
DO $$
DECLARE
    c ieclasses;
BEGIN
    FOR c IN SELECT * FROM ieclasses LOOP
        EXECUTE format('CREATE INDEX %I ON ie USING quiver (%I %I)', 'ie_' || c.class, c.col, c.class);
    END LOOP;
END
$$;
SELECT class, pg_temp.faults(col, op, class) FROM ieclasses ORDER BY class COLLATE "C";
-- a beam narrower than the table: the scan goes on, and keeps the order
SET quiver.ef_search = 20;
SELECT class, pg_temp.faults(col, op, class, 50, 0) FROM ieclasses ORDER BY class COLLATE "C";
SET quiver.ef_search = 1000;

-- at each level of instructions that this CPU has; the rest fall out
CREATE FUNCTION pg_temp.at_level(level text, col text, op text, class text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quiver.simd_level', level, true);
    RETURN pg_temp.faults(col, op, class);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN '';
END
$$;
SELECT class, level, f FROM ieclasses, unnest(ARRAY['scalar', 'avx2', 'avx512', 'neon']) level, pg_temp.at_level(level, col, op, class) f WHERE f <> '';
RESET quiver.simd_level;

-- rows from the list, and copies of either width
TRUNCATE ie;
INSERT INTO ie SELECT i, i % 3, c::vector, c::halfvec, (hashint4extended(i, 3) & 1023)::bit(40),
        (SELECT array_agg(CASE WHEN hashint4extended(n::int, i % 7) % 4 = 0 THEN x ELSE 0 END ORDER BY n) FROM unnest(c) WITH ORDINALITY u(x, n))::vector::sparsevec
    FROM generate_series(1, 600) i, pg_temp.point(i, 40) c;
SELECT class, pg_temp.faults(col, op, class) FROM ieclasses ORDER BY class COLLATE "C";
DROP INDEX ie_vector_l2_ops, ie_vector_ip_ops, ie_vector_cosine_ops, ie_vector_l1_ops;
CREATE INDEX ie_vector_l2_ops ON ie USING quiver (v) WITH (storage = float32);
CREATE INDEX ie_vector_ip_ops ON ie USING quiver (v vector_ip_ops) WITH (storage = float16);
CREATE INDEX ie_vector_cosine_ops ON ie USING quiver (v vector_cosine_ops) WITH (storage = float32);
CREATE INDEX ie_vector_l1_ops ON ie USING quiver (v vector_l1_ops) WITH (storage = float16);
SELECT class, pg_temp.faults(col, op, class) FROM ieclasses WHERE col = 'v' ORDER BY class COLLATE "C";

-- components so large or so small that sums of float32 products overflow, or lose their digits
CREATE FUNCTION pg_temp.extreme(magnitude float8, type text, op text, class text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    distances float8[];
    faults text := '';
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
    EXECUTE format('CREATE TABLE ie_far (id int, x %s(3))', type);
    EXECUTE format('INSERT INTO ie_far SELECT i, ARRAY[(i %% 5 - 2) * $1, (i %% 7 - 1) * $1, i %% 3]::real[]::vector::%s FROM generate_series(1, 40) i', type) USING magnitude;
    EXECUTE format('INSERT INTO ie_far SELECT 40 + i, ARRAY[i * $1, (3 - i) / $1, 0]::real[]::vector::%s FROM generate_series(1, 3) i', type) USING magnitude;
    EXECUTE format('INSERT INTO ie_far SELECT 50 + i, ARRAY[i * $1, (3 - i) * $1, 0]::real[]::vector::%s FROM generate_series(1, 3) i', type) USING magnitude;
    EXECUTE format('CREATE INDEX ie_far_x ON ie_far USING quiver (x %s)', class);
    FOR q IN 1..53 BY 4 LOOP
        BEGIN
            EXECUTE format('SELECT array_agg(d) FROM (SELECT x %1$s (SELECT x FROM ie_far WHERE id = $1) AS d FROM ie_far ORDER BY x %1$s (SELECT x FROM ie_far WHERE id = $1)) s', op) INTO distances USING q;
            IF distances IS DISTINCT FROM ARRAY(SELECT d FROM unnest(distances) d ORDER BY d) THEN
                faults := faults || format(' [%s: %s]', q, distances);
            END IF;
        EXCEPTION WHEN internal_error THEN
            faults := faults || format(' [%s: %s]', q, SQLERRM);
        END;
    END LOOP;
    DROP TABLE ie_far;
    RETURN faults;
END
$$;
SELECT class, magnitude, f FROM ieclasses, unnest(ARRAY[1e-38, 1e-30, 1e-22, 1e-18, 1e18, 1e22, 1e30, 3e37]) magnitude, pg_temp.extreme(magnitude, type, op, class) f
    WHERE type IN ('vector', 'sparsevec') AND f <> '' ORDER BY class COLLATE "C", magnitude;

-- the setting beats the option: these two rows a float16 does not tell apart
CREATE TABLE ie_two (id int, v vector(2));
INSERT INTO ie_two SELECT i, ARRAY[1000 + i / 1000.0, 1]::vector FROM generate_series(1, 200) i;
CREATE INDEX ie_two_v ON ie_two USING quiver (v) WITH (storage = float16);
CREATE FUNCTION pg_temp.ordered() RETURNS bool LANGUAGE sql AS $$
    SELECT array_agg(id ORDER BY n) = array_agg(id ORDER BY id)
        FROM (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM ie_two ORDER BY v <-> '[1000,0.5]' LIMIT 1000) s) t
$$;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT pg_temp.ordered();
RESET quiver.exact_order;
SELECT pg_temp.ordered();
ALTER INDEX ie_two_v SET (exact_order = on);
SELECT pg_temp.ordered();
SET quiver.exact_order = off;
SELECT pg_temp.ordered();
SET quiver.exact_order = index;
SELECT pg_temp.ordered();
ALTER INDEX ie_two_v RESET (exact_order);
SELECT pg_temp.ordered();

-- cursors, forward and through what they keep
SET quiver.exact_order = on;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM ie_two ORDER BY v <-> '[1000,0.5]';
FETCH 3 FROM c;
MOVE 100 FROM c;
FETCH 2 FROM c;
INSERT INTO ie_two VALUES (0, '[1000,1]');
FETCH 1 FROM c;
MOVE ALL FROM c;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id FROM ie_two ORDER BY v <-> '[1000,0.5]' LIMIT 5;
FETCH LAST FROM c;
FETCH FIRST FROM c;
COMMIT;
FETCH ABSOLUTE 2 FROM c;
CLOSE c;

-- a second key after the distance
INSERT INTO ie_two SELECT -id, v FROM ie_two WHERE id <= 20;
SELECT array_agg(id) FROM (SELECT id FROM ie_two ORDER BY v <-> '[1000,0.5]', id LIMIT 12) s;
SELECT array_agg(id) FROM (SELECT id FROM ie_two WHERE id % 3 = 0 ORDER BY v <-> '[1000,0.5]', id DESC LIMIT 12) s;
-- windows, ties, groups of equal distance
SELECT array_agg(n ORDER BY id) FROM (SELECT id, rank() OVER (ORDER BY v <-> '[1000,0.5]') AS n FROM ie_two) s WHERE abs(id) < 5;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM ie_two ORDER BY v <-> '[1000,0.5]' FETCH FIRST 5 ROWS WITH TIES) s;
SELECT min(d) = 0.5::float8 OR min(d) > 0.5 AS least, count(*) FROM (SELECT DISTINCT v <-> '[1000,0.5]' AS d FROM ie_two ORDER BY 1 LIMIT 30) s;
-- each outer row has its own order
SELECT bool_and(ids = expected) FROM generate_series(1, 10) o,
    LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM ie_two WHERE id > 0 ORDER BY v <-> ARRAY[1000 + o / 1000.0, 0.5]::vector LIMIT 1) s) i,
    LATERAL (SELECT ARRAY[o] AS expected) e;
PREPARE nearest(vector) AS SELECT id FROM ie_two WHERE id > 0 ORDER BY v <-> $1 LIMIT 3;
SET plan_cache_mode = force_generic_plan;
EXECUTE nearest('[1000,0.5]');
SET quiver.exact_order = off;
SET quiver.exact_order = on;
EXECUTE nearest('[1000,0.5]');
DEALLOCATE nearest;
RESET plan_cache_mode;
DROP TABLE ie_two;

-- partitions, merged by distance
CREATE TABLE ie_parts (id int, kind int, v vector(40), h halfvec(40), b bit(40), s sparsevec(40)) PARTITION BY LIST (kind);
CREATE TABLE ie_parts_0 PARTITION OF ie_parts FOR VALUES IN (0);
CREATE TABLE ie_parts_1 (s sparsevec(40), id int, b bit(40), h halfvec(40), v vector(40), kind int);
ALTER TABLE ie_parts ATTACH PARTITION ie_parts_1 FOR VALUES IN (1);
CREATE TABLE ie_parts_2 PARTITION OF ie_parts DEFAULT;
INSERT INTO ie_parts SELECT id, kind, v, h, b, s FROM ie;
CREATE INDEX ie_parts_v ON ie_parts USING quiver (v);
CREATE INDEX ie_parts_h ON ie_parts USING quiver (h halfvec_ip_ops);
CREATE INDEX ie_parts_b ON ie_parts USING quiver (b bit_jaccard_ops);
CREATE INDEX ie_parts_s ON ie_parts USING quiver (s sparsevec_cosine_ops);
EXPLAIN (COSTS OFF) SELECT id FROM ie_parts ORDER BY v <-> (SELECT v FROM ie WHERE id = 3) LIMIT 10;
CREATE FUNCTION pg_temp.merged(col text, op text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    stmt text := format('SELECT array_agg(d) FROM (SELECT %1$I %2$s (SELECT %1$I FROM ie WHERE id = $1) AS d FROM ie_parts ORDER BY %1$I %2$s (SELECT %1$I FROM ie WHERE id = $1) LIMIT 1000) s', col, op);
    exact float8[];
    found float8[];
    same bool := true;
BEGIN
    FOR q IN 1..60 BY 7 LOOP
        PERFORM set_config('enable_indexscan', 'off', true);
        EXECUTE stmt INTO exact USING q;
        PERFORM set_config('enable_indexscan', 'on', true);
        EXECUTE stmt INTO found USING q;
        same := same AND found[1:20] = exact[1:20] AND found = ARRAY(SELECT d FROM unnest(found) d ORDER BY d);
    END LOOP;
    RETURN same;
END
$$;
SELECT col, pg_temp.merged(col, op) FROM (VALUES ('v', '<->'), ('h', '<#>'), ('b', '<%>'), ('s', '<=>')) c(col, op) ORDER BY 1;
-- and branches of a UNION ALL
EXPLAIN (COSTS OFF) SELECT d FROM (SELECT v <-> (SELECT v FROM ie WHERE id = 3) AS d FROM ie_parts_0 UNION ALL SELECT v <-> (SELECT v FROM ie WHERE id = 3) FROM ie_parts_1) u ORDER BY d LIMIT 5;
WITH all_parts AS MATERIALIZED (SELECT v <-> (SELECT v FROM ie WHERE id = 3) AS d FROM ie_parts WHERE kind < 2)
SELECT ARRAY(SELECT d FROM (SELECT v <-> (SELECT v FROM ie WHERE id = 3) AS d FROM ie_parts_0 UNION ALL SELECT v <-> (SELECT v FROM ie WHERE id = 3) FROM ie_parts_1) u ORDER BY d LIMIT 20)
    = ARRAY(SELECT d FROM all_parts ORDER BY d LIMIT 20) AS same;
DROP TABLE ie, ie_parts, ieclasses;
