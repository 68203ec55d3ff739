/*
 * vector_arith.c - element-wise arithmetic of vector, and what takes vectors
 * apart and puts them together.
 */
#include "vector.h"

#include <math.h>

#include "utils/float.h"
#include "utils/varbit.h"

#include "subrange.h"

/* The checked result of an element-wise operator, still zero. */
static QuiverVector *
ResultFor(const QuiverVector *a, const QuiverVector *b)
{
	QuiverCheckSameDim(&quiverVectorType, a->dim, b->dim);
	return QuiverNewVector(a->dim);
}

/* Apart from the loops, so that those stay simple enough to vectorize. */
static void
RefuseInfinity(const QuiverVector *result)
{
	for (int i = 0; i < result->dim; i++)
		if (unlikely(isinf(result->x[i])))
			float_overflow_error();
}

PG_FUNCTION_INFO_V1(quiver_vector_add);
Datum
quiver_vector_add(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	QuiverVector *result = ResultFor(a, b);

	for (int i = 0, dim = a->dim; i < dim; i++)
		result->x[i] = a->x[i] + b->x[i];
	RefuseInfinity(result);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_sub);
Datum
quiver_vector_sub(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	QuiverVector *result = ResultFor(a, b);

	for (int i = 0, dim = a->dim; i < dim; i++)
		result->x[i] = a->x[i] - b->x[i];
	RefuseInfinity(result);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_mul);
Datum
quiver_vector_mul(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	QuiverVector *result = ResultFor(a, b);

	for (int i = 0, dim = a->dim; i < dim; i++)
		result->x[i] = a->x[i] * b->x[i];
	RefuseInfinity(result);
	for (int i = 0; i < result->dim; i++)
		if (unlikely(result->x[i] == 0) && a->x[i] != 0 && b->x[i] != 0)
			float_underflow_error();
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_concat);
Datum
quiver_vector_concat(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	int			dim = a->dim + b->dim;
	QuiverVector *result;

	QuiverCheckDim(&quiverVectorType, dim, NULL);
	result = QuiverNewVector(dim);
	memcpy(result->x, a->x, sizeof(float) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(float) * b->dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_dims);
Datum
quiver_vector_dims(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QUIVER_GETARG_VECTOR(0)->dim);
}

/* Components start .. start + count - 1, counted from 1, as far as they exist. */
PG_FUNCTION_INFO_V1(quiver_vector_subvector);
Datum
quiver_vector_subvector(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverSubrange range = QuiverClipSubrange(&quiverVectorType, a->dim,
											  PG_GETARG_INT32(1), PG_GETARG_INT32(2));
	QuiverVector *result = QuiverNewVector(range.count);

	memcpy(result->x, a->x + range.first, sizeof(float) * range.count);
	PG_RETURN_POINTER(result);
}

/* One bit a component: is it positive? */
PG_FUNCTION_INFO_V1(quiver_vector_binary_quantize);
Datum
quiver_vector_binary_quantize(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	VarBit	   *result = QuiverNewBits(a->dim);
	bits8	   *bits = VARBITS(result);

	for (int i = 0; i < a->dim; i++)
		bits[i / 8] |= (bits8) ((a->x[i] > 0) << (7 - i % 8));
	PG_RETURN_VARBIT_P(result);
}
