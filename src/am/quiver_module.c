/*
 * quiver_module.c - what runs when the library is loaded.
 *
 * Loading needs no preload: the first call of any of the library's functions,
 * the handler of the access method included, loads it in that session.  Preloaded, it
 * can prewarm indexes after a start of the server.
 */
#include "am.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "options.h"
#include "prewarm.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	QuiverDefineOptions();
	QuiverDefineSettings();
	QuiverInstallPlannerHook();
	QuiverInstallPathHook();
	if (process_shared_preload_libraries_in_progress)
		QuiverRegisterPrewarm();
}
