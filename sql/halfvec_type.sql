-- halfvec: text form, typmods, operators, functions, limits

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
SELECT x, pg_temp.outcome(format('%L::halfvec', x)) FROM (VALUES
    ('[1,2,3]'), ('[-1,+2,-3.5]'), ('[1.,.5,-.5]'), ('[1e2,1E-2,1e+2]'),
    ('[0,-0,0.0,-0.0e5]'), ('[00012]'), ('[0x10,0x1p-2]'),
    -- shortest text of the float32 that the float16 equals
    ('[0.1,0.2,0.3]'), ('[1.23456789]'), ('[2049,2051]'), ('[65504,-65504]'), ('[65519.99]'),
    ('[6.1035e-05,6e-08,-6e-08]'), ('[2.9e-08,-2.9e-08]'), ('[1e-46]'), ('[0.333333333333333333333]')) AS t(x);

SELECT E' [ 1,\t2\n,\r\x0b\f3 ] '::halfvec AS spaces;

-- text that is refused
SELECT x, pg_temp.outcome(format('%L::halfvec', x)) FROM (VALUES
    (''), (' '), ('1,2'), ('{1,2}'), ('['), ('[ '), (']'), ('[]'), ('[ ]'), ('[,]'), ('[,1]'), ('[1,]'), ('[1,,2]'),
    ('[1, ,2]'), ('[1 2]'), ('[1'), ('[1,'), ('[1]]'), ('[1]x'), ('[[1]]'), ('[a]'), ('[1a]'), ('[1.2.3]'), ('[--1]'),
    ('[.]'), ('[+]'), ('[1e]'), ('[1e+]'), ('[0x]'), ('[1_000]'), ('["1"]'), ('[null]'),
    ('[NaN]'), ('[nan(7)]'), ('[Infinity]'), ('[1,-inf]'),
    ('[65520]'), ('[1,-65520]'), ('[4e38]'), ('[1e400]'), ('[1e99999999999999999999]')) AS t(x);

-- a message never repeats more than a line of the text
SELECT pg_temp.outcome('repeat(''['', 1000000)::halfvec');
SELECT pg_temp.outcome('(''['' || repeat(''9'', 1000000) || '']'')::halfvec');
SELECT pg_temp.outcome('(repeat('' '', 1000000) || ''[1]'')::halfvec');

-- typmods
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,2,3]'::halfvec(3)$$), ($$'[1,2,3]'::halfvec(2)$$), ($$'[1,2,3]'::halfvec::halfvec(4)$$),
    ($$'{"[1,2]","[3,4]"}'::halfvec(2)[]$$), ($$'{"[1,2]","[3]"}'::halfvec(2)[]$$),
    ($$'[1]'::halfvec(0)$$), ($$'[1]'::halfvec(-1)$$), ($$'[1]'::halfvec(16001)$$), ($$'[1]'::halfvec(1,1)$$),
    ($$'[1]'::halfvec(a)$$), ($$format_type('halfvec'::regtype, 16000)$$)) AS t(x);
CREATE TABLE typed (v halfvec(2));
INSERT INTO typed VALUES ('[1,2]'), (NULL);
INSERT INTO typed VALUES ('[1,2,3]');
SELECT * FROM typed;
DROP TABLE typed;

-- 1 and 16,000 dimensions
SELECT vector_dims(pg_temp.vector_of(1)::halfvec), vector_dims(pg_temp.vector_of(16000)::halfvec),
    pg_column_size(pg_temp.vector_of(16000)::halfvec);
SELECT pg_temp.outcome('pg_temp.vector_of(16001)::halfvec');
SELECT pg_temp.vector_of(16000, '1.5')::halfvec::text = pg_temp.vector_of(16000, '1.5');
SELECT pg_temp.vector_of(16000, '2')::halfvec <-> pg_temp.vector_of(16000, '1')::halfvec AS l2,
    pg_temp.vector_of(16000, '2')::halfvec <#> pg_temp.vector_of(16000, '1')::halfvec AS ip,
    pg_temp.vector_of(16000, '2')::halfvec <+> pg_temp.vector_of(16000, '1')::halfvec AS l1,
    pg_temp.vector_of(16000, '2')::halfvec <=> pg_temp.vector_of(16000, '1')::halfvec AS cosine;
SELECT pg_temp.outcome('pg_temp.vector_of(8000)::halfvec || pg_temp.vector_of(8001)::halfvec');

-- arithmetic
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[1,2,3]'::halfvec + '[4,5,6.5]'$$), ($$'[1,2,3]'::halfvec - '[4,5,6.5]'$$), ($$'[1,2,-3]'::halfvec * '[4,0,6.5]'$$),
    ($$'[1,2]'::halfvec || '[3]'$$),
    ($$'[1,2]'::halfvec + '[3]'$$), ($$'[1,2]'::halfvec - '[3]'$$), ($$'[1,2]'::halfvec * '[3]'$$),
    ($$'[1,60000]'::halfvec + '[1,60000]'$$), ($$'[1,-60000]'::halfvec - '[1,60000]'$$),
    ($$'[1,1e3]'::halfvec * '[1,1e3]'$$), ($$'[1,1e-4]'::halfvec * '[1,1e-4]'$$), ($$'[0,1e-4]'::halfvec * '[1e-4,0]'$$),
    ($$NULL::halfvec + '[1]'$$)) AS t(x);

-- distances and products
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$'[0,0]'::halfvec <-> '[3,4]'$$), ($$'[1,2,3,4,5,6,7,8,9]'::halfvec <-> '[1,2,3,4,5,6,7,8,5]'$$),
    ($$l2_distance('[1,2]'::halfvec, '[1,2]')$$), ($$halfvec_l2_squared_distance('[0,0]', '[3,4]')$$),
    ($$'[1,2]'::halfvec <#> '[3,4]'$$), ($$inner_product('[1,2]'::halfvec, '[3,4]')$$),
    ($$halfvec_negative_inner_product('[1,2]', '[3,4]')$$),
    ($$'[1,0]'::halfvec <=> '[0,2]'$$), ($$'[1,2]'::halfvec <=> '[2,4]'$$), ($$'[1,1]'::halfvec <=> '[-3,-3]'$$),
    ($$cosine_distance('[1,2]'::halfvec, '[0,0]')$$), ($$cosine_distance('[0]'::halfvec, '[0]')$$),
    ($$'[0,0]'::halfvec <+> '[3,-4]'$$), ($$l1_distance('[1,2]'::halfvec, '[2,4]')$$),
    ($$halfvec_spherical_distance('[1,0]', '[0,1]')$$), ($$halfvec_spherical_distance('[1,0]', '[-1,0]')$$),
    ($$halfvec_spherical_distance('[2,0]', '[2,0]')$$),
    -- sums are float32 and do not overflow where float16 would
    ($$'[60000]'::halfvec <-> '[-60000]'$$), ($$'[60000]'::halfvec <#> '[60000]'$$), ($$'[60000,60000]'::halfvec <+> '[-60000,1]'$$),
    ($$'[60000]'::halfvec <=> '[60000]'$$),
    ($$'[1,2]'::halfvec <-> '[3]'$$), ($$'[1,2]'::halfvec <#> '[3]'$$), ($$'[1,2]'::halfvec <=> '[3]'$$),
    ($$'[1,2]'::halfvec <+> '[3]'$$), ($$halfvec_spherical_distance('[1,2]', '[3]')$$),
    ($$'[1]'::halfvec <-> NULL$$)) AS t(x);

-- every length around the widths of SIMD registers: squares of differences that are all 1
SELECT count(*) FILTER (WHERE halfvec_l2_squared_distance(a, b) = n) AS l2, count(*) FILTER (WHERE l1_distance(a, b) = n) AS l1,
    count(*) FILTER (WHERE inner_product(a, b) = 6 * n) AS ip, count(*) FILTER (WHERE cosine_distance(a, a) = 0) AS cosine
FROM (SELECT n, pg_temp.vector_of(n, '2')::halfvec AS a, pg_temp.vector_of(n, '3')::halfvec AS b
      FROM generate_series(1, 130) n) AS t;

-- norms and parts
SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$l2_norm('[3,4]'::halfvec)$$), ($$l2_norm('[0,0]'::halfvec)$$), ($$l2_norm('[60000,0]'::halfvec)$$), ($$l2_norm('[6e-8]'::halfvec)$$),
    ($$l2_normalize('[3,4]'::halfvec)$$), ($$l2_normalize('[0,0]'::halfvec)$$), ($$l2_normalize('[60000,0]'::halfvec)$$),
    ($$l2_normalize('[6e-8]'::halfvec)$$), ($$l2_normalize('[1e4,1e-4]'::halfvec)$$),
    ($$vector_dims('[1,2,3]'::halfvec)$$),
    ($$subvector('[1,2,3,4,5]'::halfvec, 1, 5)$$), ($$subvector('[1,2,3,4,5]'::halfvec, 2, 3)$$),
    ($$subvector('[1,2,3,4,5]'::halfvec, 4, 9)$$), ($$subvector('[1,2,3,4,5]'::halfvec, -1, 3)$$),
    ($$subvector('[1,2,3,4,5]'::halfvec, 1, 0)$$), ($$subvector('[1,2,3,4,5]'::halfvec, 6, 1)$$),
    ($$subvector('[1,2,3,4,5]'::halfvec, 3, -1)$$), ($$subvector('[1,2,3,4,5]'::halfvec, 2147483647, 2147483647)$$),
    ($$subvector('[1,2,3,4,5]'::halfvec, 3, 2147483647)$$), ($$subvector('[1,2,3,4,5]'::halfvec, -2147483648, 2147483647)$$),
    ($$binary_quantize('[1,0,-1,6e-8,-0,5,-5,2,3]'::halfvec)$$), ($$binary_quantize('[-1]'::halfvec)$$)) AS t(x);

-- comparison: by components, then by dimensions; both zeros are one
SELECT a, b, halfvec_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('[1,2]'::halfvec, '[1,2]'::halfvec), ('[1,2]', '[1,3]'), ('[2]', '[1,9]'), ('[1]', '[1,-9]'), ('[0]', '[-0]'),
    ('[-1]', '[-2]'), (NULL, '[1]')) AS t(a, b);
