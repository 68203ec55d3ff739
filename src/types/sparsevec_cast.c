/*
 * sparsevec_cast.c - casts to sparsevec: its own length coercion, from arrays,
 * from the other vector types.
 *
 * Each takes (value, typmod, explicit); the typmod binds in either case.
 */
#include "sparsevec.h"

#include "core/distance/kernels.h"
#include "array_source.h"
#include "halfvec.h"
#include "vector.h"

/* A sparsevec being filled; room for all is made when the number is known. */
static QuiverSparsevec *
ResultFor(int32 dim, int64 nnz, int32 typmod)
{
	QuiverCheckDim(&quiverSparsevecType, dim, NULL);
	QuiverCheckTypmod(typmod, dim, NULL);
	QuiverCheckNnz(nnz, NULL);
	return QuiverNewSparsevec(dim, (int) nnz);
}

static QuiverSparsevec *
FromDense(const float *x, int dim, int32 typmod)
{
	QuiverSparsevec *result;
	float	   *values;
	int			nnz = 0;

	for (int i = 0; i < dim; i++)
		nnz += x[i] != 0;
	result = ResultFor(dim, nnz, typmod);
	values = QuiverSparsevecValues(result);
	for (int i = 0, j = 0; i < dim; i++)
		if (x[i] != 0)
		{
			result->indices[j] = i;
			values[j++] = x[i];
		}
	return result;
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_to_sparsevec);
Datum
quiver_sparsevec_to_sparsevec(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *sparsevec = QUIVER_GETARG_SPARSEVEC(0);

	QuiverCheckTypmod(PG_GETARG_INT32(1), sparsevec->dim, NULL);
	PG_RETURN_POINTER(sparsevec);
}

PG_FUNCTION_INFO_V1(quiver_vector_to_sparsevec);
Datum
quiver_vector_to_sparsevec(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);

	PG_RETURN_POINTER(FromDense(vector->x, vector->dim, PG_GETARG_INT32(1)));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_to_sparsevec);
Datum
quiver_halfvec_to_sparsevec(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);
	float		x[QUIVER_HALFVEC_MAX_DIM];

	quiver_kernels()->f16_to_f32(halfvec->x, x, (size_t) halfvec->dim);
	PG_RETURN_POINTER(FromDense(x, halfvec->dim, PG_GETARG_INT32(1)));
}

/* An array may be far longer than a dense vector, so it is read twice. */
PG_FUNCTION_INFO_V1(quiver_array_to_sparsevec);
Datum
quiver_array_to_sparsevec(PG_FUNCTION_ARGS)
{
	QuiverArraySource source = QuiverOpenArray(&quiverSparsevecType, PG_GETARG_ARRAYTYPE_P(0));
	QuiverSparsevec *result;
	float	   *values;
	int64		nnz = 0;

	QuiverCheckDim(&quiverSparsevecType, source.n, NULL);
	QuiverCheckTypmod(PG_GETARG_INT32(1), source.n, NULL);
	for (int i = 0; i < source.n; i++)
		nnz += QuiverArrayElement(&source, i) != 0;
	result = ResultFor(source.n, nnz, PG_GETARG_INT32(1));
	values = QuiverSparsevecValues(result);
	for (int i = 0, j = 0; i < source.n; i++)
	{
		float		value = QuiverArrayElement(&source, i);

		if (value != 0)
		{
			result->indices[j] = i;
			values[j++] = value;
		}
	}
	PG_RETURN_POINTER(result);
}
