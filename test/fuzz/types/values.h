/*
 * values.h - the three vector types, for the fuzzers: their functions, and what holds of
 * every value that they let in.
 */
#ifndef QUIVER_FUZZ_VALUES_H
#define QUIVER_FUZZ_VALUES_H

#include "server.h"

typedef struct VectorType
{
	const char *name;
	int			maxDim;
	PGFunction	in;
	PGFunction	out;
	PGFunction	recv;
	PGFunction	send;
	PGFunction	typmodIn;
	PGFunction	fromArray;
	PGFunction	toType[3];		/* casts, by the number of the type */
	PGFunction	toReal;			/* NULL: none */
} VectorType;

#define VECTOR_TYPES 3

extern const VectorType vectorTypes[VECTOR_TYPES];

/* The numbers. */
enum
{
	TYPE_VECTOR,
	TYPE_HALFVEC,
	TYPE_SPARSEVEC
};

/* NULL, or what is wrong with a value of the type that a function has returned. */
extern const char *ValueFault(int type, Datum value);

/* Dimensions of a sound value. */
extern int	ValueDim(int type, Datum value);

/* Whether two values are the same bytes. */
extern bool SameValue(Datum a, Datum b);

/* Whether an error with this SQLSTATE may come of hostile arguments. */
extern bool MayBeRaised(int sqlstate);

/* Ends the program where a call failed with an error that no input may cause. */
extern void RequireCleanError(const SqlResult *result, const char *function);

/*
 * Output, input, wire and casts of a sound value agree with each other.
 */
extern void CheckRoundTrips(int type, Datum value);

#endif							/* QUIVER_FUZZ_VALUES_H */
