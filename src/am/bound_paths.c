/*
 * bound_paths.c - a planner hook that adds index paths whose conditions are
 * bounds on a distance, which PostgreSQL would leave as filters.
 *
 * For each index of ours on a table: its restriction clauses are matched
 * (bound_match.c); where one is found that PostgreSQL itself does not find, an
 * ordered path (if the query's order is the index's) and an unordered one are
 * added.  Clauses that compare with another table's columns give parameterised
 * paths, one for each set of tables they need.  Costs decide, as among all paths.
 *
 * The hook works from a session's first statement on: planning opens the
 * table's indexes, which loads this library, before it asks for the hook.
 */
#include "am.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#if PG_VERSION_NUM >= 180000
#include "access/cmptype.h"
#else
#include "access/stratnum.h"
#endif

#include "bound_match.h"
#include "options.h"

static set_rel_pathlist_hook_type previousPathHook = NULL;

/*
 * The index clause that restriction amounts to, or NULL; *extra is set where it
 * is one that PostgreSQL does not find.
 *
 * Behind a security barrier (a row-level policy, say) only what cannot leak may
 * run early.  The clause itself raises errors that tell of a row's dimensions;
 * the condition raises none, so it may where the clause may not.
 */
static IndexClause *
MatchRestriction(PlannerInfo *root, IndexOptInfo *index, RestrictInfo *restriction, bool *extra)
{
	if (restriction->pseudoconstant)
		return NULL;

	for (int column = 0; column < index->nkeycolumns; column++)
	{
		QuiverMatch match;
		IndexClause *clause;

		if (!QuiverMatchClause(root, index, column, (Node *) restriction->clause, &match))
			continue;
		if (!restriction_is_securely_promotable(restriction, index->rel))
		{
			if (contain_leaked_vars((Node *) match.condition))
				return NULL;
			match.ofCore = false;
		}

		clause = makeNode(IndexClause);
		clause->rinfo = restriction;
		clause->indexquals = (Node *) match.condition == (Node *) restriction->clause ?
			list_make1(restriction) : list_make1(make_simple_restrictinfo(root, match.condition));
		clause->lossy = match.lossy;
		clause->indexcol = column;
		clause->indexcols = NIL;
		if (!match.ofCore)
			*extra = true;
		return clause;
	}
	return NULL;
}

static int
CompareIndexColumns(const ListCell *a, const ListCell *b)
{
	return lfirst_node(IndexClause, a)->indexcol - lfirst_node(IndexClause, b)->indexcol;
}

/*
 * clause as an expression that index's column orders by, column first, with
 * distances sorted by sortFamily; NULL where it is not of that shape.
 */
static Expr *
MatchOrdering(IndexOptInfo *index, int column, Expr *clause, Oid sortFamily)
{
	Node	   *left;
	Node	   *right;
	OpExpr	   *ordering;
	Oid			operator;
	bool		commuted;

	if (!is_opclause(clause) || list_length(((OpExpr *) clause)->args) != 2)
		return NULL;
	left = get_leftop(clause);
	right = get_rightop(clause);
	commuted = !match_index_to_operand(left, column, index);
	if (commuted)
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		if (!match_index_to_operand(left, column, index))
			return NULL;
	}
	if (contain_var_clause(right) || contain_volatile_functions(right))
		return NULL;

	operator = ((OpExpr *) clause)->opno;
	if (commuted)
		operator = get_commutator(operator);
	if (!OidIsValid(operator) ||
		get_op_opfamily_sortfamily(operator, index->opfamily[column]) != sortFamily)
		return NULL;
	if (!commuted)
		return clause;

	ordering = makeNode(OpExpr);
	memcpy(ordering, clause, sizeof(OpExpr));
	ordering->opno = operator;
	ordering->opfuncid = InvalidOid;
	ordering->args = list_make2(left, right);
	return (Expr *) ordering;
}

/* The order-by expression of index that sorts as pathkey does, or NULL. */
static Expr *
MatchPathKey(IndexOptInfo *index, PathKey *pathkey, int *column)
{
	EquivalenceClass *class = pathkey->pk_eclass;
	EquivalenceMember *member;

#if PG_VERSION_NUM >= 180000
	EquivalenceMemberIterator members;

	if (pathkey->pk_cmptype != COMPARE_LT || pathkey->pk_nulls_first || class->ec_has_volatile)
		return NULL;
	setup_eclass_member_iterator(&members, class, index->rel->relids);
	while ((member = eclass_member_iterator_next(&members)) != NULL)
#else
	ListCell   *cell;

	if (pathkey->pk_strategy != BTLessStrategyNumber || pathkey->pk_nulls_first || class->ec_has_volatile)
		return NULL;
	foreach(cell, class->ec_members)
#endif
	{
#if PG_VERSION_NUM < 180000
		member = lfirst(cell);
#endif
		if (!bms_equal(member->em_relids, index->rel->relids))
			continue;
		for (*column = 0; *column < index->nkeycolumns; (*column)++)
		{
			Expr	   *ordering = MatchOrdering(index, *column, member->em_expr,
												 pathkey->pk_opfamily);

			if (ordering != NULL)
				return ordering;
		}
	}
	return NULL;
}

/*
 * How far the order that the query wants is index's: the pathkeys that are, from
 * the first on, and their expressions and columns.
 */
static List *
MatchOrder(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index, List **orderBys, List **columns)
{
	List	   *pathkeys = NIL;
	ListCell   *cell;

	*orderBys = NIL;
	*columns = NIL;
	if (!has_useful_pathkeys(root, rel))
		return NIL;
	foreach(cell, root->query_pathkeys)
	{
		int			column;
		Expr	   *ordering = MatchPathKey(index, lfirst(cell), &column);

		if (ordering == NULL)
			break;
		pathkeys = lappend(pathkeys, lfirst(cell));
		*orderBys = lappend(*orderBys, ordering);
		*columns = lappend_int(*columns, column);
	}
	return pathkeys;
}

/*
 * Takes from rel the paths of index that have no clause but some of clauses, and
 * the order of pathkeys or less: they do the same with more work.  (add_path
 * would keep one whose cost is within a percent of the better one's.)
 */
static void
DropPoorerPaths(RelOptInfo *rel, IndexOptInfo *index, List *clauses, List *pathkeys)
{
	ListCell   *cell;

	foreach(cell, rel->pathlist)
	{
		IndexPath  *path = lfirst(cell);

		if (IsA(path, IndexPath) && path->indexinfo == index && path->path.param_info == NULL &&
			list_length(path->indexclauses) < list_length(clauses) &&
			pathkeys_contained_in(path->path.pathkeys, pathkeys))
			rel->pathlist = foreach_delete_current(rel->pathlist, cell);
	}
}

static void
AddPath(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index, List *clauses,
		List *orderBys, List *orderByColumns, List *pathkeys, Relids outer, double loopCount)
{
	add_path(rel, (Path *) create_index_path(root, index, list_copy(clauses), orderBys, orderByColumns,
											 pathkeys, ForwardScanDirection, false,
											 bms_copy(outer), loopCount, false));
}

/* How often a scan that takes values from the tables of outer will be repeated, at least. */
static double
LoopCount(PlannerInfo *root, Relids outer)
{
	double		result = 0.0;
	int			relid = -1;

	while ((relid = bms_next_member(outer, relid)) >= 0)
	{
		RelOptInfo *rel = relid < root->simple_rel_array_size ? root->simple_rel_array[relid] : NULL;

		if (rel == NULL || rel->rows <= 0)
			continue;
		if (result == 0.0 || rel->rows < result)
			result = rel->rows;
	}
	return Max(result, 1.0);
}

/* Paths for rows of rel that are joined by a distance. */
static void
AddJoinPaths(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index, List *restrictions)
{
	List	   *joins = NIL;
	List	   *outers = NIL;
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, rel->joininfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		bool		extra = false;
		IndexClause *clause;
		Relids		outer;
		bool		known = false;

		if (!join_clause_is_movable_to(restriction, rel))
			continue;
		clause = MatchRestriction(root, index, restriction, &extra);
		if (clause == NULL)
			continue;
		joins = lappend(joins, clause);
		outer = bms_difference(restriction->clause_relids, rel->relids);
		foreach(other, outers)
			known |= bms_equal(lfirst(other), outer);
		if (extra && !known)
			outers = lappend(outers, outer);
	}

	foreach(cell, outers)
	{
		Relids		outer = lfirst(cell);
		List	   *clauses = list_copy(restrictions);

		foreach(other, joins)
		{
			IndexClause *clause = lfirst_node(IndexClause, other);
			Relids		needed = bms_difference(clause->rinfo->clause_relids, rel->relids);

			if (bms_is_subset(needed, outer))
				clauses = lappend(clauses, clause);
		}
		list_sort(clauses, CompareIndexColumns);
		AddPath(root, rel, index, clauses, NIL, NIL, NIL,
				bms_union(outer, rel->lateral_relids), LoopCount(root, outer));
	}
}

static void
AddPathsOf(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index)
{
	List	   *clauses = NIL;
	List	   *orderBys;
	List	   *orderByColumns;
	List	   *pathkeys;
	bool		extra = false;
	ListCell   *cell;

	if (index->indpred != NIL && !index->predOK)
		return;

	foreach(cell, index->indrestrictinfo)
	{
		IndexClause *clause = MatchRestriction(root, index, lfirst_node(RestrictInfo, cell), &extra);

		if (clause != NULL)
			clauses = lappend(clauses, clause);
	}
	list_sort(clauses, CompareIndexColumns);

	pathkeys = MatchOrder(root, rel, index, &orderBys, &orderByColumns);
	if (extra)
		DropPoorerPaths(rel, index, clauses, pathkeys);

	/*
	 * ORDER BY embedding <-> q, id: an incremental sort may follow.  Since 16
	 * PostgreSQL makes such a path itself, where it finds the conditions.
	 */
	if (pathkeys != NIL &&
		(extra || (PG_VERSION_NUM < 160000 && list_length(pathkeys) < list_length(root->query_pathkeys))))
		AddPath(root, rel, index, clauses, orderBys, orderByColumns, pathkeys,
				rel->lateral_relids, 1.0);
	if (extra)
		AddPath(root, rel, index, clauses, NIL, NIL, NIL, rel->lateral_relids, 1.0);

	AddJoinPaths(root, rel, index, clauses);
}

/* set_rel_pathlist_hook. */
static void
AddBoundPaths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (previousPathHook != NULL)
		previousPathHook(root, rel, rti, rte);

	/* A sample is a scan of its own; a parent's rows come from its children. */
	if (!quiverPlannerHook || rel->indexlist == NIL || rte->rtekind != RTE_RELATION ||
		rte->inh || rte->tablesample != NULL || IS_DUMMY_REL(rel))
		return;

	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		if (index->amcostestimate == quivercostestimate)
			AddPathsOf(root, rel, index);
	}
}

void
QuiverInstallPathHook(void)
{
	previousPathHook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = AddBoundPaths;
}
