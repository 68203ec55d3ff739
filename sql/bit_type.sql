-- distances of the built-in bit

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

SELECT x, pg_temp.outcome(x) FROM (VALUES
    ($$B'1010' <~> B'1010'$$), ($$B'1010' <~> B'0101'$$), ($$hamming_distance(B'110', B'011')$$), ($$B'' <~> B''$$),
    ($$B'110' <~> B'11'$$), ($$B'110' <~> B'011'::varbit(5)$$), ($$B'1' <~> NULL$$),
    ($$B'1111' <%> B'1111'$$), ($$B'1111' <%> B'1110'$$), ($$B'1100' <%> B'0011'$$), ($$jaccard_distance(B'1110', B'0111')$$),
    ($$B'0000' <%> B'0000'$$), ($$B'' <%> B''$$), ($$B'110' <%> B'11'$$), ($$B'1' <%> NULL$$)) AS t(x);

-- every length around the widths of SIMD registers, in whole and broken bytes
SELECT count(*) FILTER (WHERE a <~> b = n) AS hamming, count(*) FILTER (WHERE a <~> a = 0) AS same,
    count(*) FILTER (WHERE ones <%> a = 1 - (n + 1) / 2 / n::float8) AS jaccard, count(*) FILTER (WHERE a <%> b = 1) AS apart
FROM (SELECT n, left(repeat('10', 1100), n)::varbit AS a, left(repeat('01', 1100), n)::varbit AS b, repeat('1', n)::varbit AS ones
      FROM generate_series(1, 2200, 7) n) AS t;

-- 8 million bits
SELECT repeat('1', 8000000)::varbit <~> repeat('0', 8000000)::varbit AS hamming;
