/*
 * Fuzzes the text input of vector, halfvec and sparsevec.
 *
 * An input is the type (1 byte), the typmod (1), how often the text is to be repeated
 * as elements of a longer one (1), and the text.
 */
#include <ctype.h>
#include <math.h>

#include "values.h"

#include "core/distance/kernels.h"
#include "halfvec.h"
#include "sparsevec.h"
#include "vector.h"

/*
 * The text, with repetitions > 0 as each of so many elements; of a sparsevec each gets
 * an index of its own.  Its memory ends with it.
 */
static char *
TextOf(const uint8_t *data, size_t size, int repetitions, bool sparse)
{
	size_t		length = strnlen((const char *) data, size);
	char	   *text = SqlAllocate((length + 16) * (repetitions + 1) + 32);
	size_t		at = 0;
	char	   *exact;

	if (repetitions == 0)
		memcpy(text, data, at = length);
	for (int i = 0; i < repetitions; i++)
	{
		text[at++] = i > 0 ? ',' : sparse ? '{' : '[';
		if (sparse)
			at += (size_t) sprintf(text + at, "%d:", i + 1);
		memcpy(text + at, data, length);
		at += length;
	}
	if (repetitions > 0)
		at += (size_t) sprintf(text + at, sparse ? "}/20000" : "]");
	exact = SqlAllocate(at + 1);
	memcpy(exact, text, at);
	exact[at] = '\0';
	return exact;
}

/* A dense text that was accepted, read once more by the C library alone. */
static void
CheckDense(int type, const char *text, Datum value)
{
	const char *at = strchr(text, '[') + 1;
	int			dim = ValueDim(type, value);

	for (int i = 0; i < dim; i++)
	{
		char	   *end;
		float		component = strtof(at, &end);
		uint16_t	half;

		Require(end != at, "an accepted text has a component that is no number", text);
		if (type == TYPE_VECTOR)
		{
			float		stored = ((QuiverVector *) DatumGetPointer(value))->x[i];

			Require(memcmp(&stored, &component, sizeof(float)) == 0, "a component is another number", text);
		}
		else
		{
			quiver_kernels()->f32_to_f16(&component, &half, 1);
			Require(((QuiverHalfvec *) DatumGetPointer(value))->x[i] == half, "a component is another number", text);
		}
		at = end;
		while (*at != '\0' && isspace((unsigned char) *at))
			at++;
		Require(*at == (i < dim - 1 ? ',' : ']'), "an accepted text has another number of components", text);
		at++;
	}
}

/* Every element of an accepted text that is not zero is in the value. */
static void
CheckSparse(const char *text, QuiverSparsevec *value)
{
	const char *at = strchr(text, '{') + 1;
	const float *values = QuiverSparsevecValues(value);
	int			found = 0;

	while (strchr(at, ':') != NULL)
	{
		char	   *end;
		long		index = strtol(at, &end, 10);
		float		element = strtof(strchr(end, ':') + 1, &end);

		for (int i = 0; i < value->nnz; i++)
			if (value->indices[i] == index - 1 && memcmp(&values[i], &element, sizeof(float)) == 0)
				found++;
		at = end;
		if (strpbrk(at, ",}") != NULL)
			at = strpbrk(at, ",}") + 1;
	}
	Require(found == value->nnz, "an element is another number", text);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int			type;
	int32		typmod;
	char	   *text;
	Datum		args[3];
	SqlResult	result;

	if (size < 3)
		return 0;
	type = data[0] % VECTOR_TYPES;
	typmod = data[1] == 0 ? -1 : data[1];
	/* 0 to 3, or around the limit of 16,000 */
	text = TextOf(data + 3, size - 3, data[2] < 250 ? data[2] % 4 : 16000 - 252 + data[2],
				  type == TYPE_SPARSEVEC);
	args[0] = CStringGetDatum(text);
	args[1] = ObjectIdGetDatum(InvalidOid);
	args[2] = Int32GetDatum(typmod);

	result = SqlCall(vectorTypes[type].in, 3, args);
	RequireCleanError(&result, vectorTypes[type].name);
	Require(strlen(result.message) < 300, "a message repeats too much", result.message);
	/* the list of a sparsevec grows by doubling, and is there beside the value */
	Require(result.allocated <= 64 * strlen(text) + 8192, "input takes more memory than its text is worth",
			vectorTypes[type].name);
	if (!result.failed)
	{
		Require(!result.isnull, "input returns NULL", text);
		Require(ValueFault(type, result.value) == NULL, "input lets in a value with", ValueFault(type, result.value));
		Require(typmod == -1 || typmod == ValueDim(type, result.value), "the typmod is not obeyed", text);
		if (type != TYPE_SPARSEVEC)
			CheckDense(type, text, result.value);
		else if (((QuiverSparsevec *) DatumGetPointer(result.value))->nnz < 300)
			CheckSparse(text, (QuiverSparsevec *) DatumGetPointer(result.value));
		CheckRoundTrips(type, result.value);
	}
	SqlReset();
	return 0;
}
