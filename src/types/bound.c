/*
 * bound.c - the SQL type quiver_bound, value <@ bound, and quiver_within.
 *
 * value <@ bound says what distance(value, bound's value) <= radius says (or, of a
 * bound that wants it so, what is true of NaN besides), by the same function,
 * with one exception: where dimensions differ it is true instead of raising an
 * error.  So it never raises on what rows contain and is
 * LEAKPROOF, which lets the planner evaluate it before a row-level policy.
 */
#include "bound.h"

#include <float.h>
#include <math.h>

#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/varbit.h"

#include "halfvec.h"
#include "number_text.h"
#include "sparsevec.h"
#include "vector.h"

extern Datum quiver_vector_l2_distance(PG_FUNCTION_ARGS);
extern Datum quiver_vector_negative_inner_product(PG_FUNCTION_ARGS);
extern Datum quiver_vector_cosine_distance(PG_FUNCTION_ARGS);
extern Datum quiver_vector_l1_distance(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_l2_distance(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_negative_inner_product(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_cosine_distance(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_l1_distance(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_l2_distance(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_negative_inner_product(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_cosine_distance(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_l1_distance(PG_FUNCTION_ARGS);
extern Datum quiver_hamming_distance(PG_FUNCTION_ARGS);
extern Datum quiver_jaccard_distance(PG_FUNCTION_ARGS);

#define METRIC_END (QUIVER_METRIC_JACCARD + 1)

static const char *const kindNames[QUIVER_BOUND_KINDS] = {"vector", "halfvec", "sparsevec", "bit"};

static const char *const metricNames[METRIC_END] = {
	[QUIVER_METRIC_L2] = "l2",
	[QUIVER_METRIC_IP] = "ip",
	[QUIVER_METRIC_COSINE] = "cosine",
	[QUIVER_METRIC_L1] = "l1",
	[QUIVER_METRIC_HAMMING] = "hamming",
	[QUIVER_METRIC_JACCARD] = "jaccard"
};

/* What the SQL operators call; NULL where a kind has not the metric. */
static const PGFunction distances[QUIVER_BOUND_KINDS][METRIC_END] = {
	[QUIVER_BOUND_VECTOR] = {
		[QUIVER_METRIC_L2] = quiver_vector_l2_distance,
		[QUIVER_METRIC_IP] = quiver_vector_negative_inner_product,
		[QUIVER_METRIC_COSINE] = quiver_vector_cosine_distance,
		[QUIVER_METRIC_L1] = quiver_vector_l1_distance
	},
	[QUIVER_BOUND_HALFVEC] = {
		[QUIVER_METRIC_L2] = quiver_halfvec_l2_distance,
		[QUIVER_METRIC_IP] = quiver_halfvec_negative_inner_product,
		[QUIVER_METRIC_COSINE] = quiver_halfvec_cosine_distance,
		[QUIVER_METRIC_L1] = quiver_halfvec_l1_distance
	},
	[QUIVER_BOUND_SPARSEVEC] = {
		[QUIVER_METRIC_L2] = quiver_sparsevec_l2_distance,
		[QUIVER_METRIC_IP] = quiver_sparsevec_negative_inner_product,
		[QUIVER_METRIC_COSINE] = quiver_sparsevec_cosine_distance,
		[QUIVER_METRIC_L1] = quiver_sparsevec_l1_distance
	},
	[QUIVER_BOUND_BIT] = {
		[QUIVER_METRIC_HAMMING] = quiver_hamming_distance,
		[QUIVER_METRIC_JACCARD] = quiver_jaccard_distance
	}
};

static void
ReportCorruptBound(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("invalid value of type quiver_bound")));
}

/* Dimensions, or bits, of a value that is neither toasted nor packed; checks its length. */
static int
ValueDim(QuiverBoundKind kind, Datum value)
{
	VarBit	   *bits;

	switch (kind)
	{
		case QUIVER_BOUND_VECTOR:
			return QuiverDatumGetVector(value)->dim;
		case QUIVER_BOUND_HALFVEC:
			return QuiverDatumGetHalfvec(value)->dim;
		case QUIVER_BOUND_SPARSEVEC:
			return QuiverDatumGetSparsevec(value)->dim;
		case QUIVER_BOUND_BIT:
			bits = DatumGetVarBitP(value);
			if (VARSIZE(bits) < VARBITHDRSZ + VARHDRSZ || VARBITLEN(bits) < 0 ||
				VARSIZE(bits) != VARBITTOTALLEN(VARBITLEN(bits)))
				ereport(ERROR,
						(errcode(ERRCODE_DATA_CORRUPTED),
						 errmsg("invalid value of type bit")));
			return VARBITLEN(bits);
	}
	pg_unreachable();
}

const QuiverBound *
QuiverDatumGetBound(Datum datum)
{
	const QuiverBound *bound = (const QuiverBound *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(bound) < offsetof(QuiverBound, value) + VARHDRSZ ||
		bound->kind >= QUIVER_BOUND_KINDS || bound->metric >= METRIC_END ||
		distances[bound->kind][bound->metric] == NULL ||
		(bound->flags & ~QUIVER_BOUND_OR_NAN) != 0 ||
		!VARATT_IS_4B_U(bound->value) ||
		VARSIZE(bound->value) != VARSIZE(bound) - offsetof(QuiverBound, value))
		ReportCorruptBound();
	(void) ValueDim((QuiverBoundKind) bound->kind, QuiverBoundValue(bound));
	return bound;
}

bool
QuiverIsBoundAbout(const QuiverBound *bound, Datum value)
{
	struct varlena *plain = PG_DETOAST_DATUM(value);

	return VARSIZE(plain) == VARSIZE(bound->value) &&
		memcmp(plain, bound->value, VARSIZE(plain)) == 0;
}

bool
QuiverIsBoundOf(const QuiverBound *bound, const char *typeName)
{
	return strcmp(kindNames[bound->kind], typeName) == 0;
}

QuiverMetric
QuiverMetricByName(const text *name)
{
	for (int metric = 1; metric < METRIC_END; metric++)
		if (strlen(metricNames[metric]) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(metricNames[metric], VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return (QuiverMetric) metric;
	return (QuiverMetric) 0;
}

/* ------------------------------------------------------------ input, output */

/* quiver_bound_in(cstring) returns quiver_bound: nothing makes one from text. */
PG_FUNCTION_INFO_V1(quiver_bound_in);
Datum
quiver_bound_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type %s", "quiver_bound"),
			 errhint("Bounds are made by the planner, and by quiver_l2_bound and its like.")));
	PG_RETURN_NULL();
}

/* For EXPLAIN: short, so without the value. */
PG_FUNCTION_INFO_V1(quiver_bound_out);
Datum
quiver_bound_out(PG_FUNCTION_ARGS)
{
	const QuiverBound *bound = QuiverDatumGetBound(PG_GETARG_DATUM(0));

	PG_RETURN_CSTRING(psprintf("%s <= %.6g%s", metricNames[bound->metric], bound->radius,
							   bound->flags & QUIVER_BOUND_OR_NAN ? " or NaN" : ""));
}

/* ------------------------------------------------------------- constructors */

static Datum
MakeBound(FunctionCallInfo fcinfo, QuiverBoundKind kind, QuiverMetric metric)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	Size		size = offsetof(QuiverBound, value) + VARSIZE(value);
	QuiverBound *bound = palloc0(size);

	(void) ValueDim(kind, PointerGetDatum(value));
	SET_VARSIZE(bound, size);
	bound->kind = (uint8) kind;
	bound->metric = (uint8) metric;
	bound->radius = PG_GETARG_FLOAT8(1);
	memcpy(bound->value, value, VARSIZE(value));
	PG_RETURN_POINTER(bound);
}

/* (type, float8) returns quiver_bound: support function 2 of the type's classes. */
#define DEFINE_BOUND(name, kind, metric) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return MakeBound(fcinfo, kind, metric); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

DEFINE_BOUND(quiver_vector_l2_bound, QUIVER_BOUND_VECTOR, QUIVER_METRIC_L2);
DEFINE_BOUND(quiver_vector_ip_bound, QUIVER_BOUND_VECTOR, QUIVER_METRIC_IP);
DEFINE_BOUND(quiver_vector_cosine_bound, QUIVER_BOUND_VECTOR, QUIVER_METRIC_COSINE);
DEFINE_BOUND(quiver_vector_l1_bound, QUIVER_BOUND_VECTOR, QUIVER_METRIC_L1);
DEFINE_BOUND(quiver_halfvec_l2_bound, QUIVER_BOUND_HALFVEC, QUIVER_METRIC_L2);
DEFINE_BOUND(quiver_halfvec_ip_bound, QUIVER_BOUND_HALFVEC, QUIVER_METRIC_IP);
DEFINE_BOUND(quiver_halfvec_cosine_bound, QUIVER_BOUND_HALFVEC, QUIVER_METRIC_COSINE);
DEFINE_BOUND(quiver_halfvec_l1_bound, QUIVER_BOUND_HALFVEC, QUIVER_METRIC_L1);
DEFINE_BOUND(quiver_sparsevec_l2_bound, QUIVER_BOUND_SPARSEVEC, QUIVER_METRIC_L2);
DEFINE_BOUND(quiver_sparsevec_ip_bound, QUIVER_BOUND_SPARSEVEC, QUIVER_METRIC_IP);
DEFINE_BOUND(quiver_sparsevec_cosine_bound, QUIVER_BOUND_SPARSEVEC, QUIVER_METRIC_COSINE);
DEFINE_BOUND(quiver_sparsevec_l1_bound, QUIVER_BOUND_SPARSEVEC, QUIVER_METRIC_L1);
DEFINE_BOUND(quiver_hamming_bound, QUIVER_BOUND_BIT, QUIVER_METRIC_HAMMING);
DEFINE_BOUND(quiver_jaccard_bound, QUIVER_BOUND_BIT, QUIVER_METRIC_JACCARD);

/* quiver_or_nan(bound): the same, and values without a distance besides. */
PG_FUNCTION_INFO_V1(quiver_or_nan);
Datum
quiver_or_nan(PG_FUNCTION_ARGS)
{
	const QuiverBound *bound = QuiverDatumGetBound(PG_GETARG_DATUM(0));
	QuiverBound *result = palloc(VARSIZE(bound));

	memcpy(result, bound, VARSIZE(bound));
	result->flags |= QUIVER_BOUND_OR_NAN;
	PG_RETURN_POINTER(result);
}

/*
 * quiver_below(r): d <= quiver_below(r) says what d < r says, for every d and r
 * in the order that SQL gives double precision (NaN above all).  Below -Infinity
 * there is nothing: NULL.
 */
PG_FUNCTION_INFO_V1(quiver_below);
Datum
quiver_below(PG_FUNCTION_ARGS)
{
	float8		r = PG_GETARG_FLOAT8(0);

	if (isnan(r))
		PG_RETURN_FLOAT8(get_float8_infinity());
	if (isinf(r) && r < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(nextafter(r, -get_float8_infinity()));
}

/*
 * quiver_reach(k, c): no d above it has k - d >= c, rounding included.  (k - d
 * and k - c are each off by half a unit in the last place; four are allowed
 * for.)  NaN, which bounds nothing, where the sum leaves the finite numbers.
 */
PG_FUNCTION_INFO_V1(quiver_reach);
Datum
quiver_reach(PG_FUNCTION_ARGS)
{
	float8		k = PG_GETARG_FLOAT8(0);
	float8		c = PG_GETARG_FLOAT8(1);
	float8		reach = (k - c) + 4 * DBL_EPSILON * (fabs(k) + fabs(c)) + DBL_MIN;

	PG_RETURN_FLOAT8(isfinite(reach) ? reach : get_float8_nan());
}

/* ---------------------------------------------------------------- conditions */

/* type <@ quiver_bound. */
static bool
IsWithin(FunctionCallInfo fcinfo, QuiverBoundKind kind)
{
	Datum		value = PointerGetDatum(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	const QuiverBound *bound = QuiverDatumGetBound(PG_GETARG_DATUM(1));
	Datum		center = QuiverBoundValue(bound);
	float8		distance;

	/* Of another type's values this is none.  No error: a bound may be a column of a row, too. */
	if (bound->kind != kind)
		return false;

	if (ValueDim(kind, value) != ValueDim(kind, center))
		return true;
	distance = DatumGetFloat8(DirectFunctionCall2(distances[kind][bound->metric], value, center));
	return float8_le(distance, bound->radius) ||
		((bound->flags & QUIVER_BOUND_OR_NAN) != 0 && isnan(distance));
}

static const char *
ClippedName(const text *name)
{
	char	   *string = text_to_cstring(name);

	return QuiverClipText(string, strlen(string));
}

/* quiver_within(type, type, float8, text). */
static bool
IsWithinNamed(FunctionCallInfo fcinfo, QuiverBoundKind kind)
{
	const text *name = PG_GETARG_TEXT_PP(3);
	QuiverMetric metric = QuiverMetricByName(name);

	if (distances[kind][metric] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s has no distance \"%s\"", kindNames[kind],
						ClippedName(name)),
				 kind == QUIVER_BOUND_BIT ?
				 errhint("Distances are \"hamming\" and \"jaccard\".") :
				 errhint("Distances are \"l2\", \"ip\", \"cosine\" and \"l1\".")));

	return float8_le(DatumGetFloat8(DirectFunctionCall2(distances[kind][metric],
														PG_GETARG_DATUM(0), PG_GETARG_DATUM(1))),
					 PG_GETARG_FLOAT8(2));
}

#define DEFINE_CONDITIONS(type, kind) \
	PG_FUNCTION_INFO_V1(quiver_ ## type ## _in_bound); \
	Datum \
	quiver_ ## type ## _in_bound(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(IsWithin(fcinfo, kind)); \
	} \
	PG_FUNCTION_INFO_V1(quiver_ ## type ## _within); \
	Datum \
	quiver_ ## type ## _within(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(IsWithinNamed(fcinfo, kind)); \
	} \
	extern Datum quiver_ ## type ## _within(PG_FUNCTION_ARGS)

DEFINE_CONDITIONS(vector, QUIVER_BOUND_VECTOR);
DEFINE_CONDITIONS(halfvec, QUIVER_BOUND_HALFVEC);
DEFINE_CONDITIONS(sparsevec, QUIVER_BOUND_SPARSEVEC);
DEFINE_CONDITIONS(bit, QUIVER_BOUND_BIT);
