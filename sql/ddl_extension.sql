--
-- The extension dropped, made again and moved to another schema, in a database of its own.
--
\set first :DBNAME
CREATE DATABASE quiver_ddl_extension TEMPLATE template0;
\c quiver_ddl_extension
SET client_min_messages = warning;
CREATE EXTENSION quiver;
CREATE TABLE t (id int, v vector(3), w int);
CREATE INDEX t_v ON t USING quiver (v);
INSERT INTO t SELECT i, ARRAY[i, i % 7, 1]::vector, i FROM generate_series(1, 300) i;

-- what depends on it keeps it; CASCADE takes column and index, and leaves the table
DROP EXTENSION quiver;
DROP EXTENSION quiver CASCADE;
SELECT count(w) FROM t;
SELECT count(*) FROM pg_class WHERE relname = 't_v';
SELECT count(*) FROM pg_proc WHERE probin LIKE '%quiver%';
SELECT count(*) FROM pg_am WHERE amname = 'quiver';
SELECT '[1,2,3]'::vector;

-- again, in the same session, which knows the old object identifiers; and rolled back
BEGIN;
CREATE EXTENSION quiver;
CREATE TABLE rolled_back (v vector(3));
CREATE INDEX ON rolled_back USING quiver (v);
INSERT INTO rolled_back VALUES ('[1,2,3]');
ROLLBACK;
SELECT '[1,2,3]'::vector;
CREATE EXTENSION quiver;
ALTER TABLE t ADD v vector(3);
UPDATE t SET v = ARRAY[w, w % 7, 1]::vector;
CREATE INDEX t_v ON t USING quiver (v);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM t ORDER BY v <-> '[5,5,1]' LIMIT 3;
SELECT id FROM t ORDER BY v <-> '[5,5,1]' LIMIT 3;
SELECT id FROM t WHERE v <-> '[5,5,1]' < 0.5;

-- moved to another schema: the index goes on, and what is planned finds its operators there
CREATE SCHEMA vectors;
ALTER EXTENSION quiver SET SCHEMA vectors;
SELECT '[1,2,3]'::vector;
INSERT INTO t (id, v, w) SELECT i, ARRAY[i, i % 7, 1]::vectors.vector, i FROM generate_series(301, 400) i;
SELECT id FROM t ORDER BY v OPERATOR(vectors.<->) '[5,5,1]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE v OPERATOR(vectors.<->) '[5,5,1]' < 0.5;
SELECT id FROM t WHERE v OPERATOR(vectors.<->) '[5,5,1]' < 0.5;
DELETE FROM t WHERE id % 2 = 0;
VACUUM t;
SELECT count(*) FROM (SELECT id FROM t ORDER BY v OPERATOR(vectors.<->) '[5,5,1]' LIMIT 1000) s;
SELECT pg_get_indexdef('t_v'::regclass);
SET search_path = public, vectors;
SELECT id FROM t ORDER BY v <-> '[5,5,1]' LIMIT 3;
CREATE INDEX ON t USING quiver (v vector_cosine_ops);
SELECT vectors.avg(v) <-> '[200,3,1]' < 10 AS near FROM t;
REINDEX TABLE t;

-- a member cannot be dropped alone, nor a class that an index needs
DROP FUNCTION vectors.vector_norm(vectors.vector);
DROP ACCESS METHOD quiver;
DROP OPERATOR CLASS vectors.vector_l2_ops USING quiver;

\c :first
DROP DATABASE quiver_ddl_extension;
