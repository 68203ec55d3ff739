/*
 * cost.c - what a search costs, for the planner.
 *
 * cost_index takes from startup + (total - startup) the share that LIMIT asks
 * for, over the rows left after all conditions.  So startup is the first beam,
 * and the rest the price of streaming every row, one expanded node after
 * another; then a filter that leaves few rows makes the index as dear as it is.
 * (A stream that goes on long enough ends with a sweep, which is cheaper a row.
 * The planner's line between startup and total cannot bend, and what matters is
 * its slope where plans compete: the sort has won long before.)
 *
 * Departures from the generic model, with their reasons:
 * - pages are weighed by how much of the index effective_cache_size can hold: a
 *   beam touches pages all over the file, and full price for each would say
 *   that a graph search costs what it costs on a cold disk;
 * - CPU is counted by nodes expanded, and grows with dimension and slots;
 * - nothing is infinite: a walk without an order is priced as what it is.
 */
#include "am.h"

#include <math.h>

#include "access/genam.h"
#include "nodes/pg_list.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

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
#define DISTANCE_OPERATORS 4.0
#define DISTANCE_COMPONENTS_PER_OPERATOR 64.0

/* Share of pages that is never counted as cached. */
#define COLD_SHARE_MIN 0.1

/* A search expands some nodes more than its beam is wide. */
#define EXPANSIONS_PER_EF 1.1

/* Nodes expanded in each upper layer. */
#define DESCENT_NODES 3.0

typedef struct CostFactors
{
	double		rows;			/* in the index */
	double		pages;			/* of the index */
	double		coldShare;		/* of page accesses that read from disk */
	double		randomPage;		/* cost of an access in no order */
	double		seqPage;		/* and in the file's order */
	double		distance;		/* CPU of an exact distance */
	double		expansion;		/* CPU of expanding a node: a distance, its edges' estimates */
} CostFactors;

/* The figures of an index that exists, or what they would be of a hypothetical one. */
static QuiverShape
GetShape(IndexOptInfo *info, int *efSearch)
{
	QuiverShape shape = {.dim = 768, .node_slots = 2 * QUIVER_DEFAULT_M, .nodes_per_page = 2, .levels = 2};
	MemoryContext memory;
	QuiverPageStore pages;
	Relation	index;

	*efSearch = quiverEfSearch > 0 ? quiverEfSearch : QUIVER_DEFAULT_EF_SEARCH;
	if (info->hypothetical)
		return shape;

	memory = AllocSetContextCreate(CurrentMemoryContext, "quiver cost", ALLOCSET_SMALL_SIZES);
	index = index_open(info->indexoid, NoLock);	/* the planner holds a lock */
	QuiverInitPageStore(&pages, index, memory);
	quiver_index_shape(&pages.store, QuiverOpenIndex(&pages), &shape);
	*efSearch = QuiverEffectiveEfSearch(index);
	index_close(index, NoLock);
	MemoryContextDelete(memory);
	return shape;
}

static CostFactors
GetFactors(IndexOptInfo *info, const QuiverShape *shape)
{
	CostFactors f;

	get_tablespace_page_costs(info->reltablespace, &f.randomPage, &f.seqPage);
	f.rows = Max(info->tuples, 1.0);
	f.pages = Max(info->pages, 1.0);
	f.coldShare = Max(COLD_SHARE_MIN, 1.0 - effective_cache_size / f.pages);
	f.distance = cpu_operator_cost *
		(DISTANCE_OPERATORS + shape->dim / DISTANCE_COMPONENTS_PER_OPERATOR);
	f.expansion = f.distance + cpu_operator_cost *
		(EXPANSION_OPERATORS +
		 shape->node_slots * (SLOT_OPERATORS + shape->dim / SLOT_COMPONENTS_PER_OPERATOR));
	return f;
}

/* The list and one beam through the graph; *pages is how many pages that reads. */
static Cost
BeamCost(const CostFactors *f, const QuiverShape *shape, int efSearch, double loopCount, double *pages)
{
	double		listPages = Min(shape->list_pages, f->pages);
	double		listRows = shape->levels < 0 ? f->rows : f->rows * listPages / f->pages;
	double		nodes = 0;
	double		nodePages;
	double		cold = f->coldShare;

	if (shape->levels >= 0)
		nodes = Min(f->rows, efSearch * EXPANSIONS_PER_EF + shape->levels * DESCENT_NODES);
	nodePages = Min(nodes, f->pages);

	/* Searches that follow one another find each other's pages. */
	if (loopCount > 1)
		cold *= Min(1.0, f->pages / (loopCount * Max(nodePages + listPages, 1.0)));

	*pages = listPages + nodePages;
	return cold * (listPages * f->seqPage + nodePages * f->randomPage) +
		listRows * f->distance + nodes * f->expansion;
}

/* What streaming all rows costs after the first beam. */
static Cost
StreamCost(const CostFactors *f, const QuiverShape *shape)
{
	Cost		perRow = cpu_index_tuple_cost + cpu_operator_cost * log2(f->rows + 1.0);

	/* A list has been read and sorted whole. */
	if (shape->levels >= 0)
		perRow += f->expansion + f->coldShare * f->randomPage;
	return f->rows * perRow;
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

/* amcostestimate. */
void
quivercostestimate(PlannerInfo *root, IndexPath *path, double loopCount,
				   Cost *startupCost, Cost *totalCost, Selectivity *selectivity,
				   double *correlation, double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	int			efSearch;
	QuiverShape shape = GetShape(info, &efSearch);
	CostFactors f = GetFactors(info, &shape);
	int			orderBys = list_length(path->indexorderbys);

	QuiverNotePath();

	/*
	 * There are no conditions to search by, but a partial index has its
	 * predicate.
	 */
	*selectivity = clauselist_selectivity(root, add_predicate_to_index_quals(info, NIL),
										  info->rel->relid, JOIN_INNER, NULL);
	*correlation = 0.0;			/* rows come in no order of the heap */

	if (orderBys == 1)
	{
		double		beamPages;

		*startupCost = BeamCost(&f, &shape, efSearch, loopCount, &beamPages);
		*totalCost = *startupCost + StreamCost(&f, &shape);
		*pages = beamPages + f.pages;
	}
	else
	{
		*startupCost = 0.0;
		*totalCost = WalkCost(&f);
		*pages = f.pages;

		/* By several distances: the executor takes all rows, then sorts. */
		if (orderBys > 1)
		{
			*totalCost += f.rows * (orderBys * f.distance + 2.0 * cpu_operator_cost * log2(f.rows + 1.0));
			*startupCost = *totalCost;
		}
	}
	*totalCost += RefuseIndexOnly(root, path, *selectivity);
}
