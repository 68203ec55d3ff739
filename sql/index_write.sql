--
-- Inserts, updates, deletes, vacuum; tables that are not logged.
--
SET enable_seqscan = off;
SET jit = off;
CREATE TABLE iw (id int, v vector(4));
CREATE INDEX iw_v ON iw USING quiver (v);
CREATE FUNCTION pg_temp.vec(i int) RETURNS vector LANGUAGE sql AS $$
    SELECT ARRAY[i % 41, i % 37, i % 31, i % 29]::vector
$$;
-- All rows that the index gives, and those it should.
CREATE FUNCTION pg_temp.rows_of(tab regclass, OUT through_index bigint, OUT all_distinct bigint, OUT in_table bigint) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on;
    EXECUTE format('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM %s ORDER BY v <-> ''[1,2,3,4]'' LIMIT 100000) s', tab)
        INTO through_index, all_distinct;
    SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
    EXECUTE format('SELECT count(*) FROM %s', tab) INTO in_table;
END
$$;

-- one row, then many, then in one statement
INSERT INTO iw VALUES (0, '[1,2,3,4]');
SELECT * FROM pg_temp.rows_of('iw');
INSERT INTO iw SELECT i, pg_temp.vec(i) FROM generate_series(1, 1500) i;
SELECT * FROM pg_temp.rows_of('iw');
COPY iw FROM stdin;
2001	[1,1,1,1]
2002	\N
2003	[0,0,0,0]
\.
SELECT * FROM pg_temp.rows_of('iw');
INSERT INTO iw VALUES (1, '[1,2,3]');

-- rolled back, whole and in part
BEGIN;
INSERT INTO iw SELECT i, pg_temp.vec(i) FROM generate_series(3001, 3100) i;
SAVEPOINT s;
INSERT INTO iw SELECT i, pg_temp.vec(i) FROM generate_series(3101, 3200) i;
ROLLBACK TO s;
COMMIT;
BEGIN;
INSERT INTO iw SELECT i, pg_temp.vec(i) FROM generate_series(3201, 3300) i;
ROLLBACK;
SELECT * FROM pg_temp.rows_of('iw');

-- updated: the vector, and another column alone
UPDATE iw SET v = '[100,100,100,100]' WHERE id % 100 = 5;
UPDATE iw SET id = id + 10000 WHERE id % 100 = 6;
SELECT * FROM pg_temp.rows_of('iw');
SELECT count(*) FROM (SELECT * FROM iw ORDER BY v <-> '[100,100,100,100]' LIMIT 10) s WHERE v = '[100,100,100,100]';

-- deleted and vacuumed
DELETE FROM iw WHERE id % 3 = 0;
SELECT * FROM pg_temp.rows_of('iw');
VACUUM iw;
SELECT * FROM pg_temp.rows_of('iw');
SELECT reltuples = (SELECT count(*) FROM iw) AS counted FROM pg_class WHERE relname = 'iw_v';
INSERT INTO iw SELECT i, pg_temp.vec(i) FROM generate_series(5001, 5500) i;
SELECT * FROM pg_temp.rows_of('iw');
VACUUM (INDEX_CLEANUP OFF) iw;
VACUUM (FULL) iw;
SELECT * FROM pg_temp.rows_of('iw');
-- everything, then one
DELETE FROM iw;
VACUUM iw;
SELECT * FROM pg_temp.rows_of('iw');
INSERT INTO iw VALUES (1, '[4,3,2,1]');
SELECT id, v FROM iw ORDER BY v <-> '[1,2,3,4]' LIMIT 5;
SELECT * FROM pg_temp.rows_of('iw');
-- duplicates over more than one page, deleted but for a few
INSERT INTO iw SELECT i, '[1,2,3,4]' FROM generate_series(1, 2000) i;
DELETE FROM iw WHERE id % 50 <> 0;
VACUUM iw;
SELECT * FROM pg_temp.rows_of('iw');
INSERT INTO iw SELECT i, '[1,2,3,4]' FROM generate_series(6001, 6100) i;
SELECT * FROM pg_temp.rows_of('iw');

-- truncated; in the transaction that made it too
TRUNCATE iw;
SELECT * FROM pg_temp.rows_of('iw');
INSERT INTO iw VALUES (1, '[4,3,2,1]');
SELECT * FROM pg_temp.rows_of('iw');
BEGIN;
CREATE TABLE iw_same (id int, v vector(4));
CREATE INDEX ON iw_same USING quiver (v);
INSERT INTO iw_same SELECT i, pg_temp.vec(i) FROM generate_series(1, 100) i;
TRUNCATE iw_same;
INSERT INTO iw_same SELECT i, pg_temp.vec(i) FROM generate_series(1, 50) i;
COMMIT;
SELECT * FROM pg_temp.rows_of('iw_same');
-- the dimension may change with the column's type
ALTER TABLE iw_same ALTER v TYPE vector(5) USING (v::real[] || 1::real)::vector;
SELECT id FROM iw_same ORDER BY v <-> '[1,1,1,1,1]' LIMIT 1;
INSERT INTO iw_same VALUES (99, '[1,2,3,4,5]');
SELECT id FROM iw_same ORDER BY v <-> '[1,2,3,4,5]' LIMIT 2;

-- temporary, with and without rows kept at commit
CREATE TEMP TABLE iw_temp (id int, v vector(4)) ON COMMIT DELETE ROWS;
CREATE INDEX ON iw_temp USING quiver (v);
BEGIN;
INSERT INTO iw_temp SELECT i, pg_temp.vec(i) FROM generate_series(1, 200) i;
SELECT * FROM pg_temp.rows_of('iw_temp');
COMMIT;
SELECT * FROM pg_temp.rows_of('iw_temp');
CREATE TEMP TABLE iw_temp2 AS SELECT * FROM iw_same;
CREATE INDEX ON iw_temp2 USING quiver ((subvector(v, 1, 4)::vector(4)));
DELETE FROM iw_temp2 WHERE id > 20;
VACUUM iw_temp2;
SELECT count(*) FROM (SELECT id FROM iw_temp2 ORDER BY subvector(v, 1, 4)::vector(4) <-> '[1,2,3,4]' LIMIT 100) s;

-- unlogged, built and filled, and turned into a logged one
CREATE UNLOGGED TABLE iw_unlogged (id int, v vector(4));
INSERT INTO iw_unlogged SELECT i, pg_temp.vec(i) FROM generate_series(1, 300) i;
CREATE INDEX ON iw_unlogged USING quiver (v);
INSERT INTO iw_unlogged SELECT i, pg_temp.vec(i) FROM generate_series(301, 600) i;
DELETE FROM iw_unlogged WHERE id % 2 = 0;
VACUUM iw_unlogged;
SELECT * FROM pg_temp.rows_of('iw_unlogged');
ALTER TABLE iw_unlogged SET LOGGED;
INSERT INTO iw_unlogged SELECT i, pg_temp.vec(i) FROM generate_series(601, 700) i;
SELECT * FROM pg_temp.rows_of('iw_unlogged');

DROP TABLE iw, iw_same, iw_temp, iw_temp2, iw_unlogged;
