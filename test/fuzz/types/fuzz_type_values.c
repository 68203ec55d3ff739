/*
 * Fuzzes the functions of the types over values that nothing has checked: what is
 * stored may be damaged, arrays and states come from anybody.
 *
 * An input is the number of a function (1 byte), then its arguments one after the
 * other, each as Make... below takes it.  Where the bytes end, zeros follow.
 */
#include <math.h>

#include "values.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/varbit.h"

#include "bound.h"
#include "halfvec.h"
#include "sparsevec.h"
#include "vector.h"

/*
 * Arguments and result, a letter each: v h s the vector types, b bit, B bound, i integer,
 * d double precision, t text, o boolean, a an array of numbers, A one of double
 * precision, - what is not looked at.
 */
typedef struct Function
{
	const char *name;
	PGFunction	function;
	const char *arguments;
	char		result;
} Function;

#define F(name, arguments, result) extern Datum quiver_##name(PG_FUNCTION_ARGS);
#include "functions.inc"
#undef F

static const Function functions[] = {
#define F(name, arguments, result) {#name, quiver_##name, arguments, result},
#include "functions.inc"
#undef F
};

/* ---------------------------------------------------------------- arguments */

typedef struct Bytes
{
	const uint8_t *at;
	size_t		left;
} Bytes;

static void
Take(Bytes *bytes, void *to, size_t count)
{
	size_t		there = Min(count, bytes->left);

	memcpy(to, bytes->at, there);
	memset((char *) to + there, 0, count - there);
	bytes->at += there;
	bytes->left -= there;
}

static uint8_t
TakeByte(Bytes *bytes)
{
	uint8_t		byte;

	Take(bytes, &byte, 1);
	return byte;
}

/* Fills count bytes with up to 4096 of the input, again and again. */
static void
TakeRepeated(Bytes *bytes, char *to, size_t count, size_t unit)
{
	size_t		once = Min(count, Min((size_t) 4096, Max(bytes->left, unit)) / unit * unit);

	Take(bytes, to, once);
	for (size_t i = once; i < count; i++)
		to[i] = to[i - once];
}

/* Small numbers mostly; some at the limits of the types. */
static int
TakeCount(Bytes *bytes)
{
	static const int limits[] = {15999, 16000, 16001, 16002, 17000, 8192, 1024, 300};
	uint8_t		byte = TakeByte(bytes);

	return byte < 248 ? byte % 80 : limits[byte - 248];
}

/*
 * A vector of any of the types: a byte of flags, how many components, then all of it
 * after the length, or with flag 1 its components only, with a header that is sound.
 * Flag 2: a short header.  The length is always that of the memory, as the server has it.
 */
static Datum
MakeVector(Bytes *bytes, int type)
{
	uint8_t		flags = TakeByte(bytes);
	int			count = TakeCount(bytes);
	size_t		header = type == TYPE_SPARSEVEC ? 16 : 8;
	size_t		element = type == TYPE_SPARSEVEC ? 8 : type == TYPE_HALFVEC ? 2 : 4;
	/* what is not sound may end anywhere */
	size_t		size = (flags & 1) != 0 ? header + element * count :
		VARHDRSZ + (flags & 4 ? 4 * (size_t) count : (size_t) count);
	char	   *value = SqlAllocate(size);

	SET_VARSIZE(value, size);
	if ((flags & 1) == 0)
		TakeRepeated(bytes, VARDATA(value), size - VARHDRSZ, 1);
	else
	{
		TakeRepeated(bytes, value + header, size - header, element);
		memset(value + VARHDRSZ, 0, header - VARHDRSZ);
		if (type == TYPE_SPARSEVEC)
		{
			((QuiverSparsevec *) value)->nnz = count;
			((QuiverSparsevec *) value)->dim = (int32) (TakeByte(bytes) * (flags & 8 ? 70 : 1));
			/* with flag 16 ascending, so that more than the first look goes on */
			for (int i = 0; i < count && (flags & 16) != 0; i++)
				((QuiverSparsevec *) value)->indices[i] = i * (1 + (flags >> 5));
		}
		else
			((QuiverVector *) value)->dim = (int16) count;
	}
	if ((flags & 2) != 0 && VARATT_CAN_MAKE_SHORT(value))
	{
		size_t		small = VARATT_CONVERTED_SHORT_SIZE(value);
		char	   *packed = SqlAllocate(small);

		SET_VARSIZE_SHORT(packed, small);
		memcpy(VARDATA_SHORT(packed), VARDATA(value), small - VARHDRSZ_SHORT);
		value = packed;
	}
	return PointerGetDatum(value);
}

/* Bits: how many bytes, how many bits of them; damaged ones say something else. */
static Datum
MakeBits(Bytes *bytes, bool maybeDamaged)
{
	int			count = TakeCount(bytes);
	int32		length = count * BITS_PER_BYTE - TakeByte(bytes) % BITS_PER_BYTE;
	size_t		size = VARBITHDRSZ + VARHDRSZ + (size_t) count;
	VarBit	   *bits = SqlAllocate(size);

	SET_VARSIZE(bits, size);
	VARBITLEN(bits) = count == 0 ? 0 : length;
	TakeRepeated(bytes, (char *) VARBITS(bits), (size_t) count, 1);
	if (maybeDamaged && TakeByte(bytes) % 2 == 1)
		Take(bytes, &VARBITLEN(bits), sizeof(int32));
	return PointerGetDatum(bits);
}

/* A bound about a vector or bits, or about anything. */
static Datum
MakeBound(Bytes *bytes)
{
	uint8_t		kind = TakeByte(bytes);
	Datum		about = kind % 4 == 3 ? MakeBits(bytes, true) : MakeVector(bytes, kind % 4);
	char	   *value = DatumGetPointer(about);
	size_t		size = offsetof(QuiverBound, value) + VARSIZE_ANY(value);
	QuiverBound *bound = SqlAllocate(size);

	SET_VARSIZE(bound, size);
	bound->kind = kind & 0x80 ? kind : kind % 4;
	bound->metric = TakeByte(bytes) % 9;
	bound->flags = TakeByte(bytes) % 3;
	Take(bytes, &bound->radius, sizeof(double));
	memcpy(bound->value, value, VARSIZE_ANY(value));
	return PointerGetDatum(bound);
}

/* An array as the server makes them: its header is sound, what it holds is anything. */
static Datum
MakeArray(Bytes *bytes, bool ofDouble)
{
	static const Oid types[] = {INT4OID, FLOAT4OID, FLOAT8OID, NUMERICOID, INT8OID};
	static const int sizes[] = {4, 4, 8, 12, 8};
	uint8_t		shape = TakeByte(bytes);
	int			which = ofDouble && shape < 240 ? 2 : shape % 5;
	int			ndim = shape % 32 < 28 ? 1 : shape % 32 - 28;
	int			count = ndim == 0 ? 0 : TakeCount(bytes);
	bool		nulls = TakeByte(bytes) % 16 == 15;
	size_t		overhead = nulls ? ARR_OVERHEAD_WITHNULLS(ndim, count) : ARR_OVERHEAD_NONULLS(ndim);
	size_t		size = overhead + (size_t) sizes[which] * count;
	ArrayType  *array = SqlAllocate(size);
	char	   *data = (char *) array + overhead;

	memset(array, 0, overhead);
	SET_VARSIZE(array, size);
	array->ndim = ndim;
	array->dataoffset = nulls ? (int32) overhead : 0;
	array->elemtype = types[which];
	for (int i = 0; i < ndim; i++)
	{
		ARR_DIMS(array)[i] = i == 0 ? count : 1;
		ARR_LBOUND(array)[i] = i;
	}
	if (nulls)
		Take(bytes, ARR_NULLBITMAP(array), (size_t) (count + 7) / 8);
	TakeRepeated(bytes, data, size - overhead, (size_t) sizes[which]);
	for (int i = 0; i < count && types[which] == NUMERICOID; i++)
		SET_VARSIZE(data + 12 * i, 12);
	return PointerGetDatum(array);
}

static Datum
MakeText(Bytes *bytes)
{
	static const char *const names[] = {"l2", "ip", "cosine", "l1", "hamming", "jaccard"};
	uint8_t		which = TakeByte(bytes);
	size_t		length = which < 6 ? strlen(names[which]) : which % 128;
	text	   *result = SqlAllocate(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	if (which < 6)
		memcpy(VARDATA(result), names[which], length);
	else
		Take(bytes, VARDATA(result), length);
	return PointerGetDatum(result);
}

static int
TypeOf(char letter)
{
	return letter == 'v' ? TYPE_VECTOR : letter == 'h' ? TYPE_HALFVEC : letter == 's' ? TYPE_SPARSEVEC : -1;
}

static Datum
Make(Bytes *bytes, char letter)
{
	int32		number = 0;
	double		fraction;

	switch (letter)
	{
		case 'b':
			/* distances of bit trust the server's own type; bounds do not */
			return MakeBits(bytes, false);
		case 'B':
			return MakeBound(bytes);
		case 'i':
			Take(bytes, &number, TakeByte(bytes) % 2 == 0 ? 1 : 4);
			return Int32GetDatum(number - 1);
		case 'd':
			Take(bytes, &fraction, sizeof(fraction));
			return Float8GetDatum(fraction);
		case 't':
			return MakeText(bytes);
		case 'o':
			return BoolGetDatum(TakeByte(bytes) % 2);
		case 'a':
			return MakeArray(bytes, false);
		case 'A':
			return MakeArray(bytes, true);
		default:
			return MakeVector(bytes, TypeOf(letter));
	}
}

/* ------------------------------------------------------------------- results */

/* A value with a long header, for looking at it. */
static Datum
Plain(Datum value)
{
	return PointerGetDatum(PG_DETOAST_DATUM(value));
}

/* Sound arguments give sound results. */
static void
CheckResult(const Function *function, const Datum *args, Datum value)
{
	int			type = TypeOf(function->result);

	if (type < 0)
		return;
	for (int i = 0; function->arguments[i] != '\0'; i++)
	{
		int			given = TypeOf(function->arguments[i]);

		if (given >= 0 && ValueFault(given, Plain(args[i])) != NULL)
			return;
	}
	Require(ValueFault(type, Plain(value)) == NULL, function->name, ValueFault(type, Plain(value)));
	CheckRoundTrips(type, Plain(value));
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes		bytes = {data, size};
	const Function *function = &functions[TakeByte(&bytes) % lengthof(functions)];
	Datum		args[FUNC_MAX_ARGS];
	int			nargs = (int) strlen(function->arguments);
	SqlResult	result;

	sqlInAggregate = TakeByte(&bytes) % 2 == 1;
	for (int i = 0; i < nargs; i++)
		args[i] = Make(&bytes, function->arguments[i]);
	result = SqlCall(function->function, nargs, args);
	RequireCleanError(&result, function->name);
	if (!result.failed && !result.isnull)
		CheckResult(function, args, result.value);
	SqlReset();
	return 0;
}
