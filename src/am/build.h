/*
 * build.h - what the files of CREATE INDEX share.
 */
#ifndef QUIVER_BUILD_H
#define QUIVER_BUILD_H

#include "am.h"

#include "build_space.h"
#include "opclass.h"
#include "page_store.h"

/* One participant's part of a build. */
typedef struct BuildState
{
	Relation	heap;
	Relation	index;
	const QuiverOpclass *opclass;
	QuiverIndexParams params;
	QuiverPageStore pages;
	QuiverBuild *build;
	MemoryContext memory;		/* of the whole build */
	MemoryContext rowMemory;	/* of one row, reset after it */
	BlockNumber heapBlocks;
	uint64		rows;			/* that this participant has added */
	bool		warned;			/* about maintenance_work_mem, or not to */
} BuildState;

/* build.c: all but state->build. */
extern void QuiverStartBuild(BuildState *state, Relation heap, Relation index);

/* build.c: takes one row of the heap; an IndexBuildCallback, whose context is the state. */
extern void QuiverAddBuildRow(Relation index, ItemPointer tid, Datum *values, bool *isnull,
							  bool tupleIsAlive, void *context);

/* build.c: tells how many rows have been linked; a QuiverProgress. */
extern void QuiverReportLinked(void *context, uint64_t done, uint64_t total);

typedef struct QuiverParallelBuild QuiverParallelBuild;

/* build_parallel.c: workers that a build of index may use; 0: none. */
extern int	QuiverPlanBuildWorkers(Relation heap, Relation index);

/*
 * Enters parallel mode and begins state->build, or returns NULL, in neither, after a NOTICE that
 * says why.
 */
extern QuiverParallelBuild *QuiverBeginParallel(BuildState *state, IndexInfo *info, int workers);

/* Adds all rows of the table; how many it has. */
extern double QuiverLoadParallel(QuiverParallelBuild *parallel, BuildState *state, IndexInfo *info);

/* Links them, after quiver_build_prepare has said that there are some to link. */
extern void QuiverLinkParallel(QuiverParallelBuild *parallel, BuildState *state);

/* Leaves parallel mode.  state->build stays the leader's. */
extern void QuiverEndParallel(QuiverParallelBuild *parallel);

#endif							/* QUIVER_BUILD_H */
