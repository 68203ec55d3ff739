/*
 * report.c - words the core's errors.
 */
#include "am.h"

#include "page_store.h"

/*
 * Raises error as it concerns index.  The core calls this through its page
 * store with at most buffer locks held, which the abort releases.
 */
void
QuiverReport(Relation index, const QuiverError *error)
{
	const char *name = RelationGetRelationName(index);
	const char *detail = error->detail != NULL ? error->detail : "No detail";
	unsigned long long value = (unsigned long long) error->value;

	switch (error->code)
	{
		case QUIVER_ERROR_CORRUPTED:
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 error->block == QUIVER_INVALID_BLOCK ?
					 errmsg("index \"%s\" is corrupted", name) :
					 errmsg("index \"%s\" contains corrupted page at block %u",
							name, error->block),
					 error->item < 0 ?
					 errdetail("%s (value %llu).", detail, value) :
					 errdetail("%s (item %d, value %llu).", detail, error->item, value),
					 errhint("REINDEX it.")));
			break;

		case QUIVER_ERROR_FORMAT:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("index \"%s\" has a format that this version of quiver does not know",
							name),
					 errdetail("%s (value 0x%llx).", detail, value),
					 errhint("Install the version of quiver that made the index, or a newer one, or REINDEX it.")));
			break;

		case QUIVER_ERROR_LIMIT:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("index \"%s\" would exceed a limit", name),
					 errdetail("%s (value %llu).", detail, value)));
			break;

		case QUIVER_ERROR_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
					 errdetail("The build of index \"%s\" could not get another %llu bytes.",
							   name, value)));
			break;

		case QUIVER_ERROR_INTERNAL:
			break;
	}

	elog(ERROR, "quiver index \"%s\", block %u, item %d: %s (value %llu, code %d)",
		 name, error->block, error->item, detail, value, (int) error->code);
}
