/*
 * junk_distance.c - drops a distance that nobody reads.
 *
 * For SELECT id FROM t ORDER BY v <-> $1 LIMIT 10 the planner keeps the distance
 * as a junk column of the scan's target list, where a sort would find it.  An
 * index scan of ours has done the sorting; the executor would yet fetch each
 * row's vector, usually from the TOAST table, and compute the distance again, to
 * throw it away.  A planner hook puts NULL in its place.
 *
 * That is right where no node reads the column.  Junk columns are invisible
 * outside the query level that made them, so it is enough that our scan is that
 * level's plan, or all of it but a Limit:
 * - the plan of a whole SELECT, or of a sub-select or CTE (subplans): the
 *   executor drops junk columns, or never looks at them;
 * - the child of a Limit anywhere: Limit is the topmost node of its level.
 *   Limit itself reads its sort columns only for WITH TIES.
 * Sort, LockRows, MergeAppend and all others between the two read, or may read,
 * junk columns; there the plan is left alone.
 *
 * A session's first statement may be planned before the library is loaded, and
 * then keeps its junk.
 */
#include "am.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"

#include "options.h"

static planner_hook_type previousPlannerHook = NULL;

/* Rises with each path of ours that the planner prices; see QuiverNotePath. */
static uint64 pathsPriced = 0;

static bool
IsQuiverIndex(Oid indexOid)
{
	Relation	index = index_open(indexOid, NoLock);	/* the planner holds a lock */
	bool		ours = index->rd_indam->ambuild == quiverbuild;

	index_close(index, NoLock);
	return ours;
}

/* REQUIRES: nothing but the executor's junk filter sees plan's junk columns. */
static void
DropJunkDistance(Plan *plan)
{
	IndexScan  *scan;
	ListCell   *cell;

	if (!IsA(plan, IndexScan))
		return;
	scan = (IndexScan *) plan;
	if (scan->indexorderbyorig == NIL || !IsQuiverIndex(scan->indexid))
		return;

	foreach(cell, plan->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Oid			type = exprType((Node *) entry->expr);

		if (entry->resjunk && type == FLOAT8OID &&
			list_member(scan->indexorderbyorig, entry->expr))
			entry->expr = (Expr *) makeNullConst(type, -1, InvalidOid);
	}
}

/* Looks for a Limit over a scan of ours in plan and below it. */
static void
VisitPlan(Plan *plan)
{
	List	   *children = NIL;
	ListCell   *cell;

	if (plan == NULL)
		return;
	check_stack_depth();

	switch (nodeTag(plan))
	{
		case T_Limit:
			if (((Limit *) plan)->limitOption == LIMIT_OPTION_COUNT)
				DropJunkDistance(outerPlan(plan));
			break;
		case T_Append:
			children = ((Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			children = ((MergeAppend *) plan)->mergeplans;
			break;
		case T_SubqueryScan:
			VisitPlan(((SubqueryScan *) plan)->subplan);
			break;
		case T_CustomScan:
			children = ((CustomScan *) plan)->custom_plans;
			break;
		default:
			break;
	}

	foreach(cell, children)
		VisitPlan(lfirst(cell));
	VisitPlan(outerPlan(plan));
	VisitPlan(innerPlan(plan));
}

static PlannedStmt *
PlanWithoutJunkDistance(Query *parse, const char *queryString, int cursorOptions,
						ParamListInfo boundParams)
{
	uint64		pricedBefore = pathsPriced;
	PlannedStmt *statement;
	ListCell   *cell;

	if (previousPlannerHook != NULL)
		statement = previousPlannerHook(parse, queryString, cursorOptions, boundParams);
	else
		statement = standard_planner(parse, queryString, cursorOptions, boundParams);

	/* Statements that touch no index of ours pay for one comparison. */
	if (pathsPriced == pricedBefore || !quiverPlannerHook)
		return statement;

	if (statement->commandType == CMD_SELECT)
		DropJunkDistance(statement->planTree);
	VisitPlan(statement->planTree);

	foreach(cell, statement->subplans)
	{
		Plan	   *plan = lfirst(cell);

		/* One that turned out not to be needed is NULL. */
		if (plan == NULL)
			continue;
		DropJunkDistance(plan);
		VisitPlan(plan);
	}
	return statement;
}

void
QuiverNotePath(void)
{
	pathsPriced++;
}

void
QuiverInstallPlannerHook(void)
{
	previousPlannerHook = planner_hook;
	planner_hook = PlanWithoutJunkDistance;
}
