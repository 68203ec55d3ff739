/*
 * array_source.c - reading the components of an SQL array.
 */
#include "array_source.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

QuiverArraySource
QuiverOpenArray(const QuiverElementType *type, ArrayType *array)
{
	QuiverArraySource source = {type, ARR_ELEMTYPE(array), 0, QuiverArrayData(array), NULL};

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	source.n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	switch (source.elementType)
	{
		case INT4OID:
		case FLOAT4OID:
		case FLOAT8OID:
			break;
		case NUMERICOID:
			/* Before a Datum is allocated for each. */
			QuiverCheckDim(type, source.n, NULL);
			deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT,
							  &source.numerics, NULL, &source.n);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot make a %s of an array of this type", type->name),
					 errhint("Cast the array to real[] first.")));
	}
	return source;
}

float
QuiverArrayElement(const QuiverArraySource *source, int i)
{
	double		value;

	if (i % 1024 == 0)
		CHECK_FOR_INTERRUPTS();
	switch (source->elementType)
	{
		case INT4OID:
			value = ((const int32 *) source->data)[i];
			break;
		case FLOAT4OID:
			value = ((const float4 *) source->data)[i];
			break;
		case FLOAT8OID:
			value = ((const float8 *) source->data)[i];
			break;
		default:
			value = DatumGetFloat4(DirectFunctionCall1(numeric_float4, source->numerics[i]));
			break;
	}
	return QuiverNarrow(source->type, value);
}

ArrayType *
QuiverNewRealArray(int n, float **x)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * (Size) n;
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	*x = QuiverArrayData(array);
	return array;
}
