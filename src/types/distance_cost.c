/*
 * distance_cost.c - what a distance costs, for the planner.
 *
 * With one price for all, the exact scan of long vectors looks too cheap, and the
 * index is not chosen.  The price has two parts: the computation, which grows
 * with the dimension, and fetching the vector, which dwarfs it where vectors lie
 * in the TOAST table.  PostgreSQL counts the pages of the table only.
 */
#include "distance_cost.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "element.h"

extern Datum quiver_vector_out(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_out(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_out(PG_FUNCTION_ARGS);

/*
 * In units of cpu_operator_cost (10 ns where a sequential scan of cached pages
 * runs at its default price).
 */
#define CALL_OPERATORS 15.0
#define DENSE_COMPONENTS_PER_OPERATOR 64.0
#define SPARSE_COMPONENTS_PER_OPERATOR 4.0
#define BITS_PER_OPERATOR 2048.0
#define FETCH_OPERATORS 150.0	/* look up a value in the TOAST table */
#define CHUNK_OPERATORS 30.0	/* and copy each piece of it */

/* PostgreSQL moves values out of rows that exceed about this, and in pieces of it. */
#define TOAST_PIECE 2000.0

/* Components of a value whose dimension nothing tells, and of a sparse one. */
#define UNKNOWN_DIM 256
#define UNKNOWN_SPARSE_COUNT 64

/* What ANALYZE counts of a value that lies in the TOAST table: the pointer to it. */
#define TOAST_POINTER_WIDTH 18

typedef struct ValueShape
{
	double		bytes;			/* as stored, a guess for sparse ones */
	bool		sparse;
	double		operators;		/* to compare two of them */
} ValueShape;

/* typmod -1: unknown. */
static bool
GetShape(Oid type, int32 typmod, ValueShape *shape)
{
	double		dim = typmod > 0 ? typmod : UNKNOWN_DIM;
	FmgrInfo	output;
	Oid			function;
	bool		isVarlena;

	shape->sparse = false;
	if (type == BITOID || type == VARBITOID)
	{
		shape->bytes = dim / 8;
		shape->operators = dim / BITS_PER_OPERATOR;
		return true;
	}

	/* Our types have no fixed OIDs; their output functions are known by address. */
	getTypeOutputInfo(type, &function, &isVarlena);
	fmgr_info(function, &output);
	if (output.fn_addr == quiver_vector_out || output.fn_addr == quiver_halfvec_out)
	{
		shape->bytes = dim * (output.fn_addr == quiver_vector_out ? sizeof(float) : sizeof(uint16));
		shape->operators = dim / DENSE_COMPONENTS_PER_OPERATOR;
		return true;
	}
	if (output.fn_addr == quiver_sparsevec_out)
	{
		shape->sparse = true;
		shape->bytes = UNKNOWN_SPARSE_COUNT * (sizeof(int32) + sizeof(float));
		shape->operators = UNKNOWN_SPARSE_COUNT / SPARSE_COMPONENTS_PER_OPERATOR;
		return true;
	}
	return false;
}

static bool
FindColumn(Node *node, void *context)
{
	if (node == NULL || IsA(node, Query))
		return false;
	if (IsA(node, Var))
	{
		*(Var **) context = (Var *) node;
		return true;
	}
	return expression_tree_walker(node, FindColumn, context);
}

/*
 * The column that expr reads, through casts and the like; NULL where there is
 * none.  It may be one of an outer query: where a function is inlined, costs are
 * asked for before those have become parameters.
 */
static Var *
FirstColumn(Node *expr)
{
	Var		   *first = NULL;

	(void) FindColumn(expr, &first);
	return first;
}

/* Whether a column's values lie in the TOAST table: statistics tell, else their size. */
static bool
IsToasted(PlannerInfo *root, Var *column, const ValueShape *shape)
{
	RangeTblEntry *entry;
	HeapTuple	tuple;
	char		storage;
	int32		width;

	if (root == NULL || column->varlevelsup != 0 || column->varattno <= 0 ||
		column->varno <= 0 || column->varno >= (int) root->simple_rel_array_size)
		return shape->bytes > TOAST_PIECE;
	entry = root->simple_rte_array[column->varno];
	if (entry == NULL || entry->rtekind != RTE_RELATION)
		return shape->bytes > TOAST_PIECE;

	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(entry->relid), Int16GetDatum(column->varattno));
	if (!HeapTupleIsValid(tuple))
		return shape->bytes > TOAST_PIECE;
	storage = ((Form_pg_attribute) GETSTRUCT(tuple))->attstorage;
	ReleaseSysCache(tuple);
	if (storage == TYPSTORAGE_PLAIN)
		return false;

	width = get_attavgwidth(entry->relid, column->varattno);
	if (width > 0)
		return shape->sparse ? width == TOAST_POINTER_WIDTH : width < shape->bytes / 2;
	return shape->bytes > TOAST_PIECE;
}

static Cost
FetchCost(PlannerInfo *root, Node *expr, const ValueShape *shape)
{
	Var		   *column = FirstColumn(expr);
	ValueShape	stored;

	if (column == NULL || !GetShape(column->vartype, column->vartypmod, &stored))
		return 0.0;
	/* A cast changes the dimension of nothing. */
	if (column->vartypmod < 0)
		stored.bytes = Max(stored.bytes, shape->bytes);
	if (!IsToasted(root, column, &stored))
		return 0.0;
	return cpu_operator_cost * (FETCH_OPERATORS + CHUNK_OPERATORS * stored.bytes / TOAST_PIECE) +
		seq_page_cost * stored.bytes / BLCKSZ;
}

/* The dimension that either argument tells, by its declared type or as a constant. */
static int32
CommonTypmod(Node *a, Node *b)
{
	int32		typmod = exprTypmod(a);

	return typmod > 0 ? typmod : exprTypmod(b);
}

bool
QuiverDistanceCost(SupportRequestCost *request)
{
	List	   *arguments;
	Node	   *first;
	Node	   *second;
	Oid			type;
	ValueShape	shape;

	if (request->node == NULL)
		return false;
	if (IsA(request->node, OpExpr))
		arguments = ((OpExpr *) request->node)->args;
	else if (IsA(request->node, FuncExpr))
		arguments = ((FuncExpr *) request->node)->args;
	else
		return false;
	if (list_length(arguments) < 2)
		return false;

	first = linitial(arguments);
	second = lsecond(arguments);
	type = getBaseType(exprType(first));
	if (!GetShape(type, CommonTypmod(first, second), &shape))
		return false;

	request->startup = 0;
	request->per_tuple = cpu_operator_cost * (CALL_OPERATORS + shape.operators) +
		FetchCost(request->root, first, &shape) + FetchCost(request->root, second, &shape);
	return true;
}

PG_FUNCTION_INFO_V1(quiver_distance_support);

/* Support function of distances, and of <@. */
Datum
quiver_distance_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestCost) && QuiverDistanceCost((SupportRequestCost *) request))
		PG_RETURN_POINTER(request);
	PG_RETURN_POINTER(NULL);
}
