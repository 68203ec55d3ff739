/*
 * page_store.c - pages for the core: buffers and WAL, which are touched nowhere else.
 *
 * Each callback does one thing to one buffer.  The core decides the order of
 * locks and what belongs into one record (README.md); this file knows how a
 * page is pinned, locked, extended and logged on each server version.
 *
 * An error leaves pins and content locks to the abort of the transaction or
 * subtransaction, and an open record to its memory context: a generic record
 * changes copies of the pages until it is finished.
 */
#include "am.h"

#include <sys/mman.h>

#include "access/xloginsert.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/memutils.h"

#include "opclass.h"
#include "page_store.h"
#include "recent_buffers.h"

#define HUGE_PAGE_SIZE ((uintptr_t) 2 * 1024 * 1024)
#define HUGE_PAGE_WORTH (8 * HUGE_PAGE_SIZE)	/* an allocation that is worth asking for them */

StaticAssertDecl(BLCKSZ == QUIVER_BLOCK_SIZE, "quiver needs blocks of 8192 bytes");
StaticAssertDecl(InvalidBlockNumber == QUIVER_INVALID_BLOCK, "block numbers differ");
StaticAssertDecl(MAX_GENERIC_XLOG_PAGES >= QUIVER_MAX_RECORD_PAGES, "records are too small");

static uint32_t
StoreBlockCount(void *context)
{
	QuiverPageStore *pages = context;

	pages->knownBlocks = RelationGetNumberOfBlocks(pages->index);
	return pages->knownBlocks;
}

/*
 * The core checks blocks before it asks for them; a block past the end of the
 * file must yet never reach the buffer manager, whose own error would not name
 * the index.
 */
static Buffer
PinAndLock(QuiverPageStore *pages, uint32_t block, int mode)
{
	Buffer		buffer;

	if (block >= pages->knownBlocks && block >= StoreBlockCount(pages))
	{
		QuiverError error = {QUIVER_ERROR_CORRUPTED, block, -1,
		"The index refers to a block past its end", pages->knownBlocks};

		QuiverReport(pages->index, &error);
	}

	buffer = QuiverReadRecent(pages->index, block, pages->strategy);
	LockBuffer(buffer, mode);
	return buffer;
}

static const uint8_t *
FillPin(QuiverPin *pin, Buffer buffer, bool exclusive)
{
	pin->block = BufferGetBlockNumber(buffer);
	pin->handle = buffer;
	pin->exclusive = exclusive;
	pin->edited = NULL;
	return (const uint8_t *) BufferGetPage(buffer);
}

static const uint8_t *
StoreRead(void *context, uint32_t block, QuiverPin *pin)
{
	QuiverPageStore *pages = context;
	Buffer		buffer = PinAndLock(pages, block, BUFFER_LOCK_SHARE);

#if PG_VERSION_NUM < 170000
	if (pages->snapshot != NULL)
		TestForOldSnapshot(pages->snapshot, pages->index, BufferGetPage(buffer));
#endif
	return FillPin(pin, buffer, false);
}

static const uint8_t *
StoreLock(void *context, uint32_t block, QuiverPin *pin)
{
	return FillPin(pin, PinAndLock(context, block, BUFFER_LOCK_EXCLUSIVE), true);
}

static void
StoreRelease(void *context, QuiverPin *pin)
{
	UnlockReleaseBuffer(pin->handle);
	pin->handle = InvalidBuffer;
	pin->edited = NULL;
}

#define MOST_EXTRA_PAGES 16

/*
 * A new zeroed block at the end of fork, exclusively locked.  Where several
 * sessions wait to extend the file, it may get more pages at once, which the map of
 * free pages then names.
 */
static Buffer
ExtendFork(Relation index, ForkNumber fork, bool mayAddMore)
{
#if PG_VERSION_NUM >= 160000
	Buffer		buffers[1 + MOST_EXTRA_PAGES];
	uint32		wanted = 1;
	uint32		added = 0;
	BlockNumber first;

	/* The server itself counts who waits, and adds for them. */
	if (mayAddMore && !RELATION_IS_LOCAL(index))
		wanted = Min(1 + RelationExtensionLockWaiterCount(index), 1 + MOST_EXTRA_PAGES);
	first = ExtendBufferedRelBy(BMR_REL(index), fork, NULL, EB_LOCK_FIRST, wanted, buffers, &added);
	for (uint32 i = 1; i < added; i++)
	{
		ReleaseBuffer(buffers[i]);
		RecordFreeIndexPage(index, first + i);
	}
	if (added > 1)
		FreeSpaceMapVacuumRange(index, first + 1, first + added);
	return buffers[0];
#else
	Buffer		buffer;
	BlockNumber first;
	int			extra = 0;
	bool		needLock = !RELATION_IS_LOCAL(index);

	if (needLock && !ConditionalLockRelationForExtension(index, ExclusiveLock))
	{
		LockRelationForExtension(index, ExclusiveLock);
		if (mayAddMore)
			extra = Min(RelationExtensionLockWaiterCount(index), MOST_EXTRA_PAGES);
	}

	/*
	 * Before the lock, vacuum may have found the zeroed page and called it free, and
	 * somebody may have taken it.
	 */
	for (;;)
	{
		buffer = ReadBufferExtended(index, fork, P_NEW, RBM_NORMAL, NULL);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (PageIsNew(BufferGetPage(buffer)))
			break;
		UnlockReleaseBuffer(buffer);
	}
	first = BufferGetBlockNumber(buffer);
	for (int i = 0; i < extra; i++)
		ReleaseBuffer(ReadBufferExtended(index, fork, P_NEW, RBM_NORMAL, NULL));
	if (needLock)
		UnlockRelationForExtension(index, ExclusiveLock);

	for (int i = 1; i <= extra; i++)
		RecordFreeIndexPage(index, first + i);
	if (extra > 0)
		FreeSpaceMapVacuumRange(index, first + 1, first + 1 + extra);
	return buffer;
#endif
}

/*
 * A free page above a block, locked, or InvalidBuffer.  The map is a hint: a page
 * is what its bytes say, under the lock.  The lock is not waited for, since the
 * caller may hold locks of higher blocks; who has it is about to use the page.
 */
static Buffer
TakeFreePage(QuiverPageStore *pages, uint32_t above)
{
	BlockNumber tooLow[8];
	size_t		tooLowCount = 0;
	Buffer		found = InvalidBuffer;

	/* Locks may be held: a map that lies is not followed for long. */
	for (int tries = 0; tries < 32 && tooLowCount < lengthof(tooLow); tries++)
	{
		BlockNumber block = GetFreeIndexPage(pages->index);
		Buffer		buffer;

		if (block == InvalidBlockNumber)
			break;
		if (block >= pages->knownBlocks && block >= StoreBlockCount(pages))
			continue;
		if (block <= above)
		{
			tooLow[tooLowCount++] = block;
			continue;
		}

		buffer = ReadBufferExtended(pages->index, MAIN_FORKNUM, block, RBM_NORMAL, pages->strategy);
		if (ConditionalLockBuffer(buffer))
		{
			if (quiver_page_is_free((const uint8_t *) BufferGetPage(buffer)))
			{
				found = buffer;
				break;
			}
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
		ReleaseBuffer(buffer);
	}

	/* Of use to others, which ask for less. */
	for (size_t i = 0; i < tooLowCount; i++)
		RecordFreeIndexPage(pages->index, tooLow[i]);
	return found;
}

static const uint8_t *
StoreExtend(void *context, uint32_t above, QuiverPin *pin)
{
	QuiverPageStore *pages = context;
	Buffer		buffer = InvalidBuffer;

	if (above != QUIVER_INVALID_BLOCK)
		buffer = TakeFreePage(pages, above);
	if (!BufferIsValid(buffer))
		buffer = ExtendFork(pages->index, MAIN_FORKNUM, above != QUIVER_INVALID_BLOCK);
	return FillPin(pin, buffer, true);
}

static void
StoreNoteFree(void *context, uint32_t block)
{
	QuiverPageStore *pages = context;

	RecordFreeIndexPage(pages->index, block);
}

static void
StoreBegin(void *context)
{
	QuiverPageStore *pages = context;
	MemoryContext old = MemoryContextSwitchTo(pages->memory);

	Assert(pages->record == NULL);
	pages->record = GenericXLogStart(pages->index);
	pages->editedPages = 0;
	MemoryContextSwitchTo(old);
}

/* For the commit; a page may be edited in several steps.  A record takes no more pages. */
static void
NoteEdited(QuiverPageStore *pages, Buffer buffer, uint8_t *image)
{
	for (int i = 0; i < pages->editedPages; i++)
		if (pages->edited[i].buffer == buffer)
			return;

	pages->edited[pages->editedPages].buffer = buffer;
	pages->edited[pages->editedPages++].image = image;
}

static uint8_t *
StoreEdit(void *context, QuiverPin *pin, bool fresh)
{
	QuiverPageStore *pages = context;
	uint8_t    *image;

	Assert(pages->record != NULL && pin->exclusive);
	image = (uint8_t *) GenericXLogRegisterBuffer(pages->record, pin->handle,
												  fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
	if (!pages->logged)
		NoteEdited(pages, pin->handle, image);
	pin->edited = image;
	return image;
}

/*
 * A generic record of a relation without WAL copies the image whole, hole
 * included, and moves no LSN.  So the hints go by hand, and a counter moves.
 */
static void
StoreCommit(void *context)
{
	QuiverPageStore *pages = context;

	Assert(pages->record != NULL);
	for (int i = 0; i < pages->editedPages; i++)
		quiver_page_count_change(pages->edited[i].image,
								 (const uint8_t *) BufferGetPage(pages->edited[i].buffer));
	(void) GenericXLogFinish(pages->record);
	pages->record = NULL;
}

/* The LSN is read atomically: under a shared lock others may move it with a hint. */
static uint64_t
StoreVersion(void *context, const QuiverPin *pin)
{
	QuiverPageStore *pages = context;

	if (pages->logged)
		return BufferGetLSNAtomic(pin->handle);
	return quiver_page_counter((const uint8_t *) BufferGetPage(pin->handle));
}

/*
 * Another session may do the same to the same byte at once, and one of the two
 * lose: a hint fewer.  Where checksums or wal_log_hints want an image of the page
 * first, it is logged without its hole, and its LSN moves.
 */
static void
StoreSetHints(void *context, QuiverPin *pin, uint32_t offset, const uint8_t *bits, uint32_t bytes)
{
	uint8_t    *hints = (uint8_t *) BufferGetPage(pin->handle) + offset;

	for (uint32_t i = 0; i < bytes; i++)
		hints[i] |= bits[i];
	MarkBufferDirtyHint(pin->handle, true);
}

/* Blocks this backend has had to read from disk, or at least from the kernel. */
static int64
BlocksMissed(void)
{
	return pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
}

/*
 * From memory where the block is in shared buffers as far as we know.  To know
 * it for sure, or to ask the kernel, waits for memory that a block in shared
 * buffers would not need, so that begins with the operation's first miss.
 */
static void
StorePrefetch(void *context, uint32_t block, uint32_t offset, uint32_t bytes)
{
	QuiverPageStore *pages = context;
	bool		missing = BlocksMissed() != pages->missesAtStart;

	if (block < pages->knownBlocks &&
		!QuiverTouchRecent(pages->index, block, offset, bytes, missing) && missing)
		(void) PrefetchBuffer(pages->index, MAIN_FORKNUM, block);
}

static void
StorePoll(void *context)
{
	CHECK_FOR_INTERRUPTS();
}

static void *
StoreAllocate(void *context, size_t bytes)
{
	QuiverPageStore *pages = context;

	void	   *memory = MemoryContextAllocHuge(pages->memory, bytes);

#ifdef MADV_HUGEPAGE
	/* A graph in memory is read in no order: most of its accesses miss the TLB. */
	if (bytes >= HUGE_PAGE_WORTH)
	{
		uintptr_t	start = TYPEALIGN(HUGE_PAGE_SIZE, (uintptr_t) memory);
		uintptr_t	end = TYPEALIGN_DOWN(HUGE_PAGE_SIZE, (uintptr_t) memory + bytes);

		(void) madvise((void *) start, end - start, MADV_HUGEPAGE);
	}
#endif
	return memory;
}

static uint32_t
StoreGetTarget(void *context)
{
	QuiverPageStore *pages = context;

	return RelationGetTargetBlock(pages->index);
}

static void
StoreSetTarget(void *context, uint32_t block)
{
	QuiverPageStore *pages = context;

	RelationSetTargetBlock(pages->index, block);
}

static void
StoreFail(void *context, const QuiverError *error)
{
	QuiverPageStore *pages = context;

	QuiverReport(pages->index, error);
}

void
QuiverInitPageStore(QuiverPageStore *pages, Relation index, MemoryContext memory)
{
	static const QuiverStore callbacks = {
		.block_count = StoreBlockCount,
		.read = StoreRead,
		.lock = StoreLock,
		.release = StoreRelease,
		.extend = StoreExtend,
		.note_free = StoreNoteFree,
		.begin = StoreBegin,
		.edit = StoreEdit,
		.commit = StoreCommit,
		.version = StoreVersion,
		.set_hints = StoreSetHints,
		.prefetch = StorePrefetch,
		.poll = StorePoll,
		.allocate = StoreAllocate,
		.get_target = StoreGetTarget,
		.set_target = StoreSetTarget,
		.fail = StoreFail
	};

	memset(pages, 0, sizeof(*pages));
	pages->store = callbacks;
	pages->store.context = pages;
	pages->index = index;
	pages->memory = memory;
	pages->logged = RelationNeedsWAL(index);
	pages->missesAtStart = BlocksMissed();
}

/* What the file says of its values must be what the catalog's class hands over. */
static void
CheckOpclass(Relation index, const QuiverIndex *facts)
{
	const QuiverOpclass *opclass = QuiverGetOpclass(index);
	QuiverError error = {QUIVER_ERROR_CORRUPTED, 0, -1, NULL, 0};

	QuiverCheckOpclassFits(index, opclass);
	if (quiver_index_form(facts) != opclass->form)
	{
		error.detail = "The index was made for the values of another operator class";
		error.value = quiver_index_form(facts);
		QuiverReport(index, &error);
	}
	if (quiver_index_metric(facts) != opclass->metric)
	{
		error.detail = "The index was made for the metric of another operator class";
		error.value = quiver_index_metric(facts);
		QuiverReport(index, &error);
	}
}

const QuiverIndex *
QuiverOpenIndex(QuiverPageStore *pages)
{
	Relation	index = pages->index;
	const QuiverIndex *opened;
	void	   *copy;
	size_t		bytes;

	if (index->rd_amcache != NULL)
	{
		bytes = quiver_index_bytes(index->rd_amcache);
		copy = MemoryContextAlloc(pages->memory, bytes);
		memcpy(copy, index->rd_amcache, bytes);
		return copy;
	}

	opened = quiver_index_open(&pages->store);
	CheckOpclass(index, opened);

	bytes = quiver_index_bytes(opened);
	copy = MemoryContextAlloc(index->rd_indexcxt, bytes);
	memcpy(copy, opened, bytes);
	index->rd_amcache = copy;
	return opened;
}

void
QuiverForgetIndex(Relation index)
{
	if (index->rd_amcache != NULL)
		pfree(index->rd_amcache);
	index->rd_amcache = NULL;
}

void
QuiverWritePage(Relation index, ForkNumber fork, BlockNumber block, const uint8_t *page)
{
	Buffer		buffer = ExtendFork(index, fork, false);

	if (BufferGetBlockNumber(buffer) != block)
		elog(ERROR, "quiver index \"%s\" has block %u where block %u is due",
			 RelationGetRelationName(index), BufferGetBlockNumber(buffer), block);

	START_CRIT_SECTION();
	memcpy(BufferGetPage(buffer), page, BLCKSZ);
	MarkBufferDirty(buffer);

	/* Logged even though the relation is unlogged: a standby needs it. */
	if (fork == INIT_FORKNUM)
		(void) log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();

	UnlockReleaseBuffer(buffer);
}

void
QuiverLogMainFork(Relation index, BlockNumber first, BlockNumber end)
{
	log_newpage_range(index, MAIN_FORKNUM, first, end, true);
}
