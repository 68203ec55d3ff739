/*
 * bit_distance.c - distances of PostgreSQL's own bit strings.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/varbit.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "core/distance/kernels.h"

/* Bits beyond the length are zero in every bit string, so whole bytes compare. */
static void
CheckSameLength(VarBit *a, VarBit *b)
{
	if (VARBITLEN(a) != VARBITLEN(b))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %d and %d", VARBITLEN(a), VARBITLEN(b))));
}

/* Positions where the strings differ. */
PG_FUNCTION_INFO_V1(quiver_hamming_distance);
Datum
quiver_hamming_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);

	CheckSameLength(a, b);
	PG_RETURN_FLOAT8((double) quiver_kernels()->hamming(VARBITS(a), VARBITS(b), VARBITBYTES(a)));
}

/*
 * 1 less the share of common ones among all ones; 1 where there is no common
 * one, two strings of zeros included.
 */
PG_FUNCTION_INFO_V1(quiver_jaccard_distance);
Datum
quiver_jaccard_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	uint64_t	both;
	uint64_t	either;

	CheckSameLength(a, b);
	quiver_kernels()->jaccard(VARBITS(a), VARBITS(b), VARBITBYTES(a), &both, &either);
	PG_RETURN_FLOAT8(both == 0 ? 1 : 1 - (double) both / (double) either);
}
