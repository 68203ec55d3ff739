-- What distances cost: it grows with the dimension, and where vectors lie in the TOAST table.
-- The COST of each holds where nothing is known of its arguments.

CREATE FUNCTION quiver_distance_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_distance_support' LANGUAGE C STRICT PARALLEL SAFE;
