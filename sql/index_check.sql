--
-- quiver_check and quiver_index_stats: what they say of sound indexes, of wrong objects, to whom.
--
SET client_min_messages = warning;
CREATE FUNCTION kc_vector(i int) RETURNS vector IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
    'SELECT array_agg(sin(i * k)::real ORDER BY k)::vector FROM generate_series(1, 12) k';
-- errors and warnings, with the table read as well
CREATE FUNCTION kc_complaints(index regclass) RETURNS TABLE (severity text, message text) LANGUAGE sql AS
    $$SELECT severity, message FROM quiver_check(index, true) WHERE severity <> 'info'$$;

-- a table of all types: rows, duplicates, NULLs, zero vectors
CREATE TABLE kc (id int, v vector(12), h halfvec(12), s sparsevec(12), b bit(12));
INSERT INTO kc SELECT i, x, x::halfvec, x::sparsevec, (i % 4096)::bit(12)
    FROM (SELECT i, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 51 = 0 THEN '[0,0,0,0,0,0,0,0,0,0,0,0]' ELSE kc_vector(i % 5000) END AS x
          FROM generate_series(1, 7000) i) s;

-- every operator class, as built and after updates, deletes and vacuum
CREATE TABLE kc_classes AS
    SELECT c.oid, opcname::text AS class, 'kc_' || opcname AS index,
        CASE opcintype::regtype::text WHEN 'vector' THEN 'v' WHEN 'halfvec' THEN 'h' WHEN 'sparsevec' THEN 's' ELSE 'b' END AS col
    FROM pg_opclass c WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'quiver');
SELECT count(*) FROM kc_classes;
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT * FROM kc_classes ORDER BY class LOOP
        EXECUTE format('CREATE INDEX %I ON kc USING quiver (%I %I) WITH (m = 6)', c.index, c.col, c.class);
    END LOOP;
END $$;
SELECT class, complaint.* FROM kc_classes, kc_complaints(index::regclass) complaint ORDER BY 1;
UPDATE kc SET id = -id, v = kc_vector(id + 9000) WHERE id % 7 = 0;
INSERT INTO kc SELECT i, x, x::halfvec, x::sparsevec, (i % 4096)::bit(12)
    FROM (SELECT i, kc_vector(i) AS x FROM generate_series(20000, 20300) i) s;
SELECT class, complaint.* FROM kc_classes, kc_complaints(index::regclass) complaint ORDER BY 1;
DELETE FROM kc WHERE id % 3 = 0;
VACUUM kc;
SELECT class, complaint.* FROM kc_classes, kc_complaints(index::regclass) complaint ORDER BY 1;
INSERT INTO kc SELECT i, x, x::halfvec, x::sparsevec, (i % 4096)::bit(12)
    FROM (SELECT i, kc_vector(i) AS x FROM generate_series(1, 300) i) s;
SELECT class, complaint.* FROM kc_classes, kc_complaints(index::regclass) complaint ORDER BY 1;
DROP TABLE kc;

-- figures
CREATE TABLE kf (id int, v vector(12));
CREATE INDEX kf_v ON kf USING quiver (v vector_cosine_ops) WITH (m = 8, ef_search = 77);
SELECT severity, block, item, message, hint FROM quiver_check('kf_v');
INSERT INTO kf SELECT i, kc_vector(i) FROM generate_series(1, 30) i;
INSERT INTO kf VALUES (31, NULL), (32, '[0,0,0,0,0,0,0,0,0,0,0,0]');
SELECT severity, block, item, message, hint FROM quiver_check('kf_v', true, false);
SELECT rows, graph_rows, list_rows, null_rows, zero_vector_rows, state, nodes, nodes_by_level, least_neighbors,
    average_neighbors, most_neighbors, full_share FROM quiver_index_stats('kf_v');
SELECT total_bytes = pg_relation_size('kf_v') AS total, list_bytes, loose_bytes, node_bytes, free_bytes,
    meta_bytes + node_bytes + upper_bytes + chunk_bytes + posting_bytes + list_bytes + loose_bytes + free_bytes = total_bytes AS sum
    FROM quiver_index_stats('kf_v');
SELECT dimensions, metric, storage, codes, m, ef_construction, ef_search, exact_order, created_by, feature_flags
    FROM quiver_index_stats('kf_v');
SET quiver.ef_search = 90;
SELECT ef_search FROM quiver_index_stats('kf_v');
RESET quiver.ef_search;
INSERT INTO kf SELECT i, kc_vector(i % 11500) FROM generate_series(33, 12000) i;
REINDEX INDEX kf_v;
SELECT rows, graph_rows, list_rows, null_rows, zero_vector_rows, state, nodes,
    nodes_by_level[1] = nodes AS bottom, least_neighbors > 0 AS least, most_neighbors <= neighbor_slots AS most,
    average_neighbors BETWEEN least_neighbors AND most_neighbors AS average, full_share BETWEEN 0 AND 1 AS full_lists,
    dominated_share BETWEEN 0 AND 1 AS dominated, emptied_nodes, longest_posting_chain
    FROM quiver_index_stats('kf_v');
SELECT * FROM kc_complaints('kf_v');
SELECT quiver_check(NULL), quiver_index_stats(NULL);

-- HOT chains: the root's address is the index's
CREATE TABLE kh (id int, v vector(12)) WITH (fillfactor = 40, autovacuum_enabled = off);
INSERT INTO kh SELECT i, kc_vector(i) FROM generate_series(1, 500) i;
CREATE INDEX kh_v ON kh USING quiver (v);
UPDATE kh SET id = id + 1000;
UPDATE kh SET id = id + 1000 WHERE id % 2 = 0;
SELECT rows FROM quiver_index_stats('kh_v');
SELECT * FROM kc_complaints('kh_v');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM kh;
DELETE FROM kh WHERE id % 5 = 0;
SELECT * FROM kc_complaints('kh_v');
ROLLBACK;
DELETE FROM kh WHERE id % 5 = 1;
SELECT * FROM kc_complaints('kh_v');

-- partial and expression indexes; the expression runs as the table's owner, restricted
CREATE ROLE regress_quiver_owner;
CREATE ROLE regress_quiver_reader;
CREATE ROLE regress_quiver_monitor IN ROLE pg_stat_scan_tables;
GRANT CREATE ON SCHEMA public TO regress_quiver_owner;
SET ROLE regress_quiver_owner;
CREATE TABLE kp (id int, v vector(12));
CREATE FUNCTION kp_double(vector) RETURNS vector(12) IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + $1; END';
INSERT INTO kp SELECT i, kc_vector(i) FROM generate_series(1, 300) i;
CREATE INDEX kp_partial ON kp USING quiver (v) WHERE id % 2 = 0;
CREATE INDEX kp_expression ON kp USING quiver ((kp_double(v)::vector(12)));
CREATE OR REPLACE FUNCTION kp_double(vector) RETURNS vector(12) IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN
        IF current_setting('kp.ask', true) = 'yes' THEN
            RAISE WARNING 'runs as %', current_user;
            PERFORM set_config('kp.ask', 'no', false);
        END IF;
        RETURN $1 + $1;
    END$$;
RESET ROLE;
UPDATE kp SET id = id + 1 WHERE id % 3 = 0;
SELECT * FROM kc_complaints('kp_partial');
SET kp.ask = yes;
SELECT * FROM kc_complaints('kp_expression');
SELECT current_setting('kp.ask') AS ask, current_user = session_user AS myself;
RESET kp.ask;
SET ROLE regress_quiver_owner;
CREATE FUNCTION kp_temp() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE kp_temp (); END';
CREATE OR REPLACE FUNCTION kp_double(vector) RETURNS vector(12) IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN PERFORM kp_temp(); RETURN $1 + $1; END';
RESET ROLE;
SELECT * FROM quiver_check('kp_expression', true) WHERE severity <> 'info';
SELECT * FROM quiver_check('kp_expression') WHERE severity <> 'info';

-- who may
SET ROLE regress_quiver_owner;
SELECT * FROM quiver_check('kp_partial');
SELECT * FROM quiver_index_stats('kp_partial');
RESET ROLE;
SET ROLE regress_quiver_monitor;
SELECT count(*) FROM quiver_check('kp_partial', true) WHERE severity <> 'info';
SELECT rows FROM quiver_index_stats('kp_partial');
RESET ROLE;
-- whoever is given the functions, as the owner of the extension has them, needs a right on the table too
GRANT EXECUTE ON FUNCTION quiver_check(regclass, boolean, boolean), quiver_index_stats(regclass)
    TO regress_quiver_owner, regress_quiver_reader;
SET ROLE regress_quiver_owner;
SELECT count(*) FROM quiver_check('kp_partial', true) WHERE severity <> 'info';
RESET ROLE;
SET ROLE regress_quiver_reader;
SELECT * FROM quiver_check('kp_partial');
SELECT * FROM quiver_index_stats('kp_partial');
RESET ROLE;
GRANT SELECT ON kp TO regress_quiver_reader;
SET ROLE regress_quiver_reader;
SELECT count(*) FROM quiver_check('kp_partial', true) WHERE severity <> 'info';
SELECT rows FROM quiver_index_stats('kp_partial');
RESET ROLE;
ALTER TABLE kp ENABLE ROW LEVEL SECURITY;
SET ROLE regress_quiver_reader;
SELECT * FROM quiver_check('kp_partial');
SELECT * FROM quiver_index_stats('kp_partial');
RESET ROLE;

-- wrong objects
CREATE TABLE kw (id int PRIMARY KEY, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE kw1 PARTITION OF kw FOR VALUES FROM (0) TO (100);
CREATE INDEX kw_v ON kw USING quiver (v);
CREATE VIEW kw_view AS SELECT 1;
SELECT * FROM quiver_check('kw');
SELECT * FROM quiver_check('kw_view');
SELECT * FROM quiver_check('kw_v');
SELECT * FROM quiver_check('kw1_pkey');
SELECT * FROM quiver_check('kw_pkey');
SELECT * FROM quiver_check(1);
SELECT * FROM quiver_index_stats('kw');
SELECT * FROM quiver_index_stats('kw_v');
SELECT * FROM quiver_index_stats('kw1_pkey');
SELECT * FROM kc_complaints('kw1_v_idx');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'kw1_v_idx'::regclass;
SELECT * FROM quiver_check('kw1_v_idx');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'kw1_v_idx'::regclass;
CREATE TEMP TABLE kt (v vector(3));
INSERT INTO kt SELECT ARRAY[i, 1, 2]::vector FROM generate_series(1, 50) i;
CREATE INDEX kt_v ON kt USING quiver (v);
SELECT * FROM kc_complaints('kt_v');
CREATE UNLOGGED TABLE ku (v vector(3));
INSERT INTO ku SELECT ARRAY[i, 1, 2]::vector FROM generate_series(1, 50) i;
CREATE INDEX ku_v ON ku USING quiver (v);
SELECT * FROM kc_complaints('ku_v');

-- an index that was not kept up: rows that are missing, there twice, past the end
CREATE TABLE km (id int PRIMARY KEY, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO km SELECT i, ARRAY[i, i % 5, 1]::vector FROM generate_series(1, 40) i;
CREATE INDEX km_v ON km USING quiver (v);
UPDATE pg_index SET indisready = false WHERE indexrelid = 'km_v'::regclass;
INSERT INTO km VALUES (1000, '[1,1,1]'), (1001, NULL);
UPDATE pg_index SET indisready = true WHERE indexrelid = 'km_v'::regclass;
SELECT severity, block, item, message, hint FROM quiver_check('km_v', true) WHERE severity <> 'info';
SELECT * FROM quiver_check('km_v') WHERE severity <> 'info';
REINDEX INDEX km_v;
SELECT * FROM kc_complaints('km_v');
UPDATE pg_index SET indisready = false WHERE indexrelid = 'km_v'::regclass;
DELETE FROM km WHERE id = 5;
VACUUM (INDEX_CLEANUP on, TRUNCATE off) km;
UPDATE pg_index SET indisready = true WHERE indexrelid = 'km_v'::regclass;
INSERT INTO km VALUES (2000, '[7,7,7]');
SELECT * FROM kc_complaints('km_v');
INSERT INTO km SELECT i, ARRAY[i, i % 5, 1]::vector FROM generate_series(3000, 4000) i;
REINDEX INDEX km_v;
SELECT * FROM kc_complaints('km_v');
UPDATE pg_index SET indisready = false WHERE indexrelid = 'km_v'::regclass;
DELETE FROM km WHERE id > 3;
VACUUM (INDEX_CLEANUP on) km;
UPDATE pg_index SET indisready = true WHERE indexrelid = 'km_v'::regclass;
SELECT severity, count(*) > 500 AS many, min(regexp_replace(message, '\d+,\d+', 'TID')) AS message
    FROM quiver_check('km_v') WHERE severity <> 'info' GROUP BY 1;

DROP TABLE kf, kh, kp, kw, kt, ku, km, kc_classes;
DROP VIEW kw_view;
DROP FUNCTION kp_double, kp_temp, kc_complaints, kc_vector;
REVOKE EXECUTE ON FUNCTION quiver_check(regclass, boolean, boolean), quiver_index_stats(regclass)
    FROM regress_quiver_owner, regress_quiver_reader;
REVOKE CREATE ON SCHEMA public FROM regress_quiver_owner;
DROP ROLE regress_quiver_owner, regress_quiver_reader, regress_quiver_monitor;
