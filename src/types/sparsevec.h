/*
 * sparsevec.h - the SQL type sparsevec: the components that are not zero.
 *
 * The layout on disk is pgvector's.  SQL's text counts indices from 1, bytes
 * on disk and on the wire from 0.
 */
#ifndef QUIVER_SPARSEVEC_H
#define QUIVER_SPARSEVEC_H

#include "element.h"

#define QUIVER_SPARSEVEC_MAX_DIM 1000000000
#define QUIVER_SPARSEVEC_MAX_NNZ 16000

typedef struct QuiverSparsevec
{
	int32		vl_len_;		/* varlena header, bytes in all */
	int32		dim;			/* 1 .. QUIVER_SPARSEVEC_MAX_DIM */
	int32		nnz;			/* 0 .. QUIVER_SPARSEVEC_MAX_NNZ, <= dim */
	int32		unused;			/* 0 */
	int32		indices[FLEXIBLE_ARRAY_MEMBER]; /* ascending, 0 .. dim - 1 */
	/* float values[nnz] follow: finite, not zero */
} QuiverSparsevec;

StaticAssertDecl(offsetof(QuiverSparsevec, indices) == 16, "sparsevec's header is 16 bytes on disk");

extern const QuiverElementType quiverSparsevecType;

static inline Size
QuiverSparsevecSize(int nnz)
{
	return offsetof(QuiverSparsevec, indices) + (sizeof(int32) + sizeof(float)) * (Size) nnz;
}

static inline float *
QuiverSparsevecValues(QuiverSparsevec *sparsevec)
{
	return (float *) (sparsevec->indices + sparsevec->nnz);
}

/* Index i, range-checked: for writing into an array of dim elements. */
static inline int32
QuiverSparsevecIndex(const QuiverSparsevec *sparsevec, int i)
{
	int32		index = sparsevec->indices[i];

	if (unlikely(index < 0 || index >= sparsevec->dim))
		QuiverReportCorruptValue(&quiverSparsevecType);
	return index;
}

/* The value, with a 4-byte header; a copy where datum was toasted or packed. */
static inline QuiverSparsevec *
QuiverDatumGetSparsevec(Datum datum)
{
	QuiverSparsevec *sparsevec = (QuiverSparsevec *) PG_DETOAST_DATUM(datum);

	if (unlikely(VARSIZE(sparsevec) < offsetof(QuiverSparsevec, indices) ||
				 sparsevec->dim < 1 || sparsevec->dim > QUIVER_SPARSEVEC_MAX_DIM ||
				 sparsevec->nnz < 0 || sparsevec->nnz > sparsevec->dim ||
				 sparsevec->nnz > QUIVER_SPARSEVEC_MAX_NNZ ||
				 VARSIZE(sparsevec) != QuiverSparsevecSize(sparsevec->nnz)))
		QuiverReportCorruptValue(&quiverSparsevecType);
	return sparsevec;
}

#define QUIVER_GETARG_SPARSEVEC(n) QuiverDatumGetSparsevec(PG_GETARG_DATUM(n))

/* Raises 54000 for more than QUIVER_SPARSEVEC_MAX_NNZ elements. */
extern bool QuiverCheckNnz(int64 nnz, Node *escontext);

/*
 * Indices and values are 0 and for the caller to fill.
 * REQUIRES: 1 <= dim <= QUIVER_SPARSEVEC_MAX_DIM, 0 <= nnz <= QUIVER_SPARSEVEC_MAX_NNZ.
 */
extern QuiverSparsevec *QuiverNewSparsevec(int32 dim, int nnz);

#endif							/* QUIVER_SPARSEVEC_H */
