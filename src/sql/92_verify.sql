-- Looking at a whole index: damage and figures. Revoked from PUBLIC, since counts are of all tenants' rows; each call
-- also asks whether the caller may know of the table (src/am/inspect.c).

CREATE FUNCTION quiver_check(
    index regclass, heap_all_indexed boolean DEFAULT false, "full" boolean DEFAULT true,
    OUT severity text, OUT block bigint, OUT item integer, OUT message text, OUT hint text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'quiver_check' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION quiver_check(regclass, boolean, boolean) IS 'damage in a quiver index, and figures';

REVOKE ALL ON FUNCTION quiver_check(regclass, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quiver_check(regclass, boolean, boolean) TO pg_stat_scan_tables;

CREATE FUNCTION quiver_index_stats(
    index regclass,
    OUT rows bigint, OUT graph_rows bigint, OUT list_rows bigint, OUT null_rows bigint, OUT zero_vector_rows bigint,
    OUT state text,
    OUT nodes bigint, OUT nodes_by_level bigint[],
    OUT least_neighbors integer, OUT average_neighbors double precision, OUT most_neighbors integer,
    OUT full_share double precision, OUT dominated_share double precision, OUT longest_posting_chain integer,
    OUT emptied_nodes bigint, OUT free_places bigint, OUT free_pages bigint, OUT zero_pages bigint,
    OUT repair_pending boolean,
    OUT total_bytes bigint, OUT meta_bytes bigint, OUT node_bytes bigint, OUT upper_bytes bigint, OUT chunk_bytes bigint,
    OUT posting_bytes bigint, OUT list_bytes bigint, OUT loose_bytes bigint, OUT free_bytes bigint,
    OUT dimensions integer, OUT metric text, OUT storage text, OUT codes text,
    OUT neighbor_slots integer, OUT nodes_per_page integer,
    OUT m integer, OUT ef_construction integer, OUT ef_search integer, OUT exact_order boolean,
    OUT format_version integer, OUT created_by text, OUT feature_flags text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'quiver_index_stats_row' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1;

COMMENT ON FUNCTION quiver_index_stats(regclass) IS 'figures of a quiver index';

REVOKE ALL ON FUNCTION quiver_index_stats(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quiver_index_stats(regclass) TO pg_stat_scan_tables;

CREATE FUNCTION quiver_index_digest(index regclass) RETURNS text
    AS 'MODULE_PATHNAME', 'quiver_index_digest' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION quiver_index_digest(regclass) IS 'digest of a quiver index, equal on a primary and its standbys at rest';

REVOKE ALL ON FUNCTION quiver_index_digest(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quiver_index_digest(regclass) TO pg_stat_scan_tables;
