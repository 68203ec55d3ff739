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
	uint64		rows;			/* that this participant has added, sorted or linked */
} BuildState;

/* build.c: all but state->build. */
extern void QuiverStartBuild(BuildState *state, Relation heap, Relation index);

/* build.c: takes one row of the heap; an IndexBuildCallback, whose context is the state. */
extern void QuiverAddBuildRow(Relation index, ItemPointer tid, Datum *values, bool *isnull,
							  bool tupleIsAlive, void *context);

/* build.c: what all participants of a build may take, bytes. */
extern uint64 QuiverBuildMemory(void);

/* build.c: a participant's part of sorting or linking; how many rows it has done. */
extern uint64 QuiverDoBuildStep(QuiverBuild *build, QuiverBuildPhase phase,
								QuiverProgress progress, void *context);

/* build.c: tells how many rows have been sorted or linked; a QuiverProgress. */
extern void QuiverReportRows(void *context, uint64_t done, uint64_t total);

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

/* Sorts or links them, after quiver_build_prepare. */
extern void QuiverStepParallel(QuiverParallelBuild *parallel, BuildState *state,
							   QuiverBuildPhase phase);

/* Leaves parallel mode.  state->build stays the leader's. */
extern void QuiverEndParallel(QuiverParallelBuild *parallel);

#endif							/* QUIVER_BUILD_H */
