/*
 * number_text.c - numbers in the text form of the vector types.
 */
#include "number_text.h"

#include <errno.h>
#include <float.h>
#include <math.h>

#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Bytes of foreign text that a message shows. */
#define QUIVER_CLIP_BYTES 100

const char *
QuiverClipText(const char *text, size_t length)
{
	int			bytes;

	if (length <= QUIVER_CLIP_BYTES)
		return text[length] == '\0' ? text : pnstrdup(text, length);
	/* one byte more than the limit suffices to see where characters end */
	bytes = pg_mbcliplen(text, QUIVER_CLIP_BYTES + 1, QUIVER_CLIP_BYTES);
	return psprintf("%.*s...", bytes, text);
}

bool
QuiverSyntaxError(const QuiverTextInput *input, const char *what)
{
	const char *literal = QuiverClipText(input->literal, strlen(input->literal));

	QUIVER_INPUT_ERROR(input->escontext,
					   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid input syntax for type %s: \"%s\"",
							   input->type->name, literal),
						errdetail("%s at byte %zu.", what,
								  (size_t) (input->at - input->literal) + 1)));
	return false;
}

static inline bool
IsSpace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
IsDigit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
IsLetter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
StartsNumber(char c)
{
	return IsDigit(c) || IsLetter(c) || c == '-' || c == '+' || c == '.';
}

void
QuiverSkipSpace(QuiverTextInput *input)
{
	size_t		skipped = 0;

	while (IsSpace(*input->at))
	{
		input->at++;
		if (unlikely(++skipped % (1024 * 1024) == 0))
			CHECK_FOR_INTERRUPTS();
	}
}

bool
QuiverAcceptChar(QuiverTextInput *input, char c)
{
	QuiverSkipSpace(input);
	if (*input->at != c)
		return false;
	input->at++;
	return true;
}

/*
 * Reads plain decimal notation of up to 19 digits.  Returns its end, or NULL
 * where strtof has to decide: other notations, and the rare numbers that
 * double arithmetic cannot round correctly.
 *
 * An integer below 2^53 and a power of ten up to 10^22 are exact doubles, so
 * their product or quotient is the correctly rounded double (Clinger 1990,
 * "How to read floating point numbers accurately").  Rounding that to float is
 * correct too, unless it fell on the midpoint between two floats.
 */
static const char *
ReadPlainFloat(const char *p, float *value)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
	1e20, 1e21, 1e22};
	bool		negative = *p == '-';
	uint64		mantissa = 0;
	int			digits = 0;
	int			scale = 0;
	double		magnitude;
	uint64		bits;

	if (*p == '-' || *p == '+')
		p++;
	for (; IsDigit(*p) && digits < 19; digits++)
		mantissa = mantissa * 10 + (uint64) (*p++ - '0');
	if (*p == '.')
	{
		p++;
		for (; IsDigit(*p) && digits < 19; digits++, scale--)
			mantissa = mantissa * 10 + (uint64) (*p++ - '0');
	}
	if (digits == 0 || IsDigit(*p))
		return NULL;
	if (*p == 'e' || *p == 'E')
	{
		bool		down = p[1] == '-';
		int			exponent = 0;

		p += p[1] == '-' || p[1] == '+' ? 2 : 1;
		if (!IsDigit(*p))
			return NULL;
		for (; IsDigit(*p); p++)
			if ((exponent = exponent * 10 + (*p - '0')) > 1000)
				return NULL;
		scale += down ? -exponent : exponent;
	}
	/* hexadecimal, and letters that are an error anyway */
	if (IsLetter(*p))
		return NULL;

	if (mantissa > (UINT64CONST(1) << 53) || scale < -22 || scale > 22)
		return NULL;
	magnitude = scale < 0 ? (double) mantissa / powers[-scale] : (double) mantissa * powers[scale];
	if (mantissa != 0 && (magnitude < FLT_MIN || magnitude > FLT_MAX))
		return NULL;
	memcpy(&bits, &magnitude, sizeof(bits));
	if ((bits & 0x1FFFFFFF) == 0x10000000)
		return NULL;
	*value = (float) (negative ? -magnitude : magnitude);
	return p;
}

bool
QuiverReadFloat(QuiverTextInput *input, float *value)
{
	const char *end;

	QuiverSkipSpace(input);
	end = ReadPlainFloat(input->at, value);
	if (end == NULL)
	{
		char	   *stop;

		if (*input->at == '\0')
			return QuiverSyntaxError(input, "Unexpected end of input");
		/* strtof would skip what the locale calls space */
		if (!StartsNumber(*input->at))
			return QuiverSyntaxError(input, "Expected a number");
		errno = 0;
		/* strtof, as float4in: by way of a double would round twice */
		*value = strtof(input->at, &stop);
		end = stop;
		if (end == input->at)
			return QuiverSyntaxError(input, "Expected a number");
		if (errno == ERANGE &&
			(isinf(*value) || (*value == 0 && input->type->refuseUnderflow)))
			goto out_of_range;
		if (!QuiverCheckFinite(input->type, *value, input->escontext))
			return false;
	}
	if (fabsf(*value) >= input->type->overflow)
		goto out_of_range;
	input->at = end;
	QuiverSkipSpace(input);
	return true;

out_of_range:
	QUIVER_INPUT_ERROR(input->escontext,
					   (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" is out of range for type %s",
							   QuiverClipText(input->at, end - input->at),
							   input->type->name)));
	return false;
}

bool
QuiverReadInt(QuiverTextInput *input, int64 *value)
{
	const char *p;
	bool		negative;
	int64		result = 0;

	QuiverSkipSpace(input);
	p = input->at;
	negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	if (!IsDigit(*p))
		return QuiverSyntaxError(input, *p == '\0' ? "Unexpected end of input" :
								 "Expected an integer");
	for (; IsDigit(*p); p++)
		result = Min(result * 10 + (*p - '0'), INT64CONST(100000000000000000));
	*value = negative ? -result : result;
	input->at = p;
	QuiverSkipSpace(input);
	return true;
}

void
QuiverAppendFloat(StringInfo buf, float value)
{
	enlargeStringInfo(buf, FLOAT_SHORTEST_DECIMAL_LEN);
	buf->len += float_to_shortest_decimal_bufn(value, buf->data + buf->len);
	buf->data[buf->len] = '\0';
}
