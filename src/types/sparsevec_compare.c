/*
 * sparsevec_compare.c - the order of sparsevec, for btree, sort and DISTINCT.
 *
 * It is the order of the dense vectors that the values stand for.
 */
#include "sparsevec.h"

#include "comparison.h"

/* The order of x and 0, x being an element that the other vector lacks. */
static inline int
OrderAgainstZero(float x)
{
	return x < 0 ? -1 : 1;
}

static int
Compare(QuiverSparsevec *a, QuiverSparsevec *b)
{
	const float *x = QuiverSparsevecValues(a);
	const float *y = QuiverSparsevecValues(b);
	int			both = Min(a->nnz, b->nnz);

	for (int i = 0; i < both; i++)
	{
		if (a->indices[i] < b->indices[i])
			return OrderAgainstZero(x[i]);
		if (a->indices[i] > b->indices[i])
			return -OrderAgainstZero(y[i]);
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	/* Only dimensions that both have are compared. */
	if (a->nnz > both && a->indices[both] < b->dim)
		return OrderAgainstZero(x[both]);
	if (b->nnz > both && b->indices[both] < a->dim)
		return -OrderAgainstZero(y[both]);
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/* Detoasted copies are freed: a sort calls this often in one memory context. */
static int
CompareArguments(FunctionCallInfo fcinfo)
{
	QuiverSparsevec *a = QUIVER_GETARG_SPARSEVEC(0);
	QuiverSparsevec *b = QUIVER_GETARG_SPARSEVEC(1);
	int			result = Compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

QUIVER_COMPARISONS(sparsevec, CompareArguments);
