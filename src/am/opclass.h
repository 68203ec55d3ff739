/*
 * opclass.h - what an operator class tells the access method.
 */
#ifndef QUIVER_OPCLASS_H
#define QUIVER_OPCLASS_H

#include "am.h"

/*
 * Returned by support function 1 of each operator class, (internal) returns
 * internal; static, so it lives for ever.
 */
typedef struct QuiverOpclass
{
	const char *typeName;
	QuiverForm	form;
	QuiverMetric metric;

	/*
	 * What a value is made of, and its dimensions: in place where the type has it
	 * as the core wants it and the value is not toasted, else in the current
	 * memory context.
	 */
	QuiverValue (*value) (Datum datum, int *dim);
} QuiverOpclass;

/* The class of index's key column. */
extern const QuiverOpclass *QuiverGetOpclass(Relation index);

/* The same, raising an error when the value has not dim dimensions. */
extern QuiverValue QuiverDatumValue(const QuiverOpclass *opclass, Datum datum, int dim);

#endif							/* QUIVER_OPCLASS_H */
