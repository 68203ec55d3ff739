/*
 * prewarm_progress.c - who is prewarming what, and how far.
 *
 * PostgreSQL has a place for the progress of a command in each backend's status, and views only for
 * commands of its own.  We use the place, under a number that no command of its own has, and read it
 * by a function.  So nothing needs to be preloaded, and an error or the end of the backend clears it.
 */
#include "am.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"

#include "inspect.h"
#include "prewarm.h"

#define PROGRESS_PREWARM ((ProgressCommandType) 0x5156)

/* Parameters. */
#define PROGRESS_MODE 0
#define PROGRESS_DONE 1
#define PROGRESS_TOTAL 2

/* Columns, in the order of src/sql/94_prewarm.sql. */
#define RESULT_COLUMNS 6

static bool
IsReporting(void)
{
	return MyBEEntry != NULL && MyBEEntry->st_progress_command == PROGRESS_PREWARM;
}

/* A command of PostgreSQL's that calls us, such as COPY of a query, goes on reporting its own. */
void
QuiverBeginPrewarmProgress(Oid index, QuiverPrewarm mode)
{
	if (MyBEEntry == NULL || MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID)
		return;
	pgstat_progress_start_command(PROGRESS_PREWARM, index);
	if (IsReporting())
		pgstat_progress_update_param(PROGRESS_MODE, mode);
}

void
QuiverReportPrewarmProgress(uint64 done, uint64 total)
{
	const int	params[] = {PROGRESS_DONE, PROGRESS_TOTAL};
	const int64 values[] = {(int64) done, (int64) total};

	if (IsReporting())
		pgstat_progress_update_multi_param(lengthof(params), params, values);
}

void
QuiverEndPrewarmProgress(void)
{
	if (IsReporting())
		pgstat_progress_end_command();
}

static LocalPgBackendStatus *
StatusAt(int i)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(i);
#else
	return pgstat_fetch_stat_local_beentry(i);
#endif
}

static bool
MaySee(Oid user)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), user);
}

PG_FUNCTION_INFO_V1(quiver_prewarm_running);

/*
 * quiver_prewarm_running() returns a row for each backend that prewarms.  As in PostgreSQL's views, of
 * others' one sees only that they do.
 */
Datum
quiver_prewarm_running(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Tuplestorestate *store = QuiverBeginResult(fcinfo, &desc);

	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = StatusAt(i);
		const PgBackendStatus *status = local == NULL ? NULL : &local->backendStatus;
		Datum		values[RESULT_COLUMNS] = {0};
		bool		isnull[RESULT_COLUMNS] = {false};

		if (status == NULL || status->st_progress_command != PROGRESS_PREWARM)
			continue;
		values[0] = Int32GetDatum(status->st_procpid);
		values[1] = ObjectIdGetDatum(status->st_databaseid);
		values[2] = ObjectIdGetDatum(status->st_progress_command_target);
		values[3] = CStringGetTextDatum(status->st_progress_param[PROGRESS_MODE] == QUIVER_PREWARM_ALL ? "all" : "upper");
		values[4] = Int64GetDatum(status->st_progress_param[PROGRESS_DONE]);
		values[5] = Int64GetDatum(status->st_progress_param[PROGRESS_TOTAL]);
		if (!MaySee(status->st_userid))
			memset(&isnull[2], true, sizeof(bool) * (RESULT_COLUMNS - 2));
		tuplestore_putvalues(store, desc, values, isnull);
	}
	return (Datum) 0;
}
