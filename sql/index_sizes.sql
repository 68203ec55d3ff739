--
-- Every size: from one dimension to the most there are, m from 2 to 100, and
-- nodes that exceed a page.
--
-- Values come from PostgreSQL's hash functions, so that they are the same on every version.
CREATE FUNCTION pg_temp.components(seed text, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg((hashint4extended(i, hashtextextended(seed, 0)) % 1000) / 1000.0::real ORDER BY i) FROM generate_series(1, dim) i
$$;

-- A value of type as text; a sparsevec has as many components as entries says, spread over its dimensions.
CREATE FUNCTION pg_temp.make(type text, dim int, entries int, seed text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type
        WHEN 'bit' THEN (SELECT left(string_agg(hashint4extended(i, hashtextextended(seed, 0))::bit(64)::text, ''), dim) FROM generate_series(0, dim / 64) i)
        WHEN 'sparsevec' THEN (SELECT format('{%s}/%s', string_agg(format('%s:%s', dim / entries * i + 1 + h % least(3, dim / entries), 1 + h % 997), ','), dim)
            FROM generate_series(0, entries - 1) i, LATERAL (SELECT abs(hashint4extended(i, hashtextextended(seed, 0)) % 1000000) AS h) s)
        ELSE pg_temp.components(seed, dim)::vector::text END
$$;

-- the same, made once
CREATE TABLE isz_values (type text, dim int, entries int, seed text, value text, PRIMARY KEY (type, dim, entries, seed));
CREATE FUNCTION pg_temp.literal(type text, dim int, entries int, seed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known isz_values := (CASE type WHEN 'halfvec' THEN 'vector' ELSE type END, dim, entries, seed, NULL);
    value text;
BEGIN
    SELECT v.value INTO value FROM isz_values v WHERE (v.type, v.dim, v.entries, v.seed) = (known.type, known.dim, known.entries, known.seed);
    IF NOT FOUND THEN
        value := pg_temp.make(type, dim, entries, seed);
        INSERT INTO isz_values VALUES (known.type, dim, entries, seed, value);
    END IF;
    RETURN value;
END
$$;

-- the ids and distances of query's rows, by an index or by none
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

-- What is wrong with the answers from table isz.
CREATE FUNCTION pg_temp.faults(type text, dim int, entries int, op text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stmt text := format('SELECT id, x %1$s (SELECT %%1$L::%2$s(%3$s)) AS d FROM isz ORDER BY x %1$s (SELECT %%1$L::%2$s(%3$s)) LIMIT %%2$s', replace(op, '%', '%%'), type, dim);
    query text;
    exact record;
    found record;
    faults text := '';
BEGIN
    FOR i IN 1..2 LOOP
        query := pg_temp.literal(type, dim, entries, 'q' || i);
        exact := pg_temp.answer(format(stmt, query, 5), false);
        found := pg_temp.answer(format(stmt, query, 5), true);
        IF found.plan NOT LIKE '%Index Scan using isz_x %' THEN
            faults := faults || ' [' || found.plan || ']';
        END IF;
        IF EXISTS (SELECT FROM unnest(exact.distances, found.distances) d(a, b) WHERE NOT coalesce(abs(a - b) <= 0.002 * (1 + abs(b)), false)) THEN
            faults := faults || format(' [nearest: %s, not %s]', found.distances, exact.distances);
        END IF;
        exact := pg_temp.answer(format(stmt, query, 1000), false);
        found := pg_temp.answer(format(stmt, query, 1000), true);
        IF ARRAY(SELECT unnest(exact.ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(found.ids) ORDER BY 1) THEN
            faults := faults || format(' [%s rows, not %s]', cardinality(found.ids), cardinality(exact.ids));
        END IF;
    END LOOP;
    RETURN faults;
END
$$;

-- The same of an index built on some rows, with some added one by one, then with many deleted.
CREATE FUNCTION pg_temp.try(type text, dim int, class text DEFAULT '', op text DEFAULT '<->', options text DEFAULT 'm = 16', entries int DEFAULT 1, n int DEFAULT 24) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    faults text;
BEGIN
    EXECUTE format('CREATE TABLE isz (id int, x %s(%s))', type, dim);
    EXECUTE format('INSERT INTO isz SELECT i, nullif(pg_temp.literal($1, $2, $3, i::text), %L)::%s(%s) FROM generate_series(1, $4 / 2) i', '', type, dim) USING type, dim, entries, n;
    INSERT INTO isz VALUES (0, NULL);
    EXECUTE format('CREATE INDEX isz_x ON isz USING quiver (x %s) WITH (%s)', class, options);
    faults := pg_temp.faults(type, dim, entries, op);
    EXECUTE format('INSERT INTO isz SELECT i, pg_temp.literal($1, $2, $3, i::text)::%s(%s) FROM generate_series($4 / 2 + 1, $4) i', type, dim) USING type, dim, entries, n;
    INSERT INTO isz SELECT n + id, x FROM isz WHERE id % 5 = 0;
    faults := faults || pg_temp.faults(type, dim, entries, op);
    DELETE FROM isz WHERE id % 3 = 0;
    faults := faults || pg_temp.faults(type, dim, entries, op);
    DROP TABLE isz;
    RETURN faults;
END
$$;
SET quiver.ef_search = 1000;
SET jit = off;

SELECT dim, pg_temp.try('vector', dim) AS vector, pg_temp.try('halfvec', dim) AS halfvec
    FROM unnest(ARRAY[1, 2, 3, 7, 2266, 2267, 3072, 4096, 8191, 16000]) dim ORDER BY 1;
SELECT dim, op, pg_temp.try('vector', dim, 'vector_' || class, op) AS vector, pg_temp.try('halfvec', dim, 'halfvec_' || class, op) AS halfvec
    FROM unnest(ARRAY[3, 2267, 16000]) dim, (VALUES ('ip_ops', '<#>'), ('cosine_ops', '<=>'), ('l1_ops', '<+>')) c(class, op) ORDER BY dim, op COLLATE "C";

-- m and ways to store
SELECT dim, m, storage, pg_temp.try('vector', dim, options => o) AS vector, pg_temp.try('halfvec', dim, options => o) AS halfvec,
        pg_temp.try('vector', dim, 'vector_l1_ops', '<+>', o) AS l1
    FROM unnest(ARRAY[1, 100, 2000, 16000]) dim, unnest(ARRAY[2, 100]) m, unnest(ARRAY['auto', 'float32', 'float16']) storage,
        LATERAL (SELECT format('m = %s, ef_construction = 200, storage = %s', m, storage) AS o) s ORDER BY 1, 2, 3;

SELECT dim, pg_temp.try('bit', dim, 'bit_hamming_ops', '<~>') AS hamming, pg_temp.try('bit', dim, 'bit_jaccard_ops', '<%>') AS jaccard,
        pg_temp.try('bit', dim, 'bit_hamming_ops', '<~>', 'm = 2') AS m_2, pg_temp.try('bit', dim, 'bit_jaccard_ops', '<%>', 'm = 100, ef_construction = 200') AS m_100
    FROM unnest(ARRAY[1, 8, 9, 63, 64, 65, 768, 2000, 2001, 8000, 16000, 63999, 64000]) dim ORDER BY 1;

-- sparsevec: of few and of all the dimensions that there can be, with none to all the entries
SELECT dim, entries, pg_temp.try('sparsevec', dim, 'sparsevec_l2_ops', '<->', entries => entries) AS l2, pg_temp.try('sparsevec', dim, 'sparsevec_ip_ops', '<#>', entries => entries) AS ip,
        pg_temp.try('sparsevec', dim, 'sparsevec_cosine_ops', '<=>', entries => entries) AS cosine, pg_temp.try('sparsevec', dim, 'sparsevec_l1_ops', '<+>', entries => entries) AS l1,
        pg_temp.try('sparsevec', dim, options => 'm = 2', entries => entries) AS m_2, pg_temp.try('sparsevec', dim, options => 'm = 100, ef_construction = 200', entries => entries) AS m_100
    FROM (VALUES (1, 1), (7, 3), (16000, 16000), (1000000000, 1), (1000000000, 1000), (1000000000, 16000)) s(dim, entries) ORDER BY 1, 2;

-- values of very different lengths in one column, of none at all too
CREATE TABLE isz_mixed (id int, s sparsevec(1000000000));
CREATE INDEX isz_mixed_l2 ON isz_mixed USING quiver (s);
CREATE INDEX isz_mixed_ip ON isz_mixed USING quiver (s sparsevec_ip_ops);
CREATE INDEX isz_mixed_cosine ON isz_mixed USING quiver (s sparsevec_cosine_ops);
CREATE INDEX isz_mixed_l1 ON isz_mixed USING quiver (s sparsevec_l1_ops);
INSERT INTO isz_mixed SELECT i, CASE i % 5 WHEN 0 THEN '{}/1000000000' ELSE pg_temp.literal('sparsevec', 1000000000, (ARRAY[1, 20, 1000, 16000])[i % 5], i::text) END::sparsevec
    FROM generate_series(1, 60) i;
CREATE FUNCTION pg_temp.mixed(op text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    query text;
    stmt text := format('SELECT id, s %1$s (SELECT %%1$L::sparsevec) AS d FROM isz_mixed ORDER BY s %1$s (SELECT %%1$L::sparsevec) LIMIT 100', op);
    exact record;
    found record;
    faults text := '';
BEGIN
    FOREACH query IN ARRAY ARRAY['{}/1000000000', '{1000000000:1}/1000000000'] || ARRAY(SELECT pg_temp.literal('sparsevec', 1000000000, entries, 'q') FROM unnest(ARRAY[1, 1000, 16000]) entries) LOOP
        exact := pg_temp.answer(format(stmt, query), false);
        found := pg_temp.answer(format(stmt, query), true);
        IF found.plan NOT LIKE '%Index Scan using isz_mixed_%' THEN
            faults := faults || ' [' || found.plan || ']';
        END IF;
        IF ARRAY(SELECT unnest(exact.ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(found.ids) ORDER BY 1) OR
            EXISTS (SELECT FROM unnest(exact.distances, found.distances) d(a, b) WHERE NOT (a IS NOT DISTINCT FROM b OR coalesce(abs(a - b) <= 0.002 * (1 + abs(b)), false))) THEN
            faults := faults || format(' [%s to %s, not %s]', left(query, 30), found.distances, exact.distances);
        END IF;
    END LOOP;
    RETURN faults;
END
$$;
SELECT op, pg_temp.mixed(op) FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op ORDER BY op COLLATE "C";
REINDEX TABLE isz_mixed;
SELECT op, pg_temp.mixed(op) FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op ORDER BY op COLLATE "C";
DELETE FROM isz_mixed WHERE id % 4 = 1;
VACUUM isz_mixed;
INSERT INTO isz_mixed SELECT 100 + id, s FROM isz_mixed WHERE id % 3 = 0;
SELECT op, pg_temp.mixed(op) FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op ORDER BY op COLLATE "C";
DROP TABLE isz_mixed;

-- more nodes than a few, each larger than a page
SELECT pg_temp.try('vector', 3072, n => 120) AS vector, pg_temp.try('vector', 3072, 'vector_cosine_ops', '<=>', n => 120) AS cosine,
    pg_temp.try('halfvec', 8000, n => 120) AS halfvec, pg_temp.try('bit', 64000, op => '<~>', n => 120) AS bit, pg_temp.try('sparsevec', 100000, entries => 3000, n => 120) AS sparsevec;

-- more than there can be
CREATE TABLE isz_over (v vector(16001));
CREATE TABLE isz_over (h halfvec(16001));
CREATE TABLE isz_over (s sparsevec(1000000001));
CREATE TABLE isz_over (b bit(64001));
CREATE INDEX ON isz_over USING quiver (b);
CREATE INDEX isz_over_b ON isz_over USING quiver ((b::bit(64000)));
INSERT INTO isz_over VALUES (repeat('10', 32000)::bit(64001));
SET enable_seqscan = off;
SELECT b::bit(64000) <~> repeat('01', 32000)::bit(64000) AS d FROM isz_over ORDER BY b::bit(64000) <~> repeat('01', 32000)::bit(64000);
SELECT FROM isz_over ORDER BY b::bit(64000) <~> repeat('01', 32000)::bit(64001);
DROP TABLE isz_over, isz_values;
