--
-- Transactions: subtransactions that end either way and vacuum after them, cursors held over the end, temporary tables.
--
SET jit = off;
CREATE FUNCTION tx_vec(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[i % 41, i % 37, i % 31, i % 29]::vector
$$;
CREATE FUNCTION tx_wide(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
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

-- a list that becomes a graph while subtransactions bring rows
CREATE TABLE tx (id int, v vector(500));
CREATE INDEX tx_v ON tx USING quiver (v) WITH (m = 8, ef_construction = 16);
BEGIN;
INSERT INTO tx SELECT i, tx_wide(i) FROM generate_series(1, 50) i;
SAVEPOINT a;
INSERT INTO tx SELECT i, tx_wide(i) FROM generate_series(51, 100) i;
SAVEPOINT b;
DELETE FROM tx WHERE id <= 80;
UPDATE tx SET v = tx_wide(9) WHERE id > 80;
SELECT * FROM pg_temp.found('tx');
ROLLBACK TO b;
SELECT * FROM pg_temp.found('tx');
INSERT INTO tx VALUES (101, '[1,2,3,4,5]');
ROLLBACK TO a;
SELECT * FROM pg_temp.found('tx');
RELEASE a;
COMMIT;
VACUUM tx;
SELECT * FROM pg_temp.found('tx');
-- many: each row in a block of its own, every third raises an error after the insert
DO $$
BEGIN
    FOR i IN 1001 .. 2500 LOOP
        BEGIN
            INSERT INTO tx VALUES (i, tx_wide(i));
            IF i % 3 = 0 THEN
                RAISE EXCEPTION 'no';
            END IF;
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
END
$$;
SELECT * FROM pg_temp.found('tx');
VACUUM tx;
SELECT * FROM pg_temp.found('tx');
SELECT reltuples FROM pg_class WHERE relname = 'tx_v';
-- what was rolled back comes again, on the line pointers that vacuum freed
INSERT INTO tx SELECT i, tx_wide(i) FROM generate_series(1001, 2500) i WHERE i % 3 = 0;
SELECT * FROM pg_temp.found('tx');
-- commits inside a procedure
CREATE PROCEDURE pg_temp.batches() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. 9 LOOP
        INSERT INTO tx SELECT j, tx_wide(j) FROM generate_series(4000 + i * 20, 4019 + i * 20) j;
        IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
    END LOOP;
END
$$;
CALL pg_temp.batches();
SELECT * FROM pg_temp.found('tx');

-- a cursor sees its snapshot: rows inserted or deleted by its own transaction later are not its affair
SET enable_seqscan = off;
SET enable_sort = off;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM tx WHERE id <= 100 ORDER BY v <-> tx_wide(40);
FETCH 1 FROM c;
DELETE FROM tx WHERE id <= 40;
INSERT INTO tx VALUES (70, tx_wide(40));
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
MOVE FORWARD ALL IN c;
ROLLBACK;
-- held over the commit: materialized then, as its snapshot had it; over a rollback it is gone
BEGIN;
DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id FROM tx ORDER BY v <-> tx_wide(5), id;
FETCH 2 FROM held;
DELETE FROM tx WHERE id % 2 = 1;
COMMIT;
VACUUM tx;
FETCH 1 FROM held;
MOVE ABSOLUTE 0 IN held;
FETCH 3 FROM held;
MOVE FORWARD ALL IN held;
TRUNCATE tx;
FETCH BACKWARD 1 FROM held;
CLOSE held;
BEGIN;
DECLARE lost CURSOR WITH HOLD FOR SELECT id FROM tx ORDER BY v <-> tx_wide(5);
ROLLBACK;
FETCH lost;
RESET enable_seqscan;
RESET enable_sort;

-- temporary: emptied at each commit, a graph as well as a list, and rolled back
CREATE TEMP TABLE tx_temp (id int, v vector(500)) ON COMMIT DELETE ROWS;
CREATE INDEX tx_temp_v ON tx_temp USING quiver (v);
BEGIN;
INSERT INTO tx_temp SELECT i, tx_wide(i) FROM generate_series(1, 1000) i;
SELECT * FROM pg_temp.found('tx_temp');
SAVEPOINT s;
DELETE FROM tx_temp WHERE id > 10;
ROLLBACK TO s;
SELECT * FROM pg_temp.found('tx_temp');
COMMIT;
SELECT * FROM pg_temp.found('tx_temp');
SELECT pg_relation_size('tx_temp_v') <= 8192 AS small_again;
BEGIN;
INSERT INTO tx_temp SELECT i, tx_wide(i) FROM generate_series(1, 100) i;
SELECT * FROM pg_temp.found('tx_temp');
ROLLBACK;
INSERT INTO tx_temp VALUES (1, tx_wide(1));
SELECT * FROM pg_temp.found('tx_temp');
BEGIN;
CREATE TEMP TABLE tx_drop (id int, v vector(500)) ON COMMIT DROP;
CREATE INDEX tx_drop_v ON tx_drop USING quiver (v);
INSERT INTO tx_drop SELECT i, tx_wide(i) FROM generate_series(1, 700) i;
SELECT * FROM pg_temp.found('tx_drop');
COMMIT;
SELECT count(*) FROM pg_class WHERE relname LIKE 'tx\_drop%';
CREATE TEMP TABLE tx_keep (id int, v vector(500));
CREATE INDEX tx_keep_v ON tx_keep USING quiver (v);
INSERT INTO tx_keep SELECT i, tx_wide(i) FROM generate_series(1, 700) i;
DELETE FROM tx_keep WHERE id % 2 = 0;
VACUUM tx_keep;
INSERT INTO tx_keep SELECT i, tx_wide(i) FROM generate_series(2001, 2100) i;
REINDEX INDEX tx_keep_v;
CLUSTER tx_keep USING tx_keep_v;
SELECT * FROM pg_temp.found('tx_keep');

-- a concurrent build that fails half way leaves an invalid index, which is not used and not written, and can go
CREATE FUNCTION tx_fragile(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_setting('tx.fail', true) = 'yes' AND v = '[7,7,7,7]' THEN
        RAISE EXCEPTION 'fragile';
    END IF;
    RETURN v;
END
$$;
CREATE TABLE tx_conc (id int, v vector(4));
INSERT INTO tx_conc SELECT i, tx_vec(i) FROM generate_series(1, 1500) i;
INSERT INTO tx_conc VALUES (0, '[7,7,7,7]');
CREATE INDEX tx_conc_v ON tx_conc USING quiver (v);
CREATE INDEX tx_conc_e ON tx_conc USING quiver ((tx_fragile(v)::vector(4)));
SET tx.fail = 'yes';
\set VERBOSITY terse
REINDEX INDEX CONCURRENTLY tx_conc_e;
CREATE INDEX CONCURRENTLY tx_conc_new ON tx_conc USING quiver ((tx_fragile(v)::vector(4)) vector_ip_ops);
REINDEX TABLE CONCURRENTLY tx_conc;
\set VERBOSITY default
SELECT relname, indisvalid, indisready FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'tx_conc'::regclass ORDER BY 1;
RESET tx.fail;
INSERT INTO tx_conc SELECT i, tx_vec(i) FROM generate_series(2001, 2050) i;
SELECT * FROM pg_temp.found('tx_conc');
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM tx_conc ORDER BY tx_fragile(v)::vector(4) <-> '[1,2,3,4]' LIMIT 10000) s;
EXPLAIN (COSTS OFF) SELECT id FROM tx_conc ORDER BY tx_fragile(v)::vector(4) <#> '[1,2,3,4]' LIMIT 5;
RESET enable_seqscan;
DELETE FROM tx_conc WHERE id % 2 = 0;
VACUUM tx_conc;
DROP INDEX tx_conc_e_ccnew;
DROP INDEX IF EXISTS tx_conc_e_ccnew1, tx_conc_v_ccnew;
REINDEX INDEX CONCURRENTLY tx_conc_e;
REINDEX INDEX CONCURRENTLY tx_conc_new;
SELECT relname, indisvalid, indisready FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'tx_conc'::regclass ORDER BY 1;
SELECT * FROM pg_temp.found('tx_conc');
DROP TABLE tx_conc, tx;
DROP FUNCTION tx_fragile, tx_vec, tx_wide;
DISCARD TEMP;
SELECT count(*) FROM pg_class WHERE relname LIKE 'tx\_%';
