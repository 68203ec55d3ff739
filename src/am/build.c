/*
 * build.c - CREATE INDEX and REINDEX.
 *
 * The core collects all rows, links them in memory, or in temporary files where
 * maintenance_work_mem does not suffice, and hands out the finished pages in ascending order.  They go through shared buffers, so that
 * the new index is warm, and are logged whole at the end.  Workers may help to collect
 * and to link (build_parallel.c).  A failed or cancelled build leaves nothing: the
 * memory context and the new file go with the transaction.
 *
 * The heap is read from its first block and the rotation's seed is fixed, so
 * the same heap gives the same index, if no worker helps.
 */
#include "am.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "build.h"
#include "options.h"

/* Any value does; one value makes builds repeatable. */
#define ROTATION_SEED UINT64CONST(0x51756976657231)

/* The server's parameters end before, in all versions. */
#define PROGRESS_PHASE_START 17

/* Blocks between two reports of progress, and two looks for a cancel, while they are logged. */
#define BLOCKS_LOGGED_AT_ONCE 1024

typedef struct PageTarget
{
	Relation	index;
	ForkNumber	fork;
} PageTarget;

char *
quiverbuildphasename(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case QUIVER_PHASE_LOAD:
			return "loading rows";
		case QUIVER_PHASE_SORT:
			return "sorting rows";
		case QUIVER_PHASE_LINK:
			return "linking rows";
		case QUIVER_PHASE_WRITE:
			return "writing pages";
		case QUIVER_PHASE_LOG:
			return "logging pages";
		default:
			return NULL;
	}
}

/*
 * Dimensions of index's key column, which its type modifier must state; *type is
 * the class's own type.  Bits count as dimensions: bit's modifier is their number.
 */
static uint32
IndexedDim(Relation index, const QuiverOpclass *opclass, Oid *type)
{
	const char *name = RelationGetRelationName(index);
	bool		bits = opclass->form == QUIVER_FORM_BITS;
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(index), 0);
	int32		typmod = attribute->atttypmod;

	/* A domain's own modifier counts; the column has none then. */
	*type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	/*
	 * A class also accepts types that are binary coercible to its own, whose
	 * modifiers mean something else: bit varying's is the greatest length.
	 */
	if (*type != index->rd_opcintype[0])
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" cannot be built on a column of type %s",
						name, format_type_be(*type)),
				 errhint("Index an expression such as ((column::%s(n))).", opclass->typeName)));

	if (typmod < 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" cannot be built on a column of type %s and unknown %s",
						name, opclass->typeName, bits ? "length" : "dimension"),
				 errhint("Declare the column as %s(n), or index an expression such as ((column::%s(n))).",
						 opclass->typeName, opclass->typeName)));

	/* The other types have no more dimensions than an index can hold. */
	if (bits && typmod > QUIVER_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" cannot hold bit strings of more than %d bits",
						name, QUIVER_MAX_BITS),
				 errdetail("The column's length is %d bits.", typmod),
				 errhint("Index an expression such as ((column::bit(%d))).", QUIVER_MAX_BITS)));
	return (uint32) typmod;
}

/* What index is to be made with. */
static QuiverIndexParams
MakeParams(Relation index, const QuiverOpclass *opclass)
{
	QuiverOptions options = QuiverGetOptions(index);
	QuiverIndexParams params = {0};
	Oid			type;

	params.dim = IndexedDim(index, opclass, &type);
	params.form = opclass->form;
	params.metric = opclass->metric;
	params.storage = (QuiverStorage) options.storage;
	params.m = options.m;
	params.ef_construction = options.efConstruction;
	params.seed = ROTATION_SEED;
	params.type_oid = type;
	return params;
}

/* That maintenance_work_mem does not suffice, and what is done about it. */
static void
TellBounded(const BuildState *state)
{
	double		megabyte = 1024.0 * 1024.0;

	ereport(NOTICE,
			(errmsg("index \"%s\" is built part by part, in temporary files: at once it would take %.0f MB of memory, and maintenance_work_mem is %.0f MB",
					RelationGetRelationName(state->index),
					Max(ceil(quiver_build_memory(state->build) / megabyte), maintenance_work_mem / 1024.0),
					maintenance_work_mem / 1024.0)));
}

void
QuiverAddBuildRow(Relation index, ItemPointer tid, Datum *values, bool *isnull,
				  bool tupleIsAlive, void *context)
{
	BuildState *state = context;
	MemoryContext old = MemoryContextSwitchTo(state->rowMemory);
	QuiverTid	row = {ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid)};
	QuiverValue value;

	if (!isnull[0])
		value = QuiverDatumValue(state->opclass, values[0], (int) state->params.dim);
	quiver_build_add(state->build, row, isnull[0] ? NULL : &value);

	MemoryContextSwitchTo(old);
	MemoryContextReset(state->rowMemory);

	state->rows++;
}

uint64
QuiverBuildMemory(void)
{
	return (uint64) maintenance_work_mem * 1024;
}

uint64
QuiverDoBuildStep(QuiverBuild *build, QuiverBuildPhase phase, QuiverProgress progress, void *context)
{
	if (phase == QUIVER_PHASE_SORT)
		return quiver_build_sort_rows(build, progress, context);
	return quiver_build_link_rows(build, progress, context);
}

void
QuiverReportRows(void *context, uint64_t done, uint64_t total)
{
	const int	params[] = {PROGRESS_CREATEIDX_TUPLES_DONE, PROGRESS_CREATEIDX_TUPLES_TOTAL};
	const int64 values[] = {(int64) done, (int64) total};

	pgstat_progress_update_multi_param(2, params, values);
}

static void
WritePage(void *context, uint32_t block, const uint8_t *page)
{
	PageTarget *target = context;

	CHECK_FOR_INTERRUPTS();
	QuiverWritePage(target->index, target->fork, block, page);
	if (target->fork == MAIN_FORKNUM)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, (int64) block + 1);
}

/*
 * All at once, so that nobody sees what another phase has done.  total: rows to be sorted or linked, or blocks
 * to be written or logged; a scan of the table tells its own.  When the phase began goes into a
 * parameter that CREATE INDEX leaves free, for quiver_build_progress.
 */
static void
StartPhase(QuiverBuildPhase phase, int64 total)
{
	bool		rows = phase == QUIVER_PHASE_SORT || phase == QUIVER_PHASE_LINK;
	const int	params[] = {
		PROGRESS_CREATEIDX_SUBPHASE,
		PROGRESS_PHASE_START,
		rows ? PROGRESS_CREATEIDX_TUPLES_DONE : PROGRESS_SCAN_BLOCKS_DONE,
		rows ? PROGRESS_CREATEIDX_TUPLES_TOTAL : PROGRESS_SCAN_BLOCKS_TOTAL
	};
	const int64 values[] = {phase, GetCurrentTimestamp(), 0, total};

	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

/*
 * CREATE OPERATOR CLASS takes nearly anything.  What a scan hands to the executor must
 * be what the operators say, so an index of a class that is not valid is not built.
 */
static void
CheckValidClass(Relation index, const QuiverOpclass *opclass)
{
	bool		isnull;
	Datum		classes = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										  Anum_pg_index_indclass, &isnull);
	Oid			class = ((oidvector *) DatumGetPointer(classes))->values[0];

	QuiverCheckOpclassFits(index, opclass);
	if (!quivervalidate(class))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class of index \"%s\" is not valid", RelationGetRelationName(index)),
				 errhint("amvalidate says what is wrong with it.")));
}

void
QuiverStartBuild(BuildState *state, Relation heap, Relation index)
{
	memset(state, 0, sizeof(*state));
	state->heap = heap;
	state->index = index;
	state->opclass = QuiverGetOpclass(index);
	CheckValidClass(index, state->opclass);
	state->params = MakeParams(index, state->opclass);
	state->memory = AllocSetContextCreate(CurrentMemoryContext, "quiver build",
										  ALLOCSET_DEFAULT_SIZES);
	state->rowMemory = AllocSetContextCreate(state->memory, "quiver build row",
											 ALLOCSET_DEFAULT_SIZES);
	QuiverInitPageStore(&state->pages, index, state->memory);
}

static void
BeginSerial(BuildState *state)
{
	state->build = quiver_build_begin_shared(&state->pages.store, &state->params,
											 QuiverSpaceOf(QuiverMakePrivateSpace(state->memory)),
											 QuiverBuildMemory(), 1);
}

/* Sorts rows, or links them, in all participants. */
static void
DoStep(BuildState *state, QuiverParallelBuild *parallel, QuiverBuildPhase phase)
{
	StartPhase(phase, (int64) quiver_build_rows(state->build));
	if (parallel != NULL)
		QuiverStepParallel(parallel, state, phase);
	else
		QuiverDoBuildStep(state->build, phase, QuiverReportRows, state);
}

/* Collects and links all rows; how many the table has. */
static double
MakeGraph(BuildState *state, IndexInfo *info)
{
	int			workers = QuiverPlanBuildWorkers(state->heap, state->index);
	QuiverParallelBuild *parallel = NULL;
	double		tuples;
	bool		linked;

	if (workers > 0)
		parallel = QuiverBeginParallel(state, info, workers);
	if (parallel == NULL)
		BeginSerial(state);

	StartPhase(QUIVER_PHASE_LOAD, 0);
	if (parallel != NULL)
		tuples = QuiverLoadParallel(parallel, state, info);
	else
		tuples = table_index_build_scan(state->heap, state->index, info, false, true,
										QuiverAddBuildRow, state, NULL);

	linked = quiver_build_prepare(state->build);
	if (quiver_build_is_bounded(state->build))
		TellBounded(state);
	if (linked)
	{
		if (quiver_build_is_bounded(state->build))
			DoStep(state, parallel, QUIVER_PHASE_SORT);
		DoStep(state, parallel, QUIVER_PHASE_LINK);
	}
	quiver_build_finish(state->build);
	if (parallel != NULL)
		QuiverEndParallel(parallel);
	return tuples;
}

static void
WritePages(BuildState *state)
{
	PageTarget	target = {state->index, MAIN_FORKNUM};

	StartPhase(QUIVER_PHASE_WRITE, quiver_build_pages(state->build));
	quiver_build_write(state->build, WritePage, &target);
}

static void
LogPages(Relation index)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(index);

	StartPhase(QUIVER_PHASE_LOG, blocks);
	for (BlockNumber done = 0; done < blocks;)
	{
		BlockNumber next = done + Min(blocks - done, BLOCKS_LOGGED_AT_ONCE);

		CHECK_FOR_INTERRUPTS();
		QuiverLogMainFork(index, done, next);
		done = next;
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, done);
	}
}

IndexBuildResult *
quiverbuild(Relation heap, Relation index, IndexInfo *indexInfo)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	BuildState	state;

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	if (indexInfo->ii_ExclusionOps != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"quiver\" does not support exclusion constraints")));

	QuiverForgetIndex(index);
	QuiverStartBuild(&state, heap, index);
	result->heap_tuples = MakeGraph(&state, indexInfo);
	result->index_tuples = (double) quiver_build_rows(state.build);
	WritePages(&state);
	MemoryContextDelete(state.memory);
	if (RelationNeedsWAL(index))
		LogPages(index);
	return result;
}

/* The init fork of an unlogged index: an index without rows. */
void
quiverbuildempty(Relation index)
{
	PageTarget	target = {index, INIT_FORKNUM};
	BuildState	state;

	QuiverStartBuild(&state, NULL, index);
	BeginSerial(&state);
	quiver_build_link(state.build, NULL, NULL);
	quiver_build_write(state.build, WritePage, &target);
	MemoryContextDelete(state.memory);
}
