/*
 * subrange.h - the part of a vector that subvector names, and the bits that
 * binary_quantize returns.
 */
#ifndef QUIVER_SUBRANGE_H
#define QUIVER_SUBRANGE_H

#include "element.h"

#include "utils/varbit.h"

typedef struct QuiverSubrange
{
	int			first;			/* counted from 0 */
	int			count;			/* >= 1 */
} QuiverSubrange;

/*
 * Positions start .. start + count - 1, counted from 1, cut to 1 .. dim.
 * Raises 22000 where nothing is left, as no vector is empty.
 */
static inline QuiverSubrange
QuiverClipSubrange(const QuiverElementType *type, int dim, int32 start, int32 count)
{
	int64		first = Max((int64) start, 1);
	int64		end = Min((int64) start + Max(count, 0), (int64) dim + 1);
	QuiverSubrange range;

	QuiverCheckDim(type, end - first, NULL);
	range.first = (int) first - 1;
	range.count = (int) (end - first);
	return range;
}

/* A bit string of n zeros. */
static inline VarBit *
QuiverNewBits(int n)
{
	Size		size = VARBITTOTALLEN(n);
	VarBit	   *result = palloc0(size);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = n;
	return result;
}

#endif							/* QUIVER_SUBRANGE_H */
