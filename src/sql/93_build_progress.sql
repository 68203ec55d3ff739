-- Builds that are going on: how far, and how long they will take.  PostgreSQL's own pg_stat_progress_create_index has the
-- same figures; it does not say when a phase began (parameter 18 here, see src/am/build.c), nor which phases there are.

CREATE VIEW quiver_build_progress AS
    SELECT pid, datname, relid, index_relid, phase, done, total,
        round((first_percent + (last_percent - first_percent) * share)::numeric, 1) AS percent,
        now_is - phase_start AS phase_time,
        -- Loading does not know what linking will cost; after linking there is little to come.
        CASE WHEN phase = 'linking rows' AND share > 0 THEN (now_is - phase_start) * ((1 - share) / share) END AS remaining_time
    FROM (
        SELECT p.pid, d.datname, p.relid, NULLIF(p.param7, 0)::oid AS index_relid, s.phase, s.first_percent, s.last_percent,
            CASE WHEN s.counts_rows THEN p.param13 ELSE p.param17 END AS done,
            CASE WHEN s.counts_rows THEN p.param12 ELSE p.param16 END AS total,
            COALESCE(LEAST(CASE WHEN s.counts_rows THEN p.param13::double precision / NULLIF(p.param12, 0)
                ELSE p.param17::double precision / NULLIF(p.param16, 0) END, 1), 0) AS share,
            timestamptz '2000-01-01 00:00:00+00' + p.param18 * interval '1 microsecond' AS phase_start,
            clock_timestamp() AS now_is
        FROM pg_stat_get_progress_info('CREATE INDEX') p
        LEFT JOIN pg_database d ON d.oid = p.datid
        JOIN (VALUES (2, 'loading rows', false, 0, 8), (3, 'sorting rows', true, 8, 10), (4, 'linking rows', true, 10, 95),
            (5, 'writing pages', false, 95, 98), (6, 'logging pages', false, 98, 100))
            s(number, phase, counts_rows, first_percent, last_percent) ON s.number = p.param11
        WHERE p.param10 = 2 AND p.param9 = (SELECT oid FROM pg_am WHERE amname = 'quiver')::bigint
    ) builds;

COMMENT ON VIEW quiver_build_progress IS 'builds of quiver indexes that are going on, and how long they will take';
GRANT SELECT ON quiver_build_progress TO PUBLIC;
