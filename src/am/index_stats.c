/*
 * index_stats.c - quiver_index_stats: figures of an index, one row with many columns.
 */
#include "am.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "inspect.h"
#include "options.h"
#include "page_store.h"

/* Columns, in the order of src/sql/92_verify.sql. */
#define MAX_COLUMNS 64

typedef struct Columns
{
	Datum		values[MAX_COLUMNS];
	bool		isnull[MAX_COLUMNS];
	int			count;
} Columns;

static void
Put(Columns *columns, Datum value, bool isnull)
{
	Assert(columns->count < MAX_COLUMNS);
	columns->values[columns->count] = value;
	columns->isnull[columns->count++] = isnull;
}

static void
PutText(Columns *columns, const char *text)
{
	Put(columns, text != NULL ? CStringGetTextDatum(text) : (Datum) 0, text == NULL);
}

static void
PutInt(Columns *columns, int32 value)
{
	Put(columns, Int32GetDatum(value), false);
}

static void
PutCount(Columns *columns, uint64 value)
{
	Put(columns, Int64GetDatum((int64) value), false);
}

/* part / whole; NULL of nothing. */
static void
PutShare(Columns *columns, uint64 part, uint64 whole)
{
	double		share = whole == 0 ? 0 : (double) part / (double) whole;

	Put(columns, Float8GetDatum(share), whole == 0);
}

static const char *
MetricName(QuiverMetric metric)
{
	switch (metric)
	{
		case QUIVER_METRIC_L2:
			return "l2";
		case QUIVER_METRIC_IP:
			return "inner product";
		case QUIVER_METRIC_COSINE:
			return "cosine";
		case QUIVER_METRIC_L1:
			return "l1";
		case QUIVER_METRIC_HAMMING:
			return "hamming";
		case QUIVER_METRIC_JACCARD:
			return "jaccard";
	}
	return NULL;
}

static const char *
StateName(QuiverState state)
{
	switch (state)
	{
		case QUIVER_STATE_LIST:
			return "list";
		case QUIVER_STATE_DRAINING:
			return "draining";
		case QUIVER_STATE_GRAPH:
			return "graph";
	}
	return NULL;
}

static const char *
StorageName(const QuiverIndex *index)
{
	if (quiver_index_form(index) == QUIVER_FORM_BITS)
		return "bits";
	return quiver_index_stores_float32(index) ? "float32" : "float16";
}

static const char *
CodecName(const QuiverIndexStats *stats)
{
	switch (stats->codec)
	{
		case QUIVER_CODEC_NONE:
			return "none";
		case QUIVER_CODEC_EDGE:
			return psprintf("edge, %u bit", stats->code_bits);
		case QUIVER_CODEC_BITS:
			return "bits";
	}
	return NULL;
}

/* Nodes of each layer, from the bottom; an empty array where there is no graph. */
static void
PutNodesByLevel(Columns *columns, const QuiverIndexStats *stats)
{
	Datum		counts[QUIVER_LEVELS];
	int			levels = 0;

	for (int i = 0; i < QUIVER_LEVELS; i++)
	{
		counts[i] = Int64GetDatum((int64) stats->nodes[i]);
		if (stats->nodes[i] > 0)
			levels = i + 1;
	}
	Put(columns, PointerGetDatum(construct_array(counts, levels, INT8OID, sizeof(int64),
												 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

static void
PutFlags(Columns *columns, const QuiverIndexStats *stats)
{
	PutText(columns, stats->compatible == 0 && stats->read_compatible == 0 && stats->incompatible == 0
			? "none"
			: psprintf("compatible 0x%x, read-compatible 0x%x, incompatible 0x%x",
					   stats->compatible, stats->read_compatible, stats->incompatible));
}

static void
PutBytes(Columns *columns, const QuiverIndexStats *stats)
{
	const uint64 *pages = stats->pages;

	PutCount(columns, (uint64) stats->blocks * BLCKSZ);
	PutCount(columns, (pages[QUIVER_PAGE_META] + pages[QUIVER_PAGE_CENTER]) * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_NODE] * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_UPPER] * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_CHUNK] * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_POSTING] * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_LIST] * BLCKSZ);
	PutCount(columns, pages[QUIVER_PAGE_LOOSE] * BLCKSZ);
	PutCount(columns, (pages[QUIVER_PAGE_FREE] + stats->zero_pages) * BLCKSZ);
}

static void
FillColumns(Columns *columns, Relation index, const QuiverIndex *facts,
			const QuiverIndexStats *stats)
{
	bool		hasNodes = stats->nodes[0] > 0;

	/* Rows. */
	PutCount(columns, stats->node_rows + stats->list_rows + stats->null_rows + stats->nan_rows);
	PutCount(columns, stats->node_rows);
	PutCount(columns, stats->list_rows);
	PutCount(columns, stats->null_rows);
	PutCount(columns, stats->nan_rows);
	PutText(columns, StateName(stats->state));

	/* Graph. */
	PutCount(columns, stats->nodes[0]);
	PutNodesByLevel(columns, stats);
	Put(columns, Int32GetDatum((int32) stats->least_degree), !hasNodes);
	PutShare(columns, stats->edges, stats->nodes[0]);
	Put(columns, Int32GetDatum((int32) stats->most_degree), !hasNodes);
	PutShare(columns, stats->full_lists, stats->nodes[0]);
	PutShare(columns, stats->dominated_edges, stats->edges);
	PutInt(columns, (int32) stats->longest_chain);

	/* What vacuum left. */
	PutCount(columns, stats->emptied_nodes);
	PutCount(columns, stats->free_places);
	PutCount(columns, stats->pages[QUIVER_PAGE_FREE]);
	PutCount(columns, stats->zero_pages);
	Put(columns, BoolGetDatum(stats->repair_pending != 0), false);

	PutBytes(columns, stats);

	/* What it was made with, and options in force. */
	PutInt(columns, (int32) quiver_index_dim(facts));
	PutText(columns, MetricName(quiver_index_metric(facts)));
	PutText(columns, StorageName(facts));
	PutText(columns, CodecName(stats));
	PutInt(columns, (int32) stats->slots);
	PutInt(columns, (int32) stats->nodes_per_page);
	PutInt(columns, (int32) stats->m);
	PutInt(columns, (int32) stats->ef_construction);
	PutInt(columns, QuiverEffectiveEfSearch(index));
	Put(columns, BoolGetDatum(QuiverEffectiveExactOrder(index)), false);
	PutInt(columns, (int32) stats->format_version);
	PutText(columns, psprintf("%u.%u.%u", stats->creator_version >> 16,
							  (stats->creator_version >> 8) & 0xFF, stats->creator_version & 0xFF));
	PutFlags(columns, stats);
}

PG_FUNCTION_INFO_V1(quiver_index_stats_row);

/* quiver_index_stats(index) returns a row. */
Datum
quiver_index_stats_row(PG_FUNCTION_ARGS)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver statistics",
												 ALLOCSET_DEFAULT_SIZES);
	QuiverInspection inspection;
	QuiverPageStore pages;
	const QuiverIndex *facts;
	QuiverIndexStats stats;
	Columns		columns = {0};
	TupleDesc	desc;
	Tuplestorestate *store = QuiverBeginResult(fcinfo, &desc);
	MemoryContext old;

	QuiverBeginInspection(&inspection, PG_GETARG_OID(0));
	old = MemoryContextSwitchTo(memory);
	QuiverInitPageStore(&pages, inspection.index, memory);
	pages.strategy = GetAccessStrategy(BAS_BULKREAD);
	facts = QuiverOpenIndex(&pages);
	quiver_index_stats(&pages.store, facts, &stats);
	FillColumns(&columns, inspection.index, facts, &stats);
	if (columns.count != desc->natts)
		elog(ERROR, "statistics have %d columns, not %d", desc->natts, columns.count);
	tuplestore_putvalues(store, desc, columns.values, columns.isnull);
	MemoryContextSwitchTo(old);
	QuiverEndInspection(&inspection);
	MemoryContextDelete(memory);
	return (Datum) 0;
}
