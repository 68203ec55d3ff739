/*
 * sparsevec_wire.c - the binary form of sparsevec.
 *
 * int32 dimensions, int32 number of elements, int32 zero, then all indices as
 * int32, counted from 0 and ascending, then all values as float4.
 */
#include "sparsevec.h"

#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

static QUIVER_NO_RETURN void
ReportMalformed(const char *detail, int32 value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary representation of type sparsevec"),
			 errdetail(detail, value)));
}

static inline uint32
ReadWord(const char *bytes, int i)
{
	uint32		word;

	memcpy(&word, bytes + sizeof(word) * i, sizeof(word));
	return pg_ntoh32(word);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_recv);
Datum
quiver_sparsevec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		dim = (int32) pq_getmsgint(buf, sizeof(int32));
	int32		nnz = (int32) pq_getmsgint(buf, sizeof(int32));
	int32		unused = (int32) pq_getmsgint(buf, sizeof(int32));
	const char *indices;
	const char *elements;
	QuiverSparsevec *result;
	float	   *values;

	QuiverCheckDim(&quiverSparsevecType, dim, NULL);
	QuiverCheckTypmod(PG_GETARG_INT32(2), dim, NULL);
	QuiverCheckNnz(nnz, NULL);
	if (nnz < 0)
		ReportMalformed("The number of elements is %d.", nnz);
	if (nnz > dim)
		ReportMalformed("There are more elements than the %d dimensions.", dim);
	QuiverCheckReserved(&quiverSparsevecType, unused);

	/* before anything is allocated for them */
	indices = pq_getmsgbytes(buf, (int) sizeof(int32) * nnz);
	elements = pq_getmsgbytes(buf, (int) sizeof(float) * nnz);
	result = QuiverNewSparsevec(dim, nnz);
	values = QuiverSparsevecValues(result);
	for (int i = 0; i < nnz; i++)
	{
		int32		index = (int32) ReadWord(indices, i);
		uint32		bits = ReadWord(elements, i);

		if (index < 0 || index >= dim)
			ReportMalformed("Index %d is out of bounds.", index);
		if (i > 0 && index <= result->indices[i - 1])
			ReportMalformed("Index %d is not in ascending order.", index);
		result->indices[i] = index;

		memcpy(&values[i], &bits, sizeof(bits));
		QuiverCheckFinite(&quiverSparsevecType, values[i], NULL);
		if (values[i] == 0)
			ReportMalformed("The value of index %d is zero.", index);
	}
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(quiver_sparsevec_send);
Datum
quiver_sparsevec_send(PG_FUNCTION_ARGS)
{
	QuiverSparsevec *sparsevec = QUIVER_GETARG_SPARSEVEC(0);
	const float *values = QuiverSparsevecValues(sparsevec);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, (int) VARSIZE(sparsevec));
	pq_writeint32(&buf, (uint32) sparsevec->dim);
	pq_writeint32(&buf, (uint32) sparsevec->nnz);
	pq_writeint32(&buf, (uint32) sparsevec->unused);
	for (int i = 0; i < sparsevec->nnz; i++)
		pq_writeint32(&buf, (uint32) sparsevec->indices[i]);
	for (int i = 0; i < sparsevec->nnz; i++)
	{
		uint32		bits;

		memcpy(&bits, &values[i], sizeof(bits));
		pq_writeint32(&buf, bits);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
