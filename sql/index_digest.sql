--
-- quiver_index_digest: what changes it and what does not, of which objects, for whom.  That a standby has the same, and
-- a server after a crash: test/t/027_index_digest.pl.
--
SET client_min_messages = warning;
SET enable_seqscan = off;
SET enable_sort = off;
CREATE FUNCTION dg_vector(i int) RETURNS vector IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
    'SELECT array_agg(sin(i * k)::real ORDER BY k)::vector FROM generate_series(1, 12) k';
-- What the index has become since the last call.
CREATE TABLE dg_last (index text PRIMARY KEY, digest text);
CREATE FUNCTION dg_changed(i regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text := (SELECT digest FROM dg_last WHERE index = i::text);
    now text := quiver_index_digest(i);
BEGIN
    IF now !~ '^1:[0-9a-f]{64}$' THEN RAISE EXCEPTION 'no digest: %', now; END IF;
    INSERT INTO dg_last VALUES (i::text, now) ON CONFLICT (index) DO UPDATE SET digest = now;
    RETURN CASE WHEN before IS NULL THEN 'first' WHEN before = now THEN 'same' ELSE 'other' END;
END $$;

-- a list, of an empty table first; the same rows in the same order give the same index
CREATE TABLE dl (id int, v vector(12)) WITH (autovacuum_enabled = off);
CREATE INDEX dl_v ON dl USING quiver (v);
SELECT dg_changed('dl_v'), dg_changed('dl_v');
INSERT INTO dl SELECT i, dg_vector(i) FROM generate_series(1, 30) i;
SELECT dg_changed('dl_v'), dg_changed('dl_v');
INSERT INTO dl VALUES (31, NULL);
SELECT dg_changed('dl_v');
-- a HOT update does not come to the index; a row that is rolled back does
UPDATE dl SET id = 1001 WHERE id = 1;
SELECT dg_changed('dl_v') AS after_hot_update;
BEGIN;
INSERT INTO dl VALUES (32, dg_vector(32));
ROLLBACK;
SELECT dg_changed('dl_v') AS after_rollback;
-- options are in the catalog, not in the file
ALTER INDEX dl_v SET (ef_search = 99);
SELECT dg_changed('dl_v') AS after_options;

-- a graph, of each form of values
CREATE TABLE dg (id int, v vector(12), h halfvec(12), s sparsevec(12), b bit(12)) WITH (autovacuum_enabled = off);
INSERT INTO dg SELECT i, x, x::halfvec, x::sparsevec, (i * 7 % 4096)::bit(12)
    FROM (SELECT i, dg_vector(i) AS x FROM generate_series(1, 3000) i) s;
CREATE INDEX dg_v ON dg USING quiver (v vector_cosine_ops) WITH (m = 6);
CREATE INDEX dg_h ON dg USING quiver (h halfvec_l1_ops) WITH (m = 6);
CREATE INDEX dg_s ON dg USING quiver (s) WITH (m = 6);
CREATE INDEX dg_b ON dg USING quiver (b) WITH (m = 6);
CREATE TABLE dg_indexes AS SELECT indexrelid::regclass AS i FROM pg_index WHERE indrelid = 'dg'::regclass ORDER BY 1;
SELECT i, dg_changed(i) FROM dg_indexes;
CHECKPOINT;
SELECT count(*) FROM (SELECT id FROM dg ORDER BY v <=> dg_vector(7) LIMIT 2000) q;
ANALYZE dg;
SELECT i, dg_changed(i) AS after_reading FROM dg_indexes;
INSERT INTO dg SELECT i, x, x::halfvec, x::sparsevec, (i * 7 % 4096)::bit(12)
    FROM (SELECT 3001 AS i, dg_vector(3001) AS x) s;
SELECT i, dg_changed(i) AS after_insert FROM dg_indexes;
-- what is deleted is there until vacuum
DELETE FROM dg WHERE id % 3 = 0;
SELECT i, dg_changed(i) AS after_delete FROM dg_indexes;
VACUUM dg;
SELECT i, dg_changed(i) AS after_vacuum FROM dg_indexes;
VACUUM dg;
SELECT i, dg_changed(i) AS after_vacuum_again FROM dg_indexes;
UPDATE dg SET v = dg_vector(id + 1), h = dg_vector(id + 1)::halfvec, s = dg_vector(id + 1)::sparsevec, b = ~b WHERE id = 1;
SELECT i, dg_changed(i) AS after_update FROM dg_indexes;
-- REINDEX makes another file of the same rows
REINDEX TABLE dg;
SELECT i, dg_changed(i) AS after_reindex FROM dg_indexes;

-- hints that a scan sets change nothing.  Of a temporary table no other session can hold back the horizon
CREATE TEMP TABLE dh (id int, v vector(12));
INSERT INTO dh SELECT i, dg_vector(i) FROM generate_series(1, 40) i;
CREATE INDEX dh_v ON dh USING quiver (v);
DELETE FROM dh WHERE id % 2 = 0;
SELECT dg_changed('dh_v');
CREATE FUNCTION pg_temp.reads() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    start bigint := pg_stat_get_xact_tuples_returned('dh_v'::regclass);
BEGIN
    PERFORM id FROM dh ORDER BY v <-> dg_vector(1);
    RETURN pg_stat_get_xact_tuples_returned('dh_v'::regclass) - start;
END $$;
SELECT pg_temp.reads() AS first_scan;
SELECT pg_temp.reads() AS second_scan;
SELECT dg_changed('dh_v') AS after_hints;

-- who may
CREATE ROLE regress_quiver_owner;
CREATE ROLE regress_quiver_reader;
CREATE ROLE regress_quiver_monitor IN ROLE pg_stat_scan_tables;
ALTER TABLE dl OWNER TO regress_quiver_owner;
SET ROLE regress_quiver_owner;
SELECT quiver_index_digest('dl_v');
SET ROLE regress_quiver_monitor;
SELECT length(quiver_index_digest('dl_v'));
RESET ROLE;
GRANT EXECUTE ON FUNCTION quiver_index_digest(regclass) TO regress_quiver_owner, regress_quiver_reader;
SET ROLE regress_quiver_owner;
SELECT length(quiver_index_digest('dl_v'));
SET ROLE regress_quiver_reader;
SELECT quiver_index_digest('dl_v');
RESET ROLE;
GRANT SELECT ON dl TO regress_quiver_reader;
SET ROLE regress_quiver_reader;
SELECT length(quiver_index_digest('dl_v'));
RESET ROLE;
ALTER TABLE dl ENABLE ROW LEVEL SECURITY;
SET ROLE regress_quiver_reader;
SELECT quiver_index_digest('dl_v');
RESET ROLE;

-- wrong objects
CREATE TABLE dw (id int PRIMARY KEY, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE dw1 PARTITION OF dw FOR VALUES FROM (0) TO (100);
CREATE INDEX dw_v ON dw USING quiver (v);
SELECT quiver_index_digest('dw');
SELECT quiver_index_digest('dw_v');
SELECT quiver_index_digest('dw1_pkey');
SELECT quiver_index_digest(1);
SELECT quiver_index_digest(NULL) IS NULL;
SELECT length(quiver_index_digest('dw1_v_idx'));
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'dw1_v_idx'::regclass;
SELECT quiver_index_digest('dw1_v_idx');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'dw1_v_idx'::regclass;

REVOKE EXECUTE ON FUNCTION quiver_index_digest(regclass) FROM regress_quiver_owner, regress_quiver_reader;
DROP TABLE dl, dg, dg_indexes, dw, dh, dg_last;
DROP FUNCTION dg_changed, dg_vector;
DROP ROLE regress_quiver_owner, regress_quiver_reader, regress_quiver_monitor;
