/*
 * vector_distance.c - distances, products and norms of vector.
 *
 * Components are summed as float32 by the kernels; a sum that overflows is an
 * infinity, not an error.  Of a zero vector the cosine distance is NaN.
 */
#include "vector.h"

#include <math.h>

#include "core/distance/kernels.h"
#include "distance_math.h"

typedef float (*VectorKernel) (const float *a, const float *b, size_t dim);

static double
Apply(VectorKernel kernel, FunctionCallInfo fcinfo)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);

	QuiverCheckSameDim(&quiverVectorType, a->dim, b->dim);
	return kernel(a->x, b->x, (size_t) a->dim);
}

PG_FUNCTION_INFO_V1(quiver_vector_l2_distance);
Datum
quiver_vector_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(Apply(quiver_kernels()->l2sq_f32, fcinfo)));
}

PG_FUNCTION_INFO_V1(quiver_vector_l2_squared_distance);
Datum
quiver_vector_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->l2sq_f32, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_vector_inner_product);
Datum
quiver_vector_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->ip_f32, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_vector_negative_inner_product);
Datum
quiver_vector_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-Apply(quiver_kernels()->ip_f32, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_vector_l1_distance);
Datum
quiver_vector_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->l1_f32, fcinfo));
}

/* Of vectors so short or so long that float32 does not do. */
static double
CosineInDouble(const QuiverVector *a, const QuiverVector *b)
{
	double		product = 0;
	double		norm2a = 0;
	double		norm2b = 0;

	for (int i = 0; i < a->dim; i++)
	{
		product += (double) a->x[i] * b->x[i];
		norm2a += (double) a->x[i] * a->x[i];
		norm2b += (double) b->x[i] * b->x[i];
	}
	return QuiverCosineDistance(product, norm2a, norm2b);
}

PG_FUNCTION_INFO_V1(quiver_vector_cosine_distance);
Datum
quiver_vector_cosine_distance(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	float		sums[3];

	QuiverCheckSameDim(&quiverVectorType, a->dim, b->dim);
	quiver_kernels()->cosine_f32(a->x, b->x, (size_t) a->dim, sums);
	if (!QuiverSoundNorms(sums[1], sums[2]))
		PG_RETURN_FLOAT8(CosineInDouble(a, b));
	PG_RETURN_FLOAT8(QuiverCosineDistance(sums[0], sums[1], sums[2]));
}

PG_FUNCTION_INFO_V1(quiver_vector_spherical_distance);
Datum
quiver_vector_spherical_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(QuiverSphericalDistance(Apply(quiver_kernels()->ip_f32, fcinfo)));
}

/* Squares of float32 do not overflow a double, so a norm is always finite. */
static double
Norm(const QuiverVector *a)
{
	double		sum = 0;

	for (int i = 0; i < a->dim; i++)
		sum += (double) a->x[i] * (double) a->x[i];
	return sqrt(sum);
}

PG_FUNCTION_INFO_V1(quiver_vector_norm);
Datum
quiver_vector_norm(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Norm(QUIVER_GETARG_VECTOR(0)));
}

/* A zero vector stays as it is. */
PG_FUNCTION_INFO_V1(quiver_vector_l2_normalize);
Datum
quiver_vector_l2_normalize(PG_FUNCTION_ARGS)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *result = QuiverNewVector(a->dim);
	double		norm = Norm(a);

	if (norm > 0)
		for (int i = 0; i < a->dim; i++)
			result->x[i] = (float) (a->x[i] / norm);
	PG_RETURN_POINTER(result);
}
