--
-- Answers with the index are those of the exact scan: every type, every metric.
--
-- Components come from md5, so that they are the same on every version.
CREATE FUNCTION pg_temp.components(seed text, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg((('x' || substr(md5(seed || ':' || i), 1, 6))::bit(24)::int % 2001 - 1000) / 1000.0::real ORDER BY i)
        FROM generate_series(1, dim) i
$$;

-- Runs query for 20 query vectors with and without the index named; says
-- whether the plan uses it, whether the rows are the exact ones (up to ties and
-- to what rounding a stored copy may change), and whether they come in order.
CREATE FUNCTION pg_temp.compare(tab text, col text, typ text, op text, dim int, k int,
    OUT index_used bool, OUT recalled bool, OUT ordered bool) LANGUAGE plpgsql AS $$
DECLARE
    stmt text := format('SELECT id FROM %I ORDER BY %I %s $1::%s LIMIT %s', tab, col, op, typ, k);
    full_stmt text := format('SELECT array_agg(id) FROM (SELECT id FROM %I ORDER BY %I %s $1::%s LIMIT %s) s', tab, col, op, typ, k);
    dist_stmt text := format('SELECT array_agg(d) FROM (SELECT %2$I %3$s $1::%4$s AS d FROM %1$I ORDER BY %2$I %3$s $1::%4$s LIMIT %5$s) s', tab, col, op, typ, k);
    line text;
    query text;
    exact int[];
    approximate int[];
    distances float8[];
    hits int := 0;
BEGIN
    index_used := false;
    ordered := true;
    FOR q IN 1..20 LOOP
        query := pg_temp.components('q' || q, dim)::vector::text;
        SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off;
        EXECUTE full_stmt INTO exact USING query;
        SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on;
        EXECUTE full_stmt INTO approximate USING query;
        EXECUTE dist_stmt INTO distances USING query;
        hits := hits + (SELECT count(*) FROM unnest(exact) e WHERE e = ANY (approximate));
        FOR i IN 2..k LOOP
            ordered := ordered AND distances[i] >= distances[i - 1] - 0.002 * (1 + abs(distances[i]));
        END LOOP;
    END LOOP;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || replace(stmt, '$1', quote_literal(query)) LOOP
        index_used := index_used OR line LIKE '%Index Scan using%';
    END LOOP;
    recalled := hits >= 0.97 * 20 * k;
END
$$;

-- wide enough that answers do not depend on luck; recall is for test/t
SET quiver.ef_search = 400;

CREATE TABLE isearch (id int PRIMARY KEY, v vector(24), h halfvec(24), one vector(1), long vector(300));
INSERT INTO isearch SELECT i, c::vector, c::halfvec, ARRAY[c[1]]::vector, pg_temp.components('l' || i, 300)::vector
    FROM generate_series(1, 1500) i, pg_temp.components(i::text, 24) c;

CREATE INDEX isearch_l2 ON isearch USING quiver (v vector_l2_ops);
SELECT * FROM pg_temp.compare('isearch', 'v', 'vector', '<->', 24, 10);
CREATE INDEX isearch_ip ON isearch USING quiver (v vector_ip_ops);
SELECT * FROM pg_temp.compare('isearch', 'v', 'vector', '<#>', 24, 10);
CREATE INDEX isearch_cosine ON isearch USING quiver (v vector_cosine_ops);
SELECT * FROM pg_temp.compare('isearch', 'v', 'vector', '<=>', 24, 10);

CREATE INDEX isearch_half_l2 ON isearch USING quiver (h halfvec_l2_ops);
SELECT * FROM pg_temp.compare('isearch', 'h', 'halfvec', '<->', 24, 10);
CREATE INDEX isearch_half_ip ON isearch USING quiver (h halfvec_ip_ops);
SELECT * FROM pg_temp.compare('isearch', 'h', 'halfvec', '<#>', 24, 10);
CREATE INDEX isearch_half_cosine ON isearch USING quiver (h halfvec_cosine_ops);
SELECT * FROM pg_temp.compare('isearch', 'h', 'halfvec', '<=>', 24, 10);

-- one dimension, and so many that a value is toasted
CREATE INDEX isearch_one ON isearch USING quiver (one);
SELECT * FROM pg_temp.compare('isearch', 'one', 'vector', '<->', 1, 10);
CREATE INDEX isearch_long ON isearch USING quiver (long);
SELECT * FROM pg_temp.compare('isearch', 'long', 'vector', '<->', 300, 10);

-- each way to store
DROP INDEX isearch_l2;
CREATE INDEX isearch_l2 ON isearch USING quiver (v vector_l2_ops) WITH (storage = float16);
SELECT * FROM pg_temp.compare('isearch', 'v', 'vector', '<->', 24, 10);
DROP INDEX isearch_l2;
CREATE INDEX isearch_l2 ON isearch USING quiver (v vector_l2_ops) WITH (storage = float32);
SELECT * FROM pg_temp.compare('isearch', 'v', 'vector', '<->', 24, 10);
DROP INDEX isearch_l2;

-- rows inserted one by one instead
CREATE TABLE isearch_ins (id int, v vector(24));
CREATE INDEX ON isearch_ins USING quiver (v);
INSERT INTO isearch_ins SELECT id, v FROM isearch;
SELECT * FROM pg_temp.compare('isearch_ins', 'v', 'vector', '<->', 24, 10);

-- each instruction set that this CPU has gives the same answers
CREATE FUNCTION pg_temp.at_level(level text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    PERFORM set_config('quiver.simd_level', level, true);
    IF quiver_simd_level() <> level THEN
        RETURN 'forced ' || level || ', ran ' || quiver_simd_level();
    END IF;
    SELECT * INTO r FROM pg_temp.compare('isearch_ins', 'v', 'vector', '<->', 24, 10);
    RETURN CASE WHEN r.index_used AND r.recalled AND r.ordered THEN 'right or not here' ELSE r::text END;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'right or not here';
END
$$;
SELECT pg_temp.at_level('scalar');
SELECT pg_temp.at_level('avx2');
SELECT pg_temp.at_level('avx512');
SELECT pg_temp.at_level('neon');

DROP TABLE isearch, isearch_ins;
