/*
 * heap_rows.c - whether the rows of a table are those of its index.
 *
 * The snapshot is taken first.  Each row that it sees was in the index by then, and
 * stays there: vacuum removes what no snapshot sees.  A pass up the blocks of the
 * index meets it, since rows move up only.  Then the table is read with that
 * snapshot, as CREATE INDEX CONCURRENTLY does: predicate and expressions apply, and of
 * a HOT chain the root's address counts.  Both sides are sorted by address and merged,
 * so nothing is missed by chance and memory is bounded.
 *
 * A row that moved while the index was read may have been met twice.  So two equal
 * addresses are looked for again on their two pages, both locked.
 */
#include "am.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "heap_rows.h"

struct QuiverHeapRows
{
	Relation	heap;
	Relation	index;
	Snapshot	snapshot;
	Tuplesortstate *indexRows;	/* address, block of the index */
	Tuplesortstate *heapRows;	/* address */
	TupleTableSlot *in;			/* a row on its way into indexRows */
	TupleTableSlot *out;		/* and out */
};

static int64
AddressOf(QuiverTid row)
{
	return ((int64) row.block << 16) | row.offset;
}

static QuiverTid
RowOf(int64 address)
{
	QuiverTid	row = {(uint32_t) (address >> 16), (uint16_t) address};

	return row;
}

/*
 * A transaction's own old snapshot may not see what the index was built from, where
 * it left out rows whose HOT chain was broken.
 */
static void
CheckSnapshot(Relation index, Snapshot snapshot)
{
	if (IsolationUsesXactSnapshot() && index->rd_index->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   snapshot->xmin))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("index \"%s\" cannot be checked with this transaction's snapshot",
						RelationGetRelationName(index)),
				 errhint("Check it in another transaction.")));
}

QuiverHeapRows *
QuiverBeginHeapRows(Relation heap, Relation index)
{
	QuiverHeapRows *rows = palloc0(sizeof(QuiverHeapRows));
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	column = 1;
	Oid			operator = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nullsFirst = false;
	int			memory = Max(maintenance_work_mem / 2, 64);

	rows->heap = heap;
	rows->index = index;
	rows->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	CheckSnapshot(index, rows->snapshot);

	TupleDescInitEntry(desc, 1, "address", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "block", INT8OID, -1, 0);
	rows->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	rows->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	rows->indexRows = tuplesort_begin_heap(desc, 1, &column, &operator, &collation, &nullsFirst,
										   memory, NULL, 0);
	rows->heapRows = tuplesort_begin_datum(INT8OID, operator, collation, nullsFirst,
										   memory, NULL, 0);
	return rows;
}

void
QuiverAddIndexRow(QuiverHeapRows *rows, QuiverTid row, uint32_t block)
{
	TupleTableSlot *slot = ExecClearTuple(rows->in);

	slot->tts_values[0] = Int64GetDatum(AddressOf(row));
	slot->tts_values[1] = Int64GetDatum((int64) block);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	tuplesort_puttupleslot(rows->indexRows, ExecStoreVirtualTuple(slot));
}

static void
AddHeapRow(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		   bool tupleIsAlive, void *context)
{
	QuiverHeapRows *rows = context;
	QuiverTid	row = {ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid)};

	tuplesort_putdatum(rows->heapRows, Int64GetDatum(AddressOf(row)), false);
}

/* Root addresses of all rows that the snapshot sees and the index must have. */
static void
ReadHeap(QuiverHeapRows *rows)
{
	IndexInfo  *info = BuildIndexInfo(rows->index);
	TableScanDesc scan = table_beginscan_strat(rows->heap, rows->snapshot, 0, NULL, true, true);

	/* Reads by the snapshot, without locks beyond ours. */
	info->ii_Concurrent = true;
	info->ii_Unique = false;
	table_index_build_scan(rows->heap, rows->index, info, true, false, AddHeapRow, rows, scan);
}

static bool
NextHeapRow(QuiverHeapRows *rows, int64 *address)
{
	Datum		value;
	bool		isnull;

#if PG_VERSION_NUM >= 160000
	if (!tuplesort_getdatum(rows->heapRows, true, false, &value, &isnull, NULL))
		return false;
#else
	if (!tuplesort_getdatum(rows->heapRows, true, &value, &isnull, NULL))
		return false;
#endif
	*address = DatumGetInt64(value);
#ifndef USE_FLOAT8_BYVAL
	pfree(DatumGetPointer(value));
#endif
	return true;
}

static bool
NextIndexRow(QuiverHeapRows *rows, int64 *address, uint32_t *block)
{
	bool		isnull;

	if (!tuplesort_gettupleslot(rows->indexRows, true, false, rows->out, NULL))
		return false;
	*address = DatumGetInt64(slot_getattr(rows->out, 1, &isnull));
	*block = (uint32_t) DatumGetInt64(slot_getattr(rows->out, 2, &isnull));
	return true;
}

/* Both in order of address: each of the heap must be in the index, none twice. */
static void
Merge(QuiverHeapRows *rows, const QuiverStore *store, QuiverRowFaultSink sink, void *context)
{
	int64		heapRow;
	bool		hasHeapRow = NextHeapRow(rows, &heapRow);
	int64		indexRow;
	int64		lastRow = -1;
	uint32_t	block;
	uint32_t	lastBlock = 0;

	while (NextIndexRow(rows, &indexRow, &block))
	{
		CHECK_FOR_INTERRUPTS();
		while (hasHeapRow && heapRow < indexRow)
		{
			sink(context, QUIVER_ROW_MISSING, RowOf(heapRow));
			hasHeapRow = NextHeapRow(rows, &heapRow);
		}
		if (hasHeapRow && heapRow == indexRow)
			hasHeapRow = NextHeapRow(rows, &heapRow);
		if (indexRow == lastRow && quiver_row_stands_twice(store, RowOf(indexRow), lastBlock, block))
			sink(context, QUIVER_ROW_TWICE, RowOf(indexRow));
		lastRow = indexRow;
		lastBlock = block;
	}
	while (hasHeapRow)
	{
		CHECK_FOR_INTERRUPTS();
		sink(context, QUIVER_ROW_MISSING, RowOf(heapRow));
		hasHeapRow = NextHeapRow(rows, &heapRow);
	}
}

void
QuiverCompareHeapRows(QuiverHeapRows *rows, const QuiverStore *store,
					  QuiverRowFaultSink sink, void *context)
{
	tuplesort_performsort(rows->indexRows);
	ReadHeap(rows);
	tuplesort_performsort(rows->heapRows);
	Merge(rows, store, sink, context);
	tuplesort_end(rows->indexRows);
	tuplesort_end(rows->heapRows);
	ExecDropSingleTupleTableSlot(rows->in);
	ExecDropSingleTupleTableSlot(rows->out);
	UnregisterSnapshot(rows->snapshot);
}
