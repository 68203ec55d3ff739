/*
 * build_parallel.c - workers of CREATE INDEX.
 *
 * The same steps are made by everybody, leader included: rows are read from the table by a
 * parallel scan, sorted where the build is bounded, and linked in chunks.  Workers are launched for
 * each; between two of them they have ended, and the leader prepares the graph alone.  Workers that do not start, or cannot open
 * the leader's memory, leave their part to the others.
 *
 * An error of any of them ends the build: PostgreSQL brings a worker's to the leader, and
 * terminates workers when the leader's transaction ends.  Nobody waits in a lock of the build
 * without looking for interrupts.
 */
#include "am.h"

#include <sys/statvfs.h>

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "pgstat.h"
#include "storage/dsm_impl.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "build.h"

/* What lies where in the workers' shared memory. */
#define KEY_SHARED UINT64CONST(0x5156000000000001)
#define KEY_SCAN UINT64CONST(0x5156000000000002)
#define KEY_QUERY UINT64CONST(0x5156000000000003)
#define KEY_WAL_USAGE UINT64CONST(0x5156000000000004)
#define KEY_BUFFER_USAGE UINT64CONST(0x5156000000000005)

/* maintenance_work_mem that each participant must have, kB; a quarter of what PostgreSQL's own builds ask. */
#define LEAST_MEMORY 8192

/* Room that PostgreSQL's segments for parallel workers may take: queues, settings, snapshots. */
#define SEGMENT_BYTES (2 * 1024 * 1024)
#define SEGMENT_BYTES_PER_WORKER (128 * 1024)

typedef struct SharedBuild
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	QuiverBuildPhase step;		/* of the workers launched now */
	QuiverSpaceHandle space;

	slock_t		mutex;			/* of what follows */
	double		heapTuples;
	bool		brokenHotChain;
	int			joined;			/* workers that take part in this step */
	uint64		workersRows;	/* what they have done of it */
} SharedBuild;

struct QuiverParallelBuild
{
	ParallelContext *context;
	SharedBuild *shared;
	ParallelTableScanDesc scan;
	Snapshot	snapshot;
	WalUsage   *walUsage;
	BufferUsage *bufferUsage;
	int			workers;		/* wanted */
};

PGDLLEXPORT void QuiverBuildWorker(dsm_segment *segment, shm_toc *toc);

/* ------------------------------------------------------------------ whether */

/* True where expressions and predicate of index may be evaluated by workers. */
static bool
IsParallelSafe(Relation index)
{
	PlannerInfo *root = makeNode(PlannerInfo);

	root->glob = makeNode(PlannerGlobal);
	root->query_level = 1;
	return is_parallel_safe(root, (Node *) RelationGetIndexExpressions(index)) &&
		is_parallel_safe(root, (Node *) RelationGetIndexPredicate(index));
}

/* Blocks of the table; vectors of more than 500 dimensions lie beside it. */
static BlockNumber
TableBlocks(Relation heap)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);
	Relation	toast;

	if (!OidIsValid(heap->rd_rel->reltoastrelid))
		return blocks;
	toast = table_open(heap->rd_rel->reltoastrelid, AccessShareLock);
	blocks += RelationGetNumberOfBlocks(toast);
	table_close(toast, AccessShareLock);
	return blocks;
}

/*
 * By the rules of plan_create_index_workers but for the size of the table: its number grows
 * with the logarithm of the blocks to be read, those of the TOAST table not counted.  Here most
 * of the time goes into linking, so all workers that are allowed are wanted.
 */
int
QuiverPlanBuildWorkers(Relation heap, Relation index)
{
	int			workers = max_parallel_maintenance_workers;
	int			wanted = RelationGetParallelWorkers(heap, -1);

	if (!IsUnderPostmaster || IsInParallelMode() || workers == 0 ||
		RelationUsesLocalBuffers(heap) || RelationUsesLocalBuffers(index) ||
		!IsParallelSafe(index))
		return 0;
	if (wanted >= 0)
		return Min(workers, wanted);
	if (TableBlocks(heap) < (BlockNumber) min_parallel_table_scan_size)
		return 0;
	return Min(workers, maintenance_work_mem / LEAST_MEMORY - 1) > 0 ?
		Min(workers, maintenance_work_mem / LEAST_MEMORY - 1) : 0;
}

/*
 * False where PostgreSQL's own segments for workers would not fit: they are made when it is too
 * late to do without.
 */
static bool
HasSegmentRoom(int workers)
{
	uint64		wanted = SEGMENT_BYTES + (uint64) SEGMENT_BYTES_PER_WORKER * workers;
	struct statvfs status;
	const char *path;

	switch (dynamic_shared_memory_type)
	{
		case DSM_IMPL_POSIX:
			path = "/dev/shm";
			break;
		case DSM_IMPL_MMAP:
			path = PG_DYNSHMEM_DIR;
			break;
		default:
			return true;
	}
	/* Nothing is known where it lies elsewhere. */
	if (statvfs(path, &status) != 0)
		return true;
	return (uint64) status.f_bavail * status.f_frsize >= wanted;
}

/* -------------------------------------------------------------------- leader */

static void
EstimateArray(ParallelContext *context, Size bytes)
{
	shm_toc_estimate_chunk(&context->estimator, bytes);
	shm_toc_estimate_keys(&context->estimator, 1);
}

static void *
InsertArray(ParallelContext *context, uint64 key, Size bytes)
{
	void	   *array = shm_toc_allocate(context->toc, bytes);

	shm_toc_insert(context->toc, key, array);
	return array;
}

static void
TellSerial(const BuildState *state, const char *why)
{
	ereport(NOTICE,
			(errmsg("index \"%s\" is built without parallel workers",
					RelationGetRelationName(state->index)),
			 errdetail("%s", why)));
}

QuiverParallelBuild *
QuiverBeginParallel(BuildState *state, IndexInfo *info, int workers)
{
	QuiverParallelBuild *parallel = palloc0(sizeof(QuiverParallelBuild));
	QuiverBuildSpace *space;
	QuiverSpaceHandle handle;
	ParallelContext *context;
	Size		scanBytes;
	Size		queryBytes = debug_query_string == NULL ? 0 : strlen(debug_query_string) + 1;

	if (!HasSegmentRoom(workers))
	{
		TellSerial(state, "There is too little shared memory left for workers.");
		return NULL;
	}
	space = QuiverMakeSharedSpace(state->memory, &handle);
	if (space == NULL)
	{
		TellSerial(state, "This system has no memory that workers can open.");
		return NULL;
	}

	EnterParallelMode();
	context = CreateParallelContext("quiver", "QuiverBuildWorker", workers);
	parallel->context = context;
	parallel->workers = workers;
	parallel->snapshot = info->ii_Concurrent ?
		RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;

	scanBytes = table_parallelscan_estimate(state->heap, parallel->snapshot);
	EstimateArray(context, sizeof(SharedBuild));
	EstimateArray(context, scanBytes);
	EstimateArray(context, mul_size(sizeof(WalUsage), workers));
	EstimateArray(context, mul_size(sizeof(BufferUsage), workers));
	if (queryBytes > 0)
		EstimateArray(context, queryBytes);
	/* Without a segment (there are too many) this is memory of our own, and nobody is launched. */
	InitializeParallelDSM(context);

	parallel->shared = InsertArray(context, KEY_SHARED, sizeof(SharedBuild));
	memset(parallel->shared, 0, sizeof(SharedBuild));
	parallel->shared->heap = RelationGetRelid(state->heap);
	parallel->shared->index = RelationGetRelid(state->index);
	parallel->shared->concurrent = info->ii_Concurrent;
	parallel->shared->space = handle;
	SpinLockInit(&parallel->shared->mutex);
	parallel->scan = InsertArray(context, KEY_SCAN, scanBytes);
	table_parallelscan_initialize(state->heap, parallel->scan, parallel->snapshot);
	parallel->walUsage = InsertArray(context, KEY_WAL_USAGE, mul_size(sizeof(WalUsage), workers));
	parallel->bufferUsage = InsertArray(context, KEY_BUFFER_USAGE,
										mul_size(sizeof(BufferUsage), workers));
	if (queryBytes > 0)
		memcpy(InsertArray(context, KEY_QUERY, queryBytes), debug_query_string, queryBytes);

	state->build = quiver_build_begin_shared(&state->pages.store, &state->params,
											 QuiverSpaceOf(space), QuiverBuildMemory(), workers + 1);
	parallel->shared->step = QUIVER_PHASE_LOAD;
	return parallel;
}

/* The leader has done its part of a step: waits for the others. */
static void
EndStep(QuiverParallelBuild *parallel, const BuildState *state, const char *step)
{
	ParallelContext *context = parallel->context;

	WaitForParallelWorkersToFinish(context);
	for (int i = 0; i < context->nworkers_launched; i++)
		InstrAccumParallelQuery(&parallel->bufferUsage[i], &parallel->walUsage[i]);
	ereport(DEBUG1,
			(errmsg_internal("index \"%s\": %d of %d workers launched to %s rows, %d took part with " UINT64_FORMAT " rows",
							 RelationGetRelationName(state->index), context->nworkers_launched,
							 parallel->workers, step, parallel->shared->joined,
							 parallel->shared->workersRows)));
}

/* What leader and workers do alike; an end of the scan is theirs. */
static void
LoadPart(SharedBuild *shared, ParallelTableScanDesc scanDesc, BuildState *state, IndexInfo *info,
		 bool progress)
{
	TableScanDesc scan = table_beginscan_parallel(state->heap, scanDesc);
	double		tuples = table_index_build_scan(state->heap, state->index, info, true, progress,
												QuiverAddBuildRow, state, scan);

	SpinLockAcquire(&shared->mutex);
	shared->heapTuples += tuples;
	if (info->ii_BrokenHotChain)
		shared->brokenHotChain = true;
	SpinLockRelease(&shared->mutex);
}

double
QuiverLoadParallel(QuiverParallelBuild *parallel, BuildState *state, IndexInfo *info)
{
	LaunchParallelWorkers(parallel->context);
	LoadPart(parallel->shared, parallel->scan, state, info, true);
	EndStep(parallel, state, "load");
	if (parallel->shared->brokenHotChain)
		info->ii_BrokenHotChain = true;
	return parallel->shared->heapTuples;
}

void
QuiverStepParallel(QuiverParallelBuild *parallel, BuildState *state, QuiverBuildPhase phase)
{
	parallel->shared->step = phase;
	parallel->shared->joined = 0;
	parallel->shared->workersRows = 0;
	ReinitializeParallelDSM(parallel->context);
	LaunchParallelWorkers(parallel->context);
	QuiverDoBuildStep(state->build, phase, QuiverReportRows, state);
	EndStep(parallel, state, phase == QUIVER_PHASE_SORT ? "sort" : "link");
}

void
QuiverEndParallel(QuiverParallelBuild *parallel)
{
	DestroyParallelContext(parallel->context);
	if (IsMVCCSnapshot(parallel->snapshot))
		UnregisterSnapshot(parallel->snapshot);
	ExitParallelMode();
}

/* -------------------------------------------------------------------- worker */

static void
DoWorkersPart(SharedBuild *shared, ParallelTableScanDesc scan, Relation heap, Relation index)
{
	IndexInfo  *info = BuildIndexInfo(index);
	QuiverBuildSpace *space;
	BuildState	state;

	info->ii_Concurrent = shared->concurrent;
	QuiverStartBuild(&state, heap, index);
	space = QuiverOpenSharedSpace(state.memory, &shared->space);
	if (space == NULL)
	{
		ereport(LOG,
				(errmsg("a worker could not open the memory of an index build: %m")));
		return;
	}
	SpinLockAcquire(&shared->mutex);
	shared->joined++;
	SpinLockRelease(&shared->mutex);

	state.build = quiver_build_join(&state.pages.store, QuiverSpaceOf(space));
	if (shared->step == QUIVER_PHASE_LOAD)
		LoadPart(shared, scan, &state, info, false);
	else
		state.rows = QuiverDoBuildStep(state.build, shared->step, NULL, NULL);
	SpinLockAcquire(&shared->mutex);
	shared->workersRows += state.rows;
	SpinLockRelease(&shared->mutex);
	MemoryContextDelete(state.memory);
}

/* Where a worker begins; not to be called by anybody but PostgreSQL. */
void
QuiverBuildWorker(dsm_segment *segment, shm_toc *toc)
{
	SharedBuild *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	WalUsage   *walUsage = shm_toc_lookup(toc, KEY_WAL_USAGE, false);
	BufferUsage *bufferUsage = shm_toc_lookup(toc, KEY_BUFFER_USAGE, false);
	Relation	heap;
	Relation	index;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);

	/* The leader's locks, which never conflict with ours. */
	heap = table_open(shared->heap, shared->concurrent ? ShareUpdateExclusiveLock : ShareLock);
	index = index_open(shared->index,
					   shared->concurrent ? RowExclusiveLock : AccessExclusiveLock);

	InstrStartParallelQuery();
	DoWorkersPart(shared, shm_toc_lookup(toc, KEY_SCAN, false), heap, index);
	InstrEndParallelQuery(&bufferUsage[ParallelWorkerNumber], &walUsage[ParallelWorkerNumber]);

	index_close(index, NoLock);
	table_close(heap, NoLock);
}
