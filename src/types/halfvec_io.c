/*
 * halfvec_io.c - text and binary forms of halfvec.
 *
 * Binary: int16 dimensions, int16 zero, then each component's two bytes, most
 * significant first.
 */
#include "halfvec.h"

#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#include "core/distance/kernels.h"
#include "dense_text.h"

StaticAssertDecl(QUIVER_HALFVEC_MAX_DIM <= PG_INT16_MAX, "dim is 16 bits");

QuiverHalfvec *
QuiverNewHalfvec(int dim)
{
	Size		size = QuiverHalfvecSize(dim);
	QuiverHalfvec *result = palloc0(size);

	Assert(dim >= 1 && dim <= QUIVER_HALFVEC_MAX_DIM);
	SET_VARSIZE(result, size);
	result->dim = (int16) dim;
	return result;
}

PG_FUNCTION_INFO_V1(quiver_halfvec_in);
Datum
quiver_halfvec_in(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_HALFVEC_MAX_DIM];
	int			dim = QuiverDenseIn(&quiverHalfvecType, PG_GETARG_CSTRING(0),
									PG_GETARG_INT32(2), x, fcinfo->context);
	QuiverHalfvec *result;

	if (dim == 0)
		PG_RETURN_NULL();
	result = QuiverNewHalfvec(dim);
	quiver_kernels()->f32_to_f16(x, result->x, (size_t) dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_out);
Datum
quiver_halfvec_out(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);
	float		x[QUIVER_HALFVEC_MAX_DIM];

	quiver_kernels()->f16_to_f32(halfvec->x, x, (size_t) halfvec->dim);
	PG_RETURN_CSTRING(QuiverDenseOut(x, halfvec->dim));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_typmod_in);
Datum
quiver_halfvec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QuiverTypmodIn(&quiverHalfvecType, PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(quiver_halfvec_recv);
Datum
quiver_halfvec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			dim = (int16) pq_getmsgint(buf, sizeof(int16));
	int			unused = (int16) pq_getmsgint(buf, sizeof(int16));
	const char *bytes;
	QuiverHalfvec *result;

	QuiverCheckDim(&quiverHalfvecType, dim, NULL);
	QuiverCheckTypmod(PG_GETARG_INT32(2), dim, NULL);
	QuiverCheckReserved(&quiverHalfvecType, unused);

	/* before anything is allocated for them */
	bytes = pq_getmsgbytes(buf, (int) sizeof(uint16) * dim);
	result = QuiverNewHalfvec(dim);
	for (int i = 0; i < dim; i++)
	{
		uint16		bits;

		memcpy(&bits, bytes + sizeof(bits) * i, sizeof(bits));
		bits = pg_ntoh16(bits);
		if (unlikely(!QuiverHalfIsFinite(bits)))
		{
			float		value;

			quiver_kernels()->f16_to_f32(&bits, &value, 1);
			QuiverCheckFinite(&quiverHalfvecType, value, NULL);
		}
		result->x[i] = bits;
	}
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_halfvec_send);
Datum
quiver_halfvec_send(PG_FUNCTION_ARGS)
{
	QuiverHalfvec *halfvec = QUIVER_GETARG_HALFVEC(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, (int) VARSIZE(halfvec));
	pq_writeint16(&buf, (uint16) halfvec->dim);
	pq_writeint16(&buf, (uint16) halfvec->unused);
	for (int i = 0; i < halfvec->dim; i++)
		pq_writeint16(&buf, halfvec->x[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
