-- Search within a distance: bounds, the condition value <@ bound, and quiver_within.

CREATE TYPE quiver_bound;

CREATE FUNCTION quiver_bound_in(cstring) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_bound_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION quiver_bound_out(quiver_bound) RETURNS cstring
    AS 'MODULE_PATHNAME', 'quiver_bound_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- No RECEIVE and no SEND: nothing makes a bound of foreign bytes.
CREATE TYPE quiver_bound (
    INPUT = quiver_bound_in,
    OUTPUT = quiver_bound_out,
    ALIGNMENT = double,
    STORAGE = external
);

COMMENT ON TYPE quiver_bound IS 'all values no farther than a radius from one';

CREATE FUNCTION quiver_below(double precision) RETURNS double precision
    AS 'MODULE_PATHNAME', 'quiver_below' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

COMMENT ON FUNCTION quiver_below(double precision) IS 'greatest number below';

CREATE FUNCTION quiver_reach(double precision, double precision) RETURNS double precision
    AS 'MODULE_PATHNAME', 'quiver_reach' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

COMMENT ON FUNCTION quiver_reach(double precision, double precision) IS 'no d above it has k - d >= c';

CREATE FUNCTION quiver_or_nan(quiver_bound) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_or_nan' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

COMMENT ON FUNCTION quiver_or_nan(quiver_bound) IS 'the bound, and values without a distance besides';

CREATE FUNCTION quiver_within_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_within_support' LANGUAGE C STRICT PARALLEL SAFE;

CREATE FUNCTION quiver_boundsel(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'quiver_boundsel' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Constructors: support function 2 of the operator classes. They, and <@, raise on nothing that a row contains.

CREATE FUNCTION quiver_l2_bound(vector, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_vector_l2_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_ip_bound(vector, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_vector_ip_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_cosine_bound(vector, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_vector_cosine_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_l1_bound(vector, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_vector_l1_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_l2_bound(halfvec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_halfvec_l2_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_ip_bound(halfvec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_halfvec_ip_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_cosine_bound(halfvec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_halfvec_cosine_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_l1_bound(halfvec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_halfvec_l1_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_l2_bound(sparsevec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_l2_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_ip_bound(sparsevec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_ip_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_cosine_bound(sparsevec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_cosine_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_l1_bound(sparsevec, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_l1_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_hamming_bound(bit, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_hamming_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION quiver_jaccard_bound(bit, double precision) RETURNS quiver_bound
    AS 'MODULE_PATHNAME', 'quiver_jaccard_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

-- The condition. A bound knows its metric, so one operator serves all of a type's.

CREATE FUNCTION quiver_in_bound(vector, quiver_bound) RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_vector_in_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100
    SUPPORT quiver_distance_support;

CREATE OPERATOR <@ (
    LEFTARG = vector, RIGHTARG = quiver_bound, FUNCTION = quiver_in_bound,
    RESTRICT = quiver_boundsel, JOIN = matchingjoinsel
);

CREATE FUNCTION quiver_in_bound(halfvec, quiver_bound) RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_halfvec_in_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100
    SUPPORT quiver_distance_support;

CREATE OPERATOR <@ (
    LEFTARG = halfvec, RIGHTARG = quiver_bound, FUNCTION = quiver_in_bound,
    RESTRICT = quiver_boundsel, JOIN = matchingjoinsel
);

CREATE FUNCTION quiver_in_bound(sparsevec, quiver_bound) RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_in_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100
    SUPPORT quiver_distance_support;

CREATE OPERATOR <@ (
    LEFTARG = sparsevec, RIGHTARG = quiver_bound, FUNCTION = quiver_in_bound,
    RESTRICT = quiver_boundsel, JOIN = matchingjoinsel
);

CREATE FUNCTION quiver_in_bound(bit, quiver_bound) RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_bit_in_bound' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100
    SUPPORT quiver_distance_support;

CREATE OPERATOR <@ (
    LEFTARG = bit, RIGHTARG = quiver_bound, FUNCTION = quiver_in_bound,
    RESTRICT = quiver_boundsel, JOIN = matchingjoinsel
);

-- Strategy 2 and support function 2.

ALTER OPERATOR FAMILY vector_l2_ops USING quiver ADD
    OPERATOR 2 <@ (vector, quiver_bound),
    FUNCTION 2 (vector, vector) quiver_l2_bound(vector, double precision);

ALTER OPERATOR FAMILY vector_ip_ops USING quiver ADD
    OPERATOR 2 <@ (vector, quiver_bound),
    FUNCTION 2 (vector, vector) quiver_ip_bound(vector, double precision);

ALTER OPERATOR FAMILY vector_cosine_ops USING quiver ADD
    OPERATOR 2 <@ (vector, quiver_bound),
    FUNCTION 2 (vector, vector) quiver_cosine_bound(vector, double precision);

ALTER OPERATOR FAMILY vector_l1_ops USING quiver ADD
    OPERATOR 2 <@ (vector, quiver_bound),
    FUNCTION 2 (vector, vector) quiver_l1_bound(vector, double precision);

ALTER OPERATOR FAMILY halfvec_l2_ops USING quiver ADD
    OPERATOR 2 <@ (halfvec, quiver_bound),
    FUNCTION 2 (halfvec, halfvec) quiver_l2_bound(halfvec, double precision);

ALTER OPERATOR FAMILY halfvec_ip_ops USING quiver ADD
    OPERATOR 2 <@ (halfvec, quiver_bound),
    FUNCTION 2 (halfvec, halfvec) quiver_ip_bound(halfvec, double precision);

ALTER OPERATOR FAMILY halfvec_cosine_ops USING quiver ADD
    OPERATOR 2 <@ (halfvec, quiver_bound),
    FUNCTION 2 (halfvec, halfvec) quiver_cosine_bound(halfvec, double precision);

ALTER OPERATOR FAMILY halfvec_l1_ops USING quiver ADD
    OPERATOR 2 <@ (halfvec, quiver_bound),
    FUNCTION 2 (halfvec, halfvec) quiver_l1_bound(halfvec, double precision);

ALTER OPERATOR FAMILY sparsevec_l2_ops USING quiver ADD
    OPERATOR 2 <@ (sparsevec, quiver_bound),
    FUNCTION 2 (sparsevec, sparsevec) quiver_l2_bound(sparsevec, double precision);

ALTER OPERATOR FAMILY sparsevec_ip_ops USING quiver ADD
    OPERATOR 2 <@ (sparsevec, quiver_bound),
    FUNCTION 2 (sparsevec, sparsevec) quiver_ip_bound(sparsevec, double precision);

ALTER OPERATOR FAMILY sparsevec_cosine_ops USING quiver ADD
    OPERATOR 2 <@ (sparsevec, quiver_bound),
    FUNCTION 2 (sparsevec, sparsevec) quiver_cosine_bound(sparsevec, double precision);

ALTER OPERATOR FAMILY sparsevec_l1_ops USING quiver ADD
    OPERATOR 2 <@ (sparsevec, quiver_bound),
    FUNCTION 2 (sparsevec, sparsevec) quiver_l1_bound(sparsevec, double precision);

ALTER OPERATOR FAMILY bit_hamming_ops USING quiver ADD
    OPERATOR 2 <@ (bit, quiver_bound),
    FUNCTION 2 (bit, bit) quiver_hamming_bound(bit, double precision);

ALTER OPERATOR FAMILY bit_jaccard_ops USING quiver ADD
    OPERATOR 2 <@ (bit, quiver_bound),
    FUNCTION 2 (bit, bit) quiver_jaccard_bound(bit, double precision);

-- For people: the planner makes the condition above of it, with or without quiver.planner_hook.

CREATE FUNCTION quiver_within(embedding vector, query vector, radius double precision, distance text DEFAULT 'l2')
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_vector_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
    SUPPORT quiver_within_support;

COMMENT ON FUNCTION quiver_within(vector, vector, double precision, text) IS 'whether the distance is at most radius';

CREATE FUNCTION quiver_within(embedding halfvec, query halfvec, radius double precision, distance text DEFAULT 'l2')
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_halfvec_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
    SUPPORT quiver_within_support;

COMMENT ON FUNCTION quiver_within(halfvec, halfvec, double precision, text) IS 'whether the distance is at most radius';

CREATE FUNCTION quiver_within(embedding sparsevec, query sparsevec, radius double precision, distance text DEFAULT 'l2')
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
    SUPPORT quiver_within_support;

COMMENT ON FUNCTION quiver_within(sparsevec, sparsevec, double precision, text) IS 'whether the distance is at most radius';

CREATE FUNCTION quiver_within(embedding bit, query bit, radius double precision, distance text DEFAULT 'hamming')
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'quiver_bit_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
    SUPPORT quiver_within_support;

COMMENT ON FUNCTION quiver_within(bit, bit, double precision, text) IS 'whether the distance is at most radius';
