/*
 * sparsevec_distance.c - distances, products and norms of sparsevec.
 *
 * One walk along both lists of indices.  Sums are float32, as for the dense
 * types; a sum that overflows is an infinity.  Of a zero vector the cosine
 * distance is NaN.
 */
#include "sparsevec.h"

#include <math.h>

#include "distance_math.h"

typedef float (*SparseKernel) (QuiverSparsevec *a, QuiverSparsevec *b);

/* Sums term(x, y) over the indices that either vector has. */
#define SUM_OVER_UNION(name, term) \
	static float \
	name(QuiverSparsevec *a, QuiverSparsevec *b) \
	{ \
		const float *x = QuiverSparsevecValues(a); \
		const float *y = QuiverSparsevecValues(b); \
		float		sum = 0; \
		int			i = 0; \
		int			j = 0; \
		\
		while (i < a->nnz && j < b->nnz) \
		{ \
			if (a->indices[i] == b->indices[j]) \
				sum += term(x[i++] - y[j++]); \
			else if (a->indices[i] < b->indices[j]) \
				sum += term(x[i++]); \
			else \
				sum += term(y[j++]); \
		} \
		while (i < a->nnz) \
			sum += term(x[i++]); \
		while (j < b->nnz) \
			sum += term(y[j++]); \
		return sum; \
	}

static inline float
Square(float x)
{
	return x * x;
}

SUM_OVER_UNION(SquaredDistance, Square)
SUM_OVER_UNION(TaxicabDistance, fabsf)

static float
Product(QuiverSparsevec *a, QuiverSparsevec *b)
{
	const float *x = QuiverSparsevecValues(a);
	const float *y = QuiverSparsevecValues(b);
	float		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a->nnz && j < b->nnz)
	{
		if (a->indices[i] == b->indices[j])
			sum += x[i++] * y[j++];
		else if (a->indices[i] < b->indices[j])
			i++;
		else
			j++;
	}
	return sum;
}

static double
Apply(SparseKernel kernel, FunctionCallInfo fcinfo)
{
	QuiverSparsevec *a = QUIVER_GETARG_SPARSEVEC(0);
	QuiverSparsevec *b = QUIVER_GETARG_SPARSEVEC(1);

	QuiverCheckSameDim(&quiverSparsevecType, a->dim, b->dim);
	return kernel(a, b);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_l2_distance);
Datum
quiver_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(Apply(SquaredDistance, fcinfo)));
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_l2_squared_distance);
Datum
quiver_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(SquaredDistance, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_inner_product);
Datum
quiver_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(Product, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_negative_inner_product);
Datum
quiver_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-Apply(Product, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_l1_distance);
Datum
quiver_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(TaxicabDistance, fcinfo));
}

/* Of vectors so short or so long that float32 does not do. */
static double
CosineInDouble(QuiverSparsevec *a, QuiverSparsevec *b)
{
	const float *x = QuiverSparsevecValues(a);
	const float *y = QuiverSparsevecValues(b);
	double		product = 0;
	double		norm2a = 0;
	double		norm2b = 0;
	int			i = 0;

	for (int j = 0; j < b->nnz; j++)
	{
		while (i < a->nnz && a->indices[i] < b->indices[j])
			i++;
		if (i < a->nnz && a->indices[i] == b->indices[j])
			product += (double) x[i] * y[j];
		norm2b += (double) y[j] * y[j];
	}
	for (i = 0; i < a->nnz; i++)
		norm2a += (double) x[i] * x[i];
	return QuiverCosineDistance(product, norm2a, norm2b);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_cosine_distance);
Datum
quiver_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *a = QUIVER_GETARG_SPARSEVEC(0);
	QuiverSparsevec *b = QUIVER_GETARG_SPARSEVEC(1);
	float		norm2a;
	float		norm2b;

	QuiverCheckSameDim(&quiverSparsevecType, a->dim, b->dim);
	norm2a = Product(a, a);
	norm2b = Product(b, b);
	if (!QuiverSoundNorms(norm2a, norm2b))
		PG_RETURN_FLOAT8(CosineInDouble(a, b));
	PG_RETURN_FLOAT8(QuiverCosineDistance(Product(a, b), norm2a, norm2b));
}

/* Squares of float32 do not overflow a double, so a norm is always finite. */
static double
Norm(QuiverSparsevec *a)
{
	const float *values = QuiverSparsevecValues(a);
	double		sum = 0;

	for (int i = 0; i < a->nnz; i++)
		sum += (double) values[i] * (double) values[i];
	return sqrt(sum);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_l2_norm);
Datum
quiver_sparsevec_l2_norm(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Norm(QUIVER_GETARG_SPARSEVEC(0)));
}

/* A zero vector stays as it is; elements that round to zero are dropped. */
PG_FUNCTION_INFO_V1(quiver_sparsevec_l2_normalize);
Datum
quiver_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *a = QUIVER_GETARG_SPARSEVEC(0);
	const float *from = QuiverSparsevecValues(a);
	double		norm = Norm(a);
	int			nnz = 0;
	QuiverSparsevec *result;
	float	   *to;

	for (int i = 0; i < a->nnz; i++)
		nnz += (float) (from[i] / norm) != 0;
	result = QuiverNewSparsevec(a->dim, nnz);
	to = QuiverSparsevecValues(result);
	for (int i = 0, j = 0; i < a->nnz; i++)
	{
		float		value = (float) (from[i] / norm);

		if (value != 0)
		{
			result->indices[j] = a->indices[i];
			to[j++] = value;
		}
	}
	PG_RETURN_POINTER(result);
}
