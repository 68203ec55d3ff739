--
-- ALTER INDEX ... SET: what takes effect at once, what with the next insert, and what with REINDEX.
--
SET jit = off;
SET enable_seqscan = off;
SET enable_sort = off;
-- so many rows of 100 dimensions are a graph
CREATE TABLE ao (id int, v vector(100));
INSERT INTO ao SELECT i, (SELECT array_agg((hashint8extended(i * 1000::bigint + j, 1) & 1023)::real ORDER BY j)::vector FROM generate_series(1, 100) j)
    FROM generate_series(1, 2500) i;
CREATE INDEX ao_v ON ao USING quiver (v) WITH (m = 8, ef_construction = 16, storage = float16);
CREATE FUNCTION pg_temp.rows_of_search() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM (SELECT id FROM ao ORDER BY v <-> (SELECT v FROM ao WHERE id = 1) LIMIT 100000) s
$$;
-- pages of any kind that a statement touches
CREATE FUNCTION pg_temp.pages(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || statement INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;
CREATE FUNCTION pg_temp.insert_pages(apart real) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.pages('INSERT INTO ao SELECT id + 100000, v + array_fill(' || apart || '::real, ARRAY[100])::vector FROM ao WHERE id <= 20')
$$;
SELECT pg_relation_filenode('ao_v') AS file, pg_relation_size('ao_v') AS size \gset

-- at once: the width of a search, and the exact order
SET quiver.iterative_scan = off;
SELECT pg_temp.rows_of_search() AS narrow \gset
ALTER INDEX ao_v SET (ef_search = 400);
SELECT pg_temp.rows_of_search() >= 2 * :narrow AS wider;
BEGIN;
ALTER INDEX ao_v SET (ef_search = 1);
SELECT pg_temp.rows_of_search() <= :narrow AS narrower;
ROLLBACK;
SELECT pg_temp.rows_of_search() >= 2 * :narrow AS wider;
ALTER INDEX ao_v RESET (ef_search);
SELECT pg_temp.rows_of_search() = :narrow AS as_before;
RESET quiver.iterative_scan;

-- with the next insert: the candidates that it considers, as many times as many pages; of new vectors, since
-- the search for one that is there ends with it
SELECT pg_temp.insert_pages(0.5) AS few \gset
ALTER INDEX ao_v SET (ef_construction = 200);
SELECT pg_temp.insert_pages(0.75) > 3 * :few AS more;
SELECT pg_relation_filenode('ao_v') = :file AS same_file;

-- with REINDEX: connections and storage; until then all goes on as it was built, and nothing breaks
ALTER INDEX ao_v SET (m = 40, ef_construction = 80, storage = float32);
SELECT reloptions FROM pg_class WHERE relname = 'ao_v';
SELECT pg_relation_filenode('ao_v') = :file AS same_file;
INSERT INTO ao SELECT id + 200000, v FROM ao WHERE id <= 300;
SELECT pg_temp.rows_of_search() = (SELECT count(id) FROM ao) AS all_rows;
DELETE FROM ao WHERE id > 100000;
VACUUM ao;
REINDEX INDEX ao_v;
SELECT pg_relation_filenode('ao_v') = :file AS same_file, pg_relation_size('ao_v') > 2 * :size AS larger;
SELECT pg_temp.rows_of_search() = (SELECT count(id) FROM ao) AS all_rows;
-- fewer candidates than the graph that is there has connections
ALTER INDEX ao_v SET (m = 2, ef_construction = 4);
INSERT INTO ao SELECT id + 200000, v + array_fill(0.25::real, ARRAY[100])::vector FROM ao WHERE id <= 300;
SELECT pg_temp.rows_of_search() = (SELECT count(id) FROM ao) AS all_rows;

-- refused, whatever is there already; the options stay as they were
ALTER INDEX ao_v SET (m = 1);
ALTER INDEX ao_v SET (m = 3);
ALTER INDEX ao_v RESET (ef_construction, m);
ALTER INDEX ao_v SET (ef_construction = 31);
ALTER INDEX ao_v SET (storage = float64);
ALTER INDEX ao_v SET (fillfactor = 50);
SELECT reloptions FROM pg_class WHERE relname = 'ao_v';

DROP TABLE ao;
