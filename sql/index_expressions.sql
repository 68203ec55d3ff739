--
-- Indexes on expressions, partial indexes, domains, and the right one of many.
--
-- Values come from PostgreSQL's hash functions, so that they are the same on every version.
CREATE FUNCTION pg_temp.components(seed text, dim int) RETURNS real[] LANGUAGE sql AS $$
    SELECT array_agg((hashint4extended(i, hashtextextended(seed, 0)) % 1000) / 1000.0::real ORDER BY i) FROM generate_series(1, dim) i
$$;

-- Whether query gives the same rows by an index as without, and which index
-- that is; exact rows are those of reference where that is given.
CREATE FUNCTION pg_temp.check(query text, reference text DEFAULT NULL, OUT index text, OUT same bool, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
    line text;
    exact text[];
    found text[];
BEGIN
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_sort', 'on', true);
    EXECUTE format('SELECT array_agg(s::text) FROM (%s) s', coalesce(reference, query)) INTO exact;
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true), set_config('enable_sort', (reference IS NOT NULL)::text, true);
    EXECUTE format('SELECT array_agg(s::text) FROM (%s) s', query) INTO found;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        index := coalesce(index, substring(line FROM 'Index Scan using (\w+) on'));
    END LOOP;
    n := cardinality(found);
    same := found IS NOT DISTINCT FROM exact;
END
$$;
SET quiver.ef_search = 1000;
SET jit = off;

CREATE TABLE ix (id int, kind int, v vector(32), u vector, f float4[]);
INSERT INTO ix SELECT i, i % 4, c::vector, c::vector, c FROM generate_series(1, 400) i, pg_temp.components(i::text, 32) c;
UPDATE ix SET v = NULL WHERE id % 40 = 1;
SELECT pg_temp.components('q', 32)::vector AS q \gset

-- a cast to half the size, as it is and ordered anew by the exact distance
CREATE INDEX ix_half ON ix USING quiver ((v::halfvec(32)) halfvec_l2_ops);
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY v::halfvec(32) <-> %L::halfvec(32) LIMIT 10', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id, v FROM ix ORDER BY v::halfvec(32) <-> %1$L::halfvec(32) LIMIT 40) s ORDER BY v <-> %1$L LIMIT 10', :'q'),
    format('SELECT id FROM ix ORDER BY v <-> %L LIMIT 10', :'q'));
-- another size is another expression
SELECT index FROM pg_temp.check(format('SELECT id FROM ix ORDER BY v::halfvec <-> %L::halfvec LIMIT 10', :'q'));

-- bits of the components' signs, ordered anew
CREATE INDEX ix_bits ON ix USING quiver ((binary_quantize(v)::bit(32)) bit_hamming_ops);
SELECT * FROM pg_temp.check(format('SELECT binary_quantize(v)::bit(32) <~> binary_quantize(%1$L::vector) AS d FROM ix ORDER BY binary_quantize(v)::bit(32) <~> binary_quantize(%1$L::vector) LIMIT 10', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id, v FROM ix ORDER BY binary_quantize(v)::bit(32) <~> binary_quantize(%1$L::vector) LIMIT 250) s ORDER BY v <-> %1$L LIMIT 3', :'q'),
    format('SELECT id FROM ix ORDER BY v <-> %L LIMIT 3', :'q'));
-- without the length it cannot be built
CREATE INDEX ON ix USING quiver ((binary_quantize(v)));
CREATE INDEX ON ix USING quiver ((binary_quantize(v)) bit_jaccard_ops);

-- the first components, ordered anew by all
CREATE INDEX ix_part ON ix USING quiver ((subvector(v, 1, 8)::vector(8)) vector_cosine_ops);
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY subvector(v, 1, 8)::vector(8) <=> subvector(%L::vector, 1, 8) LIMIT 10', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id, v FROM ix ORDER BY subvector(v, 1, 8)::vector(8) <=> subvector(%1$L::vector, 1, 8) LIMIT 350) s ORDER BY v <=> %1$L LIMIT 3', :'q'),
    format('SELECT id FROM ix ORDER BY v <=> %L LIMIT 3', :'q'));
CREATE INDEX ON ix USING quiver ((subvector(v, 1, 8)));

-- an array, a vector of no declared dimension, a sparse form
CREATE INDEX ix_array ON ix USING quiver ((f::vector(32)) vector_l1_ops);
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY f::vector(32) <+> %L LIMIT 10', :'q'));
CREATE INDEX ix_any ON ix USING quiver ((u::vector(32)) vector_ip_ops);
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY u::vector(32) <#> %L LIMIT 10', :'q'));
CREATE INDEX ix_sparse ON ix USING quiver ((v::sparsevec(32)));
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY v::sparsevec(32) <-> %L::vector::sparsevec LIMIT 10', :'q'));
CREATE INDEX ix_norm ON ix USING quiver ((l2_normalize(v)::vector(32)) vector_l2_ops);
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY l2_normalize(v)::vector(32) <-> l2_normalize(%L::vector) LIMIT 10', :'q'));

-- an expression that fails for a row, when the index is built and when the row comes
INSERT INTO ix (id, u) VALUES (500, '[1,2]');
DROP INDEX ix_any;
INSERT INTO ix (id, u) VALUES (500, '[1,2]');
CREATE INDEX ix_any ON ix USING quiver ((u::vector(32)) vector_ip_ops);
CREATE INDEX ix_any ON ix USING quiver ((u::vector(32)) vector_ip_ops) WHERE vector_dims(u) = 32;
CREATE INDEX ix_two ON ix USING quiver ((u::vector(2)) vector_ip_ops) WHERE vector_dims(u) = 2;
SELECT * FROM pg_temp.check(format('SELECT id FROM ix WHERE vector_dims(u) = 32 ORDER BY u::vector(32) <#> %L LIMIT 10', :'q'));
SELECT * FROM pg_temp.check('SELECT id FROM ix WHERE vector_dims(u) = 2 ORDER BY u::vector(2) <#> ''[1,1]'' LIMIT 10');
-- a function may give a value of another dimension than its cast says: its typmod is checked
CREATE FUNCTION ix_grow(v vector, n int) RETURNS vector LANGUAGE sql IMMUTABLE AS 'SELECT v || array_fill(1, ARRAY[n])::vector';
CREATE INDEX ix_grown ON ix USING quiver ((ix_grow(v, kind)::vector(33)));
CREATE INDEX ix_grown ON ix USING quiver ((ix_grow(v, kind)));
CREATE INDEX ix_grown ON ix USING quiver ((ix_grow(v, 1)::vector(33)));
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY ix_grow(v, 1)::vector(33) <-> ix_grow(%L, 1) LIMIT 10', :'q'));
DROP INDEX ix_half, ix_bits, ix_part, ix_array, ix_any, ix_two, ix_sparse, ix_norm, ix_grown;
DROP FUNCTION ix_grow;

-- several classes on one column: the operator decides
CREATE INDEX ix_l2 ON ix USING quiver (v);
CREATE INDEX ix_ip ON ix USING quiver (v vector_ip_ops);
CREATE INDEX ix_cosine ON ix USING quiver (v vector_cosine_ops);
CREATE INDEX ix_l1 ON ix USING quiver (v vector_l1_ops);
SELECT op, c.* FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op, pg_temp.check(format('SELECT id FROM ix ORDER BY v %s %L LIMIT 10', op, :'q')) c ORDER BY op COLLATE "C";
DROP INDEX ix_cosine;
SELECT op, c.* FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) op, pg_temp.check(format('SELECT id FROM ix ORDER BY v %s %L LIMIT 10', op, :'q')) c ORDER BY op COLLATE "C";
-- two orders at once need both distances
SELECT * FROM pg_temp.check(format('SELECT id FROM ix ORDER BY v <-> %1$L, v <#> %1$L LIMIT 10', :'q'), format('SELECT id FROM ix ORDER BY v <-> %1$L, v <#> %1$L LIMIT 10', :'q'));
DROP INDEX ix_l2, ix_ip, ix_l1;

-- partial indexes: used where the condition is implied, and hold those rows only
CREATE INDEX ix_kind ON ix USING quiver (v) WHERE kind = 1;
CREATE INDEX ix_some ON ix USING quiver (v vector_cosine_ops) WHERE v IS NOT NULL;
CREATE INDEX ix_none ON ix USING quiver (v vector_ip_ops) WHERE v IS NULL;
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE kind = 1 AND id <> 5 AND v IS NOT NULL ORDER BY v <-> %L LIMIT 200) s ORDER BY id', :'q'));
SELECT index FROM pg_temp.check(format('SELECT id FROM ix WHERE kind = 2 ORDER BY v <-> %L LIMIT 10', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE v IS NOT NULL ORDER BY v <=> %L LIMIT 1000) s ORDER BY id', :'q'));
SELECT index FROM pg_temp.check(format('SELECT id FROM ix ORDER BY v <=> %L LIMIT 10', :'q'));
SELECT * FROM pg_temp.check(format('SELECT v FROM ix WHERE v IS NULL ORDER BY v <#> %L LIMIT 1000', :'q'));
-- rows enter and leave them by updates
UPDATE ix SET kind = 1 WHERE id IN (2, 3, 6);
UPDATE ix SET kind = 2 WHERE id IN (9, 13, 17);
UPDATE ix SET v = NULL WHERE id BETWEEN 100 AND 110;
UPDATE ix SET v = u WHERE id % 80 = 1;
DELETE FROM ix WHERE id BETWEEN 200 AND 250;
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE kind = 1 AND v IS NOT NULL ORDER BY v <-> %L LIMIT 200) s ORDER BY id', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE v IS NOT NULL ORDER BY v <=> %L LIMIT 1000) s ORDER BY id', :'q'));
SELECT * FROM pg_temp.check(format('SELECT v FROM ix WHERE v IS NULL ORDER BY v <#> %L LIMIT 1000', :'q'));
VACUUM ix;
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE kind = 1 AND v IS NOT NULL ORDER BY v <-> %L LIMIT 200) s ORDER BY id', :'q'));
SELECT * FROM pg_temp.check(format('SELECT id FROM (SELECT id FROM ix WHERE v IS NOT NULL ORDER BY v <=> %L LIMIT 1000) s ORDER BY id', :'q'));
SELECT * FROM pg_temp.check(format('SELECT v FROM ix WHERE v IS NULL ORDER BY v <#> %L LIMIT 1000', :'q'));

-- an index per value, one of them chosen
DROP INDEX ix_kind;
CREATE INDEX ix_kind_0 ON ix USING quiver (v) WHERE kind = 0;
CREATE INDEX ix_kind_2 ON ix USING quiver (v) WHERE kind = 2;
SELECT kind, c.* FROM unnest(ARRAY[0, 2]) kind, pg_temp.check(format('SELECT id FROM ix WHERE kind = %s AND v IS NOT NULL ORDER BY v <-> %L LIMIT 10', kind, :'q')) c ORDER BY 1;
DROP TABLE ix;

-- domains over each type, and one over another
CREATE DOMAIN ix_vector AS vector(4) CHECK (vector_norm(VALUE) < 100);
CREATE DOMAIN ix_halfvec AS halfvec(4) NOT NULL;
CREATE DOMAIN ix_bit AS bit(9);
CREATE DOMAIN ix_sparsevec AS sparsevec(99);
CREATE DOMAIN ix_nested AS ix_vector;
CREATE DOMAIN ix_loose AS vector;
CREATE DOMAIN ix_varbit AS varbit(9);
CREATE TABLE ixd (id int, v ix_vector, h ix_halfvec, b ix_bit, s ix_sparsevec, n ix_nested, l ix_loose, vb ix_varbit);
CREATE INDEX ixd_v ON ixd USING quiver (v);
CREATE INDEX ixd_h ON ixd USING quiver (h halfvec_l1_ops);
CREATE INDEX ixd_b ON ixd USING quiver (b bit_jaccard_ops);
CREATE INDEX ixd_s ON ixd USING quiver (s sparsevec_cosine_ops);
CREATE INDEX ixd_n ON ixd USING quiver (n vector_ip_ops);
CREATE INDEX ON ixd USING quiver (l);
CREATE INDEX ON ixd USING quiver (vb);
INSERT INTO ixd SELECT i, c::vector, c::halfvec, (hashint4extended(i, 0) % 512)::bit(9), format('{%s:%s,99:1}/99', i, i)::sparsevec, c::vector
    FROM generate_series(1, 40) i, pg_temp.components(i::text, 4) c;
SELECT * FROM pg_temp.check('SELECT id FROM ixd ORDER BY v <-> ''[1,2,3,4]'' LIMIT 10');
SELECT * FROM pg_temp.check('SELECT id FROM ixd ORDER BY h <+> ''[1,2,3,4]'' LIMIT 10');
SELECT * FROM pg_temp.check('SELECT b <%> B''101010101'' AS d FROM ixd ORDER BY b <%> B''101010101'' LIMIT 10');
SELECT * FROM pg_temp.check('SELECT id FROM ixd ORDER BY s <=> ''{7:2,99:2}/99'' LIMIT 10');
SELECT * FROM pg_temp.check('SELECT id FROM ixd ORDER BY n <#> ''[1,2,3,4]'' LIMIT 10');
SELECT id FROM ixd ORDER BY n <#> '[1,2,3]' LIMIT 10;
DROP TABLE ixd;
DROP DOMAIN ix_halfvec, ix_bit, ix_sparsevec, ix_nested, ix_loose, ix_varbit;
DROP DOMAIN ix_vector;

-- bit varying has bit's bytes and finds its class, but its modifier is no length
CREATE TABLE ixv (id int, b varbit(9));
CREATE INDEX ON ixv USING quiver (b);
CREATE INDEX ixv_b ON ixv USING quiver ((b::bit(9)));
INSERT INTO ixv VALUES (1, '1'), (2, '101010101'), (3, ''), (4, NULL), (5, '111');
SELECT * FROM pg_temp.check('SELECT id FROM ixv ORDER BY b::bit(9) <~> B''101010100'' LIMIT 1');
DROP TABLE ixv;
