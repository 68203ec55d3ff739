--
-- quiver_estimate: what it takes and refuses; test/t/044_estimate.pl compares it with builds.
--
\pset null null
CREATE FUNCTION est(e record) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN e.build_memory_bytes >= e.index_bytes AND 0 <= e.build_seconds_low AND e.build_seconds_low <= e.build_seconds
        AND e.build_seconds <= e.build_seconds_high THEN e.index_bytes::text ELSE 'wrong: ' || e::text END;
END $$;
-- as an index that is built
CREATE TABLE es (v vector(24), h halfvec(24), s sparsevec(24), b bit(24));
CREATE INDEX es_v ON es USING quiver (v);
SELECT est(e) = pg_relation_size('es_v')::text AS empty FROM quiver_estimate(0, 24) e;
INSERT INTO es SELECT x::vector, x::halfvec, x::vector::sparsevec, i::bit(24)
    FROM generate_series(1, 900) i, LATERAL (SELECT array_agg(sin(i * k)::real ORDER BY k) AS x FROM generate_series(1, 24) k) s;
REINDEX INDEX es_v;
CREATE INDEX es_h ON es USING quiver (h halfvec_cosine_ops);
CREATE INDEX es_b ON es USING quiver (b bit_jaccard_ops);
CREATE INDEX es_s ON es USING quiver (s sparsevec_l1_ops) WITH (m = 5, ef_construction = 20);
SELECT est(e) = pg_relation_size('es_v')::text AS list FROM quiver_estimate(900, 24) e;
SELECT est(e) = pg_relation_size('es_h')::text AS list FROM quiver_estimate(900, 24, 'halfvec', metric => 'cosine') e;
SELECT est(e) = pg_relation_size('es_b')::text AS list FROM quiver_estimate(900, 24, 'bit', metric => 'jaccard') e;
SELECT est(e)::float8 / pg_relation_size('es_s') BETWEEN 0.85 AND 1.15 AS graph
    FROM quiver_estimate(900, 24, 'sparsevec', 5, 20, metric => 'l1', nonzeros => 24, nonzeros_deviation => 0) e;
-- no counter overflows
SELECT est(e)::bigint > 1e12 AS large, build_seconds > 1e3 AS long FROM quiver_estimate(200000000, 16000, workers => 1024) e;
-- options count
SELECT (quiver_estimate(10000000, 500, storage => 'float32')).index_bytes > 1.2 * (quiver_estimate(10000000, 500, storage => 'float16')).index_bytes AS storage,
    (quiver_estimate(10000000, 100, m => 40, ef_construction => 80)).index_bytes > (quiver_estimate(10000000, 100, m => 4)).index_bytes AS m,
    (quiver_estimate(100000, 100, workers => 4)).build_memory_bytes > (quiver_estimate(100000, 100)).build_memory_bytes AS workers;
-- NULL: of what must be known, NULL; of anything else, the default
SELECT * FROM quiver_estimate(NULL, 3);
SELECT * FROM quiver_estimate(3, NULL, 'nonsense');
SELECT est(e) FROM quiver_estimate(100, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) e;
-- refused
\set VERBOSITY terse
SELECT quiver_estimate(-1, 3);
SELECT quiver_estimate(9223372036854775807, 3);
SELECT quiver_estimate('-9223372036854775808', 3);
SELECT quiver_estimate(5000000000, 3);
SELECT quiver_estimate(10, 0);
SELECT quiver_estimate(10, 16001);
SELECT quiver_estimate(10, 64001, 'bit');
SELECT quiver_estimate(10, 2147483647, 'sparsevec');
SELECT quiver_estimate(10, 3, 'text');
SELECT quiver_estimate(10, 3, m => 1);
SELECT quiver_estimate(10, 3, m => 101);
SELECT quiver_estimate(10, 3, m => 33);
SELECT quiver_estimate(10, 3, ef_construction => 2000);
SELECT quiver_estimate(10, 3, storage => 'float8');
SELECT quiver_estimate(10, 3, metric => 'hamming');
SELECT quiver_estimate(10, 3, 'bit', metric => 'l2');
SELECT quiver_estimate(10, 3, metric => 'manhattan');
SELECT quiver_estimate(10, 3, workers => -1);
SELECT quiver_estimate(10, 3, nonzeros => 1);
SELECT quiver_estimate(10, 3, 'sparsevec', nonzeros => 4);
SELECT quiver_estimate(10, 3, 'sparsevec', nonzeros => 'NaN');
SELECT quiver_estimate(10, 3, 'sparsevec', nonzeros => 2, nonzeros_deviation => '-1');
\set VERBOSITY sqlstate
SELECT quiver_estimate(10, 3, 'text');
SELECT quiver_estimate(9223372036854775807, 3);
\set VERBOSITY default
-- everybody may ask
CREATE ROLE regress_quiver_nobody;
SET ROLE regress_quiver_nobody;
SELECT est(e) FROM quiver_estimate(100, 3) e;
RESET ROLE;
DROP ROLE regress_quiver_nobody;
DROP TABLE es;
DROP FUNCTION est;
