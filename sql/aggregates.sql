-- avg and sum: values, NULLs, overflow, parallel plans, hostile states

\pset format unaligned
\pset fieldsep ' => '

-- What an expression gives: its value as text, or the error it raises.
CREATE FUNCTION pg_temp.outcome(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    explained text;
BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS explained = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || SQLERRM || coalesce(' (' || nullif(explained, '') || ')', '');
END
$$;

SELECT x, pg_temp.outcome('(SELECT ' || x || ')') FROM (VALUES
    ($$avg(v) FROM unnest(ARRAY['[1,2]','[3,5]']::vector[]) v$$), ($$sum(v) FROM unnest(ARRAY['[1,2]','[3,5]']::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY['[1,2]',NULL,'[3,5]']::vector[]) v$$), ($$sum(v) FROM unnest(ARRAY[NULL,'[1,2]']::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY[NULL]::vector[]) v$$), ($$sum(v) FROM unnest(ARRAY[]::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY[]::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY['[3e38]','[3e38]']::vector[]) v$$), ($$sum(v) FROM unnest(ARRAY['[3e38]','[3e38]','[-3e38]']::vector[]) v$$),
    ($$sum(v) FROM unnest(ARRAY['[3e38]','[3e38]']::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY['[1,2]','[3]']::vector[]) v$$), ($$sum(v) FROM unnest(ARRAY['[1,2]','[3]']::vector[]) v$$),
    ($$avg(v) FROM unnest(ARRAY['[1,2]','[3,5]']::halfvec[]) v$$), ($$sum(v) FROM unnest(ARRAY['[1,2]','[3,5]']::halfvec[]) v$$),
    ($$avg(v) FROM unnest(ARRAY['[65504]','[65504]']::halfvec[]) v$$), ($$sum(v) FROM unnest(ARRAY['[65504]','[65504]']::halfvec[]) v$$),
    ($$avg(v) FROM unnest(ARRAY[NULL]::halfvec[]) v$$), ($$avg(v) FROM unnest(ARRAY['[1,2]','[3]']::halfvec[]) v$$)) AS t(x);

-- groups, windows and DISTINCT keep their states apart
SELECT g, avg(v), sum(v), avg(v::halfvec) AS half, avg(DISTINCT v) AS distinct_avg
FROM (SELECT i % 3 AS g, ARRAY[i / 6, 1]::vector AS v FROM generate_series(0, 17) i) t GROUP BY g ORDER BY g;
SELECT i, avg(v) OVER w, sum(v) OVER w
FROM (SELECT i, ARRAY[i, -i]::vector AS v FROM generate_series(1, 4) i) t WINDOW w AS (ORDER BY i ROWS 1 PRECEDING);

-- parallel and serial plans agree
CREATE TABLE t (g int, v vector(16), h halfvec(16));
ALTER TABLE t SET (parallel_workers = 2);
INSERT INTO t SELECT i, array_fill(i % 100, ARRAY[16]), array_fill(i % 2, ARRAY[16]) FROM generate_series(1, 10000) i;
INSERT INTO t (g) SELECT -i FROM generate_series(1, 10) i;
ANALYZE t;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
\pset tuples_only on
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v), avg(h), sum(h) FROM t;
SELECT subvector(avg(v), 1, 2), subvector(sum(v), 1, 2), subvector(avg(h), 1, 2), subvector(sum(h), 1, 2) FROM t;
-- workers that saw no value
SELECT avg(v), sum(v), avg(h), sum(h) FROM t WHERE g < 0;
SELECT subvector(avg(v), 1, 2) FROM t WHERE g < 2;
SET max_parallel_workers_per_gather = 0;
SELECT subvector(avg(v), 1, 2), subvector(sum(v), 1, 2), subvector(avg(h), 1, 2), subvector(sum(h), 1, 2) FROM t;
\pset tuples_only off
DROP TABLE t;

-- the state is visible to SQL
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$vector_accum('{0}', '[1,2]')$$), ($$vector_accum('{1,1,2}', '[3,4]')$$), ($$vector_accum('{0,0}', '[1,2]')$$),
    ($$vector_accum('{1,1}', '[1,2]')$$), ($$vector_accum('{}', '[1]')$$), ($$vector_accum('{{0}}', '[1]')$$),
    ($$vector_accum('{NULL}', '[1]')$$), ($$vector_accum('{-1,1}', '[1]')$$), ($$vector_accum('{NaN,1}', '[1]')$$),
    ($$vector_accum('{1,Infinity}', '[1]')$$),
    ($$vector_combine('{1,2}', '{3,4}')$$), ($$vector_combine('{0}', '{0}')$$), ($$vector_combine('{0}', '{1,2}')$$),
    ($$vector_combine('{1,2}', '{0}')$$), ($$vector_combine('{1,2}', '{1,2,3}')$$), ($$vector_combine('{1}', '{0}')$$),
    ($$vector_combine('{1,1e308}', '{1,1e308}')$$), ($$vector_combine('{}', '{0}')$$), ($$vector_combine('{0}', '{NULL}')$$),
    ($$vector_combine('{{1,2}}', '{1,2}')$$),
    ($$vector_combine('{0}', (SELECT array_agg(1.0) FROM generate_series(1, 16002)))$$),
    ($$vector_avg('{2,2,5}')$$), ($$vector_avg('{0}')$$), ($$vector_avg('{1}')$$), ($$vector_avg('{1,NaN}')$$),
    ($$vector_avg('{1,1e39}')$$), ($$vector_avg('{Infinity,1}')$$), ($$vector_avg('{NULL,1}')$$),
    ($$vector_avg((SELECT array_agg(1.0) FROM generate_series(1, 16002)))$$),
    ($$halfvec_accum('{1,1,2}', '[3,4]')$$), ($$halfvec_combine('{1,2}', '{3,4}')$$), ($$halfvec_avg('{2,2,5}')$$),
    ($$halfvec_avg('{1,65520}')$$), ($$halfvec_avg('{}')$$),
    ($$vector_sum('{2,2,5}')$$), ($$vector_sum('{0}')$$), ($$vector_sum('{1,4e38}')$$), ($$halfvec_sum('{2,2,5}')$$),
    ($$halfvec_sum('{1,65520}')$$), ($$halfvec_sum('{-1,5}')$$)) AS t(x);
