-- casts among the types and with arrays, and where each is allowed

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

-- arrays to vectors
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'{1,2,-3}'::integer[]::vector$$), ($$'{1.5,2}'::real[]::vector$$), ($$'{0.1,2}'::double precision[]::vector$$),
    ($$'{1.1,2}'::numeric[]::vector$$), ($$'{1,2}'::integer[]::vector(2)$$), ($$'{1,2}'::integer[]::vector(3)$$),
    ($$'{2147483647}'::integer[]::vector$$), ($$'[5:6]={1,2}'::integer[]::vector$$), ($$'{1e-300}'::double precision[]::vector$$),
    ($$'{}'::real[]::vector$$), ($$'{1,NULL}'::real[]::vector$$), ($$'{{1,2}}'::integer[]::vector$$),
    ($$'{NaN}'::real[]::vector$$), ($$'{Infinity}'::real[]::vector$$), ($$'{-Infinity}'::double precision[]::vector$$),
    ($$'{NaN}'::numeric[]::vector$$), ($$'{1e39}'::double precision[]::vector$$), ($$'{1e39}'::numeric[]::vector$$),
    ($$(SELECT array_agg(1) FROM generate_series(1, 16000))::vector <-> (SELECT array_agg(1.0) FROM generate_series(1, 16000))::vector$$),
    ($$(SELECT array_agg(1) FROM generate_series(1, 16001))::vector$$),
    ($$(SELECT array_agg(1.0) FROM generate_series(1, 16001))::vector$$),
    ($$array_to_vector('{1,2}'::integer[], 1, true)$$), ($$NULL::integer[]::vector$$),
    ($$'{1,2,-3}'::integer[]::halfvec$$), ($$'{1.5,2}'::real[]::halfvec$$), ($$'{0.1,2}'::double precision[]::halfvec$$),
    ($$'{1.1,2}'::numeric[]::halfvec$$), ($$'{1,2}'::integer[]::halfvec(3)$$), ($$'{65504,65519.9,1e-9}'::real[]::halfvec$$),
    ($$'{65520}'::integer[]::halfvec$$), ($$'{-65520}'::real[]::halfvec$$), ($$'{1e300}'::double precision[]::halfvec$$),
    ($$'{NaN}'::real[]::halfvec$$), ($$'{}'::real[]::halfvec$$), ($$'{NULL}'::real[]::halfvec$$),
    ($$(SELECT array_agg(1) FROM generate_series(1, 16001))::halfvec$$),
    ($$'{1,0,-3}'::integer[]::sparsevec$$), ($$'{1.5,0,-0}'::real[]::sparsevec$$), ($$'{0.1,0}'::double precision[]::sparsevec$$),
    ($$'{0,1.1}'::numeric[]::sparsevec$$), ($$'{1,2}'::integer[]::sparsevec(3)$$), ($$'{0,1e-300}'::double precision[]::sparsevec$$),
    ($$'{Infinity}'::real[]::sparsevec$$), ($$'{}'::real[]::sparsevec$$), ($$'{NULL}'::real[]::sparsevec$$),
    ($$(SELECT array_agg(i / 50001) FROM generate_series(1, 66000) i)::sparsevec <#> '{50001:2}/66000'$$),
    ($$(SELECT array_agg(1) FROM generate_series(1, 16001))::sparsevec$$)) AS t(x);

-- vectors to arrays
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,-2.5,0.1]'::vector::real[]$$), ($$'[1,-2.5,0.1]'::halfvec::real[]$$), ($$'[1]'::vector::real[]::vector$$),
    ($$'{1:1}/2'::sparsevec::real[]$$), ($$'[1]'::vector::integer[]$$), ($$'[1]'::vector::double precision[]$$)) AS t(x);

-- among the types
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,0.1]'::vector::halfvec$$), ($$'[1,0.1]'::vector::halfvec(2)$$), ($$'[1,0.1]'::vector::halfvec(3)$$),
    ($$'[65519.99]'::vector::halfvec$$), ($$'[1,65520]'::vector::halfvec$$), ($$'[-1e38]'::vector::halfvec$$),
    ($$'[1e-9,-1e-9]'::vector::halfvec$$), ($$'[1.00048828125,1.00146484375]'::vector::halfvec$$),
    ($$'[1,0.1]'::halfvec::vector$$), ($$'[1,0.1]'::halfvec::vector(3)$$),
    ($$'[0,1.5,0,-2,-0]'::vector::sparsevec$$), ($$'[0,1]'::vector::sparsevec(3)$$), ($$'[0,0]'::vector::sparsevec$$),
    ($$'[0,1.5,0,-2,-0]'::halfvec::sparsevec$$), ($$'[0,1]'::halfvec::sparsevec(3)$$),
    ($$'{2:1.5,4:-2}/5'::sparsevec::vector$$), ($$'{2:1.5}/5'::sparsevec::vector(4)$$),
    ($$'{}/16000'::sparsevec::vector <-> '{16000:3}/16000'::sparsevec::vector$$), ($$'{}/16001'::sparsevec::vector$$),
    ($$'{2:1.5,4:-2}/5'::sparsevec::halfvec$$), ($$'{2:1.5}/5'::sparsevec::halfvec(4)$$), ($$'{1:1e-9}/1'::sparsevec::halfvec$$),
    ($$'{1:65520}/1'::sparsevec::halfvec$$), ($$'{}/16001'::sparsevec::halfvec$$)) AS t(x);

-- implicit, assignment, or explicit only
CREATE TABLE t (v vector(2), h halfvec(2), s sparsevec(2), r real[]);
INSERT INTO t VALUES (ARRAY[1,2], ARRAY[1.5,2], ARRAY[0,1]::real[], '[1,2]'::vector);
INSERT INTO t (v) VALUES (ARRAY[1,2,3]);
INSERT INTO t SELECT h, v, v, h FROM t;
SELECT * FROM t;
SELECT pg_temp.outcome(x) FROM (VALUES
    -- vector becomes what the other operand is
    ($$(SELECT v <-> h FROM t LIMIT 1)$$), ($$(SELECT s <-> v FROM t LIMIT 1)$$), ($$(SELECT array_length(v, 1) FROM t LIMIT 1)$$),
    ($$(SELECT array_length(h, 1) FROM t LIMIT 1)$$), ($$ARRAY[1,2] <-> '[1,2]'::vector$$)) AS t(x);
DROP TABLE t;
