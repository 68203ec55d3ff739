/*
 * comparison.h - the SQL functions over a three-way comparison.
 *
 * The comparison orders by components, then by dimensions; -0 equals 0.  It
 * never raises on what values contain.  (Why it is not LEAKPROOF: README.md.)
 */
#ifndef QUIVER_COMPARISON_H
#define QUIVER_COMPARISON_H

#include "postgres.h"

#include "fmgr.h"

/* Each macro ends as PG_FUNCTION_INFO_V1 does, to take a semicolon. */
#define QUIVER_COMPARISON(name, compare, operator) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare(fcinfo) operator 0); \
	} \
	extern int	no_such_variable

/* The six operators and the btree support function of one type. */
#define QUIVER_COMPARISONS(type, compare) \
	QUIVER_COMPARISON(quiver_##type##_lt, compare, <); \
	QUIVER_COMPARISON(quiver_##type##_le, compare, <=); \
	QUIVER_COMPARISON(quiver_##type##_eq, compare, ==); \
	QUIVER_COMPARISON(quiver_##type##_ne, compare, !=); \
	QUIVER_COMPARISON(quiver_##type##_ge, compare, >=); \
	QUIVER_COMPARISON(quiver_##type##_gt, compare, >); \
	PG_FUNCTION_INFO_V1(quiver_##type##_cmp); \
	Datum \
	quiver_##type##_cmp(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_INT32(compare(fcinfo)); \
	} \
	extern int	no_such_variable

#endif							/* QUIVER_COMPARISON_H */
