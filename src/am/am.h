/*
 * am.h - what the files of the access method share.
 *
 * Callbacks are declared here; settings and options in options.h, the page
 * store in page_store.h, operator classes in opclass.h.
 */
#ifndef QUIVER_AM_H
#define QUIVER_AM_H

#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "utils/rel.h"

#include "../core/core_api.h"

/*
 * Strategies and support functions of an operator class.  Numbers are stored in
 * catalogs, so they are given out once: the classes of vectors use the first
 * group, classes of scalar columns (partition keys, attributes) will use the
 * others.
 */
#define QUIVER_STRATEGY_DISTANCE 1	/* ordering: vector <-> vector */
#define QUIVER_STRATEGY_WITHIN 2	/* search: vector <@ bound */
/* 3 .. 7 reserved: < <= = >= > of scalar columns; 8: always true carrier */
#define QUIVER_STRATEGY_MAX 8

#define QUIVER_PROC_CLASS 1		/* (internal) returns internal: QuiverOpclass */
#define QUIVER_PROC_BOUND 2		/* (vector, float8) returns a bound: all that is no farther */
/* 3 and 4 reserved: hash and order of scalar columns */
#define QUIVER_PROC_MAX 4

/* Phases of a build, for ambuildphasename; 1 is PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE. */
typedef enum QuiverBuildPhase
{
	QUIVER_PHASE_LOAD = 2,
	QUIVER_PHASE_SORT,
	QUIVER_PHASE_LINK,
	QUIVER_PHASE_WRITE,
	QUIVER_PHASE_LOG
} QuiverBuildPhase;

/* build.c */
extern IndexBuildResult *quiverbuild(Relation heap, Relation index, IndexInfo *indexInfo);
extern void quiverbuildempty(Relation index);
extern char *quiverbuildphasename(int64 phase);

/* insert.c */
extern bool quiverinsert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
						 Relation heap, IndexUniqueCheck checkUnique,
						 bool indexUnchanged, IndexInfo *indexInfo);

/* scan.c */
extern IndexScanDesc quiverbeginscan(Relation index, int nkeys, int norderbys);
extern void quiverrescan(IndexScanDesc scan, ScanKey keys, int nkeys,
						 ScanKey orderbys, int norderbys);
extern bool quivergettuple(IndexScanDesc scan, ScanDirection direction);
extern void quiverendscan(IndexScanDesc scan);

/* vacuum.c */
extern IndexBulkDeleteResult *quiverbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback, void *callbackState);
extern IndexBulkDeleteResult *quivervacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats);

/* cost.c */
extern void quivercostestimate(PlannerInfo *root, IndexPath *path, double loopCount,
							   Cost *startupCost, Cost *totalCost, Selectivity *selectivity,
							   double *correlation, double *pages);

/* validate.c */
extern bool quivervalidate(Oid opclassOid);

/*
 * junk_distance.c: the hook is installed once, from _PG_init; QuiverNotePath tells
 * it that a path of ours takes part in the statement that is being planned.
 */
extern void QuiverInstallPlannerHook(void);
extern void QuiverNotePath(void);

/* bound_paths.c: installs its hook; call once, from _PG_init. */
extern void QuiverInstallPathHook(void);

/* options.c */
extern bytea *quiveroptions(Datum reloptions, bool validate);

#endif							/* QUIVER_AM_H */
