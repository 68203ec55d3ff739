/*
 * opclass.c - operator classes: what each makes of a value, and how it compares.
 *
 * Each class names its descriptor through support function 1, so that the
 * access method knows no type and no operator by name, and the extension may
 * live in any schema.
 */
#include "am.h"

#include "fmgr.h"

#include "../types/halfvec.h"
#include "../types/vector.h"
#include "opclass.h"

static const float *
VectorFloats(Datum value, int *dim)
{
	const QuiverVector *vector = QuiverDatumGetVector(value);

	*dim = vector->dim;
	return vector->x;
}

static const float *
HalfvecFloats(Datum value, int *dim)
{
	const QuiverHalfvec *halfvec = QuiverDatumGetHalfvec(value);
	float	   *floats = palloc(sizeof(float) * halfvec->dim);

	*dim = halfvec->dim;
	quiver_kernels()->f16_to_f32(halfvec->x, floats, halfvec->dim);
	return floats;
}

#define DEFINE_CLASS(name, type, metric, floats) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		static const QuiverOpclass opclass = {type, metric, floats}; \
		PG_RETURN_POINTER(&opclass); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

DEFINE_CLASS(quiver_vector_l2_class, "vector", QUIVER_METRIC_L2, VectorFloats);
DEFINE_CLASS(quiver_vector_ip_class, "vector", QUIVER_METRIC_IP, VectorFloats);
DEFINE_CLASS(quiver_vector_cosine_class, "vector", QUIVER_METRIC_COSINE, VectorFloats);
DEFINE_CLASS(quiver_halfvec_l2_class, "halfvec", QUIVER_METRIC_L2, HalfvecFloats);
DEFINE_CLASS(quiver_halfvec_ip_class, "halfvec", QUIVER_METRIC_IP, HalfvecFloats);
DEFINE_CLASS(quiver_halfvec_cosine_class, "halfvec", QUIVER_METRIC_COSINE, HalfvecFloats);

const QuiverOpclass *
QuiverGetOpclass(Relation index)
{
	FmgrInfo   *function = index_getprocinfo(index, 1, QUIVER_PROC_CLASS);

	return (const QuiverOpclass *) DatumGetPointer(FunctionCall1(function, PointerGetDatum(NULL)));
}

const float *
QuiverDatumFloats(const QuiverOpclass *opclass, Datum value, int dim)
{
	int			have;
	const float *floats = opclass->floats(value, &have);

	if (have != dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d", dim, have)));
	return floats;
}

bool
QuiverIsZero(const float *vector, int dim)
{
	for (int i = 0; i < dim; i++)
	{
		if (vector[i] != 0.0f)
			return false;
	}
	return true;
}
