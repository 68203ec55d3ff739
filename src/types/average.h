/*
 * average.h - the state of avg and sum over vectors: an array of float8 that
 * holds the number of values, then the sum of each component; {0} before the
 * first.
 *
 * The state is visible to SQL, so what comes in is checked.
 */
#ifndef QUIVER_AVERAGE_H
#define QUIVER_AVERAGE_H

#include "element.h"

/* The state in argument 0 with x added.  In an aggregate the state is changed in place. */
extern Datum QuiverAverageAccum(FunctionCallInfo fcinfo, const float *x, int dim);

/* The states in arguments 0 and 1 together. */
extern Datum QuiverAverageCombine(FunctionCallInfo fcinfo, const QuiverElementType *type);

/*
 * The mean of the state in argument 0 into x, which holds type->maxDim;
 * returns its dimensions, 0 if the state has seen no value.
 */
extern int	QuiverAverageFinal(FunctionCallInfo fcinfo, const QuiverElementType *type, float *x);

/* The same, but the sum. */
extern int	QuiverSumFinal(FunctionCallInfo fcinfo, const QuiverElementType *type, float *x);

#endif							/* QUIVER_AVERAGE_H */
