/*
 * dense_text.h - "[1,2,3]", the text form of vector and halfvec.
 */
#ifndef QUIVER_DENSE_TEXT_H
#define QUIVER_DENSE_TEXT_H

#include "element.h"

/*
 * Components of literal into x, which holds type->maxDim; returns how many, at
 * least 1, or 0 after a soft error.
 */
extern int	QuiverDenseIn(const QuiverElementType *type, const char *literal,
						  int32 typmod, float *x, Node *escontext);

/* The text of n components, palloc'd. */
extern char *QuiverDenseOut(const float *x, int n);

#endif							/* QUIVER_DENSE_TEXT_H */
