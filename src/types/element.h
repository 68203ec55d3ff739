/*
 * element.h - what the vector types have in common: limits, and the errors of
 * a value that breaks them.
 *
 * A check that takes an escontext is for input functions: from PostgreSQL 16
 * on, where the caller collects errors softly, it returns false; otherwise it
 * raises.  With NULL it always raises.
 */
#ifndef QUIVER_ELEMENT_H
#define QUIVER_ELEMENT_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodes.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif

typedef struct QuiverElementType
{
	const char *name;			/* in SQL, for messages */
	int			maxDim;
	float		overflow;		/* least magnitude that rounds to infinity */
	bool		refuseUnderflow;	/* text that rounds to zero is an error */
} QuiverElementType;

/* ereport that an input function survives where its caller asked for it. */
#if PG_VERSION_NUM >= 160000
#define QUIVER_INPUT_ERROR(escontext, ...) errsave(escontext, __VA_ARGS__)
#else
#define QUIVER_INPUT_ERROR(escontext, ...) ereport(ERROR, __VA_ARGS__)
#endif

#define QUIVER_NO_RETURN __attribute__((noreturn, cold))

/* A stored value whose length contradicts its own header. */
extern QUIVER_NO_RETURN void QuiverReportCorruptValue(const QuiverElementType *type);
extern QUIVER_NO_RETURN void QuiverReportDifferentDims(const QuiverElementType *type, int a, int b);
extern QUIVER_NO_RETURN void QuiverReportOutOfRange(const QuiverElementType *type, double value);

/* The checks raise 22000, or 54000 for more than the type's limit. */
extern bool QuiverCheckDim(const QuiverElementType *type, int64 dim, Node *escontext);
extern bool QuiverCheckTypmod(int32 typmod, int dim, Node *escontext);
extern bool QuiverCheckFinite(const QuiverElementType *type, float value, Node *escontext);

/* The reserved field of a binary value; raises 22P03 if it is not 0. */
extern void QuiverCheckReserved(const QuiverElementType *type, int32 unused);

/* The typmod of one declared dimension; raises 22023. */
extern int32 QuiverTypmodIn(const QuiverElementType *type, Datum typmods);

/*
 * value as the type holds it: raises if it is not finite (22000) or overflows
 * (22003).
 */
static inline float
QuiverNarrow(const QuiverElementType *type, double value)
{
	float		narrow = (float) value;

	if (unlikely(!(narrow > -type->overflow && narrow < type->overflow)))
	{
		if (value - value == 0)
			QuiverReportOutOfRange(type, value);
		QuiverCheckFinite(type, narrow, NULL);
	}
	return narrow;
}

/* Operands of a binary operator must be of one size. */
static inline void
QuiverCheckSameDim(const QuiverElementType *type, int a, int b)
{
	if (unlikely(a != b))
		QuiverReportDifferentDims(type, a, b);
}

#endif							/* QUIVER_ELEMENT_H */
