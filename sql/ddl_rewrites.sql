--
-- What rewrites a table or gives it another file: its index goes along, and goes back where the transaction does.
--
SET jit = off;
CREATE FUNCTION rw_vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[i % 41, i % 37, i % 31, i % 29]::vector
$$;
CREATE FUNCTION rw_wide(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY[i % 41, i % 37, i % 31, i % 29] || array_fill((i % 13)::real, ARRAY[496]))::vector
$$;
-- the indexes that give a table's rows, how many come, and whether they are the table's, each once
CREATE FUNCTION pg_temp.found(tab text, OUT indexes text, OUT n int, OUT same bool) LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT id FROM %1$s ORDER BY v <-> (SELECT v FROM %1$s WHERE v IS NOT NULL LIMIT 1) LIMIT 100000', tab);
    line text;
    found int[];
    there int[];
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Index Scan using' THEN
            indexes := concat_ws(' ', indexes, substring(line FROM 'using (\w+) on'));
        END IF;
    END LOOP;
    EXECUTE format('SELECT array_agg(id ORDER BY id) FROM (%s) s', query) INTO found;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_sort', 'on', true);
    EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s', tab) INTO there;
    PERFORM set_config('enable_indexscan', 'on', true);
    n := coalesce(cardinality(found), 0);
    same := found IS NOT DISTINCT FROM there;
END
$$;

-- 300 rows of 4 dimensions are a list, 1000 of 500 a graph
CREATE TABLE rw_list (id int PRIMARY KEY, v vector(4));
CREATE TABLE rw_graph (id int PRIMARY KEY, v vector(500));
INSERT INTO rw_list SELECT i, rw_vec(i) FROM generate_series(1, 300) i;
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(1, 1000) i;
CREATE INDEX rw_list_v ON rw_list USING quiver (v) WITH (m = 8);
CREATE INDEX rw_graph_v ON rw_graph USING quiver (v) WITH (m = 8);

-- truncated and rolled back: the old file comes back, with what was inserted before
BEGIN;
INSERT INTO rw_list SELECT i, rw_vec(i) FROM generate_series(301, 310) i;
SAVEPOINT s;
TRUNCATE rw_list, rw_graph;
SELECT * FROM pg_temp.found('rw_graph');
INSERT INTO rw_list SELECT i, rw_vec(i) FROM generate_series(1, 5) i;
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(1, 5) i;
SELECT * FROM pg_temp.found('rw_list');
SELECT * FROM pg_temp.found('rw_graph');
ROLLBACK TO s;
SELECT * FROM pg_temp.found('rw_list');
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(1001, 1010) i;
SELECT * FROM pg_temp.found('rw_graph');
COMMIT;
BEGIN;
TRUNCATE rw_list;
TRUNCATE rw_graph;
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(1, 900) i;
TRUNCATE rw_graph;
INSERT INTO rw_graph VALUES (1, rw_wide(2));
ROLLBACK;
SELECT * FROM pg_temp.found('rw_list');
SELECT * FROM pg_temp.found('rw_graph');
INSERT INTO rw_list VALUES (0, '[1,2,3,4]');
INSERT INTO rw_graph VALUES (0, rw_wide(2));
SELECT * FROM pg_temp.found('rw_list');
SELECT * FROM pg_temp.found('rw_graph');

-- table and index of one transaction: truncated twice, rolled back in part, dropped and made again
BEGIN;
CREATE TABLE rw_same (id int, v vector(500));
INSERT INTO rw_same SELECT i, rw_wide(i) FROM generate_series(1, 700) i;
CREATE INDEX rw_same_v ON rw_same USING quiver (v);
SAVEPOINT s;
TRUNCATE rw_same;
INSERT INTO rw_same SELECT i, rw_wide(i) FROM generate_series(1, 20) i;
ROLLBACK TO s;
SELECT * FROM pg_temp.found('rw_same');
SAVEPOINT s;
DROP INDEX rw_same_v;
CREATE INDEX rw_same_other ON rw_same USING quiver (v);
INSERT INTO rw_same SELECT i, rw_wide(i) FROM generate_series(701, 720) i;
SELECT * FROM pg_temp.found('rw_same');
ROLLBACK TO s;
INSERT INTO rw_same SELECT i, rw_wide(i) FROM generate_series(721, 730) i;
COMMIT;
SELECT * FROM pg_temp.found('rw_same');
DROP TABLE rw_same;

-- an index created, or built anew, and rolled back
BEGIN;
DROP INDEX rw_list_v;
CREATE INDEX rw_list_v2 ON rw_list USING quiver (v);
ROLLBACK;
BEGIN;
REINDEX INDEX rw_graph_v;
INSERT INTO rw_graph VALUES (-1, rw_wide(2));
ROLLBACK;
INSERT INTO rw_graph VALUES (-2, rw_wide(2));
SELECT * FROM pg_temp.found('rw_list');
SELECT * FROM pg_temp.found('rw_graph');

-- clustered on another index, which moves every row; on ours it cannot be
DELETE FROM rw_graph WHERE id % 3 = 0;
CLUSTER rw_graph USING rw_graph_pkey;
SELECT * FROM pg_temp.found('rw_graph');
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(4001, 4300) i;
DELETE FROM rw_graph WHERE id % 3 = 1;
VACUUM rw_graph;
CLUSTER rw_graph;
SELECT * FROM pg_temp.found('rw_graph');
ALTER TABLE rw_graph CLUSTER ON rw_graph_v;
VACUUM FULL rw_graph, rw_list;
SELECT * FROM pg_temp.found('rw_graph');
SELECT * FROM pg_temp.found('rw_list');

-- unlogged and back; the index has an init fork while it is unlogged, and none after
CREATE FUNCTION pg_temp.init_fork(rel regclass) RETURNS bool LANGUAGE sql AS $$
    SELECT pg_relation_size(rel, 'init') > 0
$$;
ALTER TABLE rw_graph SET UNLOGGED;
ALTER TABLE rw_list SET UNLOGGED;
SELECT relname, relpersistence, pg_temp.init_fork(oid) FROM pg_class WHERE relname LIKE 'rw\_%\_v' ORDER BY 1;
SELECT * FROM pg_temp.found('rw_graph');
INSERT INTO rw_graph SELECT i, rw_wide(i) FROM generate_series(5001, 5100) i;
INSERT INTO rw_list SELECT i, rw_vec(i) FROM generate_series(5001, 5100) i;
BEGIN;
ALTER TABLE rw_list SET LOGGED;
INSERT INTO rw_list SELECT i, rw_vec(i) FROM generate_series(5101, 5200) i;
ROLLBACK;
SELECT * FROM pg_temp.found('rw_list');
ALTER TABLE rw_list SET LOGGED;
ALTER TABLE rw_graph SET LOGGED;
SELECT relname, relpersistence, pg_temp.init_fork(oid) FROM pg_class WHERE relname LIKE 'rw\_%\_v' ORDER BY 1;
SELECT * FROM pg_temp.found('rw_graph');
SELECT * FROM pg_temp.found('rw_list');

-- columns dropped, before the vector and after it, with and without a rewrite
ALTER TABLE rw_list ADD a int DEFAULT 1, ADD w vector(4), ADD b text DEFAULT 'b';
UPDATE rw_list SET w = v;
CREATE INDEX rw_list_w ON rw_list USING quiver (w) WHERE a = 1;
ALTER TABLE rw_list DROP b, DROP v;
INSERT INTO rw_list (id, w) SELECT i, rw_vec(i) FROM generate_series(6001, 6100) i;
ALTER TABLE rw_list RENAME w TO v;
SELECT indexdef FROM pg_indexes WHERE tablename = 'rw_list' ORDER BY 1;
SELECT * FROM pg_temp.found('(SELECT id, v FROM rw_list WHERE a = 1) AS part');
VACUUM FULL rw_list;
SELECT * FROM pg_temp.found('(SELECT id, v FROM rw_list WHERE a = 1) AS part');
ALTER TABLE rw_list DROP a;
SELECT indexdef FROM pg_indexes WHERE tablename = 'rw_list' ORDER BY 1;
CREATE INDEX rw_list_v ON rw_list USING quiver (v);
SELECT * FROM pg_temp.found('rw_list');

-- another dimension, another type: built anew; rows that do not fit stop it and nothing has changed
ALTER TABLE rw_list ALTER v TYPE vector(3);
SELECT * FROM pg_temp.found('rw_list');
ALTER TABLE rw_list ALTER v TYPE vector(3) USING subvector(v, 1, 3);
SELECT * FROM pg_temp.found('rw_list');
INSERT INTO rw_list VALUES (7001, '[1,2,3,4]');
INSERT INTO rw_list VALUES (7001, '[1,2,3]');
ALTER TABLE rw_list ALTER v TYPE halfvec(3);
SELECT * FROM pg_temp.found('rw_list');
SELECT pg_get_indexdef('rw_list_v'::regclass);
ALTER INDEX rw_list_v RENAME TO rw_list_renamed;
SELECT * FROM pg_temp.found('rw_list');
CREATE INDEX rw_list_cosine ON rw_list USING quiver (v halfvec_cosine_ops);
-- a class that the new type lacks
ALTER TABLE rw_list ALTER v TYPE vector(3);
DROP INDEX rw_list_cosine;
ALTER TABLE rw_list ALTER v TYPE vector(3);
SELECT * FROM pg_temp.found('rw_list');

-- a domain, which has the dimension; its constraint is the table's business
CREATE DOMAIN rw_unit AS vector(4) CHECK (vector_norm(VALUE) < 100);
CREATE TABLE rw_domain (id int, v rw_unit);
INSERT INTO rw_domain SELECT i, rw_vec(i) FROM generate_series(1, 1500) i;
CREATE INDEX rw_domain_v ON rw_domain USING quiver (v);
INSERT INTO rw_domain VALUES (0, '[100,0,0,0]');
INSERT INTO rw_domain VALUES (0, '[1,0,0,0]');
SELECT * FROM pg_temp.found('rw_domain');
ALTER TABLE rw_domain ALTER v TYPE vector(4);
SELECT * FROM pg_temp.found('rw_domain');

-- rows frozen as they are copied in
BEGIN;
TRUNCATE rw_domain;
COPY rw_domain FROM STDIN (FREEZE);
1	[1,2,3,4]
2	[2,3,4,5]
3	\N
\.
COMMIT;
SELECT * FROM pg_temp.found('rw_domain');
BEGIN;
TRUNCATE rw_domain;
COPY rw_domain FROM STDIN (FREEZE);
1	[1,2,3,4]
\.
ROLLBACK;
VACUUM (FREEZE) rw_domain;
SELECT * FROM pg_temp.found('rw_domain');

DROP TABLE rw_list, rw_graph, rw_domain;
DROP DOMAIN rw_unit;
DROP FUNCTION rw_vec, rw_wide;
