--
-- A row that a search has found dead costs the next searches nothing.  Of temporary
-- tables no other session can hold back the horizon; tables that are logged, and
-- unlogged ones, are in test/t/011_killed_rows.pl.
--
SET enable_seqscan = off;
SET enable_sort = off;
-- How many rows the index gives to the executor for the nearest ten, and for all.
CREATE FUNCTION pg_temp.index_reads(tab regclass, OUT nearest bigint, OUT everything bigint) LANGUAGE plpgsql AS $$
DECLARE
    index oid := (SELECT indexrelid FROM pg_index WHERE indrelid = tab);
    query text := format('SELECT count(*) FROM (SELECT v <-> (SELECT q FROM origin) FROM %s ORDER BY v <-> (SELECT q FROM origin) LIMIT ', tab);
    start bigint := pg_stat_get_xact_tuples_returned(index);
    middle bigint;
BEGIN
    EXECUTE query || '10) s';
    middle := pg_stat_get_xact_tuples_returned(index);
    EXECUTE query || 'ALL) s';
    nearest := middle - start;
    everything := pg_stat_get_xact_tuples_returned(index) - middle;
END
$$;
CREATE TEMP TABLE origin AS SELECT array_fill(0, '{500}')::vector AS q;

-- a list
CREATE TEMP TABLE killed_list (id int, v vector(500));
INSERT INTO killed_list SELECT i, array_fill(i, '{500}')::vector FROM generate_series(1, 100) i;
CREATE INDEX ON killed_list USING quiver (v);
-- a graph, with two rows in some nodes, posting pages, and rows without a distance
CREATE TEMP TABLE killed_graph (id int, v vector(500));
INSERT INTO killed_graph SELECT i, array_fill(i / 2, '{500}')::vector FROM generate_series(1, 1000) i;
CREATE INDEX ON killed_graph USING quiver (v);
INSERT INTO killed_graph SELECT i, array_fill(1, '{500}')::vector FROM generate_series(1001, 1020) i;
INSERT INTO killed_graph SELECT i FROM generate_series(1021, 1060) i;

SELECT * FROM pg_temp.index_reads('killed_list');
SELECT * FROM pg_temp.index_reads('killed_graph');
DELETE FROM killed_list WHERE id % 2 = 1;
DELETE FROM killed_graph WHERE id % 2 = 1;
-- the first search meets the dead rows, the second none
SELECT nearest > 10 AS met FROM pg_temp.index_reads('killed_list');
SELECT * FROM pg_temp.index_reads('killed_list');
SELECT nearest > 10 AS met FROM pg_temp.index_reads('killed_graph');
SELECT * FROM pg_temp.index_reads('killed_graph');
-- a row that is deleted but not for all is met again and again
BEGIN;
DELETE FROM killed_list WHERE id = 2;
SELECT nearest FROM pg_temp.index_reads('killed_list');
SELECT nearest FROM pg_temp.index_reads('killed_list');
ROLLBACK;
SELECT * FROM pg_temp.index_reads('killed_list');
-- rows that come to a page take its hints along; they are found out again
INSERT INTO killed_list VALUES (101, array_fill(1, '{500}')::vector);
INSERT INTO killed_graph VALUES (1101, array_fill(1, '{500}')::vector);
SELECT everything > 51 AS met FROM pg_temp.index_reads('killed_list');
SELECT * FROM pg_temp.index_reads('killed_list');
SELECT everything > 531 AS met FROM pg_temp.index_reads('killed_graph');
SELECT * FROM pg_temp.index_reads('killed_graph');
-- vacuum takes them for good, and their addresses come back
VACUUM killed_list, killed_graph;
INSERT INTO killed_list SELECT i, array_fill(i, '{500}')::vector FROM generate_series(1, 100, 2) i;
INSERT INTO killed_graph SELECT i, array_fill(i / 2, '{500}')::vector FROM generate_series(1, 1000, 2) i;
SELECT * FROM pg_temp.index_reads('killed_list');
SELECT * FROM pg_temp.index_reads('killed_graph');
SELECT count(DISTINCT id) FROM (SELECT id FROM killed_graph ORDER BY v <-> (SELECT q FROM origin) LIMIT 5000) s;
-- a rescan sets the hints of the search before
DELETE FROM killed_list WHERE id % 2 = 1;
SELECT (SELECT count(*) FROM (SELECT id FROM killed_list ORDER BY v <-> array_fill(g, '{500}')::vector LIMIT 50) s) FROM generate_series(1, 2) g;
SELECT * FROM pg_temp.index_reads('killed_list');
