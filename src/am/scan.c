/*
 * scan.c - searches: ORDER BY vector <-> query, vector <@ bound, and walks
 * without either.
 *
 * A scan is a stream: each call of quivergettuple asks the core for one more
 * row.  Between calls it holds no lock and no pin, so a cursor may stay open
 * over inserts and vacuum.  All of one search's memory lies in a context that a
 * rescan resets.  What the search is for is decided in scan_aim.c.
 */
#include "am.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "opclass.h"
#include "options.h"
#include "page_store.h"
#include "scan_aim.h"

typedef struct QuiverScanState
{
	const QuiverOpclass *opclass;
	MemoryContext memory;		/* of one search */
	QuiverPageStore pages;
	QuiverScanOptions options;
	QuiverScanAim aim;			/* valid from the first row asked for */
	bool		started;
	QuiverScan *search;			/* NULL before, and where no row can match */
	BlockNumber heapBlocks;		/* the table has at least these */
	HeapTuple	emptyTuple;		/* what an index-only scan gets: all NULL */
} QuiverScanState;

IndexScanDesc
quiverbeginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	QuiverScanState *state = palloc0(sizeof(QuiverScanState));

	state->opclass = QuiverGetOpclass(index);
	state->memory = AllocSetContextCreate(CurrentMemoryContext, "quiver scan",
										  ALLOCSET_DEFAULT_SIZES);
	scan->opaque = state;

	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
		memset(scan->xs_orderbynulls, true, sizeof(bool) * norderbys);
	}
	return scan;
}

/*
 * Sets the hints that are pending; the search's memory may go then.  Its pages are
 * read once more, but not for their rows: no snapshot is too old for that.
 */
static void
EndSearch(IndexScanDesc scan)
{
	QuiverScanState *state = scan->opaque;

	if (state->search == NULL)
		return;
	state->pages.snapshot = NULL;
	quiver_scan_finish(state->search);
	state->search = NULL;
}

void
quiverrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	QuiverScanState *state = scan->opaque;

	if (keys != NULL && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, sizeof(ScanKeyData) * scan->numberOfKeys);
	if (orderbys != NULL && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys, sizeof(ScanKeyData) * scan->numberOfOrderBys);

	EndSearch(scan);
	MemoryContextReset(state->memory);
	state->started = false;
	state->search = NULL;
}

void
quiverendscan(IndexScanDesc scan)
{
	QuiverScanState *state = scan->opaque;

	EndSearch(scan);
	MemoryContextDelete(state->memory);
	if (state->emptyTuple != NULL)
		heap_freetuple(state->emptyTuple);
	pfree(state);
}

static QuiverScanOptions
CurrentScanOptions(IndexScanDesc scan)
{
	Relation	index = scan->indexRelation;
	QuiverScanOptions options;
	double		bytes = work_mem * 1024.0 * quiverScanMemMultiplier;

	options.ef_search = QuiverEffectiveEfSearch(index);
	options.iterative = (QuiverIterativeScan) quiverIterativeScan;
	options.max_scan_tuples = quiverMaxScanTuples;
	options.exact_order = QuiverEffectiveExactOrder(index);
	options.bound = get_float8_infinity();
	options.skip_killed = scan->ignore_killed_tuples;
	options.memory_limit = bytes < (double) MaxAllocHugeSize ? (size_t) bytes : MaxAllocHugeSize;
	return options;
}

static void
StartSearch(IndexScanDesc scan)
{
	QuiverScanState *state = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(state->memory);
	const QuiverIndex *facts;

	pgstat_count_index_scan(scan->indexRelation);
#if PG_VERSION_NUM >= 180000
	if (scan->instrument != NULL)
		scan->instrument->nsearches++;
#endif

	QuiverInitPageStore(&state->pages, scan->indexRelation, state->memory);
	state->pages.snapshot = scan->xs_snapshot;
	state->options = CurrentScanOptions(scan);
	facts = QuiverOpenIndex(&state->pages);

	state->aim = QuiverAimScan(scan, state->opclass, facts);
	QuiverAimOptions(&state->aim, &state->options);
	state->started = true;
	if (!state->aim.noRows)
		state->search = quiver_scan_begin(&state->pages.store, facts, &state->options,
										  state->aim.hasQuery ? QUIVER_SCAN_NEAREST : QUIVER_SCAN_ALL,
										  state->aim.hasQuery ? &state->aim.query : NULL);
	MemoryContextSwitchTo(old);
}

/* Sets the values by which the executor may sort or merge, for a row. */
static void
SetOrderByValues(IndexScanDesc scan, const QuiverRow *row)
{
	QuiverScanState *state = scan->opaque;

	switch (state->aim.order)
	{
		case QUIVER_ORDER_NONE:
			return;

		case QUIVER_ORDER_RECHECKED:
			/* A lower bound of every distance; the executor computes and sorts. */
			for (int i = 0; i < scan->numberOfOrderBys; i++)
			{
				scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
				scan->xs_orderbynulls[i] = false;
			}
			scan->xs_recheckorderby = true;
			return;

		case QUIVER_ORDER_DISTANCE:
			scan->xs_orderbynulls[0] = row->kind == QUIVER_ROW_NULL;
			scan->xs_orderbyvals[0] = row->kind == QUIVER_ROW_DISTANCE ? Float8GetDatum(row->distance) :
				row->kind == QUIVER_ROW_NAN ? Float8GetDatum(get_float8_nan()) : (Datum) 0;

			/*
			 * Then distances are lower bounds, and those that are NaN or NULL are
			 * so.  A row whose place is sure needs no exact distance: whatever was
			 * returned before is not farther, whatever comes is not nearer.
			 */
			scan->xs_recheckorderby = state->options.exact_order &&
				row->kind == QUIVER_ROW_DISTANCE && !row->sure;
			return;

		case QUIVER_ORDER_ALL_NULL:
			scan->xs_orderbynulls[0] = true;
			scan->xs_orderbyvals[0] = (Datum) 0;
			return;

		case QUIVER_ORDER_ALL_NAN:
			scan->xs_orderbynulls[0] = row->kind == QUIVER_ROW_NULL;
			scan->xs_orderbyvals[0] = row->kind == QUIVER_ROW_NULL ? (Datum) 0 : Float8GetDatum(get_float8_nan());
			return;
	}
}

/*
 * Index-only scans are refused by cost.c.  Should one come all the same, it gets
 * a tuple of NULLs for each row that the heap confirms: the executor would
 * believe the visibility map, which may have changed since the row was read.
 */
static bool
IsVisible(IndexScanDesc scan)
{
	ItemPointerData tid = scan->xs_heaptid; /* is changed where it heads a HOT chain */

	return table_index_fetch_tuple_check(scan->heapRelation, &tid, scan->xs_snapshot, NULL);
}

static void
SetEmptyTuple(IndexScanDesc scan)
{
	QuiverScanState *state = scan->opaque;

	if (state->emptyTuple == NULL)
	{
		TupleDesc	desc = RelationGetDescr(scan->indexRelation);
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		Datum		values[INDEX_MAX_KEYS] = {0};
		bool		nulls[INDEX_MAX_KEYS];

		memset(nulls, true, sizeof(nulls));
		state->emptyTuple = heap_form_tuple(desc, values, nulls);
		scan->xs_hitupdesc = desc;
		MemoryContextSwitchTo(old);
	}
	scan->xs_hitup = state->emptyTuple;
}

/*
 * An entry for a block that the table does not have is damage: no lock of ours
 * lets the table shrink meanwhile.  Found here, the error names the index.
 */
static void
CheckHeapBlock(IndexScanDesc scan, BlockNumber block)
{
	QuiverScanState *state = scan->opaque;

	if (block < state->heapBlocks)
		return;

	state->heapBlocks = RelationGetNumberOfBlocks(scan->heapRelation);
	if (block >= state->heapBlocks)
	{
		QuiverError error = {QUIVER_ERROR_CORRUPTED, QUIVER_INVALID_BLOCK, -1,
		"An entry refers to a block past the end of the table", block};

		QuiverReport(scan->indexRelation, &error);
	}
}

bool
quivergettuple(IndexScanDesc scan, ScanDirection direction)
{
	QuiverScanState *state = scan->opaque;
	QuiverRow	row;

	/* amcanbackward is unset, so the planner puts a Materialize above. */
	if (direction != ForwardScanDirection)
		elog(ERROR, "quiver index \"%s\" cannot be scanned backward",
			 RelationGetRelationName(scan->indexRelation));

	if (!state->started)
		StartSearch(scan);
	if (state->search == NULL)
		return false;

	/* The row returned last had nothing in the heap that anybody sees or will. */
	if (scan->kill_prior_tuple)
		quiver_scan_kill(state->search);

	do
	{
		if (!quiver_scan_next(state->search, &row))
			return false;
		CheckHeapBlock(scan, row.tid.block);
		ItemPointerSet(&scan->xs_heaptid, row.tid.block, row.tid.offset);
	} while (!QuiverAimAccepts(&state->aim, &row) ||
			 (scan->xs_want_itup && !IsVisible(scan)));

	/* The core's distances are those of rounded copies; a bound is meant exactly. */
	scan->xs_recheck = scan->numberOfKeys > 0;
	scan->xs_recheckorderby = false;
	SetOrderByValues(scan, &row);
	if (scan->xs_want_itup)
		SetEmptyTuple(scan);
	return true;
}
