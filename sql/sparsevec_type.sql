-- sparsevec: text form, typmods, operators, functions, limits

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

-- text that is read: any order, zeros dropped
SELECT x, pg_temp.outcome(format('%L::sparsevec', x)) FROM (VALUES
    ('{1:1.5,3:-2}/5'), (E' {\t1 : 1.5 ,\n3:-2 } / 5 '), ('{3:2,1:1,2:5}/3'), ('{}/1'), ('{ }/7'), ('{1:0,2:1,3:-0}/3'),
    ('{+1:+1}/+1'), ('{007:1}/008'), ('{1000000000:1}/1000000000'), ('{}/1000000000'), ('{1:1e-45,2:3.4028235e38}/2'),
    ('{1:0.1}/1')) AS t(x);

-- text that is refused
SELECT x, pg_temp.outcome(format('%L::sparsevec', x)) FROM (VALUES
    (''), ('{'), ('{ '), ('{}'), ('{}/'), ('{}/ '), ('{}5'), ('{1}/5'), ('{:1}/5'), ('{1:}/5'), ('{1:1,}/5'), ('{,}/5'),
    ('{1:1 2:2}/5'), ('{1:1}/5x'), ('{1:1}/5 5'), ('{1:1}/5.0'), ('{1.0:1}/5'), ('{a:1}/5'), ('{1:a}/5'), ('{1::1}/5'),
    ('[1,2]'), ('{1:1}/x'), ('{1:1/5'),
    ('{0:1}/5'), ('{-1:1}/5'), ('{6:1}/5'), ('{2147483648:1}/5'), ('{99999999999999999999:1}/5'),
    ('{1:1,1:2}/5'), ('{2:1,1:1,2:1}/5'),
    ('{}/0'), ('{}/-1'), ('{}/1000000001'), ('{}/99999999999999999999'), ('{}/-99999999999999999999'),
    ('{1:NaN}/1'), ('{1:Infinity}/1'), ('{1:-inf}/1'), ('{1:4e38}/1'), ('{1:1e-46}/1')) AS t(x);
SELECT pg_temp.outcome('(''{'' || repeat(''1:1,'', 1000000))::sparsevec');
SELECT pg_temp.outcome('repeat(''{'', 1000000)::sparsevec');

-- typmods
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'{1:1}/3'::sparsevec(3)$$), ($$'{1:1}/3'::sparsevec(2)$$), ($$'{1:1}/3'::sparsevec::sparsevec(4)$$),
    ($$'{}/1'::sparsevec(0)$$), ($$'{}/1'::sparsevec(1000000001)$$), ($$'{}/1'::sparsevec(1,1)$$),
    ($$'{}/1'::sparsevec(a)$$), ($$format_type('sparsevec'::regtype, 1000000000)$$)) AS t(x);

-- 16,000 elements
CREATE FUNCTION pg_temp.sparsevec_of(elements int, step int DEFAULT 1) RETURNS text LANGUAGE sql AS
    $$ SELECT '{' || string_agg(i * step || ':1', ',') || '}/1000000000' FROM generate_series(1, elements) i $$;
SELECT l2_norm(pg_temp.sparsevec_of(16000)::sparsevec)::real, pg_column_size(pg_temp.sparsevec_of(16000)::sparsevec);
SELECT pg_temp.sparsevec_of(16000, 7)::sparsevec::text = pg_temp.sparsevec_of(16000, 7);
SELECT pg_temp.outcome('pg_temp.sparsevec_of(16001)::sparsevec');

-- distances, products, norms
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'{}/2'::sparsevec <-> '{1:3,2:4}/2'$$), ($$'{1:3}/9'::sparsevec <-> '{9:-4}/9'$$),
    ($$'{1:1,3:2,5:3}/5'::sparsevec <-> '{1:1,2:2,3:2,5:1,4:1}/5'$$),
    ($$l2_distance('{1:3}/2'::sparsevec, '{2:4}/2')$$), ($$sparsevec_l2_squared_distance('{1:3}/2', '{2:4}/2')$$),
    ($$'{1:1,3:2}/3'::sparsevec <#> '{3:5}/3'$$), ($$inner_product('{1:1}/3'::sparsevec, '{3:5}/3')$$),
    ($$sparsevec_negative_inner_product('{1:1,2:2}/2', '{1:3,2:4}/2')$$),
    ($$'{1:1}/2'::sparsevec <=> '{2:2}/2'$$), ($$'{1:1,2:2}/2'::sparsevec <=> '{1:2,2:4}/2'$$),
    ($$cosine_distance('{1:1}/2'::sparsevec, '{}/2')$$), ($$cosine_distance('{1:1}/1'::sparsevec, '{1:-2}/1')$$),
    ($$'{1:1}/3'::sparsevec <+> '{2:-2,3:3}/3'$$), ($$l1_distance('{1:1,2:2}/2'::sparsevec, '{2:5}/2')$$),
    ($$'{1:3e38}/1'::sparsevec <-> '{1:-3e38}/1'$$), ($$'{1:3e38}/1'::sparsevec <=> '{1:3e38}/1'$$),
    ($$'{}/2'::sparsevec <-> '{}/3'$$), ($$'{}/2'::sparsevec <#> '{}/3'$$), ($$'{}/2'::sparsevec <=> '{}/3'$$),
    ($$'{}/2'::sparsevec <+> '{}/3'$$), ($$'{}/2'::sparsevec <-> NULL$$),
    ($$l2_norm('{1:3,9:4}/9'::sparsevec)$$), ($$l2_norm('{}/9'::sparsevec)$$), ($$l2_norm('{1:3e38}/9'::sparsevec)::real$$),
    ($$l2_normalize('{1:3,9:4}/9'::sparsevec)$$), ($$l2_normalize('{}/9'::sparsevec)$$),
    ($$l2_normalize('{1:1e30,2:1e-30}/9'::sparsevec)$$)) AS t(x);

-- comparison: in the order of the dense vectors
SELECT a, b, sparsevec_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('{1:1}/2'::sparsevec, '{1:1}/2'::sparsevec), ('{1:1}/2', '{1:1,2:1}/2'), ('{1:1}/2', '{1:1,2:-1}/2'),
    ('{1:-1}/2', '{2:-1}/2'), ('{2:1}/2', '{1:1}/2'), ('{}/2', '{}/3'), ('{}/2', '{3:-1}/3'), ('{3:1}/3', '{}/2'),
    ('{1:1}/2', '{1:2}/2')) AS t(a, b);
WITH samples AS (SELECT ('{1:' || i % 3 - 1 || ',2:' || i / 3 % 3 - 1 || ',3:' || i / 9 % 3 - 1 || '}/3')::sparsevec AS s
                 FROM generate_series(0, 26) i)
SELECT count(*), count(*) FILTER (WHERE sparsevec_cmp(a.s, b.s) = vector_cmp(a.s::vector, b.s::vector)) AS agree
FROM samples a, samples b;
