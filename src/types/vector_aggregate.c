/*
 * vector_aggregate.c - avg and sum of vector and halfvec.
 *
 * Both keep the state of average.h.  A sum kept as a vector would be rounded
 * at each step: the sum of 10,000 halfvecs [1] would stop at [2048], and
 * depend on how workers divided the rows.
 */
#include "average.h"
#include "halfvec.h"
#include "vector.h"

#include "core/distance/kernels.h"

/* NULL for no components. */
static Datum
ReturnVector(FunctionCallInfo fcinfo, const float *x, int dim)
{
	QuiverVector *result;

	if (dim == 0)
		PG_RETURN_NULL();
	result = QuiverNewVector(dim);
	memcpy(result->x, x, sizeof(float) * dim);
	PG_RETURN_POINTER(result);
}

/* NULL for no components. */
static Datum
ReturnHalfvec(FunctionCallInfo fcinfo, const float *x, int dim)
{
	QuiverHalfvec *result;

	if (dim == 0)
		PG_RETURN_NULL();
	result = QuiverNewHalfvec(dim);
	quiver_kernels()->f32_to_f16(x, result->x, (size_t) dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_accum);
Datum
quiver_vector_accum(PG_FUNCTION_ARGS)
{
	QuiverVector *value = QUIVER_GETARG_VECTOR(1);

	return QuiverAverageAccum(fcinfo, value->x, value->dim);
}

PG_FUNCTION_INFO_V1(quiver_vector_combine);
Datum
quiver_vector_combine(PG_FUNCTION_ARGS)
{
	return QuiverAverageCombine(fcinfo, &quiverVectorType);
}

PG_FUNCTION_INFO_V1(quiver_vector_avg);
Datum
quiver_vector_avg(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_VECTOR_MAX_DIM];

	return ReturnVector(fcinfo, x, QuiverAverageFinal(fcinfo, &quiverVectorType, x));
}

PG_FUNCTION_INFO_V1(quiver_vector_sum);
Datum
quiver_vector_sum(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_VECTOR_MAX_DIM];

	return ReturnVector(fcinfo, x, QuiverSumFinal(fcinfo, &quiverVectorType, x));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_accum);
Datum
quiver_halfvec_accum(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *value = QUIVER_GETARG_HALFVEC(1);
	float		x[QUIVER_HALFVEC_MAX_DIM];

	quiver_kernels()->f16_to_f32(value->x, x, (size_t) value->dim);
	return QuiverAverageAccum(fcinfo, x, value->dim);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_combine);
Datum
quiver_halfvec_combine(PG_FUNCTION_ARGS)
{
	return QuiverAverageCombine(fcinfo, &quiverHalfvecType);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_avg);
Datum
quiver_halfvec_avg(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_HALFVEC_MAX_DIM];

	return ReturnHalfvec(fcinfo, x, QuiverAverageFinal(fcinfo, &quiverHalfvecType, x));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_sum);
Datum
quiver_halfvec_sum(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_HALFVEC_MAX_DIM];

	return ReturnHalfvec(fcinfo, x, QuiverSumFinal(fcinfo, &quiverHalfvecType, x));
}
