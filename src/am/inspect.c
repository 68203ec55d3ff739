/*
 * inspect.c - opening an index to look at all of it, and who may.
 *
 * The functions are revoked from PUBLIC and granted to pg_stat_scan_tables.  A superuser
 * may grant them further, to one who owns no table.  So each call asks as well: the
 * caller must own the table, be a member of pg_stat_scan_tables, or be one who may read
 * the whole table, no row-level policy between.  What is reported are counts, places
 * and addresses of rows, no values.
 */
#include "am.h"

#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "inspect.h"

static bool
OwnsTable(Oid table, Oid user)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, table, user);
#else
	return pg_class_ownercheck(table, user);
#endif
}

static void
CheckRights(Oid table)
{
	Oid			user = GetUserId();

	if (OwnsTable(table, user) || has_privs_of_role(user, ROLE_PG_STAT_SCAN_TABLES))
		return;
	if (pg_class_aclcheck(table, user, ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for all rows of table \"%s\"", get_rel_name(table)),
				 errdetail("Row-level security applies to you, and the index has the rows of all.")));
}

static void
CheckKind(Oid indexOid)
{
	char		kind = get_rel_relkind(indexOid);

	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation with OID %u does not exist", indexOid)));
	if (kind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("index \"%s\" is partitioned", get_rel_name(indexOid)),
				 errhint("Name the index of a partition; pg_partition_tree lists them.")));
	if (kind != RELKIND_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index", get_rel_name(indexOid))));
}

static void
CheckReadable(Relation index)
{
	const char *name = RelationGetRelationName(index);

	if (index->rd_indam->ambuild != quiverbuild)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a quiver index", name)));
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read temporary index \"%s\" of another session", name)));
	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", name),
				 errhint("REINDEX it, or drop it.")));
	if (RecoveryInProgress() && index->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot read unlogged index \"%s\" during recovery", name)));
}

/*
 * The functions of an index's expressions run as the owner, so the names in them must
 * not mean what the caller's search_path makes of them: whoever may ask for a check
 * could run what he likes as the owner.  Before 17, where the server itself runs them
 * by the path of whoever reindexes, those who could become the owner keep theirs.
 */
static void
RestrictNames(const QuiverInspection *inspection)
{
#if PG_VERSION_NUM >= 170000
	RestrictSearchPath();
#else
	if (!has_privs_of_role(inspection->user, inspection->heap->rd_rel->relowner))
		(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
#endif
}

void
QuiverBeginInspection(QuiverInspection *inspection, Oid indexOid)
{
	Oid			table;

	CheckKind(indexOid);
	table = IndexGetRelation(indexOid, false);
	CheckRights(table);

	/* The table first, as everywhere; then look whether it is still that one. */
	inspection->heap = table_open(table, AccessShareLock);
	inspection->index = index_open(indexOid, AccessShareLock);
	if (inspection->index->rd_index->indrelid != table)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index with OID %u has been dropped", indexOid)));
	CheckReadable(inspection->index);

	GetUserIdAndSecContext(&inspection->user, &inspection->securityContext);
	SetUserIdAndSecContext(inspection->heap->rd_rel->relowner,
						   inspection->securityContext | SECURITY_RESTRICTED_OPERATION);
	inspection->nestLevel = NewGUCNestLevel();
	RestrictNames(inspection);
}

void
QuiverEndInspection(QuiverInspection *inspection)
{
	AtEOXact_GUC(false, inspection->nestLevel);
	SetUserIdAndSecContext(inspection->user, inspection->securityContext);
	index_close(inspection->index, NoLock);
	table_close(inspection->heap, NoLock);
}

Tuplestorestate *
QuiverBeginResult(FunctionCallInfo fcinfo, TupleDesc *tupleDesc)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	Tuplestorestate *store;

	if (info == NULL || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (get_call_result_type(fcinfo, NULL, tupleDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	*tupleDesc = CreateTupleDescCopy(*tupleDesc);
	store = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	MemoryContextSwitchTo(old);

	info->returnMode = SFRM_Materialize;
	info->setResult = store;
	info->setDesc = *tupleDesc;
	return store;
}
