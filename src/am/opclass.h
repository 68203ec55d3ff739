/*
 * opclass.h - what an operator class tells the access method.
 */
#ifndef QUIVER_OPCLASS_H
#define QUIVER_OPCLASS_H

#include "am.h"

/*
 * Returned by support function 1 of each operator class, (internal) returns
 * internal; static, so it lives for ever.
 */
typedef struct QuiverOpclass
{
	const char *typeName;
	QuiverMetric metric;

	/*
	 * A value's components as float32 and how many they are: in place where
	 * they are float32 and not toasted, else in the current memory context.
	 */
	const float *(*floats) (Datum value, int *dim);
} QuiverOpclass;

/* The class of index's key column. */
extern const QuiverOpclass *QuiverGetOpclass(Relation index);

/* The same, raising an error when value has not dim dimensions. */
extern const float *QuiverDatumFloats(const QuiverOpclass *opclass, Datum value, int dim);

/* True when no component differs from zero; such a vector has no direction. */
extern bool QuiverIsZero(const float *vector, int dim);

#endif							/* QUIVER_OPCLASS_H */
