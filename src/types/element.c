/*
 * element.c - the limits of the vector types and their errors.
 */
#include "element.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "utils/array.h"

#include "halfvec.h"
#include "sparsevec.h"
#include "vector.h"

const QuiverElementType quiverVectorType = {"vector", QUIVER_VECTOR_MAX_DIM, INFINITY, false};
/* 65504 is the largest binary16; the midpoint to the next power of two rounds up */
const QuiverElementType quiverHalfvecType = {"halfvec", QUIVER_HALFVEC_MAX_DIM, 65520.0f, false};
const QuiverElementType quiverSparsevecType = {"sparsevec", QUIVER_SPARSEVEC_MAX_DIM, INFINITY, true};

void
QuiverReportCorruptValue(const QuiverElementType *type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored %s value is damaged", type->name),
			 errdetail("Its length does not agree with its number of dimensions.")));
}

void
QuiverReportDifferentDims(const QuiverElementType *type, int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different %s dimensions %d and %d", type->name, a, b)));
}

void
QuiverReportOutOfRange(const QuiverElementType *type, double value)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	/* A float32 reads better with the digits it needs itself. */
	if (isinf((float) value) || (double) (float) value != value)
		double_to_shortest_decimal_buf(value, text);
	else
		float_to_shortest_decimal_buf((float) value, text);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("\"%s\" is out of range for type %s", text, type->name)));
}

bool
QuiverCheckDim(const QuiverElementType *type, int64 dim, Node *escontext)
{
	if (dim < 1)
	{
		QUIVER_INPUT_ERROR(escontext,
						   (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("%s must have at least 1 dimension", type->name)));
		return false;
	}
	if (dim > type->maxDim)
	{
		QUIVER_INPUT_ERROR(escontext,
						   (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("%s cannot have more than %d dimensions",
								   type->name, type->maxDim)));
		return false;
	}
	return true;
}

bool
QuiverCheckTypmod(int32 typmod, int dim, Node *escontext)
{
	if (typmod == -1 || typmod == dim)
		return true;
	QUIVER_INPUT_ERROR(escontext,
					   (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected %d dimensions, not %d", typmod, dim)));
	return false;
}

bool
QuiverCheckFinite(const QuiverElementType *type, float value, Node *escontext)
{
	if (isnan(value))
	{
		QUIVER_INPUT_ERROR(escontext,
						   (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("NaN not allowed in %s", type->name)));
		return false;
	}
	if (isinf(value))
	{
		QUIVER_INPUT_ERROR(escontext,
						   (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("infinite value not allowed in %s", type->name)));
		return false;
	}
	return true;
}

void
QuiverCheckReserved(const QuiverElementType *type, int32 unused)
{
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary representation of type %s", type->name),
				 errdetail("Expected the reserved field to be 0, not %d.", unused)));
}

int32
QuiverTypmodIn(const QuiverElementType *type, Datum typmods)
{
	int			n;
	int32	   *values = ArrayGetIntegerTypmods(DatumGetArrayTypeP(typmods), &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier"),
				 errdetail("Type %s takes one modifier, the number of dimensions.",
						   type->name)));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type->name)));
	if (values[0] > type->maxDim)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d",
						type->name, type->maxDim)));
	return values[0];
}
