/*
 * quiver_module.c - what runs when the library is loaded.
 *
 * Loading needs no preload: the first call of any of the library's functions,
 * the handler of the access method included, loads it in that session.
 */
#include "am.h"

#include "fmgr.h"

#include "options.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	QuiverDefineOptions();
	QuiverDefineSettings();
	QuiverInstallPlannerHook();
	QuiverInstallPathHook();
}
