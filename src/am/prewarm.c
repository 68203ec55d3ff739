/*
 * prewarm.c - quiver_prewarm: brings an index into shared buffers.
 *
 * First what every search begins with, found by following the links of the upper layers; then,
 * if all is wanted, the other blocks in the order of the file.  Blocks are read and let go: nothing
 * of the later ones is looked at, so that a page which is damaged is an error only if PostgreSQL
 * itself refuses to read it, or if it belongs to the upper layers.
 */
#include "am.h"

#include "executor/instrument.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/spccache.h"

#include "inspect.h"
#include "page_store.h"
#include "prewarm.h"

/* The part of the buffers, 1 / this, that is left to others. */
#define LEFT_TO_OTHERS 8

/* Blocks between two reports of progress. */
#define BLOCKS_REPORTED_AT_ONCE 64

static int64
BlocksMissed(void)
{
	return pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
}

static bool
IsUpper(const QuiverWarming *warming, BlockNumber block)
{
	return block < warming->upperBlocks && (warming->upper[block / 8] >> (block % 8) & 1) != 0;
}

static bool
EndOfSlice(const QuiverWarming *warming)
{
	return warming->slice > 0 &&
		BlocksMissed() - warming->missesAtStart >= (int64) warming->slice;
}

/* Whether there is no room for one more block. */
static bool
IsFull(QuiverWarming *warming)
{
	if (warming->read >= warming->most ||
		(warming->whileFree && !have_free_buffer()))
		warming->full = true;
	return warming->full;
}

static void
CountBlock(QuiverWarming *warming)
{
	if (++warming->read % BLOCKS_REPORTED_AT_ONCE == 0)
		QuiverReportPrewarmProgress(warming->read,
									warming->mode == QUIVER_PREWARM_ALL ? Min(warming->most, warming->blocks) : 0);
}

/* A block that the walk has read.  One that begins anew in another call meets those of the last one again. */
static bool
VisitUpper(void *context, uint32_t block)
{
	QuiverWarming *warming = context;

	if (block < warming->upperBlocks)
		warming->upper[block / 8] |= 1 << (block % 8);
	if (++warming->walked > warming->read)
		CountBlock(warming);
	return !IsFull(warming) && !EndOfSlice(warming);
}

/* Where it ends before its time, the next call begins it again: it finds its blocks in memory then. */
static void
WarmUpper(QuiverWarming *warming, MemoryContext memory, int ahead)
{
	QuiverPageStore pages;
	const QuiverIndex *facts;

	QuiverInitPageStore(&pages, warming->index, memory);
	facts = QuiverOpenIndex(&pages);
	if (quiver_walk_upper(&pages.store, facts, (uint32) ahead, VisitUpper, warming))
		warming->upperDone = true;
}

static void
ReadBlock(Relation index, BlockNumber block)
{
	CHECK_FOR_INTERRUPTS();
	ReleaseBuffer(ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, NULL));
}

static void
WarmOthers(QuiverWarming *warming, int ahead)
{
	BlockNumber asked = warming->next;

	while (warming->next < warming->blocks && !EndOfSlice(warming))
	{
		BlockNumber block = warming->next;

		if (IsUpper(warming, block))
		{
			warming->next++;
			continue;
		}
		if (IsFull(warming))
			return;
		for (asked = Max(asked, block + 1); asked < warming->blocks && asked - block <= (BlockNumber) ahead; asked++)
			if (!IsUpper(warming, asked))
				(void) PrefetchBuffer(warming->index, MAIN_FORKNUM, asked);
		ReadBlock(warming->index, block);
		CountBlock(warming);
		warming->next++;
	}
}

/*
 * Where not all fits, the blocks read last must not drive out those read first, which every search
 * wants: these count as used once more.
 */
static void
KeepUpper(const QuiverWarming *warming)
{
	for (BlockNumber block = 0; block < Min(warming->blocks, warming->upperBlocks); block++)
		if (IsUpper(warming, block))
			ReadBlock(warming->index, block);
}

bool
QuiverWarmIndex(QuiverWarming *warming, Relation index)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver prewarm",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	int			ahead = get_tablespace_maintenance_io_concurrency(index->rd_rel->reltablespace);

	warming->index = index;
	warming->blocks = RelationGetNumberOfBlocks(index);
	warming->missesAtStart = BlocksMissed();
	warming->walked = 0;
	if (warming->upper == NULL)
	{
		warming->upperBlocks = warming->blocks;
		warming->upper = MemoryContextAllocExtended(warming->memory, warming->blocks / 8 + 1,
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}

	if (!warming->upperDone)
		WarmUpper(warming, memory, ahead);
	if (warming->mode == QUIVER_PREWARM_ALL && warming->upperDone && !warming->full)
		WarmOthers(warming, ahead);
	if (warming->full && !warming->whileFree)
		KeepUpper(warming);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	return warming->full ||
		(warming->upperDone && (warming->mode == QUIVER_PREWARM_UPPER || warming->next >= warming->blocks));
}

static QuiverPrewarm
ModeOf(const char *name)
{
	if (strcmp(name, "upper") == 0)
		return QUIVER_PREWARM_UPPER;
	if (strcmp(name, "all") == 0)
		return QUIVER_PREWARM_ALL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized mode of prewarming: \"%.*s\"",
					pg_mbcliplen(name, strlen(name), 100), name),
			 errhint("Valid modes are \"upper\" and \"all\".")));
}

static uint64
MostBlocks(Relation index, int *buffers)
{
	*buffers = RelationUsesLocalBuffers(index) ? num_temp_buffers : NBuffers;
	return *buffers - *buffers / LEFT_TO_OTHERS;
}

PG_FUNCTION_INFO_V1(quiver_prewarm);

/* quiver_prewarm(index, mode) returns the number of blocks that it has read. */
Datum
quiver_prewarm(PG_FUNCTION_ARGS)
{
	QuiverWarming warming = {0};
	QuiverInspection inspection;
	int			buffers;

	warming.mode = ModeOf(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	QuiverBeginInspection(&inspection, PG_GETARG_OID(0));
	warming.memory = CurrentMemoryContext;
	warming.most = MostBlocks(inspection.index, &buffers);
	QuiverBeginPrewarmProgress(PG_GETARG_OID(0), warming.mode);
	(void) QuiverWarmIndex(&warming, inspection.index);
	QuiverEndPrewarmProgress();
	if (warming.full)
		ereport(NOTICE,
				(errmsg("index \"%s\" is larger than the buffers that it may take",
						RelationGetRelationName(inspection.index)),
				 errdetail("%llu of its %u blocks were read, those of the upper layers first; there are %d buffers.",
						   (unsigned long long) warming.read, warming.blocks, buffers)));
	QuiverEndInspection(&inspection);
	PG_RETURN_INT64((int64) warming.read);
}
