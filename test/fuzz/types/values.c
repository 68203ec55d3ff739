#include "values.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "halfvec.h"
#include "sparsevec.h"
#include "vector.h"

#define DECLARE(name) extern Datum name(PG_FUNCTION_ARGS)
DECLARE(quiver_vector_in);
DECLARE(quiver_vector_out);
DECLARE(quiver_vector_recv);
DECLARE(quiver_vector_send);
DECLARE(quiver_vector_typmod_in);
DECLARE(quiver_halfvec_in);
DECLARE(quiver_halfvec_out);
DECLARE(quiver_halfvec_recv);
DECLARE(quiver_halfvec_send);
DECLARE(quiver_halfvec_typmod_in);
DECLARE(quiver_sparsevec_in);
DECLARE(quiver_sparsevec_out);
DECLARE(quiver_sparsevec_recv);
DECLARE(quiver_sparsevec_send);
DECLARE(quiver_sparsevec_typmod_in);
DECLARE(quiver_array_to_vector);
DECLARE(quiver_array_to_halfvec);
DECLARE(quiver_array_to_sparsevec);
DECLARE(quiver_vector_to_vector);
DECLARE(quiver_vector_to_halfvec);
DECLARE(quiver_vector_to_sparsevec);
DECLARE(quiver_halfvec_to_vector);
DECLARE(quiver_halfvec_to_halfvec);
DECLARE(quiver_halfvec_to_sparsevec);
DECLARE(quiver_sparsevec_to_vector);
DECLARE(quiver_sparsevec_to_halfvec);
DECLARE(quiver_sparsevec_to_sparsevec);
DECLARE(quiver_vector_to_float4);
DECLARE(quiver_halfvec_to_float4);

const VectorType vectorTypes[VECTOR_TYPES] = {
	{"vector", QUIVER_VECTOR_MAX_DIM,
		quiver_vector_in, quiver_vector_out, quiver_vector_recv, quiver_vector_send,
		quiver_vector_typmod_in, quiver_array_to_vector,
	{quiver_vector_to_vector, quiver_vector_to_halfvec, quiver_vector_to_sparsevec},
	quiver_vector_to_float4},
	{"halfvec", QUIVER_HALFVEC_MAX_DIM,
		quiver_halfvec_in, quiver_halfvec_out, quiver_halfvec_recv, quiver_halfvec_send,
		quiver_halfvec_typmod_in, quiver_array_to_halfvec,
	{quiver_halfvec_to_vector, quiver_halfvec_to_halfvec, quiver_halfvec_to_sparsevec},
	quiver_halfvec_to_float4},
	{"sparsevec", QUIVER_SPARSEVEC_MAX_DIM,
		quiver_sparsevec_in, quiver_sparsevec_out, quiver_sparsevec_recv, quiver_sparsevec_send,
		quiver_sparsevec_typmod_in, quiver_array_to_sparsevec,
	{quiver_sparsevec_to_vector, quiver_sparsevec_to_halfvec, quiver_sparsevec_to_sparsevec},
	NULL}
};

static const char *
VectorFault(const QuiverVector *vector)
{
	if (VARSIZE(vector) < offsetof(QuiverVector, x) || vector->dim < 1 ||
		vector->dim > QUIVER_VECTOR_MAX_DIM || vector->unused != 0 ||
		VARSIZE(vector) != QuiverVectorSize(vector->dim))
		return "its header";
	for (int i = 0; i < vector->dim; i++)
		if (!isfinite(vector->x[i]))
			return "a component that is not finite";
	return NULL;
}

static const char *
HalfvecFault(const QuiverHalfvec *halfvec)
{
	if (VARSIZE(halfvec) < offsetof(QuiverHalfvec, x) || halfvec->dim < 1 ||
		halfvec->dim > QUIVER_HALFVEC_MAX_DIM || halfvec->unused != 0 ||
		VARSIZE(halfvec) != QuiverHalfvecSize(halfvec->dim))
		return "its header";
	for (int i = 0; i < halfvec->dim; i++)
		if (!QuiverHalfIsFinite(halfvec->x[i]))
			return "a component that is not finite";
	return NULL;
}

static const char *
SparsevecFault(QuiverSparsevec *sparsevec)
{
	const float *values;

	if (VARSIZE(sparsevec) < offsetof(QuiverSparsevec, indices) || sparsevec->dim < 1 ||
		sparsevec->dim > QUIVER_SPARSEVEC_MAX_DIM || sparsevec->nnz < 0 ||
		sparsevec->nnz > QUIVER_SPARSEVEC_MAX_NNZ || sparsevec->nnz > sparsevec->dim ||
		sparsevec->unused != 0 || VARSIZE(sparsevec) != QuiverSparsevecSize(sparsevec->nnz))
		return "its header";
	values = QuiverSparsevecValues(sparsevec);
	for (int i = 0; i < sparsevec->nnz; i++)
	{
		if (sparsevec->indices[i] < 0 || sparsevec->indices[i] >= sparsevec->dim)
			return "an index out of bounds";
		if (i > 0 && sparsevec->indices[i] <= sparsevec->indices[i - 1])
			return "indices that do not ascend";
		if (!isfinite(values[i]) || values[i] == 0)
			return "an element that is zero or not finite";
	}
	return NULL;
}

const char *
ValueFault(int type, Datum value)
{
	switch (type)
	{
		case TYPE_VECTOR:
			return VectorFault((QuiverVector *) DatumGetPointer(value));
		case TYPE_HALFVEC:
			return HalfvecFault((QuiverHalfvec *) DatumGetPointer(value));
		default:
			return SparsevecFault((QuiverSparsevec *) DatumGetPointer(value));
	}
}

int
ValueDim(int type, Datum value)
{
	switch (type)
	{
		case TYPE_VECTOR:
			return ((QuiverVector *) DatumGetPointer(value))->dim;
		case TYPE_HALFVEC:
			return ((QuiverHalfvec *) DatumGetPointer(value))->dim;
		default:
			return ((QuiverSparsevec *) DatumGetPointer(value))->dim;
	}
}

bool
SameValue(Datum a, Datum b)
{
	struct varlena *x = (struct varlena *) DatumGetPointer(a);
	struct varlena *y = (struct varlena *) DatumGetPointer(b);

	return VARSIZE(x) == VARSIZE(y) && memcmp(x, y, VARSIZE(x)) == 0;
}

bool
MayBeRaised(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
		case ERRCODE_INVALID_BINARY_REPRESENTATION:
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_NULL_VALUE_NOT_ALLOWED:
		case ERRCODE_INVALID_PARAMETER_VALUE:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_PROTOCOL_VIOLATION:
		case ERRCODE_ARRAY_ELEMENT_ERROR:
		case ERRCODE_DATA_CORRUPTED:
		case ERRCODE_DATATYPE_MISMATCH:
			return true;
		default:
			return false;
	}
}

void
RequireCleanError(const SqlResult *result, const char *function)
{
	if (result->failed && !MayBeRaised(result->sqlstate))
	{
		fprintf(stderr, "SQLSTATE %s\n", unpack_sql_state(result->sqlstate));
		Require(false, function, result->message);
	}
}

char *
unpack_sql_state(int sql_state)
{
	static char text[6];

	for (int i = 0; i < 5; i++, sql_state >>= 6)
		text[i] = PGUNSIXBIT(sql_state);
	text[5] = '\0';
	return text;
}

/* -------------------------------------------------------------- round trips */

static Datum
MustReturn(PGFunction function, int nargs, Datum *args, const char *what)
{
	SqlResult	result = SqlCall(function, nargs, args);

	Require(!result.failed && !result.isnull, what, result.message);
	return result.value;
}

static void
CheckText(const VectorType *type, Datum value)
{
	Datum		text = MustReturn(type->out, 1, &value, "output of a sound value fails");
	Datum		args[3] = {text, ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};

	Require(SameValue(MustReturn(type->in, 3, args, "input of an output fails"), value),
			"input of the output is another value", DatumGetCString(text));
}

static void
CheckWire(const VectorType *type, Datum value)
{
	Datum		sent = MustReturn(type->send, 1, &value, "send of a sound value fails");
	StringInfoData message = {VARDATA(DatumGetPointer(sent)),
	(int) VARSIZE(DatumGetPointer(sent)) - VARHDRSZ, 0, 0};
	Datum		args[3] = {PointerGetDatum(&message), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};

	Require(SameValue(MustReturn(type->recv, 3, args, "recv of what was sent fails"), value),
			"recv of what was sent is another value", type->name);
	Require(message.cursor == message.len, "recv leaves a part of what was sent", type->name);
}

/* There and back; the way to halfvec rounds, and some have no place elsewhere. */
static void
CheckCasts(int type, Datum value)
{
	for (int other = 0; other < VECTOR_TYPES; other++)
	{
		Datum		args[3] = {value, Int32GetDatum(-1), BoolGetDatum(true)};
		SqlResult	there = SqlCall(vectorTypes[type].toType[other], 3, args);
		SqlResult	back;

		RequireCleanError(&there, "cast");
		if (there.failed)
			continue;
		Require(!there.isnull, "a cast returns NULL", vectorTypes[other].name);
		Require(ValueFault(other, there.value) == NULL, "a cast returns what is not sound",
				ValueFault(other, there.value));
		Require(ValueDim(other, there.value) == ValueDim(type, value),
				"a cast changes the dimensions", vectorTypes[other].name);
		if (other == TYPE_HALFVEC)
			continue;
		args[0] = there.value;
		back = SqlCall(vectorTypes[other].toType[type], 3, args);
		Require(!back.failed, "the way back of a cast fails", back.message);
		/* a sparsevec has no -0 */
		if (other == TYPE_SPARSEVEC)
			continue;
		Require(SameValue(back.value, value), "a cast and its way back give another value",
				vectorTypes[other].name);
	}
}

static void
CheckArray(int type, Datum value)
{
	Datum		args[3] = {value, Int32GetDatum(-1), BoolGetDatum(true)};

	if (vectorTypes[type].toReal == NULL)
		return;
	args[0] = MustReturn(vectorTypes[type].toReal, 3, args, "cast to an array fails");
	Require(SameValue(MustReturn(vectorTypes[type].fromArray, 3, args, "cast of an array fails"), value),
			"a cast to an array and back gives another value", vectorTypes[type].name);
}

void
CheckRoundTrips(int type, Datum value)
{
	CheckText(&vectorTypes[type], value);
	CheckWire(&vectorTypes[type], value);
	CheckCasts(type, value);
	CheckArray(type, value);
}
