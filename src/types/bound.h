/*
 * bound.h - the SQL type quiver_bound: all values no farther than a radius from one.
 *
 * The planner makes bounds of conditions such as embedding <-> q < r, for a
 * search to end at; the scan takes them apart again.  A bound is made by its
 * constructors only: it has no text or binary input.
 */
#ifndef QUIVER_BOUND_H
#define QUIVER_BOUND_H

#include "postgres.h"

#include "fmgr.h"

#include "core/core_api.h"

/* The type of the value that a bound is about. */
typedef enum QuiverBoundKind
{
	QUIVER_BOUND_VECTOR,
	QUIVER_BOUND_HALFVEC,
	QUIVER_BOUND_SPARSEVEC,
	QUIVER_BOUND_BIT
} QuiverBoundKind;

#define QUIVER_BOUND_KINDS 4

/* Values whose distance is NaN are within, too: NaN > c holds, for any c, and so 1 - NaN > c. */
#define QUIVER_BOUND_OR_NAN 1

typedef struct QuiverBound
{
	int32		vl_len_;		/* varlena header, bytes in all */
	uint8		kind;			/* QuiverBoundKind */
	uint8		metric;			/* QuiverMetric that the kind has */
	uint16		flags;			/* QUIVER_BOUND_OR_NAN or 0 */
	float8		radius;			/* in the operator's unit; any, NaN too */
	char		value[FLEXIBLE_ARRAY_MEMBER];	/* a varlena with a 4-byte header, not compressed */
} QuiverBound;

StaticAssertDecl(offsetof(QuiverBound, value) == 16, "a bound's value is aligned as its types want it");

/*
 * The bound; a copy where datum was toasted or packed.  Raises XX001 where the
 * value within does not fill what the header says of it.
 */
extern const QuiverBound *QuiverDatumGetBound(Datum datum);

/* The value that bound is about, for functions of its type. */
static inline Datum
QuiverBoundValue(const QuiverBound *bound)
{
	return PointerGetDatum(bound->value);
}

/* Whether value, of the bound's kind and not NULL, is the one that bound is about. */
extern bool QuiverIsBoundAbout(const QuiverBound *bound, Datum value);

/* Whether bound is about a value of the type of that name. */
extern bool QuiverIsBoundOf(const QuiverBound *bound, const char *typeName);

/* The metric of a name as quiver_within takes it ("l2", ...); 0 for others. */
extern QuiverMetric QuiverMetricByName(const text *name);

#endif							/* QUIVER_BOUND_H */
