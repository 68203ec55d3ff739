--
-- Settings: their bounds, their order of precedence, and what they change.
--
LOAD 'quiver';
SELECT name, setting, boot_val, min_val, max_val, enumvals, context FROM pg_settings WHERE name LIKE 'quiver.%' ORDER BY name;
SET quiver.ef_search = -1;
SET quiver.ef_search = 1001;
SET quiver.iterative_scan = 'maybe';
SET quiver.exact_order = 'maybe';
SET quiver.exact_order = true;
RESET quiver.exact_order;
SET quiver.max_scan_tuples = -1;
SET quiver.scan_mem_multiplier = 0.5;
SET quiver.scan_mem_multiplier = 1001;
SET quiver.simd_level = 'sse2';
SET quiver.simd_level = 'scalar';
SELECT quiver_simd_level();
RESET quiver.simd_level;
SELECT quiver_simd_level() <> '' AS some;

-- a session's setting beats the index's option, which beats the default:
-- how many rows a search gives that ends after its first candidates tells
CREATE TABLE ise (id int, v vector(16));
INSERT INTO ise SELECT i, c::vector FROM generate_series(1, 20000) i,
    LATERAL (SELECT array_agg((('x' || substr(md5(i || ':' || j), 1, 6))::bit(24)::int % 2001 - 1000) / 1000.0::real) AS c
             FROM generate_series(1, 16) j) s;
CREATE INDEX ise_v ON ise USING quiver (v) WITH (m = 8, ef_construction = 24);
SET enable_seqscan = off;
SET jit = off;
SET enable_sort = off;
CREATE FUNCTION pg_temp.width() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    SELECT count(*) INTO n FROM (SELECT id FROM ise ORDER BY v <-> (SELECT v FROM ise WHERE id = 1) LIMIT 100000) s;
    RETURN CASE WHEN n BETWEEN 35 AND 80 THEN 'about 40'
                WHEN n BETWEEN 95 AND 190 THEN 'about 100'
                WHEN n BETWEEN 195 AND 400 THEN 'about 200'
                ELSE n::text END;
END
$$;
SET quiver.iterative_scan = off;
SELECT pg_temp.width();
ALTER INDEX ise_v SET (ef_search = 100);
SELECT pg_temp.width();
SET quiver.ef_search = 200;
SELECT pg_temp.width();
SET quiver.ef_search = 0;
SELECT pg_temp.width();
ALTER INDEX ise_v RESET (ef_search);
SELECT pg_temp.width();

-- relaxed: all rows; strict: none closer than the one before; both limited by max_scan_tuples
SET quiver.iterative_scan = relaxed_order;
SELECT pg_temp.width();
SET quiver.max_scan_tuples = 500;
SELECT pg_temp.width()::int BETWEEN 400 AND 1000 AS limited;
RESET quiver.max_scan_tuples;
SET quiver.iterative_scan = strict_order;
SELECT count(*) > 40 AS many, bool_and(d >= before - 0.002) AS ordered FROM
    (SELECT d, lag(d) OVER () AS before FROM
        (SELECT v <-> (SELECT v FROM ise WHERE id = 1) AS d FROM ise ORDER BY v <-> (SELECT v FROM ise WHERE id = 1) LIMIT 1000) s) t;
-- with little memory as well
SET quiver.iterative_scan = relaxed_order;
SET work_mem = '64kB';
SELECT pg_temp.width();
SET quiver.scan_mem_multiplier = 100;
SELECT pg_temp.width();
RESET work_mem;
RESET quiver.scan_mem_multiplier;

-- a filter that few rows meet, all of them found
SELECT count(*) FROM (SELECT id FROM ise WHERE id % 2000 = 7 ORDER BY v <-> (SELECT v FROM ise WHERE id = 1) LIMIT 10) s;
DROP TABLE ise;
