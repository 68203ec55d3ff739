/*
 * validate.c - checks an operator class, in the manner of PostgreSQL's own amvalidate.
 *
 * A family has, for a type and itself, the operator that orders by distance and
 * the function that names the class; it may have, for the type and a type of
 * bounds, the operator that searches within one, and a function that makes one
 * of a value and a distance.
 */
#include "am.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "opclass.h"

/* Reports one fault of the family; an INFO, as amvalidate's callers expect. */
#define FAULT(...) \
	ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg(__VA_ARGS__)))

static inline uint64
Member(int number)
{
	return UINT64CONST(1) << number;
}

/* Whether the family searches values of type within bounds of boundType. */
static bool
HasWithin(CatCList *operators, Oid type, Oid boundType)
{
	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop amop = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (amop->amopstrategy == QUIVER_STRATEGY_WITHIN &&
			amop->amoplefttype == type && amop->amoprighttype == boundType)
			return true;
	}
	return false;
}

/* The constructor stands with the type itself or with the type of bounds. */
static bool
IsBoundConstructor(Form_pg_amproc proc, CatCList *operators)
{
	Oid			type = proc->amproclefttype;
	Oid			boundType = get_func_rettype(proc->amproc);

	return check_amproc_signature(proc->amproc, boundType, true, 2, 2, type, FLOAT8OID) &&
		(proc->amprocrighttype == type || proc->amprocrighttype == boundType) &&
		HasWithin(operators, type, boundType);
}

/* Only the extension's own functions name a class, and each for one type. */
static bool
IsClassFunction(const char *family, Form_pg_amproc proc)
{
	const QuiverOpclass *opclass = QuiverOpclassOfFunction(proc->amproc);

	if (opclass != NULL && QuiverOpclassFits(opclass, proc->amproclefttype))
		return true;
	FAULT("operator family \"%s\" of access method %s contains function %s that is not for values of type %s",
		  family, "quiver", format_procedure(proc->amproc), format_type_be(proc->amproclefttype));
	return false;
}

static bool
ValidateProc(const char *family, Form_pg_amproc proc, CatCList *operators)
{
	bool		ok = true;

	switch (proc->amprocnum)
	{
		case QUIVER_PROC_CLASS:
			if (proc->amproclefttype != proc->amprocrighttype)
			{
				FAULT("operator family \"%s\" of access method %s contains support function %s with different left and right input types",
					  family, "quiver", format_procedure(proc->amproc));
				ok = false;
			}
			if (check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID))
				return IsClassFunction(family, proc) && ok;
			break;

		case QUIVER_PROC_BOUND:
			if (IsBoundConstructor(proc, operators))
				return true;
			break;

		default:
			FAULT("operator family \"%s\" of access method %s contains function %s with invalid support number %d",
				  family, "quiver", format_procedure(proc->amproc), proc->amprocnum);
			return false;
	}

	FAULT("operator family \"%s\" of access method %s contains function %s with wrong signature for support number %d",
		  family, "quiver", format_procedure(proc->amproc), proc->amprocnum);
	return false;
}

static bool
ValidateOperator(const char *family, Form_pg_amop amop)
{
	bool		ok = true;
	Oid			result;

	switch (amop->amopstrategy)
	{
		case QUIVER_STRATEGY_DISTANCE:
			/* Orders, by a float8 that float_ops sorts. */
			result = FLOAT8OID;
			if (amop->amoppurpose != AMOP_ORDER ||
				!opfamily_can_sort_type(amop->amopsortfamily, FLOAT8OID))
			{
				FAULT("operator family \"%s\" of access method %s contains invalid ORDER BY specification for operator %s",
					  family, "quiver", format_operator(amop->amopopr));
				ok = false;
			}
			break;

		case QUIVER_STRATEGY_WITHIN:
			result = BOOLOID;
			if (amop->amoppurpose != AMOP_SEARCH)
			{
				FAULT("operator family \"%s\" of access method %s contains invalid ORDER BY specification for operator %s",
					  family, "quiver", format_operator(amop->amopopr));
				ok = false;
			}
			break;

		default:
			FAULT("operator family \"%s\" of access method %s contains operator %s with invalid strategy number %d",
				  family, "quiver", format_operator(amop->amopopr), amop->amopstrategy);
			return false;
	}

	if (!check_amop_signature(amop->amopopr, result, amop->amoplefttype, amop->amoprighttype))
	{
		FAULT("operator family \"%s\" of access method %s contains operator %s with wrong signature",
			  family, "quiver", format_operator(amop->amopopr));
		ok = false;
	}
	return ok;
}

/* Each pair of types has what it must have, and no operator that belongs to another pair. */
static bool
ValidateGroups(const char *family, CatCList *operators, CatCList *procs, Oid inputType, bool *found)
{
	bool		ok = true;
	ListCell   *cell;

	*found = false;
	foreach(cell, identify_opfamily_groups(operators, procs))
	{
		OpFamilyOpFuncGroup *group = lfirst(cell);
		bool		own = group->lefttype == group->righttype;
		uint64		strategy = Member(own ? QUIVER_STRATEGY_DISTANCE : QUIVER_STRATEGY_WITHIN);

		if ((group->operatorset & strategy) == 0)
		{
			FAULT("operator family \"%s\" of access method %s is missing operator(s) for types %s and %s",
				  family, "quiver", format_type_be(group->lefttype), format_type_be(group->righttype));
			ok = false;
		}
		if ((group->operatorset & ~strategy) != 0)
		{
			FAULT("operator family \"%s\" of access method %s contains operator(s) of a strategy that types %s and %s cannot have",
				  family, "quiver", format_type_be(group->lefttype), format_type_be(group->righttype));
			ok = false;
		}
		if (own && (group->functionset & Member(QUIVER_PROC_CLASS)) == 0)
		{
			FAULT("operator family \"%s\" of access method %s is missing support function for types %s and %s",
				  family, "quiver", format_type_be(group->lefttype), format_type_be(group->righttype));
			ok = false;
		}
		if (group->lefttype == inputType && own)
			*found = true;
	}
	return ok;
}

static char *
FamilyName(Oid family)
{
	HeapTuple	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(family));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", family);
	name = pstrdup(NameStr(((Form_pg_opfamily) GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);
	return name;
}

/* amvalidate. */
bool
quivervalidate(Oid opclassOid)
{
	HeapTuple	classTuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclassOid));
	Form_pg_opclass class;
	CatCList   *operators;
	CatCList   *procs;
	char	   *family;
	char	   *className;
	Oid			inputType;
	bool		found;
	bool		ok = true;

	if (!HeapTupleIsValid(classTuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclassOid);
	class = (Form_pg_opclass) GETSTRUCT(classTuple);
	inputType = class->opcintype;
	className = pstrdup(NameStr(class->opcname));
	family = FamilyName(class->opcfamily);

	if (OidIsValid(class->opckeytype) && class->opckeytype != inputType)
	{
		FAULT("operator class \"%s\" of access method %s has a storage type, which it cannot have",
			  className, "quiver");
		ok = false;
	}

	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class->opcfamily));
	procs = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class->opcfamily));

	for (int i = 0; i < procs->n_members; i++)
		ok &= ValidateProc(family, (Form_pg_amproc) GETSTRUCT(&procs->members[i]->tuple), operators);
	for (int i = 0; i < operators->n_members; i++)
		ok &= ValidateOperator(family, (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple));

	ok &= ValidateGroups(family, operators, procs, inputType, &found);
	if (!found)
	{
		FAULT("operator class \"%s\" of access method %s is missing its own operator and support function",
			  className, "quiver");
		ok = false;
	}

	ReleaseCatCacheList(procs);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(classTuple);
	return ok;
}
