-- vector: text form, typmods, operators, functions, limits

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

CREATE FUNCTION pg_temp.vector_of(dimensions int, component text DEFAULT '1') RETURNS text
    LANGUAGE sql AS $$ SELECT '[' || repeat(component || ',', dimensions - 1) || component || ']' $$;
-- text that is read
SELECT x, pg_temp.outcome(format('%L::vector', x)) FROM (VALUES
    ('[1,2,3]'), ('[-1,+2,-3.5]'), ('[1.,.5,-.5]'), ('[1e2,1E-2,1e+2]'),
    ('[0,-0,0.0,-0.0e5]'), ('[00012]'), ('[0x10,0x1p-2]'),
    -- shortest text that gives the same float32 back
    ('[0.1,0.2,0.3]'), ('[1.23456789]'), ('[16777217,16777219]'), ('[3.4028235e38,-3.4028235e38]'),
    ('[3.40282356e38]'), ('[1.17549435e-38,1e-40,1e-45]'), ('[1e-46,-1e-46]'),
    ('[123456789012345678901234567890]'), ('[0.000000000000000000000000000000000000001]'),
    -- halfway between two floats, and a little more
    ('[1.00000005960464477539062]'), ('[1.000000059604644775390625]'), ('[1.00000005960464477539063]'),
    ('[9007199791611905]')) AS t(x);

SELECT E' [ 1,\t2\n,\r\x0b\f3 ] '::vector AS spaces;

-- text that is refused
SELECT x, pg_temp.outcome(format('%L::vector', x)) FROM (VALUES
    (''), (' '), ('1,2'), ('{1,2}'), ('['), ('[ '), (']'), ('[]'), ('[ ]'), ('[,]'), ('[,1]'), ('[1,]'), ('[1,,2]'),
    ('[1, ,2]'), ('[1 2]'), ('[1'), ('[1,'), ('[1]]'), ('[1]x'), ('[[1]]'), ('[a]'), ('[1a]'), ('[1.2.3]'), ('[--1]'),
    ('[.]'), ('[+]'), ('[1e]'), ('[1e+]'), ('[0x]'), ('[1_000]'), ('["1"]'), ('[null]'),
    ('[NaN]'), ('[nan(7)]'), ('[Infinity]'), ('[1,-inf]'),
    ('[3.4028236e38]'), ('[1,-4e38]'), ('[1e400]'), ('[1e99999999999999999999]')) AS t(x);

-- a message never repeats more than a line of the text
SELECT pg_temp.outcome('repeat(''['', 1000000)::vector');
SELECT pg_temp.outcome('(''['' || repeat(''9'', 1000000) || '']'')::vector');
SELECT pg_temp.outcome('(repeat('' '', 1000000) || ''[1]'')::vector');

-- typmods
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,2,3]'::vector(3)$$), ($$'[1,2,3]'::vector(2)$$), ($$'[1,2,3]'::vector::vector(4)$$),
    ($$'{"[1,2]","[3,4]"}'::vector(2)[]$$), ($$'{"[1,2]","[3]"}'::vector(2)[]$$),
    ($$'[1]'::vector(0)$$), ($$'[1]'::vector(-1)$$), ($$'[1]'::vector(16001)$$), ($$'[1]'::vector(1,1)$$),
    ($$'[1]'::vector(a)$$), ($$format_type('vector'::regtype, 16000)$$)) AS t(x);
CREATE TABLE typed (v vector(2));
INSERT INTO typed VALUES ('[1,2]'), (NULL);
INSERT INTO typed VALUES ('[1,2,3]');
SELECT * FROM typed;
DROP TABLE typed;

-- 1 and 16,000 dimensions
SELECT vector_dims(pg_temp.vector_of(1)::vector), vector_dims(pg_temp.vector_of(16000)::vector),
    pg_column_size(pg_temp.vector_of(16000)::vector);
SELECT pg_temp.outcome('pg_temp.vector_of(16001)::vector');
SELECT pg_temp.vector_of(16000, '1.5')::vector::text = pg_temp.vector_of(16000, '1.5');
SELECT pg_temp.vector_of(16000, '2')::vector <-> pg_temp.vector_of(16000, '1')::vector AS l2,
    pg_temp.vector_of(16000, '2')::vector <#> pg_temp.vector_of(16000, '1')::vector AS ip,
    pg_temp.vector_of(16000, '2')::vector <+> pg_temp.vector_of(16000, '1')::vector AS l1,
    pg_temp.vector_of(16000, '2')::vector <=> pg_temp.vector_of(16000, '1')::vector AS cosine;
SELECT pg_temp.outcome('pg_temp.vector_of(8000)::vector || pg_temp.vector_of(8001)::vector');

-- arithmetic
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,2,3]'::vector + '[4,5,6.5]'$$), ($$'[1,2,3]'::vector - '[4,5,6.5]'$$), ($$'[1,2,-3]'::vector * '[4,0,6.5]'$$),
    ($$'[1,2]'::vector || '[3]'$$),
    ($$'[1,2]'::vector + '[3]'$$), ($$'[1,2]'::vector - '[3]'$$), ($$'[1,2]'::vector * '[3]'$$),
    ($$'[1,3e38]'::vector + '[1,3e38]'$$), ($$'[1,-3e38]'::vector - '[1,3e38]'$$),
    ($$'[1,1e20]'::vector * '[1,1e20]'$$), ($$'[1,1e-30]'::vector * '[1,1e-30]'$$), ($$'[0,1e-30]'::vector * '[1e-30,0]'$$),
    ($$NULL::vector + '[1]'$$)) AS t(x);

-- distances and products
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[0,0]'::vector <-> '[3,4]'$$), ($$'[1,2,3,4,5,6,7,8,9]'::vector <-> '[1,2,3,4,5,6,7,8,5]'$$),
    ($$l2_distance('[1,2]'::vector, '[1,2]')$$), ($$vector_l2_squared_distance('[0,0]', '[3,4]')$$),
    ($$'[1,2]'::vector <#> '[3,4]'$$), ($$inner_product('[1,2]'::vector, '[3,4]')$$),
    ($$vector_negative_inner_product('[1,2]', '[3,4]')$$),
    ($$'[1,0]'::vector <=> '[0,2]'$$), ($$'[1,2]'::vector <=> '[2,4]'$$), ($$'[1,1]'::vector <=> '[-3,-3]'$$),
    ($$cosine_distance('[1,2]'::vector, '[0,0]')$$), ($$cosine_distance('[0]'::vector, '[0]')$$),
    ($$'[0,0]'::vector <+> '[3,-4]'$$), ($$l1_distance('[1,2]'::vector, '[2,4]')$$),
    ($$vector_spherical_distance('[1,0]', '[0,1]')$$), ($$vector_spherical_distance('[1,0]', '[-1,0]')$$),
    ($$vector_spherical_distance('[2,0]', '[2,0]')$$),
    -- a sum that overflows float32
    ($$'[3e38]'::vector <-> '[-3e38]'$$), ($$'[3e38]'::vector <#> '[3e38]'$$), ($$'[3e38,3e38]'::vector <+> '[-3e38,1]'$$),
    ($$'[3e38]'::vector <=> '[3e38]'$$),
    ($$'[1,2]'::vector <-> '[3]'$$), ($$'[1,2]'::vector <#> '[3]'$$), ($$'[1,2]'::vector <=> '[3]'$$),
    ($$'[1,2]'::vector <+> '[3]'$$), ($$vector_spherical_distance('[1,2]', '[3]')$$),
    ($$'[1]'::vector <-> NULL$$)) AS t(x);

-- every length around the widths of SIMD registers: squares of differences that are all 1
SELECT count(*) FILTER (WHERE vector_l2_squared_distance(a, b) = n) AS l2, count(*) FILTER (WHERE l1_distance(a, b) = n) AS l1,
    count(*) FILTER (WHERE inner_product(a, b) = 6 * n) AS ip, count(*) FILTER (WHERE cosine_distance(a, a) = 0) AS cosine
FROM (SELECT n, pg_temp.vector_of(n, '2')::vector AS a, pg_temp.vector_of(n, '3')::vector AS b
      FROM generate_series(1, 130) n) AS t;

-- norms and parts
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$vector_norm('[3,4]')$$), ($$vector_norm('[0,0]')$$), ($$vector_norm('[3e38,0]')::real$$), ($$vector_norm('[1e-45]')$$),
    ($$l2_normalize('[3,4]'::vector)$$), ($$l2_normalize('[0,0]'::vector)$$), ($$l2_normalize('[3e38,0]'::vector)$$),
    ($$l2_normalize('[1e-45]'::vector)$$), ($$l2_normalize('[1e30,1e-30]'::vector)$$),
    ($$vector_dims('[1,2,3]'::vector)$$),
    ($$subvector('[1,2,3,4,5]'::vector, 1, 5)$$), ($$subvector('[1,2,3,4,5]'::vector, 2, 3)$$),
    ($$subvector('[1,2,3,4,5]'::vector, 4, 9)$$), ($$subvector('[1,2,3,4,5]'::vector, -1, 3)$$),
    ($$subvector('[1,2,3,4,5]'::vector, 1, 0)$$), ($$subvector('[1,2,3,4,5]'::vector, 6, 1)$$),
    ($$subvector('[1,2,3,4,5]'::vector, 3, -1)$$), ($$subvector('[1,2,3,4,5]'::vector, 2147483647, 2147483647)$$),
    ($$subvector('[1,2,3,4,5]'::vector, 3, 2147483647)$$), ($$subvector('[1,2,3,4,5]'::vector, -2147483648, 2147483647)$$),
    ($$binary_quantize('[1,0,-1,1e-45,-0,5,-5,2,3]'::vector)$$), ($$binary_quantize('[-1]'::vector)$$)) AS t(x);

-- comparison: by components, then by dimensions; both zeros are one
SELECT a, b, vector_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('[1,2]'::vector, '[1,2]'::vector), ('[1,2]', '[1,3]'), ('[2]', '[1,9]'), ('[1]', '[1,-9]'), ('[0]', '[-0]'),
    ('[-1]', '[-2]'), (NULL, '[1]')) AS t(a, b);
