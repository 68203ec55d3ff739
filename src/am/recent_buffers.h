/*
 * recent_buffers.h - where this backend last found blocks in shared buffers.
 */
#ifndef QUIVER_RECENT_BUFFERS_H
#define QUIVER_RECENT_BUFFERS_H

#include "am.h"

#include "storage/bufmgr.h"

/*
 * As ReadBuffer for a block of the main fork, pinned and not locked, but without
 * the buffer table's look-up where the block still lies where it did.
 */
extern Buffer QuiverReadRecent(Relation index, BlockNumber block, BufferAccessStrategy strategy);

/*
 * Asks the CPU to fetch bytes of a block into its caches; false where the block
 * is not known to be in shared buffers.  Only a hint: nothing is pinned.  sure
 * looks whether the buffer still holds the block, which may wait for memory.
 */
extern bool QuiverTouchRecent(Relation index, BlockNumber block, uint32_t offset, uint32_t bytes,
							  bool sure);

#endif							/* QUIVER_RECENT_BUFFERS_H */
