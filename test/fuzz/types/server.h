/*
 * server.h - what the type functions need of a server, for the fuzzers.
 *
 * Every allocation is malloc's, so that AddressSanitizer sees the end of each; an error
 * that is raised ends the call of SqlCall and can be looked at.
 */
#ifndef QUIVER_FUZZ_SERVER_H
#define QUIVER_FUZZ_SERVER_H

#include "postgres.h"

#include "fmgr.h"

typedef struct SqlResult
{
	bool		failed;
	int			sqlstate;		/* of the error, else 0 */
	char		message[512];	/* of the error */
	Datum		value;			/* where isnull is false and there is no error */
	bool		isnull;
	size_t		allocated;		/* bytes that the call asked for, in all */
} SqlResult;

/* Calls a function as the executor does. */
extern SqlResult SqlCall(PGFunction function, int nargs, const Datum *args);

/* Frees what was allocated since the last call of this. */
extern void SqlReset(void);

/* Whether AggCheckCallContext says that an aggregate calls. */
extern bool sqlInAggregate;

/* Memory for an argument: exactly so long, freed by SqlReset. */
extern void *SqlAllocate(size_t size);

/* Ends the program unless holds. */
extern void Require(bool holds, const char *what, const char *detail);

#endif							/* QUIVER_FUZZ_SERVER_H */
