/*
 * insert.c - a new row, of INSERT, UPDATE or COPY.
 */
#include "am.h"

#include "utils/memutils.h"

#include "opclass.h"
#include "options.h"
#include "page_store.h"

/*
 * 64 well mixed bits that decide the node's level.  They come from the row's
 * address, so the same inserts give the same graph; addresses are dense, and
 * splitmix64 (Steele, Lea, Flood 2014) makes neighbours among them unrelated.
 */
static uint64
LevelBits(ItemPointer tid)
{
	uint64		x = ((uint64) ItemPointerGetBlockNumber(tid) << 16) | ItemPointerGetOffsetNumber(tid);

	x += UINT64CONST(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/*
 * aminsert.  The core's search ends as soon as it meets the row's own vector, whose
 * node then takes the new row version, and no edge is written.  indexUnchanged says
 * that the old version has such a node.
 */
bool
quiverinsert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
			 Relation heap, IndexUniqueCheck checkUnique,
			 bool indexUnchanged, IndexInfo *indexInfo)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver insert",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	QuiverTid	row = {ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid)};
	QuiverInsertOptions options = {
		.ef_construction = QuiverGetOptions(index).efConstruction,
		.expects_twin = indexUnchanged,
		.random = LevelBits(tid)
	};
	QuiverPageStore pages;
	const QuiverIndex *facts;
	QuiverValue value;

	QuiverInitPageStore(&pages, index, memory);
	facts = QuiverOpenIndex(&pages);
	if (!isnull[0])
		value = QuiverDatumValue(QuiverGetOpclass(index), values[0],
								 (int) quiver_index_dim(facts));

	quiver_insert(&pages.store, facts, &options, row, isnull[0] ? NULL : &value);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	return false;
}
