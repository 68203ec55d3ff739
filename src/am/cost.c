/*
 * cost.c - what a search costs, for the planner.
 *
 * cost_index takes from startup + (total - startup) the share that LIMIT asks
 * for, over the rows left after all conditions.  So startup is the first beam,
 * and the rest the price of streaming every row; then a filter that leaves few
 * rows makes the index as dear as it is.  A stream that goes on long enough ends
 * with a sweep, which is cheaper a row, but the planner's line between startup
 * and total cannot bend: it is drawn through what the rows cost that the plan
 * will read, as far as that is known (RowsRead).
 *
 * Departures from the generic model, with their reasons:
 * - pages of the index are weighed by how much of it effective_cache_size can
 *   hold: a beam touches pages all over the file, and full price for each would
 *   say that a graph search costs what it costs on a cold disk;
 * - CPU is counted by nodes expanded, and grows with dimension and slots;
 * - where few of all rows are wanted, each of them costs a page of the table, at
 *   the price that a bitmap scan pays (HeapCost);
 * - nothing is infinite: a walk without an order is priced as what it is.
 */
#include "am.h"

#include <math.h>

#include "access/genam.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "bound_match.h"
#include "options.h"
#include "page_store.h"

/*
 * CPU in units of cpu_operator_cost, which is about 10 ns where a sequential
 * scan of cached pages runs at its default price (4 us a unit of cost, measured
 * beside these: 0.7 us for a node of 31 slots and 64 dimensions, 0.9 us for 21
 * slots and 784 dimensions, buffer access included).
 */
#define EXPANSION_OPERATORS 40.0
#define SLOT_OPERATORS 0.8
#define SLOT_COMPONENTS_PER_OPERATOR 1024.0
#define ROW_OPERATORS 25.0		/* a row of a stream: queue, page of the table */
#define DISTANCE_OPERATORS 4.0
#define DISTANCE_COMPONENTS_PER_OPERATOR 64.0

/* A 64-bit word of a bit string takes as long as two floats; an entry of a sparse vector as some more. */
#define BITS_PER_COMPONENT 32.0
#define SPARSE_COMPONENTS 1024.0

/* Share of pages that is never counted as cached. */
#define COLD_SHARE_MIN 0.1

/*
 * Nodes expanded for each row of a stream: three fifths of those found wait for
 * nearer ones, and the beams that find them double.
 */
#define EXPANSIONS_PER_ROW 2.5

/* Share of the index's pages that the beams have read when a sweep takes over. */
#define BEAMS_BEFORE_SWEEP 0.7

/* A search expands some nodes more than its beam is wide. */
#define EXPANSIONS_PER_EF 1.1

/* Nodes expanded in each upper layer. */
#define DESCENT_NODES 3.0

/* Share of an expanded node's neighbours that no earlier node had; without codes each is read. */
#define UNSEEN_SHARE 0.4

typedef struct CostFactors
{
	double		rows;			/* in the index */
	double		pages;			/* of the index */
	double		coldShare;		/* of page accesses that read from disk */
	double		randomPage;		/* cost of an access in no order */
	double		seqPage;		/* and in the file's order */
	double		distance;		/* CPU of an exact distance within the index */
	double		expansion;		/* CPU of expanding a node */
	double		nodePages;		/* pages read to expand it */
} CostFactors;

/* What a path's conditions do for its search. */
typedef struct Conditions
{
	List	   *quals;			/* all of them */
	bool		bounded;		/* some end the search */
	Selectivity within;			/* share of rows that those leave */
	QualCost	recheck;		/* of all, on a row returned */
} Conditions;

typedef struct IndexFacts
{
	QuiverShape shape;
	QuiverForm	form;
	QuiverMetric metric;		/* 0: unknown */
	int			efSearch;
	bool		exactOrder;
} IndexFacts;

/* The figures of an index that exists, or what they would be of a hypothetical one. */
static IndexFacts
GetFacts(IndexOptInfo *info)
{
	IndexFacts	facts = {
		.shape = {.dim = 768, .node_slots = 2 * QUIVER_DEFAULT_M, .nodes_per_page = 2, .levels = 2,
		.pages_per_node = 1, .coded = true},
		.efSearch = quiverEfSearch > 0 ? quiverEfSearch : QUIVER_DEFAULT_EF_SEARCH
	};
	MemoryContext memory;
	QuiverPageStore pages;
	const QuiverIndex *core;
	Relation	index;

	if (info->hypothetical)
		return facts;

	memory = AllocSetContextCreate(CurrentMemoryContext, "quiver cost", ALLOCSET_SMALL_SIZES);
	index = index_open(info->indexoid, NoLock);	/* the planner holds a lock */
	QuiverInitPageStore(&pages, index, memory);
	core = QuiverOpenIndex(&pages);
	quiver_index_shape(&pages.store, core, &facts.shape);
	facts.form = quiver_index_form(core);
	facts.metric = quiver_index_metric(core);
	facts.efSearch = QuiverEffectiveEfSearch(index);
	facts.exactOrder = QuiverEffectiveExactOrder(index);
	index_close(index, NoLock);
	MemoryContextDelete(memory);
	return facts;
}

/* Components that a distance goes through, in the currency of dense ones. */
static double
ComponentsCompared(const IndexFacts *facts)
{
	switch (facts->form)
	{
		case QUIVER_FORM_DENSE:
			return facts->shape.dim;
		case QUIVER_FORM_BITS:
			return facts->shape.dim / BITS_PER_COMPONENT;
		case QUIVER_FORM_SPARSE:
			return SPARSE_COMPONENTS;
	}
	pg_unreachable();
}

static CostFactors
GetFactors(IndexOptInfo *info, const IndexFacts *facts)
{
	const QuiverShape *shape = &facts->shape;
	CostFactors f;

	get_tablespace_page_costs(info->reltablespace, &f.randomPage, &f.seqPage);
	f.rows = Max(info->tuples, 1.0);
	f.pages = Max(info->pages, 1.0);
	f.coldShare = Max(COLD_SHARE_MIN, 1.0 - effective_cache_size / f.pages);
	f.distance = cpu_operator_cost *
		(DISTANCE_OPERATORS + ComponentsCompared(facts) / DISTANCE_COMPONENTS_PER_OPERATOR);
	f.expansion = f.distance + cpu_operator_cost * EXPANSION_OPERATORS;
	f.nodePages = Max(shape->pages_per_node, 1);
	if (shape->coded)
		f.expansion += cpu_operator_cost *
			shape->node_slots * (SLOT_OPERATORS + shape->dim / SLOT_COMPONENTS_PER_OPERATOR);
	else
	{
		double		neighbors = shape->node_slots * UNSEEN_SHARE;

		f.expansion += neighbors * (f.distance + cpu_operator_cost * EXPANSION_OPERATORS);
		f.nodePages += neighbors * f.nodePages;
	}
	return f;
}

/*
 * Which of the path's conditions end its search: a bound about the value that
 * rows are ordered by, or any bound where no order is wanted.
 */
static Conditions
GetConditions(PlannerInfo *root, IndexPath *path, const IndexFacts *facts)
{
	Conditions	result = {.quals = get_quals_from_indexclauses(path->indexclauses)};
	Node	   *target = list_length(path->indexorderbys) == 1 ? get_rightop(linitial(path->indexorderbys)) : NULL;
	List	   *ending = NIL;
	ListCell   *cell;

	foreach(cell, result.quals)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		Node	   *value;
		const QuiverBound *bound = QuiverConditionBound(restriction->clause, &value);
		bool		ends = bound == NULL || facts->metric == 0 || bound->metric == facts->metric;

		if (ends && target != NULL)
		{
			if (bound != NULL)
				ends = IsA(target, Const) && !((Const *) target)->constisnull &&
					QuiverIsBoundAbout(bound, ((Const *) target)->constvalue);
			else
				ends = equal(value, target);
		}
		if (ends)
			ending = lappend(ending, restriction);
	}

	result.bounded = ending != NIL;
	result.within = clauselist_selectivity(root, ending, path->indexinfo->rel->relid, JOIN_INNER, NULL);
	cost_qual_eval(&result.recheck, result.quals, root);
	return result;
}

/* count expansions in no order of the file, of pages of which a share is cold. */
static Cost
ExpansionCost(const CostFactors *f, double count, double cold)
{
	return count * (f->expansion + cold * f->nodePages * f->randomPage);
}

/* The list and one beam through the graph; *pages is how many pages that reads. */
static Cost
BeamCost(const CostFactors *f, const IndexFacts *facts, double loopCount, double *pages)
{
	const QuiverShape *shape = &facts->shape;
	double		listPages = Min(shape->list_pages, f->pages);
	double		listRows = shape->levels < 0 ? f->rows : f->rows * listPages / f->pages;
	double		nodes = 0;
	double		cold = f->coldShare;

	if (shape->levels >= 0)
		nodes = Min(f->rows, facts->efSearch * EXPANSIONS_PER_EF + shape->levels * DESCENT_NODES);
	*pages = listPages + Min(nodes * f->nodePages, f->pages);

	/* Searches that follow one another find each other's pages. */
	if (loopCount > 1)
		cold *= Min(1.0, f->pages / (loopCount * Max(*pages, 1.0)));

	return cold * listPages * f->seqPage + listRows * f->distance + ExpansionCost(f, nodes, cold);
}

/* Beams double in width while rows are wanted, up to a limit. */
static double
LastBeamWidth(int efSearch, double rows)
{
	return Max(2.0 * efSearch, Min(rows, 16.0 * efSearch));
}

/* All pages in the file's order, and the distances of the rows on them. */
static Cost
SweepCost(const CostFactors *f)
{
	return f->pages * (f->coldShare * f->seqPage + cpu_index_tuple_cost) + f->rows * f->distance;
}

/* What streaming so many rows costs after a first beam of so many nodes, each row with the nodes it takes. */
static Cost
StreamCost(const CostFactors *f, const IndexFacts *facts, double rows, double nodesPerRow)
{
	Cost		cost = rows * (cpu_index_tuple_cost + cpu_operator_cost * (ROW_OPERATORS + log2(f->rows + 1.0)));
	double		most = BEAMS_BEFORE_SWEEP * f->pages / f->nodePages;
	double		nodes = rows * nodesPerRow;

	/* A list has been read and sorted whole. */
	if (facts->shape.levels < 0)
		return cost;
	if (nodes > most)
		cost += SweepCost(f);
	return cost + ExpansionCost(f, Max(0.0, Min(nodes, most) - facts->efSearch), f->coldShare);
}

/*
 * How many of the rows that a path in order returns the plan will read: those
 * that it takes until LIMIT rows have passed all conditions.  All of them where
 * there is no LIMIT, or none that this table alone has to meet.
 */
static double
RowsRead(PlannerInfo *root, RelOptInfo *rel, double returned)
{
	double		share = 1.0;

	if (bms_membership(root->all_baserels) == BMS_SINGLETON)
	{
		if (root->limit_tuples > 0)
			share = root->limit_tuples / Max(rel->rows, 1.0);
		else if (root->tuple_fraction > 0 && root->tuple_fraction < 1)
			share = root->tuple_fraction;
	}
	return Max(1.0, returned * Min(share, 1.0));
}

/*
 * Cost of fetching rows from pages all over a table, as cost_bitmap_heap_scan
 * has it: the more of the table's pages, the less each.
 */
static Cost
HeapCost(RelOptInfo *rel, double rows)
{
	double		tablePages = Max(rel->pages, 1.0);
	double		pages = Min(tablePages, 2.0 * tablePages * rows / (2.0 * tablePages + rows));
	double		randomPage;
	double		seqPage;

	get_tablespace_page_costs(rel->reltablespace, &randomPage, &seqPage);
	return pages * (randomPage - (randomPage - seqPage) * sqrt(pages / tablePages));
}

/*
 * What to add to the total of a path of which only the first rows will be read.
 * cost_index spreads the price of all the table's pages evenly over all rows; but
 * the first rows, in the order of distances, lie on pages of their own.
 */
static Cost
FirstRowsHeapCost(PlannerInfo *root, IndexOptInfo *info, double returned, double rowsRead)
{
	double		randomPage;
	double		spread;

	if (rowsRead >= returned)
		return 0.0;
	get_tablespace_page_costs(info->rel->reltablespace, &randomPage, NULL);
	spread = randomPage * index_pages_fetched(returned, info->rel->pages, (double) info->pages, root);
	return Max(0.0, HeapCost(info->rel, rowsRead) * returned / rowsRead - spread);
}

/* All pages in the file's order, no distances. */
static Cost
WalkCost(const CostFactors *f)
{
	return f->pages * (f->coldShare * f->seqPage + cpu_index_tuple_cost) +
		f->rows * cpu_index_tuple_cost;
}

/*
 * Makes a plain index scan of an index-only scan, which the planner considers
 * where no column is needed (count(*)), though amcanreturn is unset.  That
 * would trust the visibility map for rows that were read some time ago: safe
 * only where the scan keeps a pin that vacuum waits for, and ours keeps none
 * (README.md).  cost_index has taken off the heap pages that are all visible
 * by then or will do so; returns their cost, to be put back.
 */
static Cost
RefuseIndexOnly(PlannerInfo *root, IndexPath *path, Selectivity selectivity)
{
	RelOptInfo *rel = path->indexinfo->rel;
	double		randomPage;
	double		seqPage;
	double		heapPages;

	if (path->path.pathtype != T_IndexOnlyScan)
		return 0.0;

	path->path.pathtype = T_IndexScan;
	get_tablespace_page_costs(rel->reltablespace, &randomPage, &seqPage);
	heapPages = index_pages_fetched(selectivity * rel->tuples, rel->pages,
									(double) path->indexinfo->pages, root);
	return heapPages * rel->allvisfrac * randomPage;
}

/*
 * What the planner will add for a distance that a scan of rel in order need not compute,
 * since nobody reads it (junk_distance.c).  Elsewhere in a statement than where this
 * looks the column is dropped as well, and a path of ours seems a little dear.
 */
static Cost
JunkDistanceCost(PlannerInfo *root, RelOptInfo *rel)
{
	Query	   *parse = root->parse;
	SortGroupClause *clause;
	TargetEntry *entry;
	QualCost	cost;

	if (!quiverPlannerHook || list_length(parse->sortClause) != 1 || parse->rowMarks != NIL ||
		parse->limitOption != LIMIT_OPTION_COUNT ||
		bms_membership(root->all_baserels) != BMS_SINGLETON)
		return 0.0;
	clause = linitial_node(SortGroupClause, parse->sortClause);
	entry = get_sortgroupclause_tle(clause, parse->targetList);
	if (!entry->resjunk)
		return 0.0;
	cost_qual_eval_node(&cost, (Node *) entry->expr, root);
	return cost.per_tuple * rel->rows;
}

/*
 * The planner leaves out conditions that a partial index's predicate implies, those of a
 * row-level policy too.  A damaged address in the index would then show a row that the
 * statement, or the policy, excludes; so all of them stay with the scan's filter.
 */
static void
KeepImpliedConditions(IndexOptInfo *info)
{
	if (info->indpred != NIL)
		info->indrestrictinfo = info->rel->baserestrictinfo;
}

/* amcostestimate. */
void
quivercostestimate(PlannerInfo *root, IndexPath *path, double loopCount,
				   Cost *startupCost, Cost *totalCost, Selectivity *selectivity,
				   double *correlation, double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	IndexFacts	facts = GetFacts(info);
	CostFactors f = GetFactors(info, &facts);
	Conditions	conditions = GetConditions(root, path, &facts);
	int			orderBys = list_length(path->indexorderbys);
	double		returned = f.rows;

	QuiverNotePath();
	KeepImpliedConditions(info);

	*selectivity = clauselist_selectivity(root, add_predicate_to_index_quals(info, conditions.quals),
										  info->rel->relid, JOIN_INNER, NULL);
	*correlation = 0.0;			/* rows come in no order of the heap */

	if (orderBys == 1 || conditions.bounded)
	{
		double		beamPages;

		*startupCost = BeamCost(&f, &facts, loopCount, &beamPages);
		*totalCost = *startupCost;
		*pages = beamPages + f.pages;
		if (conditions.bounded)
		{
			returned = Max(1.0, f.rows * conditions.within);
			*pages = Min(*pages, beamPages + returned * f.nodePages);

			/* One more beam, as wide as they have become, tells that nothing is left. */
			if (facts.shape.levels >= 0)
				*totalCost += ExpansionCost(&f, Min(f.rows, LastBeamWidth(facts.efSearch, returned)), f.coldShare);
		}
		if (orderBys == 1)
		{
			double		rowsRead = RowsRead(root, info->rel, returned);
			double		nodesPerRow = conditions.bounded ? 1.0 : EXPANSIONS_PER_ROW;

			*totalCost += StreamCost(&f, &facts, rowsRead, nodesPerRow) * (returned / rowsRead) +
				FirstRowsHeapCost(root, info, returned, rowsRead);
			*totalCost = Max(*startupCost, *totalCost - JunkDistanceCost(root, info->rel));
		}
		else
			*totalCost += StreamCost(&f, &facts, returned, 1.0);
	}
	else
	{
		*startupCost = 0.0;
		*totalCost = WalkCost(&f);
		*pages = f.pages;
	}

	/* The executor checks conditions again, and under exact_order the distance. */
	*startupCost += conditions.recheck.startup;
	*totalCost += conditions.recheck.startup + returned * conditions.recheck.per_tuple;
	if (orderBys > 1 || (orderBys == 1 && facts.exactOrder))
	{
		QualCost	distances;

		cost_qual_eval(&distances, path->indexorderbys, root);
		*totalCost += returned * (distances.per_tuple + 2.0 * cpu_operator_cost * log2(returned + 1.0));
	}
	/* By several distances: the executor takes all rows, then sorts. */
	if (orderBys > 1)
		*startupCost = *totalCost;

	*totalCost += RefuseIndexOnly(root, path, *selectivity);
}
