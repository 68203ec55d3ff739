/*
 * halfvec_arith.c - element-wise arithmetic of halfvec, and what takes its
 * values apart and puts them together.
 *
 * Arithmetic is done in float32 and rounded once.
 */
#include "halfvec.h"

#include "utils/float.h"
#include "utils/varbit.h"

#include "core/distance/kernels.h"
#include "subrange.h"

/* The operands widened; no result component can overflow a float32. */
typedef struct Operands
{
	const QuiverHalfvec *a;
	const QuiverHalfvec *b;
	int			dim;
	float		x[QUIVER_HALFVEC_MAX_DIM];	/* of a, then the result */
	float		y[QUIVER_HALFVEC_MAX_DIM];	/* of b */
} Operands;

static void
Widen(FunctionCallInfo fcinfo, Operands *operands)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *b = QUIVER_GETARG_HALFVEC(1);

	QuiverCheckSameDim(&quiverHalfvecType, a->dim, b->dim);
	operands->a = a;
	operands->b = b;
	operands->dim = a->dim;
	quiver_kernels()->f16_to_f32(a->x, operands->x, (size_t) a->dim);
	quiver_kernels()->f16_to_f32(b->x, operands->y, (size_t) a->dim);
}

static QuiverHalfvec *
Narrow(const Operands *operands)
{
	QuiverHalfvec *result = QuiverNewHalfvec(operands->dim);

	quiver_kernels()->f32_to_f16(operands->x, result->x, (size_t) operands->dim);
	for (int i = 0; i < operands->dim; i++)
		if (unlikely(!QuiverHalfIsFinite(result->x[i])))
			float_overflow_error();
	return result;
}

PG_FUNCTION_INFO_V1(quiver_halfvec_add);
Datum
quiver_halfvec_add(PG_FUNCTION_ARGS)
{
	Operands	operands;

	Widen(fcinfo, &operands);
	for (int i = 0; i < operands.dim; i++)
		operands.x[i] += operands.y[i];
	PG_RETURN_POINTER(Narrow(&operands));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_sub);
Datum
quiver_halfvec_sub(PG_FUNCTION_ARGS)
{
	Operands	operands;

	Widen(fcinfo, &operands);
	for (int i = 0; i < operands.dim; i++)
		operands.x[i] -= operands.y[i];
	PG_RETURN_POINTER(Narrow(&operands));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_mul);
Datum
quiver_halfvec_mul(PG_FUNCTION_ARGS)
{
	Operands	operands;
	QuiverHalfvec *result;

	Widen(fcinfo, &operands);
	for (int i = 0; i < operands.dim; i++)
		operands.x[i] *= operands.y[i];
	result = Narrow(&operands);
	for (int i = 0; i < operands.dim; i++)
		if (unlikely(QuiverHalfIsZero(result->x[i])) &&
			!QuiverHalfIsZero(operands.a->x[i]) && !QuiverHalfIsZero(operands.b->x[i]))
			float_underflow_error();
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_concat);
Datum
quiver_halfvec_concat(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverHalfvec *b = QUIVER_GETARG_HALFVEC(1);
	int			dim = a->dim + b->dim;
	QuiverHalfvec *result;

	QuiverCheckDim(&quiverHalfvecType, dim, NULL);
	result = QuiverNewHalfvec(dim);
	memcpy(result->x, a->x, sizeof(uint16) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(uint16) * b->dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_dims);
Datum
quiver_halfvec_dims(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QUIVER_GETARG_HALFVEC(0)->dim);
}

/* Components start .. start + count - 1, counted from 1, as far as they exist. */
PG_FUNCTION_INFO_V1(quiver_halfvec_subvector);
Datum
quiver_halfvec_subvector(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	QuiverSubrange range = QuiverClipSubrange(&quiverHalfvecType, a->dim,
											  PG_GETARG_INT32(1), PG_GETARG_INT32(2));
	QuiverHalfvec *result = QuiverNewHalfvec(range.count);

	memcpy(result->x, a->x + range.first, sizeof(uint16) * range.count);
	PG_RETURN_POINTER(result);
}

/* One bit a component: is it positive? */
PG_FUNCTION_INFO_V1(quiver_halfvec_binary_quantize);
Datum
quiver_halfvec_binary_quantize(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *a = QUIVER_GETARG_HALFVEC(0);
	VarBit	   *result = QuiverNewBits(a->dim);
	bits8	   *bits = VARBITS(result);

	for (int i = 0; i < a->dim; i++)
		bits[i / 8] |= (bits8) ((a->x[i] > 0 && a->x[i] < 0x8000) << (7 - i % 8));
	PG_RETURN_VARBIT_P(result);
}
