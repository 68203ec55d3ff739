/*
 * handler.c - the access method's face: what it can do and which callbacks do it.
 */
#include "am.h"

#include "commands/vacuum.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(quiver_handler);

/*
 * One key column, searched by nothing but the order of distances.  Left unset
 * on purpose: amgetbitmap (a bitmap has no order), amcanreturn (the index keeps
 * a rotated and rounded copy, not the value), ammarkpos (only merge joins use
 * it, and those need sort order of values).
 */
Datum
quiver_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *routine = makeNode(IndexAmRoutine);

	routine->amstrategies = 0;	/* classes differ; quivervalidate knows which have what */
	routine->amsupport = QUIVER_PROC_MAX;
	routine->amoptsprocnum = 0;
	routine->amcanorder = false;
	routine->amcanorderbyop = true;
	routine->amcanbackward = false;
	routine->amcanunique = false;
	routine->amcanmulticol = false;
	routine->amoptionalkey = true;
	routine->amsearcharray = false;
	routine->amsearchnulls = false;
	routine->amstorage = false;
	routine->amclusterable = false;
	routine->ampredlocks = false;
	routine->amcanparallel = false;
	routine->amcaninclude = false;
	routine->amusemaintenanceworkmem = false;
	routine->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL | VACUUM_OPTION_PARALLEL_CLEANUP;
	routine->amkeytype = InvalidOid;
#if PG_VERSION_NUM >= 160000
	routine->amsummarizing = false;
#endif
#if PG_VERSION_NUM >= 170000
	routine->amcanbuildparallel = false;
#endif
#if PG_VERSION_NUM >= 180000
	routine->amcanhash = false;
	routine->amconsistentequality = false;
	routine->amconsistentordering = false;
#endif

	routine->ambuild = quiverbuild;
	routine->ambuildempty = quiverbuildempty;
	routine->aminsert = quiverinsert;
	routine->ambulkdelete = quiverbulkdelete;
	routine->amvacuumcleanup = quivervacuumcleanup;
	routine->amcostestimate = quivercostestimate;
	routine->amoptions = quiveroptions;
	routine->ambuildphasename = quiverbuildphasename;
	routine->amvalidate = quivervalidate;
	routine->ambeginscan = quiverbeginscan;
	routine->amrescan = quiverrescan;
	routine->amgettuple = quivergettuple;
	routine->amendscan = quiverendscan;

	PG_RETURN_POINTER(routine);
}
