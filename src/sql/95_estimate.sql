-- What an index will take, before anybody builds it. Reads no table and takes about a second, which it spends on building a
-- small index in memory.

CREATE FUNCTION quiver_estimate(
    rows bigint, dimensions integer, type text DEFAULT 'vector', m integer DEFAULT 16, ef_construction integer DEFAULT 64,
    storage text DEFAULT 'auto', metric text DEFAULT NULL, workers integer DEFAULT 0,
    nonzeros double precision DEFAULT NULL, nonzeros_deviation double precision DEFAULT NULL,
    OUT index_bytes bigint, OUT build_memory_bytes bigint,
    OUT build_seconds double precision, OUT build_seconds_low double precision, OUT build_seconds_high double precision)
    RETURNS record
    AS 'MODULE_PATHNAME', 'quiver_estimate' LANGUAGE C VOLATILE PARALLEL SAFE COST 1000000;

COMMENT ON FUNCTION quiver_estimate(bigint, integer, text, integer, integer, text, text, integer, double precision, double precision)
    IS 'size of a quiver index, and memory and time of its build';
