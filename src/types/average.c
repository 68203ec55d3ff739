/*
 * average.c - the state of avg and sum over vectors.
 */
#include "average.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

#include "array_source.h"

typedef struct AverageState
{
	ArrayType  *array;
	double	   *count;			/* the array's first element */
	double	   *sums;			/* the others */
	int			dim;			/* how many; 0 before the first value */
} AverageState;

static AverageState
StateOf(ArrayType *array)
{
	AverageState state;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 || array_contains_nulls(array) ||
		ARR_ELEMTYPE(array) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid state of an aggregate over vectors"),
				 errdetail("Expected a one-dimensional array of double precision without nulls.")));
	state.array = array;
	state.count = QuiverArrayData(array);
	if (!(*state.count >= 0) || isinf(*state.count))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid state of an aggregate over vectors"),
				 errdetail("The number of values is %g.", *state.count)));
	state.sums = state.count + 1;
	state.dim = ARR_DIMS(array)[0] - 1;
	return state;
}

static AverageState
NewState(int dim)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(double) * ((Size) dim + 1);
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = dim + 1;
	ARR_LBOUND(array)[0] = 1;
	return StateOf(array);
}

Datum
QuiverAverageAccum(FunctionCallInfo fcinfo, const float *x, int dim)
{
	AverageState state = StateOf(PG_GETARG_ARRAYTYPE_P(0));
	AverageState result;

	if (state.dim != 0)
		QuiverCheckTypmod(state.dim, dim, NULL);

	if (state.dim != 0 && AggCheckCallContext(fcinfo, NULL))
		result = state;
	else
		result = NewState(dim);

	*result.count = *state.count + 1;
	if (state.dim == 0)
		for (int i = 0; i < dim; i++)
			result.sums[i] = x[i];
	else
		for (int i = 0; i < dim; i++)
		{
			result.sums[i] = state.sums[i] + x[i];
			if (unlikely(isinf(result.sums[i])))
				float_overflow_error();
		}
	PG_RETURN_ARRAYTYPE_P(result.array);
}

Datum
QuiverAverageCombine(FunctionCallInfo fcinfo, const QuiverElementType *type)
{
	AverageState a = StateOf(PG_GETARG_ARRAYTYPE_P(0));
	AverageState b = StateOf(PG_GETARG_ARRAYTYPE_P(1));
	AverageState result;

	/* One that has seen nothing may not know the dimensions. */
	if (*a.count == 0 || *b.count == 0)
	{
		if (*a.count == 0)
			a = b;
		if (a.dim != 0 || *a.count != 0)
			QuiverCheckDim(type, a.dim, NULL);
		result = NewState(a.dim);
		*result.count = *a.count;
		memcpy(result.sums, a.sums, sizeof(double) * a.dim);
		PG_RETURN_ARRAYTYPE_P(result.array);
	}

	QuiverCheckDim(type, a.dim, NULL);
	QuiverCheckTypmod(a.dim, b.dim, NULL);
	result = NewState(a.dim);
	*result.count = *a.count + *b.count;
	for (int i = 0; i < a.dim; i++)
	{
		result.sums[i] = a.sums[i] + b.sums[i];
		if (unlikely(isinf(result.sums[i])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(result.array);
}

/* The sums over divisor into x; their number. */
static int
Narrow(AverageState state, double divisor, const QuiverElementType *type, float *x)
{
	if (*state.count == 0)
		return 0;
	QuiverCheckDim(type, state.dim, NULL);
	for (int i = 0; i < state.dim; i++)
		x[i] = QuiverNarrow(type, state.sums[i] / divisor);
	return state.dim;
}

int
QuiverAverageFinal(FunctionCallInfo fcinfo, const QuiverElementType *type, float *x)
{
	AverageState state = StateOf(PG_GETARG_ARRAYTYPE_P(0));

	return Narrow(state, *state.count, type, x);
}

int
QuiverSumFinal(FunctionCallInfo fcinfo, const QuiverElementType *type, float *x)
{
	AverageState state = StateOf(PG_GETARG_ARRAYTYPE_P(0));

	/* worded as an addition that overflows */
	for (int i = 0; i < state.dim; i++)
		if (unlikely(fabsf((float) state.sums[i]) >= type->overflow))
			float_overflow_error();
	return Narrow(state, 1, type, x);
}
