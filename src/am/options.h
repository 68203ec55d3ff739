/*
 * options.h - options of an index (CREATE INDEX ... WITH) and settings (SET quiver.*).
 *
 * A session's setting beats the index's option, which beats the default.
 */
#ifndef QUIVER_OPTIONS_H
#define QUIVER_OPTIONS_H

#include "am.h"

#define QUIVER_DEFAULT_M 16
#define QUIVER_MIN_M 2
#define QUIVER_MAX_M 100
#define QUIVER_DEFAULT_EF_CONSTRUCTION 64
#define QUIVER_MIN_EF_CONSTRUCTION 4
#define QUIVER_MAX_EF_CONSTRUCTION 1000
#define QUIVER_DEFAULT_EF_SEARCH 40
#define QUIVER_MIN_EF_SEARCH 1
#define QUIVER_MAX_EF_SEARCH 1000

/* Parsed options of an index, as the relation cache keeps them. */
typedef struct QuiverOptions
{
	int32		vl_len_;		/* varlena header, do not touch */
	int			m;
	int			efConstruction;
	int			efSearch;
	int			storage;		/* QuiverStorage */
	bool		exactOrder;
} QuiverOptions;

/* Whose word counts on exact order: the index's option, or the session's own. */
typedef enum QuiverExactOrder
{
	QUIVER_EXACT_ORDER_INDEX,
	QUIVER_EXACT_ORDER_OFF,
	QUIVER_EXACT_ORDER_ON
} QuiverExactOrder;

/* The settings; see settings.c for bounds and meaning. */
extern int	quiverEfSearch;
extern int	quiverIterativeScan;
extern int	quiverExactOrder;	/* QuiverExactOrder */
extern int	quiverMaxScanTuples;
extern double quiverScanMemMultiplier;
extern bool quiverPlannerHook;

/* options.c: defines the options; call once, from _PG_init. */
extern void QuiverDefineOptions(void);

/* Options of index, defaults where none are given. */
extern QuiverOptions QuiverGetOptions(Relation index);

/* The ef a search of index uses now: setting, else option, else default. */
extern int	QuiverEffectiveEfSearch(Relation index);

/* Whether a search of index returns rows in the order of their true distances. */
extern bool QuiverEffectiveExactOrder(Relation index);

/* settings.c: defines the settings; call once, from _PG_init. */
extern void QuiverDefineSettings(void);

#endif							/* QUIVER_OPTIONS_H */
