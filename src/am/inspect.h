/*
 * inspect.h - what functions that look at a whole index for somebody share:
 * opening it, rights, the result.
 */
#ifndef QUIVER_INSPECT_H
#define QUIVER_INSPECT_H

#include "am.h"

#include "utils/tuplestore.h"

/* An index being looked at, with its table. */
typedef struct QuiverInspection
{
	Relation	heap;
	Relation	index;
	Oid			user;			/* to be restored, as the two below */
	int			securityContext;
	int			nestLevel;
} QuiverInspection;

/*
 * Opens an index and its table under AccessShareLock, checks that it is a quiver
 * index that can be read and that the caller may ask about its table, and becomes
 * the table's owner in a restricted operation: expressions of the index may run.
 * Raises an error that names the object otherwise.
 */
extern void QuiverBeginInspection(QuiverInspection *inspection, Oid indexOid);

/* Becomes the caller again; keeps the locks to the end of the transaction. */
extern void QuiverEndInspection(QuiverInspection *inspection);

/* A materialized result; rows go to the tuple store. */
extern Tuplestorestate *QuiverBeginResult(FunctionCallInfo fcinfo, TupleDesc *tupleDesc);

#endif							/* QUIVER_INSPECT_H */
