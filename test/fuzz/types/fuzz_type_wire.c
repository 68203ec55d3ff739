/*
 * Fuzzes the binary input of vector, halfvec and sparsevec, and what they declare as
 * their type modifier.
 *
 * An input is the type (1 byte), the typmod (1), how often the last 4 bytes of the
 * message are to be repeated (1), and the message.
 */
#include "values.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"

/* Its memory ends with the message: a server's has a byte 0 more, which nothing may count on. */
static StringInfoData
MessageOf(const uint8_t *data, size_t size, int repetitions)
{
	size_t		element = size < 4 ? 0 : 4;
	size_t		length = size + repetitions * element;
	StringInfoData message = {SqlAllocate(length), (int) length, (int) length, 0};

	memcpy(message.data, data, size);
	for (int i = 0; i < repetitions; i++)
		memcpy(message.data + size + i * element, data + size - element, element);
	return message;
}

/* typmod_in of the text between commas, as elements of cstring[]. */
static void
TryTypmod(int type, const uint8_t *data, size_t size)
{
	size_t		room = ARR_OVERHEAD_NONULLS(1) + size + 1;
	ArrayType  *array = SqlAllocate(room);
	char	   *elements = (char *) array + ARR_OVERHEAD_NONULLS(1);
	int			count = 1;
	Datum		arg = PointerGetDatum(array);
	SqlResult	result;

	memset(array, 0, ARR_OVERHEAD_NONULLS(1));
	memcpy(elements, data, size);
	elements[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (elements[i] == ',' || elements[i] == '\0')
		{
			elements[i] = '\0';
			count++;
		}
	SET_VARSIZE(array, room);
	array->ndim = 1;
	array->elemtype = CSTRINGOID;
	ARR_DIMS(array)[0] = count;
	ARR_LBOUND(array)[0] = 1;

	result = SqlCall(vectorTypes[type].typmodIn, 1, &arg);
	RequireCleanError(&result, "typmod_in");
	if (!result.failed)
		Require(DatumGetInt32(result.value) >= 1 && DatumGetInt32(result.value) <= vectorTypes[type].maxDim,
				"a typmod out of range is accepted", vectorTypes[type].name);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int			type;
	int32		typmod;
	StringInfoData message;
	Datum		args[3];
	SqlResult	result;

	if (size < 3)
		return 0;
	type = data[0] % VECTOR_TYPES;
	typmod = data[1] == 0 ? -1 : data[1];
	message = MessageOf(data + 3, size - 3, data[2] < 128 ? data[2] % 8 : (data[2] - 127) * 126);
	args[0] = PointerGetDatum(&message);
	args[1] = ObjectIdGetDatum(InvalidOid);
	args[2] = Int32GetDatum(typmod);

	result = SqlCall(vectorTypes[type].recv, 3, args);
	RequireCleanError(&result, vectorTypes[type].name);
	Require(message.cursor >= 0 && message.cursor <= message.len, "more is read than there is",
			vectorTypes[type].name);
	/* a value is as long as its message, but for the header */
	Require(result.allocated <= (size_t) message.len + 16, "a length is believed before the bytes are seen",
			vectorTypes[type].name);
	if (!result.failed)
	{
		SqlResult	sent;

		Require(!result.isnull, "recv returns NULL", vectorTypes[type].name);
		Require(ValueFault(type, result.value) == NULL, "recv lets in a value with", ValueFault(type, result.value));
		Require(typmod == -1 || typmod == ValueDim(type, result.value), "the typmod is not obeyed",
				vectorTypes[type].name);
		args[0] = result.value;
		sent = SqlCall(vectorTypes[type].send, 1, args);
		Require(!sent.failed && VARSIZE(DatumGetPointer(sent.value)) - VARHDRSZ == (size_t) message.cursor &&
				memcmp(VARDATA(DatumGetPointer(sent.value)), message.data, message.cursor) == 0,
				"send of what was received is another message", vectorTypes[type].name);
		CheckRoundTrips(type, result.value);
	}
	TryTypmod(type, data + 3, size - 3);
	SqlReset();
	return 0;
}
