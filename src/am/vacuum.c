/*
 * vacuum.c - removes dead rows, repairs the graph, gives space back.
 *
 * ambulkdelete may run several times, or not at all, before amvacuumcleanup: it
 * goes up the blocks once and takes out the entries of dead rows.  What nodes this
 * leaves without rows, amvacuumcleanup takes out of the graph, once, and also what
 * an earlier vacuum has not come to (the meta page remembers).  Either may run in a
 * parallel worker, where the result must be a plain IndexBulkDeleteResult.
 */
#include "am.h"

#include "commands/vacuum.h"
#include "storage/bufmgr.h"
#include "storage/indexfsm.h"
#include "utils/memutils.h"

#include "options.h"
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

/* What a pass or a repair did, for VACUUM (VERBOSE). */
static void
TellVerbose(IndexVacuumInfo *info, const QuiverVacuumStats *counts)
{
	if (counts->mended + counts->freed_nodes + counts->freed_pages == 0)
		return;

	ereport(info->message_level,
			(errmsg("index \"%s\": %llu nodes freed, %llu pages free for any use",
					RelationGetRelationName(info->index),
					(unsigned long long) counts->freed_nodes,
					(unsigned long long) counts->freed_pages),
			 errdetail("%llu nodes have lost neighbors and got %llu others, %llu of them by a new search.",
					   (unsigned long long) counts->mended,
					   (unsigned long long) counts->linked,
					   (unsigned long long) counts->searched)));
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
	stats->pages_newly_deleted += (BlockNumber) counts.freed_pages;
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	stats->estimated_count = false;

	MemoryContextDelete(memory);
	return stats;
}

IndexBulkDeleteResult *
quivervacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	MemoryContext memory;
	QuiverVacuumStats counts = {0};
	QuiverPageStore pages;

	if (info->analyze_only)
		return stats;

	memory = AllocSetContextCreate(CurrentMemoryContext, "quiver vacuum", ALLOCSET_DEFAULT_SIZES);
	QuiverInitPageStore(&pages, info->index, memory);
	pages.strategy = info->strategy;
	quiver_vacuum_cleanup(&pages.store, QuiverOpenIndex(&pages),
						  QuiverGetOptions(info->index).efConstruction, Delay, &counts);
	MemoryContextDelete(memory);
	TellVerbose(info, &counts);

	/* The map's upper pages, so that what has been freed is found. */
	if (stats != NULL || counts.freed_pages > 0)
		IndexFreeSpaceMapVacuum(info->index);

	/* Without a bulkdelete there are no figures, and NULL says that the old ones still hold. */
	if (stats == NULL)
		return NULL;

	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	stats->pages_newly_deleted += (BlockNumber) counts.freed_pages;
	stats->pages_deleted = stats->pages_newly_deleted;
	stats->pages_free = stats->pages_newly_deleted;

	/*
	 * Rows inserted while the pass went on may have been counted; an index
	 * never has more than its table.
	 */
	if (!info->estimated_count && stats->num_index_tuples > info->num_heap_tuples)
		stats->num_index_tuples = info->num_heap_tuples;
	return stats;
}
