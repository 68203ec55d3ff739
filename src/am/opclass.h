/*
 * opclass.h - what an operator class tells the access method.
 */
#ifndef QUIVER_OPCLASS_H
#define QUIVER_OPCLASS_H

#include "am.h"

#include "fmgr.h"

/*
 * Returned by support function 1 of each operator class, (internal) returns
 * internal; static, so it lives for ever.
 */
typedef struct QuiverOpclass
{
	const char *typeName;
	PGFunction	output;			/* the type's, which tells its layout; NULL for bit */
	QuiverForm	form;
	QuiverMetric metric;

	/*
	 * What a value is made of, and its dimensions: in place where the type has it
	 * as the core wants it and the value is not toasted, else in the current
	 * memory context.
	 */
	QuiverValue (*value) (Datum datum, int *dim);
} QuiverOpclass;

/*
 * The class of index's key column.  Raises 42P17 where its support function is none
 * of ours: a class that somebody made may name any function that takes and returns
 * internal, and what that returns must not be taken for a QuiverOpclass.
 */
extern const QuiverOpclass *QuiverGetOpclass(Relation index);

/* What support function 1 says of its class; NULL where it is none of ours, or there is none. */
extern const QuiverOpclass *QuiverOpclassOfFunction(Oid function);

/* Whether values of type lie in memory as opclass reads them. */
extern bool QuiverOpclassFits(const QuiverOpclass *opclass, Oid type);

/* Raises 42P17 where opclass does not fit the type that index's class is declared for. */
extern void QuiverCheckOpclassFits(Relation index, const QuiverOpclass *opclass);

/* The same, raising an error when the value has not dim dimensions. */
extern QuiverValue QuiverDatumValue(const QuiverOpclass *opclass, Datum datum, int dim);

#endif							/* QUIVER_OPCLASS_H */
