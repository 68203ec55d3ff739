/*
 * recent_buffers.c - where this backend last found blocks in shared buffers.
 *
 * A search reads a page per expanded node, all over the file.  Each look-up in
 * the buffer table is two cache misses before the buffer's header and the page
 * are even known, a quarter of a search in shared buffers.  So each backend
 * keeps a small table from blocks to buffers.  It holds hints: ReadRecentBuffer
 * compares the buffer's tag under its header lock, and a wrong hint falls back
 * to the ordinary way.
 *
 * ReadRecentBuffer does not raise a buffer's usage count, which alone keeps a
 * hot page from eviction.  So it serves only buffers whose count is at its
 * ceiling; below it the ordinary way is taken, and raises it.
 */
#include "am.h"

#include "pgstat.h"
#include "storage/buf_internals.h"
#include "utils/memutils.h"

#include "recent_buffers.h"

#if PG_VERSION_NUM >= 160000
#define RELATION_FILE(index) ((index)->rd_locator)
#define RELATION_FILE_NUMBER(index) ((index)->rd_locator.relNumber)
#else
#define RELATION_FILE(index) ((index)->rd_node)
#define RELATION_FILE_NUMBER(index) ((index)->rd_node.relNode)
#endif

/* At most 1 MB a backend. */
#define MAX_SLOTS (256 * 1024)

#define CACHE_LINE 64

/* Direct-mapped: consecutive blocks of a file lie side by side. */
static Buffer *slots = NULL;
static uint32 slotMask = 0;

static Buffer *
SlotOf(Relation index, BlockNumber block)
{
	if (slots == NULL)
	{
		uint32		count = 1024;

		while (count < MAX_SLOTS && count < (uint32) NBuffers)
			count *= 2;
		slots = MemoryContextAllocZero(TopMemoryContext, count * sizeof(Buffer));
		slotMask = count - 1;
	}
	return &slots[(block + RELATION_FILE_NUMBER(index) * 0x9E3779B1u) & slotMask];
}

static bool
IsAtCeiling(Buffer buffer)
{
	uint32		state = pg_atomic_read_u32(&GetBufferDescriptor(buffer - 1)->state);

	return BUF_STATE_GET_USAGECOUNT(state) == BM_MAX_USAGE_COUNT;
}

Buffer
QuiverReadRecent(Relation index, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer	   *slot;

	/* A strategy's ring is meant to be reused; local buffers have no table worth avoiding. */
	if (strategy != NULL || RelationUsesLocalBuffers(index))
		return ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

	slot = SlotOf(index, block);
	if (*slot != InvalidBuffer && IsAtCeiling(*slot) &&
		ReadRecentBuffer(RELATION_FILE(index), MAIN_FORKNUM, block, *slot))
	{
		pgstat_count_buffer_read(index);
		pgstat_count_buffer_hit(index);
		return *slot;
	}
	*slot = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, NULL);
	return *slot;
}

/* Whether buffer holds the block at this instant; nothing pins it there. */
static bool
Holds(Buffer buffer, Relation index, BlockNumber block)
{
	const BufferTag *held = &GetBufferDescriptor(buffer - 1)->tag;
	BufferTag	wanted;

#if PG_VERSION_NUM >= 160000
	InitBufferTag(&wanted, &RELATION_FILE(index), MAIN_FORKNUM, block);
	return BufferTagsEqual(held, &wanted);
#else
	INIT_BUFFERTAG(wanted, RELATION_FILE(index), MAIN_FORKNUM, block);
	return BUFFERTAGS_EQUAL(*held, wanted);
#endif
}

bool
QuiverTouchRecent(Relation index, BlockNumber block, uint32_t offset, uint32_t bytes, bool sure)
{
	Buffer		buffer;
	const char *page;

	if (RelationUsesLocalBuffers(index))
		return false;
	buffer = *SlotOf(index, block);
	if (buffer == InvalidBuffer || (sure && !Holds(buffer, index, block)))
		return false;

	/* The header of the buffer, and of the page, before the bytes themselves. */
	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	page = (const char *) BufferGetBlock(buffer);
	__builtin_prefetch(page);
	__builtin_prefetch(page + BLCKSZ - CACHE_LINE);
	for (uint32_t i = offset; i < offset + bytes && i < BLCKSZ; i += CACHE_LINE)
		__builtin_prefetch(page + i);
	return true;
}
