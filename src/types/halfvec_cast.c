/*
 * halfvec_cast.c - casts to halfvec: its own length coercion, from arrays,
 * from the other vector types; and from halfvec to real[].
 *
 * Each takes (value, typmod, explicit); the typmod binds in either case.  A
 * component that would round to infinity raises 22003; one that rounds to zero
 * does not.
 */
#include "halfvec.h"

#include "core/distance/kernels.h"
#include "array_source.h"
#include "sparsevec.h"
#include "vector.h"

/* A zero vector for dim components that fit typmod. */
static QuiverHalfvec *
ResultFor(int32 dim, int32 typmod)
{
	QuiverCheckDim(&quiverHalfvecType, dim, NULL);
	QuiverCheckTypmod(typmod, dim, NULL);
	return QuiverNewHalfvec(dim);
}

/* Rounds n components, each checked. */
static void
Round(const float *x, uint16 *result, int n)
{
	for (int i = 0; i < n; i++)
		QuiverNarrow(&quiverHalfvecType, x[i]);
	quiver_kernels()->f32_to_f16(x, result, (size_t) n);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_to_halfvec);
Datum
quiver_halfvec_to_halfvec(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);

	QuiverCheckTypmod(PG_GETARG_INT32(1), halfvec->dim, NULL);
	PG_RETURN_POINTER(halfvec);
}

PG_FUNCTION_INFO_V1(quiver_array_to_halfvec);
Datum
quiver_array_to_halfvec(PG_FUNCTION_ARGS)
{
	QuiverArraySource source = QuiverOpenArray(&quiverHalfvecType, PG_GETARG_ARRAYTYPE_P(0));
	QuiverHalfvec *result = ResultFor(source.n, PG_GETARG_INT32(1));
	float		x[QUIVER_HALFVEC_MAX_DIM];

	for (int i = 0; i < source.n; i++)
		x[i] = QuiverArrayElement(&source, i);
	quiver_kernels()->f32_to_f16(x, result->x, (size_t) source.n);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_to_float4);
Datum
quiver_halfvec_to_float4(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);
	float	   *x;
	ArrayType  *result = QuiverNewRealArray(halfvec->dim, &x);

	quiver_kernels()->f16_to_f32(halfvec->x, x, (size_t) halfvec->dim);
	PG_RETURN_ARRAYTYPE_P(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_to_halfvec);
Datum
quiver_vector_to_halfvec(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);
	QuiverHalfvec *result = ResultFor(vector->dim, PG_GETARG_INT32(1));

	Round(vector->x, result->x, vector->dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_to_halfvec);
Datum
quiver_sparsevec_to_halfvec(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *sparsevec = QUIVER_GETARG_SPARSEVEC(0);
	QuiverHalfvec *result = ResultFor(sparsevec->dim, PG_GETARG_INT32(1));
	uint16		rounded[QUIVER_SPARSEVEC_MAX_NNZ];

	Round(QuiverSparsevecValues(sparsevec), rounded, sparsevec->nnz);
	for (int i = 0; i < sparsevec->nnz; i++)
		result->x[QuiverSparsevecIndex(sparsevec, i)] = rounded[i];
	PG_RETURN_POINTER(result);
}
