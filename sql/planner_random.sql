-- random bounds against the scan of all rows: never a row too many, and hardly one too few

SET jit = off;
SELECT setseed(0.25);
CREATE TABLE points (id int PRIMARY KEY, kind int, v vector(16), h halfvec(16), s sparsevec(16), b bit(64));
-- clusters, rows that are alike, zero vectors and NULLs
INSERT INTO points SELECT i, i % 7, x.v, x.v::halfvec(16), x.v::sparsevec, hashint8extended(i % 900, 1)::bit(64) & ~(hashint8extended(i, 2)::bit(64) >> 60) FROM generate_series(1, 3000) i, LATERAL (SELECT CASE WHEN i % 500 = 0 THEN NULL
    WHEN i % 333 = 0 THEN array_fill(0, ARRAY[16])::vector
    ELSE (SELECT array_agg(sin(i % 30 * d) + CASE WHEN i % 11 = 0 THEN 0 ELSE random() END) FROM generate_series(1, 16) d)::vector END) x (v);
CREATE INDEX ON points USING quiver (v);
CREATE INDEX ON points USING quiver (v vector_ip_ops);
CREATE INDEX ON points USING quiver (v vector_cosine_ops);
CREATE INDEX ON points USING quiver (h);
CREATE INDEX ON points USING quiver (h halfvec_cosine_ops);
CREATE INDEX ON points USING quiver (v vector_l1_ops);
CREATE INDEX ON points USING quiver (s);
CREATE INDEX ON points USING quiver (s sparsevec_ip_ops);
CREATE INDEX ON points USING quiver (b);
CREATE INDEX ON points USING quiver (b bit_jaccard_ops);
ANALYZE points;

CREATE TABLE outcomes (query text, planned bool, expected int, missing int, surplus int);

CREATE PROCEDURE try(columns text, operator text, runs int) LANGUAGE plpgsql AS $$
DECLARE
    probe text;
    condition text;
    query text;
    radius float8;
    line text;
    planned bool;
    expected int[];
    found int[];
BEGIN
    FOR run IN 1..runs LOOP
        -- about a row, near one, or nowhere; as far as one row in so many
        EXECUTE format(CASE WHEN run % 3 = 0 OR columns IN ('s', 'b') THEN 'SELECT %1$s::text FROM points WHERE id = %3$s'
            ELSE 'SELECT (%1$s + %2$L)::text FROM points WHERE id = %3$s' END, columns,
            (SELECT array_agg(random() * 0.3)::vector FROM generate_series(1, 16)), 1 + (random() * 300)::int) INTO probe;
        EXECUTE format('SELECT d FROM (SELECT %s %s %L AS d FROM points) x WHERE d < ''NaN'' ORDER BY d OFFSET %s LIMIT 1',
            columns, operator, probe, ((2 + run % 3 * 2) ^ (random() * 4))::int) INTO radius;
        CONTINUE WHEN radius IS NULL;
        condition := format(CASE run % 5 WHEN 0 THEN '%s %s %L < %L' WHEN 1 THEN '%s %s %L <= %L' WHEN 2 THEN '1 - (%s %s %L) > 1 - %L::float8'
            WHEN 3 THEN '- (%s %s %L) >= - %L::float8' ELSE '%s %s %L BETWEEN -1000 AND %L' END, columns, operator, probe, radius);
        query := format('SELECT id FROM points WHERE %s%s%s', condition, CASE WHEN run % 4 = 0 THEN ' AND kind < 3' END,
            CASE WHEN run % 2 = 0 THEN format(' ORDER BY %s %s %L', columns, operator, probe) END);
        SET LOCAL enable_indexscan = off;
        EXECUTE format('SELECT array_agg(id) FROM (%s) q', query) INTO expected;
        SET LOCAL enable_indexscan = on;
        SET LOCAL enable_seqscan = off;
        planned := false;
        FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
            planned := planned OR line ~ 'Index Cond: .* <@ ';
        END LOOP;
        EXECUTE format('SELECT array_agg(id) FROM (%s) q', query) INTO found;
        SET LOCAL enable_seqscan = on;
        INSERT INTO outcomes SELECT query, planned, coalesce(cardinality(expected), 0),
            (SELECT count(*) FROM unnest(expected) e WHERE e <> ALL (coalesce(found, '{}'))),
            (SELECT count(*) FROM unnest(found) f WHERE f <> ALL (coalesce(expected, '{}'))) + coalesce(cardinality(found), 0)
                - (SELECT count(DISTINCT f) FROM unnest(found) f);
    END LOOP;
END $$;

CALL try('v', '<->', 60);
CALL try('v', '<#>', 60);
CALL try('v', '<=>', 60);
CALL try('h', '<->', 60);
CALL try('h', '<=>', 60);
CALL try('v', '<+>', 30);
CALL try('s', '<->', 30);
CALL try('s', '<#>', 30);
CALL try('b', '<~>', 30);
CALL try('b', '<%>', 30);

SELECT count(*) > 350 AS many, min(expected) < 5 AS few_rows, max(expected) > 1000 AS many_rows, bool_and(planned) AS planned, sum(surplus) AS surplus,
    sum(missing) <= 0.01 * sum(expected) AS recall FROM outcomes;
SELECT query, planned, expected, missing, surplus FROM outcomes WHERE surplus > 0 OR NOT planned OR missing > 0.1 * expected + 1 LIMIT 3;

DROP TABLE points, outcomes;
DROP PROCEDURE try;
