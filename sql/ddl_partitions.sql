--
-- Partitions attached and detached, and inheritance children, each with an index of its own.
--
SET jit = off;
-- 800 rows are a list, more are a graph
CREATE FUNCTION pa_vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY[i % 41, i % 37, i % 31, i % 29] || array_fill((i % 13)::real, ARRAY[296]))::vector
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

CREATE TABLE pa (id int, k int, v vector(300)) PARTITION BY LIST (k);
CREATE TABLE pa_1 PARTITION OF pa FOR VALUES IN (1);
INSERT INTO pa SELECT i, 1, pa_vec(i) FROM generate_series(1, 100) i;
CREATE INDEX pa_v ON pa USING quiver (v) WITH (m = 8, ef_construction = 16);
SELECT * FROM pg_temp.found('pa');

-- attached: with an index that fits, which is taken over as it is; without one, which makes one; with one that does not fit
CREATE TABLE pa_2 (v vector(300), gone text, k int, id int);
ALTER TABLE pa_2 DROP gone;
INSERT INTO pa_2 (id, k, v) SELECT i, 2, pa_vec(i) FROM generate_series(101, 1600) i;
CREATE INDEX pa_2_mine ON pa_2 USING quiver (v) WITH (m = 12, ef_construction = 24);
SELECT pg_relation_filenode('pa_2_mine') AS file \gset
ALTER TABLE pa ATTACH PARTITION pa_2 FOR VALUES IN (2);
SELECT pg_relation_filenode('pa_2_mine') = :file AS same_file;
CREATE TABLE pa_3 (id int, k int, v vector(300));
INSERT INTO pa_3 SELECT i, 3, pa_vec(i) FROM generate_series(1601, 1700) i;
CREATE INDEX pa_3_cosine ON pa_3 USING quiver (v vector_cosine_ops);
ALTER TABLE pa ATTACH PARTITION pa_3 FOR VALUES IN (3);
SELECT inhrelid::regclass AS child, inhparent::regclass AS parent FROM pg_inherits WHERE inhparent = 'pa_v'::regclass ORDER BY 1;
SELECT * FROM pg_temp.found('pa');
INSERT INTO pa SELECT i, i % 3 + 1, pa_vec(i) FROM generate_series(1701, 1800) i;
UPDATE pa SET k = 1 WHERE id % 10 = 0;
DELETE FROM pa WHERE id % 7 = 0;
VACUUM pa;
SELECT * FROM pg_temp.found('pa');
-- an index of the parent alone, which becomes valid with its last child
CREATE INDEX pa_late ON ONLY pa USING quiver (v vector_l1_ops) WITH (m = 4, ef_construction = 8);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'pa_late'::regclass;
CREATE INDEX pa_late_1 ON pa_1 USING quiver (v vector_l1_ops) WITH (m = 4, ef_construction = 8);
CREATE INDEX pa_late_2 ON pa_2 USING quiver (v vector_l1_ops) WITH (m = 4, ef_construction = 8);
CREATE INDEX pa_late_3 ON pa_3 USING quiver (v vector_l1_ops) WITH (m = 4, ef_construction = 8);
ALTER INDEX pa_late ATTACH PARTITION pa_2_mine;
ALTER INDEX pa_late ATTACH PARTITION pa_late_1;
ALTER INDEX pa_late ATTACH PARTITION pa_late_2;
ALTER INDEX pa_late ATTACH PARTITION pa_late_3;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'pa_late'::regclass;
DROP INDEX pa_late;

-- detached: the index goes on as the table's own
ALTER TABLE pa DETACH PARTITION pa_2;
SELECT * FROM pg_temp.found('pa');
SELECT * FROM pg_temp.found('pa_2');
INSERT INTO pa_2 (id, k, v) SELECT i, 9, pa_vec(i) FROM generate_series(2001, 2100) i;
SELECT * FROM pg_temp.found('pa_2');
ALTER TABLE pa DETACH PARTITION pa_3 CONCURRENTLY;
SELECT * FROM pg_temp.found('pa_3');
-- attached anew, in a transaction that is rolled back
BEGIN;
DELETE FROM pa_2 WHERE k <> 2;
ALTER TABLE pa ATTACH PARTITION pa_2 FOR VALUES IN (2);
SELECT * FROM pg_temp.found('pa');
ROLLBACK;
SELECT * FROM pg_temp.found('pa_2');
-- the parent's index is built anew for all
REINDEX INDEX pa_v;
SELECT * FROM pg_temp.found('pa');
TRUNCATE pa;
SELECT * FROM pg_temp.found('pa');
DROP TABLE pa, pa_2, pa_3;

-- inheritance: an index covers its own table only; a merge of several orders them all
CREATE TABLE pi (id int, v vector(300));
CREATE TABLE pi_child (extra text) INHERITS (pi);
CREATE TABLE pi_grandchild () INHERITS (pi_child);
INSERT INTO pi SELECT i, pa_vec(i) FROM generate_series(1, 100) i;
INSERT INTO pi_child SELECT i, pa_vec(i), 'x' FROM generate_series(101, 1200) i;
INSERT INTO pi_grandchild SELECT i, pa_vec(i), 'y' FROM generate_series(1201, 1300) i;
CREATE INDEX pi_v ON pi USING quiver (v) WITH (ef_construction = 32);
CREATE INDEX pi_child_v ON pi_child USING quiver (v) WITH (ef_construction = 32);
CREATE INDEX pi_grandchild_v ON pi_grandchild USING quiver (v) WITH (ef_construction = 32);
SELECT * FROM pg_temp.found('pi');
SELECT * FROM pg_temp.found('ONLY pi');
SELECT * FROM pg_temp.found('pi_child');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM pi ORDER BY v <-> (SELECT v FROM pi_child LIMIT 1) LIMIT 3;
SELECT id, tableoid::regclass FROM pi ORDER BY v <-> pa_vec(1203), id LIMIT 2;
RESET enable_seqscan;
UPDATE pi SET v = v + pa_vec(1) WHERE id % 5 = 0;
DELETE FROM pi WHERE id % 3 = 0;
VACUUM pi, pi_child, pi_grandchild;
ALTER TABLE pi_grandchild NO INHERIT pi_child;
SELECT * FROM pg_temp.found('pi');
SELECT * FROM pg_temp.found('pi_grandchild');
-- the column's type changes in all
ALTER TABLE pi ALTER v TYPE halfvec(300);
SELECT * FROM pg_temp.found('pi');
DROP TABLE pi, pi_child, pi_grandchild;
DROP FUNCTION pa_vec;
