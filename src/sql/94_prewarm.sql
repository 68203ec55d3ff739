-- Bringing an index into shared buffers, and who is doing so. Rights are those of 92_verify.sql.

CREATE FUNCTION quiver_prewarm(index regclass, mode text DEFAULT 'all') RETURNS bigint
    AS 'MODULE_PATHNAME', 'quiver_prewarm' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION quiver_prewarm(regclass, text) IS 'reads a quiver index into shared buffers';

REVOKE ALL ON FUNCTION quiver_prewarm(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quiver_prewarm(regclass, text) TO pg_stat_scan_tables;

CREATE FUNCTION quiver_prewarm_running(
    OUT pid integer, OUT datid oid, OUT relid oid, OUT mode text, OUT done bigint, OUT total bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'quiver_prewarm_running' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;

COMMENT ON FUNCTION quiver_prewarm_running() IS 'implementation of quiver_prewarm_progress';

CREATE VIEW quiver_prewarm_progress AS
    SELECT r.pid, d.datname, r.relid, r.mode, r.done, NULLIF(r.total, 0) AS total,
        round(100.0 * LEAST(r.done, r.total) / NULLIF(r.total, 0), 1) AS percent
    FROM quiver_prewarm_running() r LEFT JOIN pg_database d ON d.oid = r.datid;

COMMENT ON VIEW quiver_prewarm_progress IS 'indexes that are being read into shared buffers, in blocks';
GRANT SELECT ON quiver_prewarm_progress TO PUBLIC;
