/*
 * prewarm_worker.c - indexes are read into shared buffers after the server has started.
 *
 * Where the library is preloaded and quiver.prewarm is not off, a first worker lists the databases and
 * starts one worker after another, since each can be connected to one database only.  That one
 * lists the quiver indexes there, the smallest first, and reads their upper layers, then, if all is
 * wanted, all of them, as long as shared buffers are free: what others have read is not driven out.
 *
 * Workers run as the bootstrap superuser.  They read catalogs and pages, evaluate no expression, and
 * write nothing; they run on a standby as well.  They are in nobody's way for long: a lock
 * that somebody else has is not waited for, an index is let go after SLICE blocks, and
 * somebody who wants the database for himself (to drop it, say) is seen at the next of these ends.
 */
#include "am.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/buf_internals.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "prewarm.h"

/* Blocks from disk in one transaction: 32 MB. */
#define SLICE 4096

/* datconnlimit of a database whose DROP DATABASE was interrupted. */
#define INVALID_DATABASE (-2)

typedef struct IndexToWarm
{
	Oid			oid;
	BlockNumber blocks;
	bool		failed;			/* or gone: leave it alone */
} IndexToWarm;

PGDLLEXPORT void QuiverPrewarmLauncher(Datum arg);
PGDLLEXPORT void QuiverPrewarmDatabase(Datum database);

static void
DescribeWorker(BackgroundWorker *worker, const char *name, const char *function)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_ConsistentState;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "quiver", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, name, sizeof(worker->bgw_name));
	strlcpy(worker->bgw_type, name, sizeof(worker->bgw_type));
}

void
QuiverRegisterPrewarm(void)
{
	BackgroundWorker worker;

	if (quiverPrewarm == QUIVER_PREWARM_OFF)
		return;
	DescribeWorker(&worker, "quiver prewarm launcher", "QuiverPrewarmLauncher");
	RegisterBackgroundWorker(&worker);
}

static void
BeginTransaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
EndTransaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* ------------------------------------------------------------------ launcher */

/* Databases that one may connect to. */
static List *
ListDatabases(MemoryContext memory)
{
	List	   *databases = NIL;
	Relation	catalog;
	TableScanDesc scan;
	HeapTuple	tuple;

	BeginTransaction();
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn || database->datconnlimit == INVALID_DATABASE)
			continue;
		old = MemoryContextSwitchTo(memory);
		databases = lappend_oid(databases, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	EndTransaction();
	return databases;
}

/* Runs a worker in database, to its end; false where none can be had. */
static bool
RunInDatabase(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	DescribeWorker(&worker, "quiver prewarm worker", "QuiverPrewarmDatabase");
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(LOG,
				(errmsg("indexes are not prewarmed: no background worker is free"),
				 errhint("You might need to increase max_worker_processes.")));
		return false;
	}
	if (WaitForBackgroundWorkerShutdown(handle) == BGWH_POSTMASTER_DIED)
		proc_exit(1);
	return true;
}

void
QuiverPrewarmLauncher(Datum arg)
{
	ListCell   *cell;
	List	   *databases;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	databases = ListDatabases(TopMemoryContext);
	foreach(cell, databases)
	{
		CHECK_FOR_INTERRUPTS();
		if (!have_free_buffer() || !RunInDatabase(lfirst_oid(cell)))
			break;
	}
}

/* -------------------------------------------------------------------- worker */

/* Whether index, which is open, is one of ours that can be read here. */
static bool
IsReadable(Relation index)
{
	return index->rd_rel->relkind == RELKIND_INDEX &&
		index->rd_indam->ambuild == quiverbuild &&
		index->rd_index->indisvalid &&
		index->rd_rel->relpersistence != RELPERSISTENCE_TEMP &&
		!(RecoveryInProgress() && index->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED);
}

/*
 * The index, locked to the end of the transaction; NULL where it is gone, no index of ours any more,
 * or somebody has it for himself.
 */
static Relation
OpenToWarm(Oid oid)
{
	Relation	index;

	if (!ConditionalLockRelationOid(oid, AccessShareLock))
		return NULL;
	index = try_relation_open(oid, NoLock);
	if (index != NULL && !IsReadable(index))
	{
		relation_close(index, NoLock);
		index = NULL;
	}
	return index;
}

/* Of all relations of our access method. */
static List *
ListIndexOids(void)
{
	Oid			am = get_am_oid("quiver", true);
	List	   *oids = NIL;
	Relation	catalog;
	TableScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(am))
		return NIL;
	catalog = table_open(RelationRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->relkind == RELKIND_INDEX && class->relam == am)
			oids = lappend_oid(oids, class->oid);
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	return oids;
}

static int
CompareSizes(const void *a, const void *b)
{
	const IndexToWarm *left = a;
	const IndexToWarm *right = b;

	if (left->blocks != right->blocks)
		return left->blocks < right->blocks ? -1 : 1;
	return left->oid < right->oid ? -1 : left->oid > right->oid;
}

/* The indexes of this database, the smallest first; in memory. */
static IndexToWarm *
ListIndexes(MemoryContext memory, int *count)
{
	IndexToWarm *indexes;
	List	   *oids;
	ListCell   *cell;

	*count = 0;
	BeginTransaction();
	oids = ListIndexOids();
	indexes = MemoryContextAllocHuge(memory, sizeof(IndexToWarm) * (list_length(oids) + 1));
	foreach(cell, oids)
	{
		Relation	index = OpenToWarm(lfirst_oid(cell));

		CHECK_FOR_INTERRUPTS();
		if (index == NULL)
			continue;
		indexes[*count].oid = lfirst_oid(cell);
		indexes[*count].blocks = RelationGetNumberOfBlocks(index);
		indexes[(*count)++].failed = false;
		relation_close(index, AccessShareLock);
	}
	EndTransaction();
	qsort(indexes, *count, sizeof(IndexToWarm), CompareSizes);
	return indexes;
}

/*
 * Whether somebody wants this database for himself: who drops, moves, renames or copies it takes a lock
 * on it and then waits a few seconds for others to leave.
 */
static bool
DatabaseIsWanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

/* One slice of an index in a transaction of its own; true when the index is done. */
static bool
WarmSlice(QuiverWarming *warming, Oid oid)
{
	Relation	index;
	bool		done = true;

	BeginTransaction();
	index = OpenToWarm(oid);
	if (index != NULL)
	{
		QuiverBeginPrewarmProgress(oid, warming->mode);
		QuiverReportPrewarmProgress(warming->read,
									warming->mode == QUIVER_PREWARM_ALL ? RelationGetNumberOfBlocks(index) : 0);
		done = QuiverWarmIndex(warming, index);
		QuiverEndPrewarmProgress();
		relation_close(index, AccessShareLock);
	}
	EndTransaction();
	return done;
}

/* Reads an index; false where nothing more is to be done in this database. */
static bool
WarmWhole(QuiverPrewarm mode, Oid oid)
{
	QuiverWarming warming = {0};

	warming.mode = mode;
	warming.most = NBuffers;
	warming.whileFree = true;
	warming.slice = SLICE;
	warming.memory = AllocSetContextCreate(TopMemoryContext, "quiver prewarm", ALLOCSET_DEFAULT_SIZES);
	do
	{
		if (DatabaseIsWanted())
			proc_exit(0);
	} while (!WarmSlice(&warming, oid));
	MemoryContextDelete(warming.memory);
	return !warming.full;
}

/*
 * The same, where an error (a damaged page, a conflict with replay, a cancel) ends the index and
 * not the worker: it is reported and false.
 */
static bool
TryToWarm(QuiverPrewarm mode, IndexToWarm *index, bool *goOn)
{
	MemoryContext memory = CurrentMemoryContext;

	PG_TRY();
	{
		*goOn = WarmWhole(mode, index->oid);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(memory);
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(memory);
		RESUME_INTERRUPTS();
		index->failed = true;
	}
	PG_END_TRY();
	return !index->failed;
}

/* All indexes in one mode; false where shared buffers are full. */
static bool
WarmAll(QuiverPrewarm mode, IndexToWarm *indexes, int count)
{
	bool		goOn = true;

	for (int i = 0; i < count && goOn; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!indexes[i].failed)
			(void) TryToWarm(mode, &indexes[i], &goOn);
	}
	return goOn;
}

void
QuiverPrewarmDatabase(Datum database)
{
	IndexToWarm *indexes;
	int			count;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);

	indexes = ListIndexes(TopMemoryContext, &count);
	if (WarmAll(QUIVER_PREWARM_UPPER, indexes, count) && quiverPrewarm == QUIVER_PREWARM_ALL)
		(void) WarmAll(QUIVER_PREWARM_ALL, indexes, count);
}
