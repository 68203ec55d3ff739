/*
 * halfvec_distance.c - distances, products and norms of halfvec.
 *
 * Components are summed as float32 by the kernels; a sum that overflows is an
 * infinity, not an error.  Of a zero vector the cosine distance is NaN.
 */
#include "halfvec.h"

#include <math.h>

#include "core/distance/kernels.h"
#include "distance_math.h"

typedef float (*HalfvecKernel) (const uint16_t *a, const uint16_t *b, size_t dim);

static double
Apply(HalfvecKernel kernel, FunctionCallInfo fcinfo)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *b = QUIVER_GETARG_HALFVEC(1);

	QuiverCheckSameDim(&quiverHalfvecType, a->dim, b->dim);
	return kernel(a->x, b->x, (size_t) a->dim);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_l2_distance);
Datum
quiver_halfvec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(Apply(quiver_kernels()->l2sq_f16, fcinfo)));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_l2_squared_distance);
Datum
quiver_halfvec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->l2sq_f16, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_inner_product);
Datum
quiver_halfvec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->ip_f16, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_negative_inner_product);
Datum
quiver_halfvec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-Apply(quiver_kernels()->ip_f16, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_l1_distance);
Datum
quiver_halfvec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(Apply(quiver_kernels()->l1_f16, fcinfo));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_cosine_distance);
Datum
quiver_halfvec_cosine_distance(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *b = QUIVER_GETARG_HALFVEC(1);
	float		sums[3];

	QuiverCheckSameDim(&quiverHalfvecType, a->dim, b->dim);
	quiver_kernels()->cosine_f16(a->x, b->x, (size_t) a->dim, sums);
	PG_RETURN_FLOAT8(QuiverCosineDistance(sums[0], sums[1], sums[2]));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_spherical_distance);
Datum
quiver_halfvec_spherical_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(QuiverSphericalDistance(Apply(quiver_kernels()->ip_f16, fcinfo)));
}

/* Widens a into x and returns its norm. */
static double
Norm(const QuiverHalfvec *a, float *x)
{
	double		sum = 0;

	quiver_kernels()->f16_to_f32(a->x, x, (size_t) a->dim);
	for (int i = 0; i < a->dim; i++)
		sum += (double) x[i] * (double) x[i];
	return sqrt(sum);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_l2_norm);
Datum
quiver_halfvec_l2_norm(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_HALFVEC_MAX_DIM];

	PG_RETURN_FLOAT8(Norm(QUIVER_GETARG_HALFVEC(0), x));
}

/* A zero vector stays as it is. */
PG_FUNCTION_INFO_V1(quiver_halfvec_l2_normalize);
Datum
quiver_halfvec_l2_normalize(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *result = QuiverNewHalfvec(a->dim);
	float		x[QUIVER_HALFVEC_MAX_DIM];
	double		norm = Norm(a, x);

	if (norm > 0)
	{
		for (int i = 0; i < a->dim; i++)
			x[i] = (float) (x[i] / norm);
		quiver_kernels()->f32_to_f16(x, result->x, (size_t) a->dim);
	}
	PG_RETURN_POINTER(result);
}
