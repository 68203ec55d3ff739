/*
 * halfvec.h - the SQL type halfvec: IEEE 754 binary16 components.
 *
 * The layout on disk is pgvector's.
 */
#ifndef QUIVER_HALFVEC_H
#define QUIVER_HALFVEC_H

#include "element.h"

#define QUIVER_HALFVEC_MAX_DIM 16000

typedef struct QuiverHalfvec
{
	int32		vl_len_;		/* varlena header, bytes in all */
	int16		dim;			/* 1 .. QUIVER_HALFVEC_MAX_DIM */
	int16		unused;			/* 0 */
	uint16		x[FLEXIBLE_ARRAY_MEMBER];	/* binary16, finite */
} QuiverHalfvec;

StaticAssertDecl(offsetof(QuiverHalfvec, x) == 8, "halfvec's header is 8 bytes on disk");

extern const QuiverElementType quiverHalfvecType;

static inline Size
QuiverHalfvecSize(int dim)
{
	return offsetof(QuiverHalfvec, x) + sizeof(uint16) * (Size) dim;
}

/* The value, with a 4-byte header; a copy where datum was toasted or packed. */
static inline QuiverHalfvec *
QuiverDatumGetHalfvec(Datum datum)
{
	QuiverHalfvec *halfvec = (QuiverHalfvec *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(halfvec) < offsetof(QuiverHalfvec, x) || halfvec->dim < 1 ||
				 halfvec->dim > QUIVER_HALFVEC_MAX_DIM ||
				 VARSIZE(halfvec) != QuiverHalfvecSize(halfvec->dim)))
		QuiverReportCorruptValue(&quiverHalfvecType);
	return halfvec;
}

#define QUIVER_GETARG_HALFVEC(n) QuiverDatumGetHalfvec(PG_GETARG_DATUM(n))

static inline bool
QuiverHalfIsFinite(uint16 half)
{
	return (half & 0x7C00) != 0x7C00;
}

/* Either zero. */
static inline bool
QuiverHalfIsZero(uint16 half)
{
	return (half & 0x7FFF) == 0;
}

/* All components 0.  REQUIRES: 1 <= dim <= QUIVER_HALFVEC_MAX_DIM. */
extern QuiverHalfvec *QuiverNewHalfvec(int dim);

#endif							/* QUIVER_HALFVEC_H */
