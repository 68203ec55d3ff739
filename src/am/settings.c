/*
 * settings.c - the settings of quiver: SET quiver.ef_search = 100, and so on.
 */
#include "am.h"

#include <float.h>
#include <limits.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "options.h"
#include "prewarm.h"

int			quiverEfSearch = 0;
int			quiverIterativeScan = QUIVER_ITERATIVE_RELAXED;
int			quiverExactOrder = QUIVER_EXACT_ORDER_INDEX;
int			quiverMaxScanTuples = 0;
double		quiverScanMemMultiplier = 1.0;
bool		quiverPlannerHook = true;
int			quiverPrewarm = QUIVER_PREWARM_OFF;
static int	simdLevel = QUIVER_SIMD_AUTO;

static const struct config_enum_entry iterativeScanValues[] = {
	{"off", QUIVER_ITERATIVE_OFF, false},
	{"relaxed_order", QUIVER_ITERATIVE_RELAXED, false},
	{"strict_order", QUIVER_ITERATIVE_STRICT, false},
	{NULL, 0, false}
};

/* The documented three, and what else PostgreSQL takes for a boolean. */
static const struct config_enum_entry exactOrderValues[] = {
	{"index", QUIVER_EXACT_ORDER_INDEX, false},
	{"on", QUIVER_EXACT_ORDER_ON, false},
	{"off", QUIVER_EXACT_ORDER_OFF, false},
	{"true", QUIVER_EXACT_ORDER_ON, true},
	{"false", QUIVER_EXACT_ORDER_OFF, true},
	{"yes", QUIVER_EXACT_ORDER_ON, true},
	{"no", QUIVER_EXACT_ORDER_OFF, true},
	{"1", QUIVER_EXACT_ORDER_ON, true},
	{"0", QUIVER_EXACT_ORDER_OFF, true},
	{NULL, 0, false}
};

static const struct config_enum_entry prewarmValues[] = {
	{"off", QUIVER_PREWARM_OFF, false},
	{"upper", QUIVER_PREWARM_UPPER, false},
	{"all", QUIVER_PREWARM_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry simdLevelValues[] = {
	{"auto", QUIVER_SIMD_AUTO, false},
	{"scalar", QUIVER_SIMD_SCALAR, false},
	{"avx2", QUIVER_SIMD_AVX2, false},
	{"avx512", QUIVER_SIMD_AVX512, false},
	{"neon", QUIVER_SIMD_NEON, false},
	{NULL, 0, false}
};

/* Refuses a level whose instructions this server's CPU lacks. */
static bool
CheckSimdLevel(int *newval, void **extra, GucSource source)
{
	QuiverSimdLevel level = (QuiverSimdLevel) *newval;

	if (level != QUIVER_SIMD_AUTO && quiver_kernels_for(level) == NULL)
	{
		GUC_check_errdetail("The server's CPU, or this build of quiver, lacks the instructions of this level; the best it has is \"%s\".",
							quiver_kernels_for(QUIVER_SIMD_AUTO)->name);
		return false;
	}
	return true;
}

static void
AssignSimdLevel(int newval, void *extra)
{
	(void) quiver_force_simd_level((QuiverSimdLevel) newval);
}

PG_FUNCTION_INFO_V1(quiver_simd_level);

/* The level in force, "auto" resolved: quiver_simd_level() returns text. */
Datum
quiver_simd_level(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(quiver_kernels()->name));
}

void
QuiverDefineSettings(void)
{
	DefineCustomIntVariable("quiver.ef_search",
							"Candidates considered by a search.",
							"Zero means the option ef_search of the index.",
							&quiverEfSearch, 0, 0, QUIVER_MAX_EF_SEARCH,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("quiver.iterative_scan",
							 "Whether a search goes on when more rows are wanted than its first candidates gave.",
							 "relaxed_order sorts each batch of rows, strict_order leaves out rows that come too late, off ends the search.",
							 &quiverIterativeScan, QUIVER_ITERATIVE_RELAXED, iterativeScanValues,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("quiver.exact_order",
							 "Whether a search returns rows in the order of their true distances.",
							 "index means the option exact_order of the index.",
							 &quiverExactOrder, QUIVER_EXACT_ORDER_INDEX, exactOrderValues,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("quiver.max_scan_tuples",
							"Rows a search looks at before it ends.",
							"Zero means no limit.",
							&quiverMaxScanTuples, 0, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomRealVariable("quiver.scan_mem_multiplier",
							 "Memory a search may use, as a multiple of work_mem.",
							 NULL,
							 &quiverScanMemMultiplier, 1.0, 1.0, 1000.0,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("quiver.planner_hook",
							 "Improve plans in ways that PostgreSQL itself does not.",
							 "Off leaves plans as PostgreSQL makes them.",
							 &quiverPlannerHook, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("quiver.prewarm",
							 "What of all indexes is read into shared buffers after the server has started.",
							 "Where quiver is in shared_preload_libraries: upper means the pages that every search begins with.",
							 &quiverPrewarm, QUIVER_PREWARM_OFF, prewarmValues,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("quiver.simd_level",
							 "Instruction set used for distances.",
							 "auto chooses the best that the CPU has.",
							 &simdLevel, QUIVER_SIMD_AUTO, simdLevelValues,
							 PGC_USERSET, 0, CheckSimdLevel, AssignSimdLevel, NULL);

#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("quiver");
#else
	EmitWarningsOnPlaceholders("quiver");
#endif
}
