/*
 * verify.c - quiver_check: what the verifier finds, as rows.
 *
 * AccessShareLock on table and index, share locks on pages, so that nothing waits but
 * for what waits for those.  All of the core's findings are words for a reader here;
 * a page that PostgreSQL itself refuses to read (its checksum, say) is an error as in
 * any query.
 */
#include "am.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "heap_rows.h"
#include "inspect.h"
#include "opclass.h"
#include "page_store.h"

#define RESULT_COLUMNS 5

typedef struct Check
{
	Relation	heap;
	Relation	index;
	BlockNumber heapBlocks;		/* the table has at least these */
	Tuplestorestate *store;
	TupleDesc	desc;
	MemoryContext rowMemory;	/* of one finding, reset after it */
	char	   *qualifiedName;	/* of the index, for a hint */
	QuiverHeapRows *rows;		/* or NULL */
} Check;

static const char *
SeverityName(QuiverSeverity severity)
{
	switch (severity)
	{
		case QUIVER_SEVERITY_INFO:
			return "info";
		case QUIVER_SEVERITY_WARNING:
			return "warning";
		case QUIVER_SEVERITY_ERROR:
			return "error";
	}
	return NULL;
}

static const char *
HintFor(Check *check, QuiverSeverity severity, const char *text)
{
	if (severity == QUIVER_SEVERITY_INFO)
		return NULL;
	if (strncmp(text, "unknown", 7) == 0)
		return "Install the version of quiver that made the index, or a newer one, or REINDEX it.";
	if (severity == QUIVER_SEVERITY_WARNING)
		return psprintf("Searches find all rows, some more slowly. REINDEX INDEX CONCURRENTLY %s when convenient.",
						check->qualifiedName);
	return psprintf("REINDEX INDEX CONCURRENTLY %s makes it anew from the table. Look for the cause: storage, memory, a copy of files.",
					check->qualifiedName);
}

/* message is in check->rowMemory, as all that belongs to a finding. */
static void
AddFinding(Check *check, QuiverSeverity severity, uint32_t block, int32_t item,
		   const char *text, const char *message)
{
	const char *hint = HintFor(check, severity, text);
	Datum		values[RESULT_COLUMNS] = {0};
	bool		isnull[RESULT_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(SeverityName(severity));
	values[1] = Int64GetDatum((int64) block);
	isnull[1] = block == QUIVER_INVALID_BLOCK;
	values[2] = Int32GetDatum(item);
	isnull[2] = item < 0;
	values[3] = CStringGetTextDatum(message);
	isnull[4] = hint == NULL;
	if (hint != NULL)
		values[4] = CStringGetTextDatum(hint);
	tuplestore_putvalues(check->store, check->desc, values, isnull);
}

static void
TakeFinding(void *context, const QuiverFinding *finding)
{
	Check	   *check = context;
	MemoryContext old = MemoryContextSwitchTo(check->rowMemory);
	unsigned long long value = (unsigned long long) finding->value;
	unsigned long long total = (unsigned long long) finding->total;
	char	   *message;

	if (finding->severity != QUIVER_SEVERITY_INFO)
		message = psprintf("%s (value %llu)", finding->text, value);
	else if (total != 0)
		message = psprintf("%s: %llu of %llu (%.1f %%)", finding->text, value, total,
						   100.0 * value / total);
	else
		message = psprintf("%s: %llu", finding->text, value);
	AddFinding(check, finding->severity, finding->block, finding->item, finding->text, message);

	MemoryContextSwitchTo(old);
	MemoryContextReset(check->rowMemory);
}

/* An error about a row, worded with its address and the table's name. */
static void
ReportRow(Check *check, uint32_t block, int32_t item, QuiverTid row, const char *format)
{
	MemoryContext old = MemoryContextSwitchTo(check->rowMemory);
	char		address[32];

	snprintf(address, sizeof(address), "(%u,%u)", row.block, row.offset);
	AddFinding(check, QUIVER_SEVERITY_ERROR, block, item, format,
			   psprintf(format, address, RelationGetRelationName(check->heap)));
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->rowMemory);
}

static void
TakeRow(void *context, QuiverTid row, uint32_t block, int32_t item)
{
	Check	   *check = context;

	/* The table does not shrink while we hold a lock on it; it may have grown. */
	if (row.block >= check->heapBlocks)
		check->heapBlocks = RelationGetNumberOfBlocks(check->heap);
	if (row.block >= check->heapBlocks)
		ReportRow(check, block, item, row, "row %s lies past the end of table \"%s\"");
	else if (row.offset > MaxHeapTuplesPerPage)
		ReportRow(check, block, item, row, "row %s has an address that table \"%s\" cannot have");
	if (check->rows != NULL)
		QuiverAddIndexRow(check->rows, row, block);
}

static void
TakeRowFault(void *context, QuiverRowFault fault, QuiverTid row)
{
	ReportRow(context, QUIVER_INVALID_BLOCK, -1, row,
			  fault == QUIVER_ROW_MISSING ? "row %s of table \"%s\" is not in the index"
			  : "row %s of table \"%s\" is in the index more than once");
}

/* Dimensions of the key column, 0 where its type modifier does not say. */
static uint32_t
ExpectedDim(Relation index)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(index), 0);
	int32		typmod = attribute->atttypmod;

	(void) getBaseTypeAndTypmod(attribute->atttypid, &typmod);
	return typmod > 0 ? (uint32_t) typmod : 0;
}

static void
CheckIndex(Check *check, bool heapAllIndexed, bool full)
{
	const QuiverOpclass *opclass = QuiverGetOpclass(check->index);
	QuiverVerifyOptions options = {
		.form = opclass->form,
		.metric = opclass->metric,
		.dim = ExpectedDim(check->index),
		.full = full,
		.context = check,
		.finding = TakeFinding,
		.row = TakeRow
	};
	QuiverPageStore pages;

	if (heapAllIndexed)
		check->rows = QuiverBeginHeapRows(check->heap, check->index);
	check->heapBlocks = RelationGetNumberOfBlocks(check->heap);
	QuiverInitPageStore(&pages, check->index, CurrentMemoryContext);

	/* What is read at random had better stay in shared buffers. */
	if (!full)
		pages.strategy = GetAccessStrategy(BAS_BULKREAD);
	quiver_verify(&pages.store, &options);
	if (heapAllIndexed)
		QuiverCompareHeapRows(check->rows, &pages.store, TakeRowFault, check);
}

PG_FUNCTION_INFO_V1(quiver_check);

/* quiver_check(index, heap_all_indexed, full) returns a table of findings. */
Datum
quiver_check(PG_FUNCTION_ARGS)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver check",
												 ALLOCSET_DEFAULT_SIZES);
	QuiverInspection inspection;
	Check		check = {0};
	MemoryContext old;

	check.store = QuiverBeginResult(fcinfo, &check.desc);
	QuiverBeginInspection(&inspection, PG_GETARG_OID(0));
	old = MemoryContextSwitchTo(memory);
	check.heap = inspection.heap;
	check.index = inspection.index;
	check.rowMemory = AllocSetContextCreate(memory, "quiver finding", ALLOCSET_SMALL_SIZES);
	check.qualifiedName =
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(check.index)),
								   RelationGetRelationName(check.index));
	CheckIndex(&check, PG_GETARG_BOOL(1), PG_GETARG_BOOL(2));
	MemoryContextSwitchTo(old);
	QuiverEndInspection(&inspection);
	MemoryContextDelete(memory);
	return (Datum) 0;
}
