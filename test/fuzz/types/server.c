/*
 * server.c - the functions of a server that src/types calls.
 *
 * They do what PostgreSQL's own do as far as those are called, from the description of
 * their interfaces.  Numeric is another: a double in a varlena.
 */
#include "server.h"

#include <setjmp.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

/* The C library's, whose arguments AddressSanitizer looks at. */
#undef vsnprintf
#undef fprintf
#undef snprintf

bool		sqlInAggregate = false;
volatile sig_atomic_t InterruptPending = false;

static void **allocations;
static size_t allocationCount;
static size_t allocationRoom;
static size_t allocatedBytes;

static jmp_buf *handler;
static SqlResult *current;

void
Require(bool holds, const char *what, const char *detail)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s: %s\n", what, detail);
	abort();
}

/* ------------------------------------------------------------------- memory */

static void
Remember(void *chunk)
{
	if (allocationCount == allocationRoom)
	{
		allocationRoom = allocationRoom * 2 + 64;
		allocations = realloc(allocations, allocationRoom * sizeof(void *));
	}
	allocations[allocationCount++] = chunk;
}

static void **
Find(void *chunk)
{
	for (size_t i = allocationCount; i > 0; i--)
		if (allocations[i - 1] == chunk)
			return &allocations[i - 1];
	Require(false, "memory that nobody has allocated is given back", "");
	return NULL;
}

void *
SqlAllocate(size_t size)
{
	void	   *chunk = malloc(size);

	Remember(chunk);
	return chunk;
}

void
SqlReset(void)
{
	while (allocationCount > 0)
		free(allocations[--allocationCount]);
}

void *
palloc(Size size)
{
	Require(AllocSizeIsValid(size), "a size that nothing may have is asked for", "palloc");
	allocatedBytes += size;
	return SqlAllocate(size);
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
repalloc(void *pointer, Size size)
{
	void	  **place = Find(pointer);

	Require(AllocSizeIsValid(size), "a size that nothing may have is asked for", "repalloc");
	allocatedBytes += size;
	return *place = realloc(pointer, size);
}

void
pfree(void *pointer)
{
	void	  **place = Find(pointer);

	*place = allocations[--allocationCount];
	free(pointer);
}

char *
pnstrdup(const char *in, Size length)
{
	Size		n = strnlen(in, length);
	char	   *out = palloc(n + 1);

	memcpy(out, in, n);
	out[n] = '\0';
	return out;
}

char *
text_to_cstring(const text *t)
{
	return pnstrdup(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

char *
psprintf(const char *format, ...)
{
	char		text[1024];
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	Require(length >= 0 && (size_t) length < sizeof(text), "a text is longer than any should be", format);
	return pnstrdup(text, length);
}

/* ------------------------------------------------------------------- errors */

bool
errstart(int elevel, const char *domain)
{
	Require(handler != NULL && elevel == ERROR, "an error is raised outside a call", "");
	current->sqlstate = ERRCODE_INTERNAL_ERROR;
	current->message[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	current->sqlstate = sqlerrcode;
	return 0;
}

int
errmsg(const char *format, ...)
{
	va_list		args;

	va_start(args, format);
	(void) vsnprintf(current->message, sizeof(current->message), format, args);
	va_end(args);
	return 0;
}

int
errdetail(const char *format, ...)
{
	char		text[1024];
	va_list		args;

	va_start(args, format);
	(void) vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return 0;
}

int
errhint(const char *format, ...)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	current->failed = true;
	longjmp(*handler, 1);
}

#if PG_VERSION_NUM >= 160000
bool
errsave_start(struct Node *context, const char *domain)
{
	return errstart(ERROR, domain);
}

void
errsave_finish(struct Node *context, const char *filename, int lineno, const char *funcname)
{
	errfinish(filename, lineno, funcname);
}
#endif

#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *conditionName, const char *fileName, int lineNumber)
#else
void
ExceptionalCondition(const char *conditionName, const char *errorType, const char *fileName, int lineNumber)
#endif
{
	fprintf(stderr, "%s:%d: ", fileName, lineNumber);
	Require(false, "assertion", conditionName);
	abort();
}

static void
Raise(int sqlstate, const char *message)
{
	ereport(ERROR, (errcode(sqlstate), errmsg("%s", message)));
}

void
float_overflow_error(void)
{
	Raise(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
	abort();
}

void
float_underflow_error(void)
{
	Raise(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
	abort();
}

void
ProcessInterrupts(void)
{
}

/* -------------------------------------------------------------------- calls */

SqlResult
SqlCall(PGFunction function, int nargs, const Datum *args)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	static SqlResult result;
	jmp_buf		here;

	memset(&result, 0, sizeof(result));
	allocatedBytes = 0;
	InitFunctionCallInfoData(*fcinfo, NULL, nargs, InvalidOid, NULL, NULL);
	for (int i = 0; i < nargs; i++)
	{
		fcinfo->args[i].value = args[i];
		fcinfo->args[i].isnull = false;
	}
	current = &result;
	handler = &here;
	if (setjmp(here) == 0)
	{
		result.value = function(fcinfo);
		result.isnull = fcinfo->isnull;
	}
	handler = NULL;
	result.allocated = allocatedBytes;
	return result;
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	return func(fcinfo);
}

Datum
DirectFunctionCall2Coll(PGFunction func, Oid collation, Datum arg1, Datum arg2)
{
	LOCAL_FCINFO(fcinfo, 2);

	InitFunctionCallInfoData(*fcinfo, NULL, 2, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = arg2;
	fcinfo->args[1].isnull = false;
	return func(fcinfo);
}

int
AggCheckCallContext(FunctionCallInfo fcinfo, MemoryContext *aggcontext)
{
	return sqlInAggregate ? AGG_CONTEXT_AGGREGATE : 0;
}

/* A value with a short header becomes one with a long one; others do not occur. */
struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	Size		size;
	struct varlena *plain;

	if (VARATT_IS_4B_U(datum))
		return datum;
	Require(VARATT_IS_1B(datum) && !VARATT_IS_1B_E(datum), "no such value was given", "");
	size = VARSIZE_SHORT(datum) - VARHDRSZ_SHORT + VARHDRSZ;
	plain = palloc(size);
	SET_VARSIZE(plain, size);
	memcpy(VARDATA(plain), VARDATA_SHORT(datum), size - VARHDRSZ);
	return plain;
}

struct varlena *
pg_detoast_datum_copy(struct varlena *datum)
{
	struct varlena *plain = pg_detoast_datum(datum);

	return plain == datum ? memcpy(palloc(VARSIZE(datum)), datum, VARSIZE(datum)) : plain;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	return datum;
}

/* ------------------------------------------------------------ text and wire */

/* Bytes that begin a character of UTF-8 are those that are not 10xxxxxx. */
int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	if (len <= limit)
		return len;
	while (limit > 0 && ((unsigned char) mbstr[limit] & 0xC0) == 0x80)
		limit--;
	return limit;
}

void
initStringInfo(StringInfo str)
{
	str->maxlen = 16;
	str->data = palloc(str->maxlen);
	str->len = 0;
	str->cursor = 0;
	str->data[0] = '\0';
}

void
enlargeStringInfo(StringInfo str, int needed)
{
	int			wanted = str->len + needed + 1;

	Require(needed >= 0 && wanted > 0, "a string grows beyond all measure", "");
	if (wanted <= str->maxlen)
		return;
	str->maxlen = Max(wanted, str->maxlen + str->maxlen / 2);
	str->data = repalloc(str->data, str->maxlen);
}

void
appendStringInfo(StringInfo str, const char *format, ...)
{
	char		text[1024];
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	Require(length >= 0 && (size_t) length < sizeof(text), "a text is longer than any should be", format);
	enlargeStringInfo(str, length);
	memcpy(str->data + str->len, text, length + 1);
	str->len += length;
}

void
appendStringInfoChar(StringInfo str, char ch)
{
	enlargeStringInfo(str, 1);
	str->data[str->len++] = ch;
	str->data[str->len] = '\0';
}

const char *
pq_getmsgbytes(StringInfo msg, int datalen)
{
	const char *bytes = msg->data + msg->cursor;

	if (datalen < 0 || datalen > msg->len - msg->cursor)
		Raise(ERRCODE_PROTOCOL_VIOLATION, "insufficient data left in message");
	msg->cursor += datalen;
	return bytes;
}

unsigned int
pq_getmsgint(StringInfo msg, int b)
{
	const unsigned char *bytes = (const unsigned char *) pq_getmsgbytes(msg, b);
	unsigned int value = 0;

	for (int i = 0; i < b; i++)
		value = value << 8 | bytes[i];
	return value;
}

void
pq_begintypsend(StringInfo buf)
{
	initStringInfo(buf);
	enlargeStringInfo(buf, VARHDRSZ);
	buf->len = VARHDRSZ;
}

bytea *
pq_endtypsend(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

/*
 * The library's are not watched by AddressSanitizer: what they write is copied from
 * here, so that the copy is.  The linker turns calls of the names without __wrap_ to these.
 */
extern int	__real_float_to_shortest_decimal_bufn(float f, char *result);
extern int	__wrap_float_to_shortest_decimal_bufn(float f, char *result);
int
__wrap_float_to_shortest_decimal_bufn(float f, char *result)
{
	char		text[64];
	int			length = __real_float_to_shortest_decimal_bufn(f, text);

	memcpy(result, text, length);
	return length;
}

extern int	__real_float_to_shortest_decimal_buf(float f, char *result);
extern int	__wrap_float_to_shortest_decimal_buf(float f, char *result);
int
__wrap_float_to_shortest_decimal_buf(float f, char *result)
{
	char		text[64];
	int			length = __real_float_to_shortest_decimal_buf(f, text);

	memcpy(result, text, length + 1);
	return length;
}

extern int	__real_double_to_shortest_decimal_buf(double f, char *result);
extern int	__wrap_double_to_shortest_decimal_buf(double f, char *result);
int
__wrap_double_to_shortest_decimal_buf(double f, char *result)
{
	char		text[64];
	int			length = __real_double_to_shortest_decimal_buf(f, text);

	memcpy(result, text, length + 1);
	return length;
}

/* ------------------------------------------------------------------- arrays */

int
ArrayGetNItems(int ndim, const int *dims)
{
	int64		count = ndim > 0 ? 1 : 0;

	for (int i = 0; i < ndim; i++)
	{
		count *= dims[i];
		if (dims[i] < 0 || count > (int64) (MaxAllocSize / sizeof(Datum)))
			Raise(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed");
	}
	return (int) count;
}

bool
array_contains_nulls(ArrayType *array)
{
	const bits8 *bitmap = ARR_NULLBITMAP(array);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (!ARR_HASNULL(array))
		return false;
	for (int i = 0; i < count; i++)
		if ((bitmap[i / 8] & (1 << (i % 8))) == 0)
			return true;
	return false;
}

/* Elements of variable length and without nulls, aligned to four bytes. */
void
deconstruct_array(ArrayType *array, Oid elmtype, int elmlen, bool elmbyval, char elmalign,
				  Datum **elemsp, bool **nullsp, int *nelemsp)
{
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	char	   *element = (char *) array + ARR_DATA_OFFSET(array);

	Require(elmlen == -1 && elmalign == TYPALIGN_INT && nullsp == NULL &&
			elmtype == ARR_ELEMTYPE(array), "an array is read as what it is not", "");
	*elemsp = palloc(sizeof(Datum) * Max(count, 1));
	*nelemsp = count;
	for (int i = 0; i < count; i++)
	{
		(*elemsp)[i] = PointerGetDatum(element);
		element += INTALIGN(VARSIZE(element));
	}
}

/* Of cstring[], whose elements lie one after the other. */
int32 *
ArrayGetIntegerTypmods(ArrayType *array, int *n)
{
	char	   *element = (char *) array + ARR_OVERHEAD_NONULLS(1);
	int32	   *result;

	if (ARR_ELEMTYPE(array) != CSTRINGOID)
		Raise(ERRCODE_ARRAY_ELEMENT_ERROR, "typmod array must be type cstring[]");
	if (ARR_NDIM(array) != 1)
		Raise(ERRCODE_ARRAY_SUBSCRIPT_ERROR, "typmod array must be one-dimensional");
	if (array_contains_nulls(array))
		Raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, "typmod array must not contain nulls");
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	result = palloc(sizeof(int32) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		long		value = strtol(element, NULL, 10);

		if (value < PG_INT32_MIN || value > PG_INT32_MAX)
			Raise(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value is out of range for type integer");
		result[i] = (int32) value;
		element += strlen(element) + 1;
	}
	return result;
}

Datum
numeric_float4(PG_FUNCTION_ARGS)
{
	double		value;

	memcpy(&value, VARDATA(PG_GETARG_POINTER(0)), sizeof(value));
	if (isinf((float4) value) && !isinf(value))
		Raise(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "out of range for type real");
	PG_RETURN_FLOAT4((float4) value);
}
