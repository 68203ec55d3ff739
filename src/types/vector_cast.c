/*
 * vector_cast.c - casts to vector: its own length coercion, from arrays, from
 * the other vector types; and from vector to real[].
 *
 * Each takes (value, typmod, explicit); the typmod binds in either case.
 */
#include "vector.h"

#include "core/distance/kernels.h"
#include "array_source.h"
#include "halfvec.h"
#include "sparsevec.h"

/* A zero vector for dim components that fit typmod. */
static QuiverVector *
ResultFor(int32 dim, int32 typmod)
{
	QuiverCheckDim(&quiverVectorType, dim, NULL);
	QuiverCheckTypmod(typmod, dim, NULL);
	return QuiverNewVector(dim);
}

PG_FUNCTION_INFO_V1(quiver_vector_to_vector);
Datum
quiver_vector_to_vector(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);

	QuiverCheckTypmod(PG_GETARG_INT32(1), vector->dim, NULL);
	PG_RETURN_POINTER(vector);
}

PG_FUNCTION_INFO_V1(quiver_array_to_vector);
Datum
quiver_array_to_vector(PG_FUNCTION_ARGS)
{
	QuiverArraySource source = QuiverOpenArray(&quiverVectorType, PG_GETARG_ARRAYTYPE_P(0));
	QuiverVector *result = ResultFor(source.n, PG_GETARG_INT32(1));

	for (int i = 0; i < source.n; i++)
		result->x[i] = QuiverArrayElement(&source, i);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_to_float4);
Datum
quiver_vector_to_float4(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);
	float	   *x;
	ArrayType  *result = QuiverNewRealArray(vector->dim, &x);

	memcpy(x, vector->x, sizeof(float) * vector->dim);
	PG_RETURN_ARRAYTYPE_P(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_to_vector);
Datum
quiver_halfvec_to_vector(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);
	QuiverVector *result = ResultFor(halfvec->dim, PG_GETARG_INT32(1));

	quiver_kernels()->f16_to_f32(halfvec->x, result->x, (size_t) halfvec->dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_to_vector);
Datum
quiver_sparsevec_to_vector(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *sparsevec = QUIVER_GETARG_SPARSEVEC(0);
	const float *values = QuiverSparsevecValues(sparsevec);
	QuiverVector *result = ResultFor(sparsevec->dim, PG_GETARG_INT32(1));

	for (int i = 0; i < sparsevec->nnz; i++)
		result->x[QuiverSparsevecIndex(sparsevec, i)] = values[i];
	PG_RETURN_POINTER(result);
}
