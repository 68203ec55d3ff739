/*
 * bound_match.c - recognises conditions on a distance, and makes each the search
 * condition value <@ bound.
 *
 * PostgreSQL matches an index only with clauses whose operand is the column
 * itself; in embedding <-> q < r the operand of < is a distance.  A planner
 * support function cannot help, for the function of < is PostgreSQL's own.
 *
 *     d < r, d <= r, r > d, r >= d          exact (also with r a real)
 *     - d > c, d * -1 > c, and with >=      exact: d < - c, or d is NaN; lossy where
 *                                           c may be NaN
 *     k - d > c, and with >=                lossy: d <= k - c and a little
 *     quiver_within(embedding, q, r, 'l2')  exact
 *
 * where d is distance(embedding, q), operator or function, either way round, and
 * all others are the same for the whole scan: constants, parameters, columns of
 * a join's other side.  BETWEEN is two clauses, of which the upper one counts.
 *
 * Types, operators and constructors are found through the operator family, and
 * functions on radii beside the constructor, so that the extension may live in
 * any schema.
 */
#include "bound_match.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "opclass.h"

extern Datum quiver_within_support(PG_FUNCTION_ARGS);

/* What the operator class of an index's column has for bounds. */
typedef struct BoundClass
{
	Oid			constructor;	/* (type, float8) returns boundType */
	Oid			boundType;
	Oid			within;			/* operator (type, boundType) */
} BoundClass;

static bool
GetBoundClass(IndexOptInfo *index, int column, BoundClass *class)
{
	Oid			family = index->opfamily[column];
	Oid			type = index->opcintype[column];

	class->constructor = get_opfamily_proc(family, type, type, QUIVER_PROC_BOUND);
	if (!OidIsValid(class->constructor))
		return false;
	class->boundType = get_func_rettype(class->constructor);
	if (get_typlen(class->boundType) != -1)
		return false;			/* somebody's own class: not a bound as ours are */
	class->within = get_opfamily_member(family, type, class->boundType, QUIVER_STRATEGY_WITHIN);
	return OidIsValid(class->within);
}

/*
 * Whoever may create objects in the extension's schema may put a function of such a
 * name there, with other arguments than ours have; planning would run it as whoever
 * asks.  Functions in C are made by superusers only.
 */
static bool
IsCFunction(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId;
	ReleaseSysCache(tuple);
	return result;
}

/* name(arguments), from the schema of another of our functions; NULL where there is none. */
static Expr *
CallBeside(Oid other, const char *name, Oid result, List *arguments)
{
	Oid			types[FUNC_MAX_ARGS];
	int			count = 0;
	ListCell   *cell;
	Oid			function;

	foreach(cell, arguments)
		types[count++] = exprType(lfirst(cell));
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum(name),
							   PointerGetDatum(buildoidvector(types, count)),
							   ObjectIdGetDatum(get_func_namespace(other)));
	if (!OidIsValid(function) || !IsCFunction(function))
		return NULL;
	if (!OidIsValid(result))
		result = get_func_rettype(function);
	return (Expr *) makeFuncExpr(function, result, arguments, InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* operand <@ constructor(value, radius). */
static Expr *
MakeCondition(PlannerInfo *root, const BoundClass *class, Expr *operand, Expr *value,
			  Expr *radius, bool orNan)
{
	Expr	   *bound = (Expr *) makeFuncExpr(class->constructor, class->boundType,
											  list_make2(value, radius),
											  InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	Expr	   *condition;

	if (orNan)
	{
		bound = CallBeside(class->constructor, "quiver_or_nan", class->boundType, list_make1(bound));
		if (bound == NULL)
			return NULL;
	}

	condition = make_opclause(class->within, BOOLOID, false, operand,
							  (Expr *) eval_const_expressions(root, (Node *) bound),
							  InvalidOid, InvalidOid);
	set_opfuncid((OpExpr *) condition);
	return condition;
}

/* A side of a comparison as double precision; it is that or real. */
static Expr *
AsFloat8(Expr *number)
{
	if (exprType((Node *) number) != FLOAT4OID)
		return number;
	return (Expr *) makeFuncExpr(F_FLOAT8_FLOAT4, FLOAT8OID, list_make1(number),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* The function of a call or an operator with count arguments, else InvalidOid. */
static Oid
CalledFunction(Expr *expr, int count, List **arguments)
{
	if (expr != NULL && IsA(expr, OpExpr))
	{
		set_opfuncid((OpExpr *) expr);
		*arguments = ((OpExpr *) expr)->args;
		return list_length(*arguments) == count ? ((OpExpr *) expr)->opfuncid : InvalidOid;
	}
	if (expr != NULL && IsA(expr, FuncExpr))
	{
		*arguments = ((FuncExpr *) expr)->args;
		return list_length(*arguments) == count ? ((FuncExpr *) expr)->funcid : InvalidOid;
	}
	return InvalidOid;
}

/* One side the column, the other of its type and the same for the whole scan. */
static bool
SplitOperands(PlannerInfo *root, IndexOptInfo *index, int column, List *arguments,
			  Expr **operand, Expr **value)
{
	for (int i = 0; i < 2; i++)
	{
		Node	   *one = list_nth(arguments, i);
		Node	   *other = list_nth(arguments, 1 - i);

		if (match_index_to_operand(one, column, index) &&
			exprType(other) == index->opcintype[column] &&
			is_pseudo_constant_for_index(root, other, index))
		{
			*operand = (Expr *) one;
			*value = (Expr *) other;
			return true;
		}
	}
	return false;
}

/* The distance that the class orders by.  (All of ours are their own commutators.) */
static bool
SplitDistance(PlannerInfo *root, IndexOptInfo *index, int column, Expr *expr,
			  Expr **operand, Expr **value)
{
	Oid			type = index->opcintype[column];
	Oid			distance = get_opfamily_member(index->opfamily[column], type, type,
											   QUIVER_STRATEGY_DISTANCE);
	List	   *arguments;
	Oid			function = CalledFunction(expr, 2, &arguments);

	return OidIsValid(function) && OidIsValid(distance) && function == get_opcode(distance) &&
		SplitOperands(root, index, column, arguments, operand, value);
}

/* clause says that *less is below *more. */
static bool
SplitComparison(Node *clause, Expr **less, Expr **more, bool *strict)
{
	List	   *arguments;

	if (!is_opclause(clause))
		return false;
	switch (CalledFunction((Expr *) clause, 2, &arguments))
	{
		case F_FLOAT8LT:
		case F_FLOAT84LT:
		case F_FLOAT48LT:
		case F_FLOAT8LE:
		case F_FLOAT84LE:
		case F_FLOAT48LE:
			*less = linitial(arguments);
			*more = lsecond(arguments);
			break;
		case F_FLOAT8GT:
		case F_FLOAT84GT:
		case F_FLOAT48GT:
		case F_FLOAT8GE:
		case F_FLOAT84GE:
		case F_FLOAT48GE:
			*less = lsecond(arguments);
			*more = linitial(arguments);
			break;
		default:
			return false;
	}
	switch (((OpExpr *) clause)->opfuncid)
	{
		case F_FLOAT8LT:
		case F_FLOAT84LT:
		case F_FLOAT48LT:
		case F_FLOAT8GT:
		case F_FLOAT84GT:
		case F_FLOAT48GT:
			*strict = true;
			break;
		default:
			*strict = false;
	}
	return true;
}

static bool
IsMinusOne(Node *node)
{
	return IsA(node, Const) && !((Const *) node)->constisnull &&
		((Const *) node)->consttype == FLOAT8OID &&
		DatumGetFloat8(((Const *) node)->constvalue) == -1.0;
}

/* Whether expr is known not to be NaN. */
static bool
IsNumber(Expr *expr)
{
	const Const *constant = (const Const *) expr;

	if (!IsA(expr, Const) || constant->constisnull)
		return false;
	if (constant->consttype == FLOAT4OID)
		return !isnan(DatumGetFloat4(constant->constvalue));
	return constant->consttype == FLOAT8OID && !isnan(DatumGetFloat8(constant->constvalue));
}

/* expr is - d or d * -1. */
static bool
IsNegated(Expr *expr, Expr **distance)
{
	List	   *arguments;

	if (CalledFunction(expr, 1, &arguments) == F_FLOAT8UM)
		*distance = linitial(arguments);
	else if (CalledFunction(expr, 2, &arguments) != F_FLOAT8MUL)
		return false;
	else if (IsMinusOne(lsecond(arguments)))
		*distance = linitial(arguments);
	else if (IsMinusOne(linitial(arguments)))
		*distance = lsecond(arguments);
	else
		return false;
	return true;
}

static bool
MatchComparison(PlannerInfo *root, IndexOptInfo *index, int column, const BoundClass *class,
				Node *clause, QuiverMatch *match)
{
	Expr	   *less;
	Expr	   *more;
	Expr	   *distance;
	Expr	   *operand;
	Expr	   *value;
	Expr	   *radius;
	List	   *arguments;
	bool		strict;
	bool		orNan = false;

	if (!SplitComparison(clause, &less, &more, &strict))
		return false;

	if (is_pseudo_constant_for_index(root, (Node *) more, index))
	{
		if (!SplitDistance(root, index, column, less, &operand, &value))
			return false;
		radius = AsFloat8(more);
	}
	else if (!is_pseudo_constant_for_index(root, (Node *) less, index))
		return false;
	else if (IsNegated(more, &distance))
	{
		if (!SplitDistance(root, index, column, distance, &operand, &value))
			return false;
		radius = (Expr *) makeFuncExpr(F_FLOAT8UM, FLOAT8OID, list_make1(AsFloat8(less)),
									   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
		orNan = true;
		/* Above NaN there is nothing, and below - NaN all: c has to be a number. */
		match->lossy = !IsNumber(less);
	}
	else
	{
		if (CalledFunction(more, 2, &arguments) != F_FLOAT8MI ||
			!is_pseudo_constant_for_index(root, linitial(arguments), index) ||
			!SplitDistance(root, index, column, lsecond(arguments), &operand, &value))
			return false;
		radius = CallBeside(class->constructor, "quiver_reach", FLOAT8OID,
							list_make2(linitial(arguments), AsFloat8(less)));
		strict = false;
		orNan = true;
		match->lossy = true;
	}

	if (strict)
		radius = CallBeside(class->constructor, "quiver_below", FLOAT8OID, list_make1(radius));
	if (radius == NULL)
		return false;
	match->condition = MakeCondition(root, class, operand, value, radius, orNan);
	return match->condition != NULL;
}

static bool
IsQuiverWithin(Oid function)
{
	Oid			support = get_func_support(function);
	FmgrInfo	info;

	if (!OidIsValid(support))
		return false;
	fmgr_info(support, &info);
	return info.fn_addr == quiver_within_support;
}

/* The metric by which the class of index's column searches; 0 of a class that is not valid. */
static QuiverMetric
ClassMetric(IndexOptInfo *index, int column)
{
	Oid			type = index->opcintype[column];
	Oid			function = get_opfamily_proc(index->opfamily[column], type, type, QUIVER_PROC_CLASS);

	const QuiverOpclass *opclass = QuiverOpclassOfFunction(function);

	return opclass == NULL ? (QuiverMetric) 0 : opclass->metric;
}

/*
 * The metric that quiver_within is asked for among arguments; 0 where it is not
 * known at planning time, or there is none of that name.
 */
static QuiverMetric
WithinMetric(List *arguments)
{
	Const	   *name = lfourth(arguments);

	if (!IsA(name, Const) || name->constisnull)
		return (QuiverMetric) 0;
	return QuiverMetricByName(DatumGetTextPP(name->constvalue));
}

/* quiver_within(embedding, q, r, 'l2'), the first two either way round. */
static bool
MatchWithin(PlannerInfo *root, IndexOptInfo *index, int column, const BoundClass *class,
			Node *clause, QuiverMatch *match)
{
	List	   *arguments;
	Expr	   *operand;
	Expr	   *value;

	if (!IsA(clause, FuncExpr) ||
		!OidIsValid(CalledFunction((Expr *) clause, 4, &arguments)) ||
		!IsQuiverWithin(((FuncExpr *) clause)->funcid))
		return false;

	if (WithinMetric(arguments) == 0 || WithinMetric(arguments) != ClassMetric(index, column) ||
		!is_pseudo_constant_for_index(root, lthird(arguments), index) ||
		!SplitOperands(root, index, column, arguments, &operand, &value))
		return false;

	match->condition = MakeCondition(root, class, operand, value, lthird(arguments), false);
	match->ofCore = true;
	return true;
}

List *
QuiverWithinAsCondition(PlannerInfo *root, Oid within, List *arguments, Oid *operator)
{
	char	   *name;
	Expr	   *bound;
	Oid			boundType;

	if (list_length(arguments) != 4 || WithinMetric(arguments) == 0)
		return NIL;
	name = psprintf("quiver_%s_bound",
					text_to_cstring(DatumGetTextPP(lfourth_node(Const, arguments)->constvalue)));
	bound = CallBeside(within, name, InvalidOid, list_make2(lsecond(arguments), lthird(arguments)));
	if (bound == NULL)
		return NIL;
	boundType = exprType((Node *) bound);
	*operator = GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid,
								CStringGetDatum("<@"),
								ObjectIdGetDatum(exprType(linitial(arguments))),
								ObjectIdGetDatum(boundType),
								ObjectIdGetDatum(get_func_namespace(within)));
	if (!OidIsValid(*operator))
		return NIL;
	return list_make2(linitial(arguments), eval_const_expressions(root, (Node *) bound));
}

/* embedding <@ bound, written so. */
static bool
MatchCondition(PlannerInfo *root, IndexOptInfo *index, int column, const BoundClass *class,
			   Node *clause, QuiverMatch *match)
{
	if (!is_opclause(clause) || ((OpExpr *) clause)->opno != class->within ||
		!match_index_to_operand(get_leftop(clause), column, index) ||
		!is_pseudo_constant_for_index(root, get_rightop(clause), index))
		return false;
	match->condition = (Expr *) clause;
	match->ofCore = true;
	return true;
}

bool
QuiverMatchClause(PlannerInfo *root, IndexOptInfo *index, int column, Node *clause,
				  QuiverMatch *match)
{
	BoundClass	class;

	if (!GetBoundClass(index, column, &class))
		return false;
	match->condition = NULL;
	match->lossy = false;
	match->ofCore = false;
	return MatchComparison(root, index, column, &class, clause, match) ||
		MatchWithin(root, index, column, &class, clause, match) ||
		MatchCondition(root, index, column, &class, clause, match);
}

const QuiverBound *
QuiverConditionBound(Expr *condition, Node **value)
{
	Node	   *bound = get_rightop(condition);

	*value = NULL;
	if (bound == NULL)
		return NULL;
	if (IsA(bound, Const))
	{
		const Const *constant = (const Const *) bound;

		if (constant->constisnull || constant->constlen != -1)
			return NULL;
		return QuiverDatumGetBound(constant->constvalue);
	}

	/* quiver_or_nan(constructor(value, radius)), or the latter alone */
	if (IsA(bound, FuncExpr) && list_length(((FuncExpr *) bound)->args) == 1)
		bound = linitial(((FuncExpr *) bound)->args);
	if (IsA(bound, FuncExpr) && list_length(((FuncExpr *) bound)->args) == 2)
		*value = linitial(((FuncExpr *) bound)->args);
	return NULL;
}
