/*
 * vector.h - the SQL type vector: float32 components.
 *
 * The layout on disk is pgvector's, so that its data files' values, binary
 * dumps and clients carry over.  Values are never larger than 64,008 bytes.
 */
#ifndef QUIVER_VECTOR_H
#define QUIVER_VECTOR_H

#include "element.h"

#define QUIVER_VECTOR_MAX_DIM 16000

typedef struct QuiverVector
{
	int32		vl_len_;		/* varlena header, bytes in all */
	int16		dim;			/* 1 .. QUIVER_VECTOR_MAX_DIM */
	int16		unused;			/* 0 */
	float		x[FLEXIBLE_ARRAY_MEMBER];	/* finite */
} QuiverVector;

StaticAssertDecl(offsetof(QuiverVector, x) == 8, "vector's header is 8 bytes on disk");

extern const QuiverElementType quiverVectorType;

static inline Size
QuiverVectorSize(int dim)
{
	return offsetof(QuiverVector, x) + sizeof(float) * (Size) dim;
}

/* The value, with a 4-byte header; a copy where datum was toasted or packed. */
static inline QuiverVector *
QuiverDatumGetVector(Datum datum)
{
	QuiverVector *vector = (QuiverVector *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(vector) < offsetof(QuiverVector, x) || vector->dim < 1 ||
				 vector->dim > QUIVER_VECTOR_MAX_DIM ||
				 VARSIZE(vector) != QuiverVectorSize(vector->dim)))
		QuiverReportCorruptValue(&quiverVectorType);
	return vector;
}

#define QUIVER_GETARG_VECTOR(n) QuiverDatumGetVector(PG_GETARG_DATUM(n))

/* All components 0.  REQUIRES: 1 <= dim <= QUIVER_VECTOR_MAX_DIM. */
extern QuiverVector *QuiverNewVector(int dim);

#endif							/* QUIVER_VECTOR_H */
