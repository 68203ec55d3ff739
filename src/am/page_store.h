/*
 * page_store.h - the core's page store over PostgreSQL's buffers and generic WAL.
 */
#ifndef QUIVER_PAGE_STORE_H
#define QUIVER_PAGE_STORE_H

#include "am.h"

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "utils/snapshot.h"

/*
 * One operation's view of an index.  Lives as long as the operation; its memory
 * context holds all that the core allocates, and ends with it.
 */
typedef struct QuiverPageStore
{
	QuiverStore store;			/* what the core sees; its context is this struct */
	Relation	index;
	MemoryContext memory;
	BufferAccessStrategy strategy;	/* of reads; NULL: the ordinary one */
	Snapshot	snapshot;		/* of a scan, to be checked for age (14-16), or NULL */
	bool		logged;			/* changes are: page LSNs move, holes become zero */
	GenericXLogState *record;	/* between begin and commit */
	int			editedPages;	/* of the record, where it is not logged */
	struct
	{
		Buffer		buffer;
		uint8_t    *image;
	}			edited[MAX_GENERIC_XLOG_PAGES];
	BlockNumber knownBlocks;	/* the file has at least these */
	int64		missesAtStart;	/* blocks this backend had read from disk before */
} QuiverPageStore;

/*
 * Sets up pages for an operation on index with memory from memory.  Nothing to
 * tear down but that context.
 */
extern void QuiverInitPageStore(QuiverPageStore *pages, Relation index, MemoryContext memory);

/*
 * The index's constant facts, read through the relation cache.  The copy lives
 * in pages->memory, so an invalidation of the cache entry does not touch it.
 */
extern const QuiverIndex *QuiverOpenIndex(QuiverPageStore *pages);

/* Drops what the relation cache keeps of the file; REQUIRES: the file is rewritten. */
extern void QuiverForgetIndex(Relation index);

/*
 * Writes a finished page as the next block of fork, which must come out as
 * block.  Not logged: see QuiverLogMainFork and the init fork's rule in README.md.
 */
extern void QuiverWritePage(Relation index, ForkNumber fork, BlockNumber block, const uint8_t *page);

/* Logs pages first to end - 1 of the main fork whole.  REQUIRES: the relation needs WAL. */
extern void QuiverLogMainFork(Relation index, BlockNumber first, BlockNumber end);

/* report.c: raises error; does not return. */
extern void QuiverReport(Relation index, const QuiverError *error) __attribute__((noreturn));

#endif							/* QUIVER_PAGE_STORE_H */
