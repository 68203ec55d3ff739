/*
 * array_source.h - reading the components of an SQL array of integer, real,
 * double precision or numeric.
 */
#ifndef QUIVER_ARRAY_SOURCE_H
#define QUIVER_ARRAY_SOURCE_H

#include "element.h"

#include "utils/array.h"

/* ARR_DATA_PTR, whose macro mixes signed and unsigned. */
static inline void *
QuiverArrayData(ArrayType *array)
{
	return (char *) array + (ARR_HASNULL(array) ? (Size) array->dataoffset :
							 ARR_OVERHEAD_NONULLS(ARR_NDIM(array)));
}

typedef struct QuiverArraySource
{
	const QuiverElementType *type;	/* of the vector to be */
	Oid			elementType;
	int			n;				/* elements, 0 .. */
	const void *data;			/* of integer, real, double precision */
	Datum	   *numerics;		/* of numeric */
} QuiverArraySource;

/*
 * Opens a one-dimensional array (or the empty one) without nulls; raises 22000
 * or 22004 for others.
 */
extern QuiverArraySource QuiverOpenArray(const QuiverElementType *type, ArrayType *array);

/*
 * Element i as the vector holds it; raises if it is not finite or out of
 * range.  Polls interrupts.
 */
extern float QuiverArrayElement(const QuiverArraySource *source, int i);

/* An array of real, without nulls. */
extern ArrayType *QuiverNewRealArray(int n, float **x);

#endif							/* QUIVER_ARRAY_SOURCE_H */
