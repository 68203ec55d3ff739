/*
 * sparse.h - sparse vectors: the query that kernels.h's sparse_* compare with
 * thousands of stored vectors, and two vectors compared once.
 *
 * A sparse vector is `count` (0 .. 16,000) values and the dimensions they are
 * of, ascending uint32_t; every other component is zero.  Plain C.
 *
 * Precision: off by at most (count + 16) * 2^-24 of the sum of the terms'
 * magnitudes, count being the stored vector's (pairs: both counts added).  The
 * terms of L2 and L1 are those of the difference, (q - v)^2 and |q - v|, at
 * every dimension, so near vectors keep their distance.
 */
#ifndef QUIVER_SPARSE_H
#define QUIVER_SPARSE_H

#include "distance/kernels.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* The most entries a vector may have. */
#define QUIVER_SPARSE_MAX_COUNT 16000

/* Bytes that the query of a vector with count entries takes. */
extern size_t quiver_sparse_query_bytes(size_t count);

/*
 * Makes the query in memory, which has quiver_sparse_query_bytes(count) bytes and
 * is aligned to 8; returns memory.  The vector itself is not needed afterwards.
 * The query is the same for all SIMD levels.  It points nowhere, so it may be
 * copied.  Costs some 12 ns an entry, as much as 25 comparisons with AVX-512.
 * REQUIRES: count <= QUIVER_SPARSE_MAX_COUNT, indices ascending, values finite.
 */
extern const QuiverSparseQuery *quiver_sparse_prepare(void *memory, const uint32_t *indices,
													  const float *values, size_t count);

/* Two vectors compared once; the same at every SIMD level. */
typedef struct QuiverSparseVector
{
	const uint32_t *indices;
	const float *values;
	size_t		count;
} QuiverSparseVector;

extern float quiver_sparse_pair_l2sq(QuiverSparseVector a, QuiverSparseVector b);
extern float quiver_sparse_pair_ip(QuiverSparseVector a, QuiverSparseVector b);
extern float quiver_sparse_pair_l1(QuiverSparseVector a, QuiverSparseVector b);

#ifdef __cplusplus
}
#endif

#endif							/* QUIVER_SPARSE_H */
