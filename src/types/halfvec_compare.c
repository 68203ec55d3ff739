/*
 * halfvec_compare.c - the order of halfvec, for btree, sort and DISTINCT.
 */
#include "halfvec.h"

#include "comparison.h"

/* Orders as the numbers do: binary16 is sign and magnitude. */
static inline int
OrderKey(uint16 half)
{
	return (half & 0x8000) != 0 ? -(int) (half & 0x7FFF) : (int) half;
}

static int
Compare(const QuiverHalfvec *a, const QuiverHalfvec *b)
{
	int			dim = Min(a->dim, b->dim);

	for (int i = 0; i < dim; i++)
	{
		int			x = OrderKey(a->x[i]);
		int			y = OrderKey(b->x[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/* Detoasted copies are freed: a sort calls this often in one memory context. */
static int
CompareArguments(FunctionCallInfo fcinfo)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *b = QUIVER_GETARG_HALFVEC(1);
	int			result = Compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

QUIVER_COMPARISONS(halfvec, CompareArguments);
