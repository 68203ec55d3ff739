/*
 * within_support.c - what the planner learns of quiver_within and of value <@ bound.
 *
 * quiver_within reaches an index without quiver.planner_hook: PostgreSQL asks the
 * function's support function for an index condition.
 */
#include "am.h"

#include "fmgr.h"
#include "nodes/supportnodes.h"
#include "utils/selfuncs.h"

#include "../types/distance_cost.h"
#include "bound_match.h"

/*
 * Share of a table's rows that lie within a bound, where nothing better is known:
 * as PostgreSQL supposes of conditions in space (contsel).  People search for
 * what is near.  A guess that is too low costs little: an index scan that goes on
 * is hardly dearer a row than reading the table.  PostgreSQL's third for a
 * comparison with an expression would all but rule the index out.
 */
#define WITHIN_SELECTIVITY 0.001

/*
 * What of a column lies within a bound.  Where ANALYZE has kept values of the column
 * (it keeps none over 1 kB) their share within tells, but not to one who may not read
 * all rows: PostgreSQL would ask the statistics all the same, since <@ is leakproof, and
 * the estimates that EXPLAIN shows would tell him where the rows of others lie.
 */
static Selectivity
BoundSelectivity(PlannerInfo *root, Oid operator, Oid collation, List *operands, int varRelid)
{
	VariableStatData column;
	Node	   *bound;
	bool		columnIsLeft;
	bool		mayRead;

	if (!get_restriction_variable(root, operands, varRelid, &column, &bound, &columnIsLeft))
		return WITHIN_SELECTIVITY;
	mayRead = column.acl_ok;
	ReleaseVariableStats(column);
	if (!mayRead)
		return WITHIN_SELECTIVITY;
	return generic_restriction_selectivity(root, operator, collation, operands, varRelid,
										   WITHIN_SELECTIVITY);
}

PG_FUNCTION_INFO_V1(quiver_boundsel);

/* Restriction estimator of <@. */
Datum
quiver_boundsel(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			operator = PG_GETARG_OID(1);
	List	   *arguments = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);

	PG_RETURN_FLOAT8(BoundSelectivity(root, operator, PG_GET_COLLATION(), arguments, varRelid));
}

/* As the estimator of <@ would say of the same condition. */
static Selectivity
WithinSelectivity(SupportRequestSelectivity *request)
{
	Oid			operator;
	List	   *operands = QuiverWithinAsCondition(request->root, request->funcid, request->args, &operator);

	if (operands == NIL || request->is_join)
		return WITHIN_SELECTIVITY;
	return BoundSelectivity(request->root, operator, request->inputcollid, operands, request->varRelid);
}

static List *
IndexCondition(SupportRequestIndexCondition *request)
{
	QuiverMatch match;

	if (!QuiverMatchClause(request->root, request->index, request->indexcol, request->node, &match))
		return NIL;
	request->lossy = match.lossy;
	return list_make1(match.condition);
}

PG_FUNCTION_INFO_V1(quiver_within_support);

/* Support function of quiver_within. */
Datum
quiver_within_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(IndexCondition((SupportRequestIndexCondition *) request));

	if (IsA(request, SupportRequestSelectivity))
	{
		((SupportRequestSelectivity *) request)->selectivity =
			WithinSelectivity((SupportRequestSelectivity *) request);
		PG_RETURN_POINTER(request);
	}

	if (IsA(request, SupportRequestCost) && QuiverDistanceCost((SupportRequestCost *) request))
		PG_RETURN_POINTER(request);

	PG_RETURN_POINTER(NULL);
}
