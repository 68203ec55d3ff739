/*
 * scan_aim.c - what a scan is to search for, from its keys and order-bys.
 *
 * The core searches near one value, at most as far as one bound.  A scan may have
 * several conditions vector <@ bound and order-bys, about different values:
 *
 *     ORDER BY a distance               near its value; bounds about that very
 *                                       value count, the smallest of them
 *     no order, or one that the index   near the value of the smallest bound,
 *     cannot give, but bounds           rows in no order
 *     neither                           a walk
 *
 * Bounds that do not count here are not lost: the executor checks every
 * condition on every row (xs_recheck).
 */
#include "scan_aim.h"

#include <math.h>

#include "access/relscan.h"
#include "utils/float.h"
#include "utils/lsyscache.h"

#include "../types/bound.h"

static double
LeastDistance(QuiverMetric metric)
{
	return metric == QUIVER_METRIC_IP ? -get_float8_infinity() : 0.0;
}

static QuiverScanOrder
ChooseOrder(IndexScanDesc scan, const QuiverOpclass *opclass, const QuiverIndex *facts,
			QuiverScanAim *aim)
{
	if (scan->numberOfOrderBys == 0)
		return QUIVER_ORDER_NONE;
	if (scan->numberOfOrderBys > 1)
		return QUIVER_ORDER_RECHECKED;
	if (scan->orderByData[0].sk_flags & SK_ISNULL)
		return QUIVER_ORDER_ALL_NULL;

	aim->query = QuiverDatumValue(opclass, scan->orderByData[0].sk_argument,
								  (int) quiver_index_dim(facts));
	aim->hasQuery = quiver_has_direction(facts, &aim->query);
	return aim->hasQuery ? QUIVER_ORDER_DISTANCE : QUIVER_ORDER_ALL_NAN;
}

/*
 * What one condition adds to the aim.  A radius that is NaN or infinite bounds
 * nothing that has a distance; the executor decides on the rest.
 */
static void
AddBound(IndexScanDesc scan, ScanKey key, const QuiverOpclass *opclass, const QuiverIndex *facts,
		 QuiverScanAim *aim)
{
	const QuiverBound *bound;
	QuiverValue value;
	bool		orNan;

	/* An operator class that somebody made may have other ideas of a bound. */
	if (key->sk_strategy != QUIVER_STRATEGY_WITHIN || get_typlen(key->sk_subtype) != -1)
		elog(ERROR, "quiver index \"%s\" was given a condition of strategy %d on type %u",
			 RelationGetRelationName(scan->indexRelation), key->sk_strategy, key->sk_subtype);
	if (key->sk_flags & SK_ISNULL)
	{
		aim->noRows = true;
		return;
	}

	/* A condition that somebody wrote may have a bound in another metric, or of another type. */
	bound = QuiverDatumGetBound(key->sk_argument);
	if (bound->metric != opclass->metric || !QuiverIsBoundOf(bound, opclass->typeName))
		return;
	orNan = (bound->flags & QUIVER_BOUND_OR_NAN) != 0;
	value = QuiverDatumValue(opclass, QuiverBoundValue(bound), (int) quiver_index_dim(facts));

	/* No distance to any row: NaN is within NaN only. */
	if (!quiver_has_direction(facts, &value))
	{
		aim->noRows |= !orNan && !isnan(bound->radius);
		return;
	}
	if (!orNan && !isnan(bound->radius))
		aim->skipNan = true;

	if (!isfinite(bound->radius))
		return;
	if (bound->radius < LeastDistance(opclass->metric) && !orNan)
	{
		aim->noRows = true;
		return;
	}

	if (aim->order == QUIVER_ORDER_DISTANCE)
	{
		if (!QuiverIsBoundAbout(bound, scan->orderByData[0].sk_argument))
			return;
	}
	else if (aim->hasQuery && bound->radius >= aim->bound)
		return;
	else
	{
		aim->hasQuery = true;
		aim->query = value;
	}
	aim->bound = Min(aim->bound, bound->radius);
}

QuiverScanAim
QuiverAimScan(IndexScanDesc scan, const QuiverOpclass *opclass, const QuiverIndex *facts)
{
	QuiverScanAim aim = {0};

	aim.bound = get_float8_infinity();
	aim.skipNull = scan->numberOfKeys > 0;
	aim.order = ChooseOrder(scan, opclass, facts, &aim);
	for (int i = 0; i < scan->numberOfKeys && !aim.noRows; i++)
		AddBound(scan, &scan->keyData[i], opclass, facts, &aim);
	return aim;
}

void
QuiverAimOptions(const QuiverScanAim *aim, QuiverScanOptions *options)
{
	options->bound = aim->bound;
	if (aim->order == QUIVER_ORDER_DISTANCE)
		return;

	/*
	 * Who asks for no order asks for all rows within.  The settings that end a
	 * search early, or leave out what comes too late, are about the nearest.
	 */
	options->exact_order = false;
	options->iterative = QUIVER_ITERATIVE_RELAXED;
	options->max_scan_tuples = 0;
}

bool
QuiverAimAccepts(const QuiverScanAim *aim, const QuiverRow *row)
{
	if (row->kind == QUIVER_ROW_NULL)
		return !aim->skipNull;
	if (row->kind == QUIVER_ROW_NAN)
		return !aim->skipNan;
	return true;
}
