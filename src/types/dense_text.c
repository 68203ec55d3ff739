/*
 * dense_text.c - "[1,2,3]", the text form of vector and halfvec.
 */
#include "dense_text.h"

#include "common/shortest_dec.h"
#include "miscadmin.h"

#include "number_text.h"

int
QuiverDenseIn(const QuiverElementType *type, const char *literal, int32 typmod,
			  float *x, Node *escontext)
{
	QuiverTextInput input = {type, literal, literal, escontext};
	int			n = 0;

	if (!QuiverAcceptChar(&input, '['))
	{
		QuiverSyntaxError(&input, "Expected \"[\"");
		return 0;
	}
	if (!QuiverAcceptChar(&input, ']'))
	{
		do
		{
			float		value;

			if (n % QUIVER_ELEMENTS_PER_POLL == 0)
				CHECK_FOR_INTERRUPTS();
			if (!QuiverReadFloat(&input, &value))
				return 0;
			if (n == type->maxDim)
			{
				QuiverCheckDim(type, (int64) n + 1, escontext);
				return 0;
			}
			x[n++] = value;
		} while (QuiverAcceptChar(&input, ','));

		if (!QuiverAcceptChar(&input, ']'))
		{
			QuiverSyntaxError(&input, *input.at == '\0' ? "Unexpected end of input" :
							  "Expected \",\" or \"]\"");
			return 0;
		}
	}
	QuiverSkipSpace(&input);
	if (*input.at != '\0')
	{
		QuiverSyntaxError(&input, "Unexpected text after \"]\"");
		return 0;
	}
	if (!QuiverCheckDim(type, n, escontext) || !QuiverCheckTypmod(typmod, n, escontext))
		return 0;
	return n;
}

char *
QuiverDenseOut(const float *x, int n)
{
	/* each with its comma, whose place a number's final zero byte has */
	char	   *result = palloc(FLOAT_SHORTEST_DECIMAL_LEN * (Size) n + 3);
	char	   *end = result;

	for (int i = 0; i < n; i++)
	{
		if (i % QUIVER_ELEMENTS_PER_POLL == 0)
			CHECK_FOR_INTERRUPTS();
		*end++ = i == 0 ? '[' : ',';
		end += float_to_shortest_decimal_bufn(x[i], end);
	}
	*end++ = ']';
	*end = '\0';
	return result;
}
