/*
 * vector_compare.c - the order of vector, for btree, sort and DISTINCT.
 */
#include "vector.h"

#include "comparison.h"

static int
Compare(const QuiverVector *a, const QuiverVector *b)
{
	int			dim = Min(a->dim, b->dim);

	for (int i = 0; i < dim; i++)
		if (a->x[i] != b->x[i])
			return a->x[i] < b->x[i] ? -1 : 1;
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/* Detoasted copies are freed: a sort calls this often in one memory context. */
static int
CompareArguments(FunctionCallInfo fcinfo)
{
	QuiverVector *a = QUIVER_GETARG_VECTOR(0);
	QuiverVector *b = QUIVER_GETARG_VECTOR(1);
	int			result = Compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

QUIVER_COMPARISONS(vector, CompareArguments);
