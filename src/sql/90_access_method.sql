-- The access method, its operator classes, and what tells about them.

CREATE FUNCTION quiver_handler(internal) RETURNS index_am_handler
    AS 'MODULE_PATHNAME', 'quiver_handler' LANGUAGE C;

CREATE ACCESS METHOD quiver TYPE INDEX HANDLER quiver_handler;

COMMENT ON ACCESS METHOD quiver IS 'vector search by a graph of near neighbours';

-- Support function 1 of a class: what its values are and how they compare.

CREATE FUNCTION quiver_vector_l2_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_vector_l2_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_vector_ip_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_vector_ip_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_vector_cosine_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_vector_cosine_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_vector_l1_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_vector_l1_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_halfvec_l2_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_halfvec_l2_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_halfvec_ip_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_halfvec_ip_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_halfvec_cosine_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_halfvec_cosine_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_halfvec_l1_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_halfvec_l1_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_bit_hamming_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_bit_hamming_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_bit_jaccard_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_bit_jaccard_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_sparsevec_l2_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_l2_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_sparsevec_ip_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_ip_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_sparsevec_cosine_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_cosine_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION quiver_sparsevec_l1_class(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'quiver_sparsevec_l1_class' LANGUAGE C IMMUTABLE PARALLEL SAFE;

-- Strategy 1 orders by distance; strategy 2 searches within a distance.

CREATE OPERATOR CLASS vector_l2_ops
    DEFAULT FOR TYPE vector USING quiver AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_l2_class(internal);

CREATE OPERATOR CLASS vector_ip_ops
    FOR TYPE vector USING quiver AS
    OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_ip_class(internal);

CREATE OPERATOR CLASS vector_cosine_ops
    FOR TYPE vector USING quiver AS
    OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_cosine_class(internal);

CREATE OPERATOR CLASS vector_l1_ops
    FOR TYPE vector USING quiver AS
    OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_vector_l1_class(internal);

CREATE OPERATOR CLASS halfvec_l2_ops
    DEFAULT FOR TYPE halfvec USING quiver AS
    OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_halfvec_l2_class(internal);

CREATE OPERATOR CLASS halfvec_ip_ops
    FOR TYPE halfvec USING quiver AS
    OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_halfvec_ip_class(internal);

CREATE OPERATOR CLASS halfvec_cosine_ops
    FOR TYPE halfvec USING quiver AS
    OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_halfvec_cosine_class(internal);

CREATE OPERATOR CLASS halfvec_l1_ops
    FOR TYPE halfvec USING quiver AS
    OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_halfvec_l1_class(internal);

CREATE OPERATOR CLASS bit_hamming_ops
    DEFAULT FOR TYPE bit USING quiver AS
    OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_bit_hamming_class(internal);

CREATE OPERATOR CLASS bit_jaccard_ops
    FOR TYPE bit USING quiver AS
    OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_bit_jaccard_class(internal);

CREATE OPERATOR CLASS sparsevec_l2_ops
    DEFAULT FOR TYPE sparsevec USING quiver AS
    OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_sparsevec_l2_class(internal);

CREATE OPERATOR CLASS sparsevec_ip_ops
    FOR TYPE sparsevec USING quiver AS
    OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_sparsevec_ip_class(internal);

CREATE OPERATOR CLASS sparsevec_cosine_ops
    FOR TYPE sparsevec USING quiver AS
    OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_sparsevec_cosine_class(internal);

CREATE OPERATOR CLASS sparsevec_l1_ops
    FOR TYPE sparsevec USING quiver AS
    OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
    FUNCTION 1 quiver_sparsevec_l1_class(internal);

CREATE FUNCTION quiver_simd_level() RETURNS text
    AS 'MODULE_PATHNAME', 'quiver_simd_level' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION quiver_simd_level() IS 'instruction set that computes distances in this session';
