--
-- quiver_prewarm: what it reads, of what, for whom.
--
SET client_min_messages = warning;
CREATE FUNCTION pw_vector(i int) RETURNS vector IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
    'SELECT array_agg(sin(i * k)::real ORDER BY k)::vector FROM generate_series(1, 12) k';
CREATE FUNCTION pw_blocks(index regclass) RETURNS bigint LANGUAGE sql AS 'SELECT pg_relation_size(index) / 8192';
CREATE TABLE pw (id int, v vector(12), b bit(3000));
CREATE INDEX pw_v ON pw USING quiver (v);
-- an index without rows
SELECT quiver_prewarm('pw_v'), quiver_prewarm('pw_v', 'upper'), pw_blocks('pw_v');
-- a list, which every search reads
INSERT INTO pw SELECT i, pw_vector(i) FROM generate_series(1, 500) i;
INSERT INTO pw VALUES (0, NULL);
SELECT quiver_prewarm('pw_v') = pw_blocks('pw_v') AS everything,
    quiver_prewarm('pw_v', 'upper') = pw_blocks('pw_v') - 1 AS all_but_nulls FROM quiver_index_stats('pw_v') WHERE state = 'list';
-- a graph: meta page, centre, upper layers
INSERT INTO pw SELECT i, pw_vector(i) FROM generate_series(501, 11000) i;
REINDEX INDEX pw_v;
SELECT quiver_prewarm('pw_v') = pw_blocks('pw_v') AS everything,
    quiver_prewarm('pw_v', 'upper') * 8192 BETWEEN meta_bytes + upper_bytes * 0.9 AND meta_bytes + upper_bytes AS upper,
    quiver_prewarm('pw_v', 'upper') > 10 AS many FROM quiver_index_stats('pw_v');
-- nodes larger than a page, whose parts lie elsewhere
CREATE TABLE pw_large (v vector(3000));
INSERT INTO pw_large SELECT array_fill(i::real, '{1500}') || array_fill(-i::real, '{1500}') FROM generate_series(1, 2000) i;
CREATE INDEX pw_large_v ON pw_large USING quiver (v) WITH (m = 12, ef_construction = 24);
SELECT quiver_prewarm('pw_large_v') = pw_blocks('pw_large_v') AS everything, upper_bytes > 0 AND chunk_bytes > 0 AS chunked,
    quiver_prewarm('pw_large_v', 'upper') * 8192 > meta_bytes + 1.5 * upper_bytes AS chunks_too,
    quiver_prewarm('pw_large_v', 'upper') * 8192 < total_bytes / 4 AS no_others FROM quiver_index_stats('pw_large_v');
-- without codes; a temporary and an unlogged one
UPDATE pw SET b = (id * 7919::bigint)::bit(64)::bit(3000);
CREATE INDEX pw_b ON pw USING quiver (b);
SELECT quiver_prewarm('pw_b') = pw_blocks('pw_b') AS everything;
CREATE TEMP TABLE pwt AS SELECT id, v FROM pw WHERE id < 3000;
CREATE INDEX pwt_v ON pwt USING quiver (v);
SELECT quiver_prewarm('pwt_v', 'upper') BETWEEN 2 AND 700 AS temporary;
CREATE UNLOGGED TABLE pwu AS SELECT id, v FROM pw WHERE id < 3000;
CREATE INDEX pwu_v ON pwu USING quiver (v);
SELECT quiver_prewarm('pwu_v') = pw_blocks('pwu_v') AS unlogged;

-- progress: nobody at work
SELECT count(*) FROM quiver_prewarm_progress;

-- arguments
SELECT quiver_prewarm(NULL), quiver_prewarm('pw_v', NULL), quiver_prewarm(NULL, 'wrong');
\set VERBOSITY sqlstate
SELECT quiver_prewarm('pw_v', '');
\set VERBOSITY default
SELECT quiver_prewarm('pw_v', 'ALL');
SELECT quiver_prewarm('pw_v', repeat('é', 100));
-- wrong objects
CREATE TABLE pwp (id int PRIMARY KEY, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE pwp1 PARTITION OF pwp FOR VALUES FROM (0) TO (100);
CREATE INDEX pwp_v ON pwp USING quiver (v);
CREATE VIEW pw_view AS SELECT 1;
SELECT quiver_prewarm('pw');
SELECT quiver_prewarm('pw_view');
SELECT quiver_prewarm('pwp_v');
SELECT quiver_prewarm('pwp1_pkey');
SELECT quiver_prewarm(1);
SELECT quiver_prewarm('pwp1_v_idx');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pwp1_v_idx'::regclass;
SELECT quiver_prewarm('pwp1_v_idx');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'pwp1_v_idx'::regclass;

-- who may
CREATE ROLE regress_quiver_owner;
CREATE ROLE regress_quiver_reader;
CREATE ROLE regress_quiver_monitor IN ROLE pg_stat_scan_tables;
ALTER TABLE pw OWNER TO regress_quiver_owner;
SET ROLE regress_quiver_reader;
SELECT quiver_prewarm('pw_v');
SELECT count(*) FROM quiver_prewarm_progress;
SET ROLE regress_quiver_monitor;
SELECT quiver_prewarm('pw_v') > 0 AS monitor;
RESET ROLE;
GRANT EXECUTE ON FUNCTION quiver_prewarm(regclass, text) TO regress_quiver_owner, regress_quiver_reader;
SET ROLE regress_quiver_owner;
SELECT quiver_prewarm('pw_v') > 0 AS owner;
SET ROLE regress_quiver_reader;
SELECT quiver_prewarm('pw_v');
RESET ROLE;
GRANT SELECT ON pw TO regress_quiver_reader;
SET ROLE regress_quiver_reader;
SELECT quiver_prewarm('pw_v') > 0 AS reader;
RESET ROLE;
ALTER TABLE pw ENABLE ROW LEVEL SECURITY;
SET ROLE regress_quiver_reader;
SELECT quiver_prewarm('pw_v');
RESET ROLE;

REVOKE EXECUTE ON FUNCTION quiver_prewarm(regclass, text) FROM regress_quiver_owner, regress_quiver_reader;
DROP VIEW pw_view;
DROP TABLE pw, pw_large, pwt, pwu, pwp;
DROP FUNCTION pw_vector, pw_blocks;
DROP ROLE regress_quiver_owner, regress_quiver_reader, regress_quiver_monitor;
