/*
 * scan_aim.h - what a scan is to search for, from its keys and order-bys.
 */
#ifndef QUIVER_SCAN_AIM_H
#define QUIVER_SCAN_AIM_H

#include "am.h"

#include "opclass.h"

/* What the executor is told of a row's place. */
typedef enum QuiverScanOrder
{
	QUIVER_ORDER_NONE,			/* nothing: no ORDER BY */
	QUIVER_ORDER_DISTANCE,		/* one distance */
	QUIVER_ORDER_ALL_NULL,		/* the distance to NULL, which is NULL */
	QUIVER_ORDER_ALL_NAN,		/* the angle to a zero vector, which is NaN */
	QUIVER_ORDER_RECHECKED		/* several distances: the executor sorts */
} QuiverScanOrder;

typedef struct QuiverScanAim
{
	QuiverScanOrder order;
	bool		noRows;			/* a condition is false or NULL whatever the row */
	bool		hasQuery;		/* search near query, else walk */
	QuiverValue query;
	double		bound;			/* of the distance to query; infinity: none */
	bool		skipNull;		/* no condition holds for a NULL key */
	bool		skipNan;		/* nor for a row without a distance */
} QuiverScanAim;

/*
 * scan's keys and order-bys taken together.  Values are copied, if at all, into
 * the current memory context.  Raises where a value's dimensions are not the
 * index's, as the operators do.
 */
extern QuiverScanAim QuiverAimScan(IndexScanDesc scan, const QuiverOpclass *opclass,
								   const QuiverIndex *facts);

/* Adapts options, so far those of an ordinary search, to aim. */
extern void QuiverAimOptions(const QuiverScanAim *aim, QuiverScanOptions *options);

/* False for a row that surely fails a condition; others are for the executor to check. */
extern bool QuiverAimAccepts(const QuiverScanAim *aim, const QuiverRow *row);

#endif							/* QUIVER_SCAN_AIM_H */
