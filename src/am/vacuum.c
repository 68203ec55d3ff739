/*
 * vacuum.c - removes dead rows.
 *
 * The core goes up the blocks once and takes out the entries of dead rows; a
 * node that loses its last row stays as a route.  ambulkdelete may run several
 * times, or not at all, before amvacuumcleanup.  Either may run in a parallel
 * worker, where the result must be a plain IndexBulkDeleteResult.
 */
#include "am.h"

#include "commands/vacuum.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "page_store.h"

typedef struct DeadRows
{
	IndexBulkDeleteCallback callback;
	void	   *state;
} DeadRows;

/* Called under the page's lock: a look-up in vacuum's own memory. */
static bool
IsDead(void *context, QuiverTid row)
{
	DeadRows   *dead = context;
	ItemPointerData tid;

	ItemPointerSet(&tid, row.block, row.offset);
	return dead->callback(&tid, dead->state);
}

static void
Delay(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(false);
#else
	vacuum_delay_point();
#endif
}

IndexBulkDeleteResult *
quiverbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				 IndexBulkDeleteCallback callback, void *callbackState)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver vacuum",
												 ALLOCSET_DEFAULT_SIZES);
	DeadRows	dead = {callback, callbackState};
	QuiverVacuumStats counts = {0};
	QuiverPageStore pages;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));

	QuiverInitPageStore(&pages, info->index, memory);
	pages.strategy = info->strategy;
	quiver_bulk_delete(&pages.store, QuiverOpenIndex(&pages), IsDead, &dead, Delay, &counts);

	stats->num_index_tuples = (double) counts.remaining;
	stats->tuples_removed += (double) counts.removed;
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	stats->estimated_count = false;

	MemoryContextDelete(memory);
	return stats;
}

/*
 * Nothing to tidy up.  Without a bulkdelete before it there are no figures
 * either, and NULL says that the old ones still hold.
 */
IndexBulkDeleteResult *
quivervacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	if (info->analyze_only || stats == NULL)
		return stats;

	stats->num_pages = RelationGetNumberOfBlocks(info->index);

	/*
	 * Rows inserted while the pass went on may have been counted; an index
	 * never has more than its table.
	 */
	if (!info->estimated_count && stats->num_index_tuples > info->num_heap_tuples)
		stats->num_index_tuples = info->num_heap_tuples;
	return stats;
}
