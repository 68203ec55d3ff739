/*
 * vector_io.c - text and binary forms of vector.
 *
 * Binary: int16 dimensions, int16 zero, then each component as float4.
 */
#include "vector.h"

#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#include "dense_text.h"

StaticAssertDecl(QUIVER_VECTOR_MAX_DIM <= PG_INT16_MAX, "dim is 16 bits");

QuiverVector *
QuiverNewVector(int dim)
{
	Size		size = QuiverVectorSize(dim);
	QuiverVector *result = palloc0(size);

	Assert(dim >= 1 && dim <= QUIVER_VECTOR_MAX_DIM);
	SET_VARSIZE(result, size);
	result->dim = (int16) dim;
	return result;
}

PG_FUNCTION_INFO_V1(quiver_vector_in);
Datum
quiver_vector_in(PG_FUNCTION_ARGS)
{
	float		x[QUIVER_VECTOR_MAX_DIM];
	int			dim = QuiverDenseIn(&quiverVectorType, PG_GETARG_CSTRING(0),
									PG_GETARG_INT32(2), x, fcinfo->context);
	QuiverVector *result;

	if (dim == 0)
		PG_RETURN_NULL();
	result = QuiverNewVector(dim);
	memcpy(result->x, x, sizeof(float) * dim);
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_out);
Datum
quiver_vector_out(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);

	PG_RETURN_CSTRING(QuiverDenseOut(vector->x, vector->dim));
}

PG_FUNCTION_INFO_V1(quiver_vector_typmod_in);
Datum
quiver_vector_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(QuiverTypmodIn(&quiverVectorType, PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(quiver_vector_recv);
Datum
quiver_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			dim = (int16) pq_getmsgint(buf, sizeof(int16));
	int			unused = (int16) pq_getmsgint(buf, sizeof(int16));
	const char *bytes;
	QuiverVector *result;

	QuiverCheckDim(&quiverVectorType, dim, NULL);
	QuiverCheckTypmod(PG_GETARG_INT32(2), dim, NULL);
	QuiverCheckReserved(&quiverVectorType, unused);

	/* before anything is allocated for them */
	bytes = pq_getmsgbytes(buf, (int) sizeof(float) * dim);
	result = QuiverNewVector(dim);
	for (int i = 0; i < dim; i++)
	{
		uint32		bits;

		memcpy(&bits, bytes + sizeof(bits) * i, sizeof(bits));
		bits = pg_ntoh32(bits);
		memcpy(&result->x[i], &bits, sizeof(bits));
		QuiverCheckFinite(&quiverVectorType, result->x[i], NULL);
	}
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_vector_send);
Datum
quiver_vector_send(PG_FUNCTION_ARGS)
{
	QuiverVector *vector = QUIVER_GETARG_VECTOR(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, (int) VARSIZE(vector));
	pq_writeint16(&buf, (uint16) vector->dim);
	pq_writeint16(&buf, (uint16) vector->unused);
	for (int i = 0; i < vector->dim; i++)
	{
		uint32		bits;

		memcpy(&bits, &vector->x[i], sizeof(bits));
		pq_writeint32(&buf, bits);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
