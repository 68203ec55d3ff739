--
-- Every type with every metric: built, filled row by row, changed and vacuumed,
-- the index gives the rows of the exact scan.
--
-- Values come from PostgreSQL's hash functions, so that they are the same on every version.
CREATE FUNCTION pg_temp.components(seed text, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg((hashint4extended(i, hashtextextended(seed, 0)) % 1000) / 1000.0::real ORDER BY i) FROM generate_series(1, dim) i
$$;

-- a value of type as text; of a sparsevec's components one in five is there
CREATE FUNCTION pg_temp.literal(type text, dim int, seed text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type
        WHEN 'bit' THEN (SELECT left(string_agg(hashint4extended(i, hashtextextended(seed, 0))::bit(64)::text, ''), dim) FROM generate_series(0, dim / 64) i)
        WHEN 'sparsevec' THEN (SELECT format('{%s}/%s', string_agg(format('%s:%s', 5 * i + 1 + h % 5, 1 + h % 997), ','), dim)
            FROM generate_series(0, dim / 5 - 1) i, LATERAL (SELECT abs(hashint4extended(i, hashtextextended(seed, 0)) % 1000000) AS h) s)
        ELSE pg_temp.components(seed, dim)::vector::text END
$$;
CREATE FUNCTION pg_temp.zero(type text, dim int) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type WHEN 'bit' THEN repeat('0', dim) WHEN 'sparsevec' THEN '{}/' || dim
        ELSE array_fill(0, ARRAY[dim])::vector::text END
$$;

-- The rows of query by the index or without: ids, distances, and what EXPLAIN says.
CREATE FUNCTION pg_temp.answer(query text, by_index bool, OUT ids int[], OUT distances float8[], OUT plan text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_sort', (NOT by_index)::text, true),
        set_config('enable_indexscan', by_index::text, true);
    EXECUTE format('SELECT array_agg(id), array_agg(d) FROM (%s) s', query) INTO ids, distances;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        plan := concat(plan, line);
    END LOOP;
END
$$;

-- How many of two lists of distances differ by more than rounding a stored copy may change.
CREATE FUNCTION pg_temp.different(a float8[], b float8[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM unnest(a, b) t(x, y)
        WHERE NOT (x IS NOT DISTINCT FROM y OR coalesce(abs(x - y) <= 0.002 * (1 + abs(y)), false))
$$;

-- What is wrong with the answers of the index on col for op, nothing where all is right.
CREATE FUNCTION pg_temp.faults(tab text, col text, type text, dim int, op text, index text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stmt text := format('SELECT id, %2$I %3$s (SELECT %%1$L::%4$s(%5$s)) AS d FROM %1$I ORDER BY %2$I %3$s (SELECT %%1$L::%4$s(%5$s)) LIMIT %%2$s', tab, col, replace(op, '%', '%%'), type, dim);
    queries text[] := ARRAY[NULL, pg_temp.zero(type, dim)] || ARRAY(SELECT pg_temp.literal(type, dim, 'q' || i) FROM generate_series(1, 4) i);
    query text;
    exact record;
    found record;
    tail text;
    faults text := '';
BEGIN
    FOREACH query IN ARRAY queries LOOP
        -- the nearest ten
        exact := pg_temp.answer(format(stmt, query, 10), false);
        found := pg_temp.answer(format(stmt, query, 10), true);
        IF found.plan NOT LIKE '%Index Scan using ' || index || ' %' THEN
            faults := faults || ' [' || found.plan || ']';
        END IF;
        IF pg_temp.different(exact.distances, found.distances) > 0 THEN
            faults := faults || format(' [nearest to %s: %s, not %s]', left(query, 30), left(found.distances::text, 300), left(exact.distances::text, 300));
        END IF;
        -- all rows, those without a distance last
        exact := pg_temp.answer(format(stmt, query, 100000), false);
        found := pg_temp.answer(format(stmt, query, 100000), true);
        IF ARRAY(SELECT unnest(exact.ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(found.ids) ORDER BY 1) THEN
            faults := faults || format(' [%s rows, not %s]', cardinality(found.ids), cardinality(exact.ids));
        END IF;
        tail := (SELECT string_agg(CASE WHEN d IS NULL THEN '3' WHEN d = 'NaN' THEN '2' ELSE '1' END, '' ORDER BY n) FROM unnest(found.distances) WITH ORDINALITY u(d, n));
        IF tail !~ '^1*2*3*$' THEN
            faults := faults || ' [rows without distance not last]';
        END IF;
    END LOOP;
    RETURN faults;
END
$$;

CREATE TABLE itclasses (col text, type text, op text, class text);
INSERT INTO itclasses VALUES
    ('v', 'vector', '<->', 'vector_l2_ops'), ('v', 'vector', '<#>', 'vector_ip_ops'), ('v', 'vector', '<=>', 'vector_cosine_ops'), ('v', 'vector', '<+>', 'vector_l1_ops'),
    ('h', 'halfvec', '<->', 'halfvec_l2_ops'), ('h', 'halfvec', '<#>', 'halfvec_ip_ops'), ('h', 'halfvec', '<=>', 'halfvec_cosine_ops'), ('h', 'halfvec', '<+>', 'halfvec_l1_ops'),
    ('b', 'bit', '<~>', 'bit_hamming_ops'), ('b', 'bit', '<%>', 'bit_jaccard_ops'),
    ('s', 'sparsevec', '<->', 'sparsevec_l2_ops'), ('s', 'sparsevec', '<#>', 'sparsevec_ip_ops'), ('s', 'sparsevec', '<=>', 'sparsevec_cosine_ops'), ('s', 'sparsevec', '<+>', 'sparsevec_l1_ops');

-- each class has its index on tab, named tab_class
CREATE FUNCTION pg_temp.create_indexes(tab text, options text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c itclasses;
BEGIN
    FOR c IN SELECT * FROM itclasses LOOP
        EXECUTE format('CREATE INDEX %I ON %I USING quiver (%I %I) %s', tab || '_' || c.class, tab, c.col, c.class, options);
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.check_all(tab text, dims json) RETURNS TABLE (class text, faults text) LANGUAGE sql AS $$
    SELECT class, pg_temp.faults(tab, col, type, (dims ->> col)::int, op, tab || '_' || class) FROM itclasses ORDER BY class
$$;

-- so wide that answers do not depend on luck; recall is for test/t
SET quiver.ef_search = 1000;
SET jit = off;

-- one row in 50 has no value, one in 50 a value of zeros, some values have several rows
CREATE TABLE it (id int, v vector(12), h halfvec(12), b bit(40), s sparsevec(50));
CREATE FUNCTION pg_temp.fill(tab text, first int, last int, dims json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I SELECT i, %s FROM generate_series($1, $2) i', tab,
        (SELECT string_agg(format('CASE i %% 50 WHEN 7 THEN NULL WHEN 8 THEN pg_temp.zero(%1$L, %2$s) ELSE pg_temp.literal(%1$L, %2$s, (i - i %% 40 / 38)::text) END::%1$s(%2$s)', type, dims ->> col), ', ')
         FROM (VALUES ('v', 'vector'), ('h', 'halfvec'), ('b', 'bit'), ('s', 'sparsevec')) c(col, type))) USING first, last;
END
$$;
\set dims '{"v": 12, "h": 12, "b": 40, "s": 50}'
SELECT pg_temp.fill('it', 1, 500, :'dims');
SELECT pg_temp.create_indexes('it', 'WITH (m = 8, ef_construction = 32)');
SELECT * FROM pg_temp.check_all('it', :'dims');

-- the index of a metric serves no other
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM it ORDER BY b <%> repeat('10', 20)::bit(40) LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM it ORDER BY s <+> '{1:1,2:2}/50' LIMIT 3;
DROP INDEX it_bit_jaccard_ops, it_sparsevec_l1_ops;
EXPLAIN (COSTS OFF) SELECT id FROM it ORDER BY b <%> repeat('10', 20)::bit(40) LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM it ORDER BY s <+> '{1:1,2:2}/50' LIMIT 3;
RESET enable_seqscan;
CREATE INDEX it_bit_jaccard_ops ON it USING quiver (b bit_jaccard_ops);
CREATE INDEX it_sparsevec_l1_ops ON it USING quiver (s sparsevec_l1_ops);

-- rows inserted, updated and deleted after the build
SELECT pg_temp.fill('it', 501, 700, :'dims');
UPDATE it SET (v, h, b, s) = (SELECT v, h, b, s FROM it o WHERE o.id = it.id + 1) WHERE id % 7 = 3;
DELETE FROM it WHERE id % 5 = 1;
SELECT * FROM pg_temp.check_all('it', :'dims');
VACUUM it;
SELECT * FROM pg_temp.check_all('it', :'dims');
SELECT pg_temp.fill('it', 1001, 1200, :'dims');
SELECT * FROM pg_temp.check_all('it', :'dims');
DELETE FROM it;
VACUUM it;
SELECT pg_temp.fill('it', 1, 30, :'dims');
SELECT * FROM pg_temp.check_all('it', :'dims');

-- values of other dimensions: an error that says which, of the query by index and without
SET enable_seqscan = off;
SELECT id FROM it ORDER BY v <+> '[1,2]' LIMIT 1;
SELECT id FROM it ORDER BY h <+> '[1,2]' LIMIT 1;
SELECT id FROM it ORDER BY b <~> '10' LIMIT 1;
SELECT id FROM it ORDER BY b <%> '' LIMIT 1;
SELECT id FROM it ORDER BY s <=> '{1:1}/51' LIMIT 1;
INSERT INTO it (id, v) VALUES (0, '[1]');
INSERT INTO it (id, h) VALUES (0, '[1]');
INSERT INTO it (id, b) VALUES (0, '101');
INSERT INTO it (id, s) VALUES (0, '{1:1}/49');
-- a bit varying query is one of its length
EXPLAIN (COSTS OFF) SELECT id FROM it ORDER BY b <~> repeat('10', 20)::varbit LIMIT 3;
SELECT (SELECT array_agg(id) FROM (SELECT id FROM it ORDER BY b <~> repeat('10', 20)::varbit(99) LIMIT 1) s) = (SELECT array_agg(id) FROM (SELECT id FROM it ORDER BY b <~> repeat('10', 20)::bit(40) LIMIT 1) s) AS same;
SELECT id FROM it ORDER BY b <~> repeat('10', 21)::varbit LIMIT 1;
RESET enable_seqscan;

-- indexes made on an empty table, filled until the first rows leave the list for the graph
CREATE TABLE it_long (id int, v vector(1500), h halfvec(1500), b bit(20000), s sparsevec(1500));
SELECT pg_temp.create_indexes('it_long', '');
\set dims '{"v": 1500, "h": 1500, "b": 20000, "s": 1500}'
SELECT pg_temp.fill('it_long', 1, 1, :'dims');
SELECT * FROM pg_temp.check_all('it_long', :'dims');
SELECT pg_temp.fill('it_long', 2, 300, :'dims');
SELECT * FROM pg_temp.check_all('it_long', :'dims');
DELETE FROM it_long WHERE id % 3 > 0;
VACUUM it_long;
SELECT * FROM pg_temp.check_all('it_long', :'dims');
DROP TABLE it, it_long, itclasses;
