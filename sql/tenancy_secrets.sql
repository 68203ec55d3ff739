--
-- What a tenant under row-level security cannot find out of others' vectors: by estimates, by errors, by functions of its
-- own, by bounds that are columns. What it can is in docs/tenancy.md.
--
SET client_min_messages = warning;
CREATE TABLE ts (id int, tenant int, v vector(4), h halfvec(4), s sparsevec(4)) WITH (autovacuum_enabled = off);
-- tenant 1 lies about 0, tenant 2 about 100, with a vector that many of its rows have
INSERT INTO ts SELECT i, 1 + i % 2, x, x::halfvec, x::sparsevec FROM
    (SELECT i, CASE WHEN i % 6 = 1 THEN '[100,100,100,100]'::vector
        ELSE ARRAY[100 * (i % 2) + i % 7, 100 * (i % 2) + i % 11, 1 + i % 13, (i / 2) / 100.0]::vector END AS x FROM generate_series(1, 2000) i) q;
CREATE INDEX ts_v ON ts USING quiver (v);
CREATE INDEX ts_h ON ts USING quiver (h);
CREATE INDEX ts_s ON ts USING quiver (s);
ANALYZE ts;
CREATE ROLE regress_quiver_tenant;
GRANT SELECT ON ts TO regress_quiver_tenant;
ALTER TABLE ts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ts TO regress_quiver_tenant USING (tenant = 1);

-- Rows that the planner expects.
CREATE FUNCTION ts_expected(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT * FROM ts WHERE ' || condition INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric;
END $$;
-- Pairs of conditions that differ by where the others' vectors are, and by nothing else.
CREATE TABLE ts_pairs (what text, near text, far text);
INSERT INTO ts_pairs VALUES
    ('quiver_within', 'quiver_within(%1$s, ''%2$s''::%3$s, 9)', 'quiver_within(%1$s, ''%4$s''::%3$s, 9)'),
    ('quiver_within, ip', 'quiver_within(%1$s, ''%2$s''::%3$s, -20000, ''ip'')', 'quiver_within(%1$s, ''%4$s''::%3$s, -2e9, ''ip'')'),
    ('<@', '%1$s <@ quiver_l2_bound(''%2$s''::%3$s, 150)', '%1$s <@ quiver_l2_bound(''%4$s''::%3$s, 150)'),
    ('distance <', '%1$s <-> ''%2$s''::%3$s < 150', '%1$s <-> ''%4$s''::%3$s < 150'),
    ('similarity >', '1 - (%1$s <=> ''%2$s''::%3$s) > 0.9', '1 - (%1$s <=> ''%4$s''::%3$s) > 0.9'),
    ('<', '%1$s < ''%2$s''::%3$s', '%1$s < ''%4$s''::%3$s'),
    ('>=', '%1$s >= ''%2$s''::%3$s', '%1$s >= ''%4$s''::%3$s'),
    ('between', '%1$s BETWEEN ''%2$s''::%3$s AND ''%4$s''::%3$s', '%1$s BETWEEN ''%4$s''::%3$s AND ''%4$s''::%3$s'),
    ('=', '%1$s = ''%2$s''::%3$s', '%1$s = ''%4$s''::%3$s'),
    ('<>', '%1$s <> ''%2$s''::%3$s', '%1$s <> ''%4$s''::%3$s'),
    ('in', '%1$s IN (''%2$s''::%3$s, ''%4$s''::%3$s)', '%1$s IN (''%4$s''::%3$s, ''%4$s''::%3$s)');
GRANT SELECT ON ts_pairs TO regress_quiver_tenant;
CREATE FUNCTION ts_compare() RETURNS TABLE (what text, type text, verdict text) LANGUAGE sql AS $$
    SELECT what, type, CASE WHEN ts_expected(format(near, c, full_of, type, empty)) = ts_expected(format(far, c, full_of, type, empty)) THEN 'same' ELSE 'tells' END
    FROM ts_pairs, (VALUES ('v', 'vector', '[100,100,100,100]', '[9000,9000,9000,9000]'), ('h', 'halfvec', '[100,100,100,100]', '[9000,9000,9000,9000]'),
        ('s', 'sparsevec', '{1:100,2:100,3:100,4:100}/4', '{1:9000,2:9000,3:9000,4:9000}/4')) t(c, type, full_of, empty) $$;
-- who may read all rows gets estimates by the statistics; a tenant gets the same for every vector
SELECT what, string_agg(type, ', ' ORDER BY type) FILTER (WHERE verdict = 'tells') AS tells FROM ts_compare() GROUP BY what ORDER BY what COLLATE "C";
SET ROLE regress_quiver_tenant;
SELECT what, string_agg(type, ', ' ORDER BY type) FILTER (WHERE verdict = 'tells') AS tells FROM ts_compare() GROUP BY what ORDER BY what COLLATE "C";
RESET ROLE;
-- joined with a table of one's own, whose statistics one knows
CREATE TABLE ts_own (v vector(4), h halfvec(4), s sparsevec(4), w vector(4));
INSERT INTO ts_own SELECT '[100,100,100,100]', '[100,100,100,100]', '{1:100,2:100,3:100,4:100}/4', '[9000,9000,9000,9000]' FROM generate_series(1, 100);
ANALYZE ts_own;
GRANT SELECT ON ts_own TO regress_quiver_tenant;
CREATE FUNCTION ts_joined(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT * FROM ts, ts_own o WHERE ' || condition INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric;
END $$;
SELECT ts_joined('ts.v = o.v') = ts_joined('ts.v = o.w') AS same;
SET ROLE regress_quiver_tenant;
SELECT ts_joined('ts.v = o.v') = ts_joined('ts.v = o.w') AS same;
SELECT count(*) AS statistics FROM pg_stats WHERE tablename = 'ts';
RESET ROLE;

-- functions of the tenant's own: what they see, by index and without
CREATE FUNCTION ts_spy(vector) RETURNS boolean VOLATILE COST 0.0001 LANGUAGE plpgsql AS
    $$BEGIN IF $1::real[] && '{100,101,102,103,104,105,106}' THEN RAISE WARNING 'saw %', $1; END IF; RETURN true; END$$;
GRANT EXECUTE ON FUNCTION ts_spy TO regress_quiver_tenant;
-- it does tell, where there is no policy
SELECT count(ts_spy(v)) FROM (SELECT v FROM ts ORDER BY v <-> '[100,100,100,100]' LIMIT 1) q;
CREATE FUNCTION ts_seen(by_index boolean, exact boolean, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found int;
BEGIN
    PERFORM set_config('enable_indexscan', by_index::text, true), set_config('enable_seqscan', (NOT by_index)::text, true),
        set_config('enable_sort', (NOT by_index)::text, true), set_config('quiver.exact_order', exact::text, true);
    EXECUTE 'SELECT count(*) FROM (' || query || ') s' INTO found;
    RETURN found || ' rows';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
SET ROLE regress_quiver_tenant;
SELECT query, string_agg(DISTINCT ts_seen(by_index, exact, query), '; ') AS seen FROM
    (VALUES (true, false), (true, true), (false, false)) a(by_index, exact),
    (VALUES (1, 'SELECT id FROM ts WHERE ts_spy(v) ORDER BY v <-> ''[100,100,100,100]'' LIMIT 5'),
        (2, 'SELECT id FROM ts WHERE ts_spy(v) AND v <-> ''[100,100,100,100]'' < 5'),
        (3, 'SELECT id FROM ts WHERE ts_spy(v) AND quiver_within(v, ''[100,100,100,100]'', 5)'),
        (4, 'SELECT id FROM ts WHERE ts_spy(v) AND v <@ quiver_l2_bound(''[100,100,100,100]''::vector, 5)'),
        -- would divide by zero at a row of another's
        (5, 'SELECT id FROM ts WHERE 1 / (v <-> ''[100,100,100,100]'') > 0 ORDER BY v <-> ''[100,100,100,100]'' LIMIT 5'),
        (6, 'SELECT id FROM ts ORDER BY v <-> ''[100,100,100,100]'', ts_spy(v) LIMIT 5'),
        (7, 'SELECT id FROM ts WHERE v <@ quiver_l2_bound(''[1,2,3,4]''::halfvec, 5)'),
        (8, 'SELECT id FROM ts WHERE quiver_within(v, ''[1,2]'', 5)'),
        (9, 'SELECT id FROM ts ORDER BY v <-> ''[1,2]'' LIMIT 5')) b(i, query) GROUP BY i, query ORDER BY i;
RESET ROLE;

-- bounds that lie in a table under a policy: <@ is leakproof and runs before it, so no bound may make it fail
CREATE TABLE ts_bounds (id int, tenant int, b quiver_bound);
INSERT INTO ts_bounds VALUES (1, 1, quiver_l2_bound('[1,2,3]'::vector, 5)), (2, 2, quiver_l2_bound('[1,2,3]'::halfvec, 5)),
    (3, 2, quiver_l2_bound('[1,2]'::vector, 5)), (4, 2, quiver_hamming_bound(B'101', 1)), (5, 2, quiver_cosine_bound('{}/3'::sparsevec, 'NaN'));
ALTER TABLE ts_bounds ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ts_bounds TO regress_quiver_tenant USING (tenant = 1);
GRANT SELECT ON ts_bounds TO regress_quiver_tenant;
SELECT id, '[1,2,3]'::vector <@ b AS within FROM ts_bounds ORDER BY 1;
SET ROLE regress_quiver_tenant;
SELECT id FROM ts_bounds WHERE '[1,2,3]'::vector <@ b;
SELECT id FROM ts_bounds WHERE '[1,2,3]'::halfvec <@ b;
SELECT id FROM ts_bounds WHERE B'101' <@ b;
SELECT id FROM ts_bounds WHERE '{1:1}/3'::sparsevec <@ quiver_or_nan(b);
RESET ROLE;

DROP TABLE ts, ts_pairs, ts_own, ts_bounds;
DROP FUNCTION ts_expected, ts_compare, ts_joined, ts_spy, ts_seen;
DROP ROLE regress_quiver_tenant;
