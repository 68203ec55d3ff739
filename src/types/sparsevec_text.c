/*
 * sparsevec_text.c - the text form of sparsevec: "{index:value,...}/dimensions",
 * indices counted from 1, read in any order, written ascending.
 */
#include "sparsevec.h"

#include "miscadmin.h"

#include "number_text.h"

typedef struct Element
{
	int64		index;			/* as in SQL, counted from 1; any number */
	float		value;
} Element;

/* What the text says, before it is checked against its dimensions. */
typedef struct Elements
{
	int			n;
	int			room;
	Element    *elements;
} Elements;

QuiverSparsevec *
QuiverNewSparsevec(int32 dim, int nnz)
{
	Size		size = QuiverSparsevecSize(nnz);
	QuiverSparsevec *result = palloc0(size);

	Assert(dim >= 1 && dim <= QUIVER_SPARSEVEC_MAX_DIM);
	Assert(nnz >= 0 && nnz <= QUIVER_SPARSEVEC_MAX_NNZ);
	SET_VARSIZE(result, size);
	result->dim = dim;
	result->nnz = nnz;
	return result;
}

bool
QuiverCheckNnz(int64 nnz, Node *escontext)
{
	if (nnz <= QUIVER_SPARSEVEC_MAX_NNZ)
		return true;
	QUIVER_INPUT_ERROR(escontext,
					   (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("sparsevec cannot have more than %d non-zero elements",
							   QUIVER_SPARSEVEC_MAX_NNZ)));
	return false;
}

/* Appends an element; returns false after a soft error. */
static bool
Append(Elements *list, int64 index, float value, Node *escontext)
{
	if (!QuiverCheckNnz((int64) list->n + 1, escontext))
		return false;
	if (list->n == list->room)
	{
		list->room = Min(list->room * 2, QUIVER_SPARSEVEC_MAX_NNZ);
		list->elements = repalloc(list->elements, sizeof(Element) * list->room);
	}
	list->elements[list->n].index = index;
	list->elements[list->n].value = value;
	list->n++;
	return true;
}

/* "{1:1.5,...}/dim"; zeros are read and dropped.  False after a soft error. */
static bool
ReadText(QuiverTextInput *input, Elements *list, int64 *dim)
{
	if (!QuiverAcceptChar(input, '{'))
		return QuiverSyntaxError(input, "Expected \"{\"");
	if (!QuiverAcceptChar(input, '}'))
	{
		int64		read = 0;

		do
		{
			int64		index;
			float		value;

			if (read++ % QUIVER_ELEMENTS_PER_POLL == 0)
				CHECK_FOR_INTERRUPTS();
			if (!QuiverReadInt(input, &index))
				return false;
			if (!QuiverAcceptChar(input, ':'))
				return QuiverSyntaxError(input, "Expected \":\"");
			if (!QuiverReadFloat(input, &value))
				return false;
			if (value != 0 && !Append(list, index, value, input->escontext))
				return false;
		} while (QuiverAcceptChar(input, ','));
		if (!QuiverAcceptChar(input, '}'))
			return QuiverSyntaxError(input, *input->at == '\0' ? "Unexpected end of input" :
									 "Expected \",\" or \"}\"");
	}
	if (!QuiverAcceptChar(input, '/'))
		return QuiverSyntaxError(input, "Expected \"/\" and the number of dimensions");
	if (!QuiverReadInt(input, dim))
		return false;
	if (*input->at != '\0')
		return QuiverSyntaxError(input, "Unexpected text after the number of dimensions");
	return true;
}

static int
OrderByIndex(const void *a, const void *b)
{
	int64		x = ((const Element *) a)->index;
	int64		y = ((const Element *) b)->index;

	return (x > y) - (x < y);
}

static bool
IsSorted(const Elements *list)
{
	for (int i = 1; i < list->n; i++)
		if (list->elements[i - 1].index >= list->elements[i].index)
			return false;
	return true;
}

/* Sorts, and refuses what is out of range or there twice.  False after a soft error. */
static bool
Arrange(Elements *list, int64 dim, Node *escontext)
{
	if (!IsSorted(list))
		qsort(list->elements, list->n, sizeof(Element), OrderByIndex);
	for (int i = 0; i < list->n; i++)
	{
		int64		index = list->elements[i].index;

		if (index < 1 || index > dim)
		{
			QUIVER_INPUT_ERROR(escontext,
							   (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("sparsevec index out of bounds"),
								errdetail("Index %lld is not between 1 and %lld.",
										  (long long) index, (long long) dim)));
			return false;
		}
		if (i > 0 && index == list->elements[i - 1].index)
		{
			QUIVER_INPUT_ERROR(escontext,
							   (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("sparsevec indices must not contain duplicates"),
								errdetail("Index %lld is there more than once.",
										  (long long) index)));
			return false;
		}
	}
	return true;
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_in);
Datum
quiver_sparsevec_in(PG_FUNCTION_ARGS)
{
	const char *literal = PG_GETARG_CSTRING(0);
	QuiverTextInput input = {&quiverSparsevecType, literal, literal, fcinfo->context};
	Elements	list = {0, 64, palloc(sizeof(Element) * 64)};
	int64		dim;
	QuiverSparsevec *result;
	float	   *values;

	if (!ReadText(&input, &list, &dim) ||
		!QuiverCheckDim(&quiverSparsevecType, dim, fcinfo->context) ||
		!QuiverCheckTypmod(PG_GETARG_INT32(2), (int) dim, fcinfo->context) ||
		!Arrange(&list, dim, fcinfo->context))
		PG_RETURN_NULL();

	result = QuiverNewSparsevec((int32) dim, list.n);
	values = QuiverSparsevecValues(result);
	for (int i = 0; i < list.n; i++)
	{
		result->indices[i] = (int32) list.elements[i].index - 1;
		values[i] = list.elements[i].value;
	}
	pfree(list.elements);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_out);
Datum
quiver_sparsevec_out(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *sparsevec = QUIVER_GETARG_SPARSEVEC(0);
	const float *values = QuiverSparsevecValues(sparsevec);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < sparsevec->nnz; i++)
	{
		if (i % QUIVER_ELEMENTS_PER_POLL == 0)
			CHECK_FOR_INTERRUPTS();
		appendStringInfo(&buf, "%s%d:", i == 0 ? "" : ",", sparsevec->indices[i] + 1);
		QuiverAppendFloat(&buf, values[i]);
	}
	appendStringInfo(&buf, "}/%d", sparsevec->dim);
	PG_RETURN_CSTRING(buf.data);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_typmod_in);
Datum
quiver_sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QuiverTypmodIn(&quiverSparsevecType, PG_GETARG_DATUM(0)));
}
