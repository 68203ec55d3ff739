--
-- Creating indexes: operator classes, options, and what is refused.
--
CREATE TABLE ic (id int, v vector(3), h halfvec(3), u vector, w int);
INSERT INTO ic SELECT i, ARRAY[i, i % 7, 1]::vector, ARRAY[i, i % 7, 1]::halfvec, ARRAY[i, 2]::vector, i
    FROM generate_series(1, 100) i;

-- every operator class is valid, and one of each type is the default
SELECT opcname, opcintype::regtype, opcdefault, amvalidate(oid)
    FROM pg_opclass WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'quiver')
    ORDER BY 1;

-- what amvalidate finds in classes that are not
CREATE OPERATOR CLASS ic_no_function FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops;
CREATE OPERATOR CLASS ic_search FOR TYPE vector USING quiver AS
    OPERATOR 1 = (vector, vector), OPERATOR 2 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_l2_class(internal);
CREATE OPERATOR CLASS ic_functions FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 vector_dims(vector), FUNCTION 2 quiver_vector_l2_class(internal), STORAGE halfvec;
CREATE OPERATOR CLASS ic_functions FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 vector_dims(vector), FUNCTION 2 quiver_vector_l2_class(internal);
CREATE OPERATOR CLASS ic_numbers FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 3 = (vector, vector),
    FUNCTION 1 quiver_vector_l2_class(internal), FUNCTION 3 vector_dims(vector);
SELECT opcname, amvalidate(oid) FROM (SELECT * FROM pg_opclass WHERE opcname LIKE 'ic\_%' ORDER BY opcname OFFSET 0) s;
CREATE INDEX ON ic USING quiver (v ic_no_function);
DROP OPERATOR FAMILY ic_no_function USING quiver;
DROP OPERATOR FAMILY ic_search USING quiver;
DROP OPERATOR FAMILY ic_functions USING quiver;
DROP OPERATOR FAMILY ic_numbers USING quiver;

-- a class may search within bounds of another type, and have a function that makes them
CREATE FUNCTION ic_bound(vector, float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION ic_inside(vector, float8) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT vector_norm($1) < $2';
CREATE FUNCTION ic_inside_int(vector, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $2';
CREATE OPERATOR <<~ (LEFTARG = vector, RIGHTARG = float8, FUNCTION = ic_inside);
CREATE OPERATOR <<~ (LEFTARG = vector, RIGHTARG = int, FUNCTION = ic_inside_int);
CREATE OPERATOR CLASS ic_bounded FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <<~ (vector, float8),
    FUNCTION 1 quiver_vector_l2_class(internal), FUNCTION 2 ic_bound(vector, float8);
CREATE OPERATOR CLASS ic_bounded_pair FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <<~ (vector, float8),
    FUNCTION 1 quiver_vector_l2_class(internal), FUNCTION 2 (vector, float8) ic_bound(vector, float8);
CREATE OPERATOR CLASS ic_bounded_search FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <<~ (vector, float8),
    FUNCTION 1 quiver_vector_l2_class(internal);
CREATE OPERATOR CLASS ic_unbounded FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_l2_class(internal), FUNCTION 2 ic_bound(vector, float8);
CREATE OPERATOR CLASS ic_unbounded_pair FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_l2_class(internal), FUNCTION 1 (vector, halfvec) quiver_vector_l2_class(internal);
CREATE OPERATOR CLASS ic_unbounded_search FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    OPERATOR 1 <<~ (vector, float8),
    FUNCTION 1 quiver_vector_l2_class(internal);
CREATE OPERATOR CLASS ic_unbounded_result FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <<~ (vector, int) FOR ORDER BY integer_ops,
    FUNCTION 1 quiver_vector_l2_class(internal);
SELECT opcname, amvalidate(oid) FROM (SELECT * FROM pg_opclass WHERE opcname LIKE 'ic\_%' ORDER BY opcname OFFSET 0) s;
DO $$
DECLARE
    family name;
BEGIN
    FOR family IN SELECT opfname FROM pg_opfamily WHERE opfname LIKE 'ic\_%' LOOP
        EXECUTE format('DROP OPERATOR FAMILY %I USING quiver', family);
    END LOOP;
END
$$;
DROP OPERATOR <<~ (vector, float8);
DROP OPERATOR <<~ (vector, int);
DROP FUNCTION ic_bound, ic_inside, ic_inside_int;

CREATE INDEX ic_default ON ic USING quiver (v);
CREATE INDEX ic_default_half ON ic USING quiver (h);
CREATE INDEX ic_ip ON ic USING quiver (v vector_ip_ops) WITH (m = 8, ef_construction = 32, ef_search = 100, storage = float32);
SELECT indexdef FROM pg_indexes WHERE tablename = 'ic' ORDER BY indexname COLLATE "C";
SELECT reloptions FROM pg_class WHERE relname = 'ic_ip';

-- amproperty and friends: what the access method says of itself
SELECT p, pg_indexam_has_property(a.oid, p)
    FROM pg_am a, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) p
    WHERE amname = 'quiver' ORDER BY p;
SELECT p, pg_index_column_has_property('ic_default', 1, p)
    FROM unnest(ARRAY['orderable', 'returnable', 'search_array', 'search_nulls']) p ORDER BY p;
SELECT p, pg_index_has_property('ic_default', p)
    FROM unnest(ARRAY['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan']) p ORDER BY p;

-- options: bounds, and the relation between two of them
CREATE INDEX ON ic USING quiver (v) WITH (m = 1);
CREATE INDEX ON ic USING quiver (v) WITH (m = 101);
CREATE INDEX ON ic USING quiver (v) WITH (ef_construction = 3);
CREATE INDEX ON ic USING quiver (v) WITH (ef_construction = 1001);
CREATE INDEX ON ic USING quiver (v) WITH (ef_search = 0);
CREATE INDEX ON ic USING quiver (v) WITH (ef_search = 1001);
CREATE INDEX ON ic USING quiver (v) WITH (storage = int8);
CREATE INDEX ON ic USING quiver (v) WITH (exact_order = maybe);
CREATE INDEX ON ic USING quiver (v) WITH (lists = 100);
CREATE INDEX ON ic USING quiver (v) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON ic USING quiver (v) WITH (m = 100);
CREATE INDEX ic_bounds ON ic USING quiver (v) WITH (m = 100, ef_construction = 1000, ef_search = 1000);
DROP INDEX ic_bounds;
CREATE INDEX ic_bounds ON ic USING quiver (v) WITH (m = 2, ef_construction = 4, ef_search = 1, storage = float16);
ALTER INDEX ic_bounds SET (ef_search = 200);
ALTER INDEX ic_bounds SET (m = 20);
ALTER INDEX ic_bounds RESET (ef_search);
ALTER INDEX ic_bounds SET (exact_order);
SELECT reloptions FROM pg_class WHERE relname = 'ic_bounds';
DROP INDEX ic_bounds;

-- wrong uses, each with its reason
CREATE INDEX ON ic USING quiver (u);
CREATE TABLE ic_unknown (h halfvec, s sparsevec, b bit, c varbit(8), l bit(64001), g bit(64000));
INSERT INTO ic_unknown VALUES ('[1,2,3]', '{1:1,3:2}/3', '1', '10101010', '1'::bit(64001), '1'::bit(64000));
CREATE TABLE ic_literal AS SELECT B'10101010' AS b;
CREATE INDEX ON ic_unknown USING quiver (h);
CREATE INDEX ON ic_unknown USING quiver (s);
CREATE INDEX ON ic_unknown USING quiver (c);
CREATE INDEX ON ic_unknown USING quiver (l);
CREATE INDEX ON ic_literal USING quiver (b);
CREATE INDEX ON ic_unknown USING quiver ((h::halfvec(3)));
CREATE INDEX ON ic_unknown USING quiver ((s::sparsevec(3)));
CREATE INDEX ON ic_unknown USING quiver ((c::bit(8)));
CREATE INDEX ON ic_unknown USING quiver ((l::bit(64000)));
CREATE INDEX ON ic_unknown USING quiver (g);
CREATE INDEX ON ic_unknown USING quiver (b);
CREATE INDEX ON ic_literal USING quiver ((b::bit(8)));
DROP TABLE ic_unknown, ic_literal;
CREATE INDEX ON ic USING quiver (v, h);
CREATE INDEX ON ic USING quiver (v) INCLUDE (id);
CREATE UNIQUE INDEX ON ic USING quiver (v);
CREATE INDEX ON ic USING quiver (v DESC);
CREATE INDEX ON ic USING quiver (w);
CREATE INDEX ON ic USING quiver (v halfvec_l2_ops);
ALTER TABLE ic ADD EXCLUDE USING quiver (v WITH <->);
ALTER TABLE ic ADD EXCLUDE USING quiver (v WITH =);
CLUSTER ic USING ic_default;

-- a column of unknown dimension, by a cast; rows that do not fit are refused
CREATE INDEX ic_cast ON ic USING quiver ((u::vector(2)));
INSERT INTO ic (id, u) VALUES (101, '[1,2,3]');
DROP INDEX ic_cast;
INSERT INTO ic (id, u) VALUES (101, '[1,2,3]');
CREATE INDEX ic_cast ON ic USING quiver ((u::vector(2)));
CREATE INDEX ic_cast ON ic USING quiver ((u::vector(2))) WHERE vector_dims(u) = 2;
EXPLAIN (COSTS OFF) SELECT id FROM ic WHERE vector_dims(u) = 2 ORDER BY u::vector(2) <-> '[50,2]' LIMIT 3;

-- a domain brings its own dimension
CREATE DOMAIN ic_domain AS vector(2);
CREATE TABLE ic_dom (id int, d ic_domain);
CREATE INDEX ON ic_dom USING quiver (d);
INSERT INTO ic_dom VALUES (1, '[1,2]'), (2, '[3,4]');
INSERT INTO ic_dom VALUES (3, '[1,2,3]');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM ic_dom ORDER BY d <-> '[3,3]';
SELECT id FROM ic_dom ORDER BY d <-> '[3,3]';
RESET enable_seqscan;

-- a column that loses its dimension keeps its index, which then refuses what does not fit
CREATE TABLE ic_alter (id int, v vector(3), b bit(8), s sparsevec(5));
INSERT INTO ic_alter SELECT i, ARRAY[i, 1, 2]::vector, i::bit(8), format('{1:%s}/5', i)::sparsevec FROM generate_series(1, 20) i;
CREATE INDEX ic_alter_v ON ic_alter USING quiver (v);
CREATE INDEX ic_alter_b ON ic_alter USING quiver (b);
CREATE INDEX ic_alter_s ON ic_alter USING quiver (s);
ALTER TABLE ic_alter ALTER v TYPE vector, ALTER b TYPE varbit, ALTER s TYPE sparsevec;
INSERT INTO ic_alter (v) VALUES ('[1,2,3,4]');
INSERT INTO ic_alter (b) VALUES (B'101');
INSERT INTO ic_alter (s) VALUES ('{1:1}/6');
INSERT INTO ic_alter VALUES (21, '[21,1,2]', B'11111111', '{1:21}/5');
SET enable_seqscan = off;
SELECT id FROM ic_alter ORDER BY v <-> '[22,1,2]' LIMIT 1;
SELECT id FROM ic_alter ORDER BY b <~> B'11111110' LIMIT 1;
SELECT id FROM ic_alter ORDER BY s <-> '{1:22}/5' LIMIT 1;
SELECT id FROM ic_alter ORDER BY v <-> '[22,1]' LIMIT 1;
SELECT id FROM ic_alter ORDER BY b <~> B'111' LIMIT 1;
RESET enable_seqscan;
REINDEX INDEX ic_alter_v;
REINDEX INDEX ic_alter_b;
-- another type, or another dimension, makes the index anew
ALTER TABLE ic_alter ALTER v TYPE halfvec(3), ALTER b TYPE bit(4) USING b::bit(4), ALTER s TYPE sparsevec(6) USING (s::vector || '[0]')::sparsevec(6);
SELECT indexdef FROM pg_indexes WHERE tablename = 'ic_alter' ORDER BY indexname;
SET enable_seqscan = off;
SELECT id FROM ic_alter ORDER BY v <-> '[22,1,2]' LIMIT 1;
SELECT b FROM ic_alter ORDER BY b <~> B'1111' LIMIT 1;
SELECT id FROM ic_alter ORDER BY s <-> '{1:22}/6' LIMIT 1;
RESET enable_seqscan;
DROP TABLE ic_alter;

-- too little memory: in temporary files; what it would take depends on nothing here
SET maintenance_work_mem = '1MB';
CREATE TABLE ic_mem AS SELECT i AS id, array_fill(i::real, ARRAY[200])::vector(200) AS v FROM generate_series(1, 2000) i;
\set VERBOSITY terse
CREATE INDEX ON ic_mem USING quiver (v);
\set VERBOSITY default
RESET maintenance_work_mem;
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM ic_mem ORDER BY v <-> (SELECT v FROM ic_mem WHERE id = 7) LIMIT 3000) s;
RESET enable_seqscan;

-- without a transaction block, and while others write
CREATE INDEX CONCURRENTLY ic_conc ON ic USING quiver (v vector_cosine_ops);
REINDEX INDEX CONCURRENTLY ic_conc;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'ic_conc'::regclass;
REINDEX TABLE ic;

DROP TABLE ic, ic_dom, ic_mem;
DROP DOMAIN ic_domain;
