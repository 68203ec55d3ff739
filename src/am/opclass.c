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

static QuiverValue
VectorValue(Datum datum, int *dim)
{
	const QuiverVector *vector = QuiverDatumGetVector(datum);
	QuiverValue value = {.components = vector->x};

	*dim = vector->dim;
	return value;
}

static QuiverValue
HalfvecValue(Datum datum, int *dim)
{
	const QuiverHalfvec *halfvec = QuiverDatumGetHalfvec(datum);
	float	   *floats = palloc(sizeof(float) * halfvec->dim);
	QuiverValue value = {.components = floats};

	*dim = halfvec->dim;
	quiver_kernels()->f16_to_f32(halfvec->x, floats, halfvec->dim);
	return value;
}

#define DEFINE_CLASS(name, type, form, metric, value) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		static const QuiverOpclass opclass = {type, form, metric, value}; \
		PG_RETURN_POINTER(&opclass); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

DEFINE_CLASS(quiver_vector_l2_class, "vector", QUIVER_FORM_DENSE, QUIVER_METRIC_L2, VectorValue);
DEFINE_CLASS(quiver_vector_ip_class, "vector", QUIVER_FORM_DENSE, QUIVER_METRIC_IP, VectorValue);
DEFINE_CLASS(quiver_vector_cosine_class, "vector", QUIVER_FORM_DENSE, QUIVER_METRIC_COSINE, VectorValue);
DEFINE_CLASS(quiver_halfvec_l2_class, "halfvec", QUIVER_FORM_DENSE, QUIVER_METRIC_L2, HalfvecValue);
DEFINE_CLASS(quiver_halfvec_ip_class, "halfvec", QUIVER_FORM_DENSE, QUIVER_METRIC_IP, HalfvecValue);
DEFINE_CLASS(quiver_halfvec_cosine_class, "halfvec", QUIVER_FORM_DENSE, QUIVER_METRIC_COSINE, HalfvecValue);

const QuiverOpclass *
QuiverGetOpclass(Relation index)
{
	FmgrInfo   *function = index_getprocinfo(index, 1, QUIVER_PROC_CLASS);

	return (const QuiverOpclass *) DatumGetPointer(FunctionCall1(function, PointerGetDatum(NULL)));
}

QuiverValue
QuiverDatumValue(const QuiverOpclass *opclass, Datum datum, int dim)
{
	int			have;
	QuiverValue value = opclass->value(datum, &have);

	if (have != dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different %s dimensions %d and %d", opclass->typeName, dim, have)));
	return value;
}
