/*
 * heap_rows.h - whether the rows of a table are those of its index.
 */
#ifndef QUIVER_HEAP_ROWS_H
#define QUIVER_HEAP_ROWS_H

#include "am.h"

#include "utils/snapshot.h"

/* What may be found; in place of a finding of the core. */
typedef enum QuiverRowFault
{
	QUIVER_ROW_MISSING,			/* a live row of the table is not in the index */
	QUIVER_ROW_TWICE			/* the index has a row twice */
} QuiverRowFault;

typedef void (*QuiverRowFaultSink) (void *context, QuiverRowFault fault, QuiverTid row);

typedef struct QuiverHeapRows QuiverHeapRows;

/*
 * Begins: takes the snapshot whose rows the index must have, before the index is
 * read.  Memory within maintenance_work_mem; the rest goes to temporary files.
 */
extern QuiverHeapRows *QuiverBeginHeapRows(Relation heap, Relation index);

/* A row of the index and the page it is on. */
extern void QuiverAddIndexRow(QuiverHeapRows *rows, QuiverTid row, uint32_t block);

/* After all of the index: reads the table, compares, ends. */
extern void QuiverCompareHeapRows(QuiverHeapRows *rows, const QuiverStore *store,
								  QuiverRowFaultSink sink, void *context);

#endif							/* QUIVER_HEAP_ROWS_H */
