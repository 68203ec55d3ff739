/*
 * opclass.c - operator classes: what each makes of a value, and how it compares.
 *
 * Each class names its descriptor through support function 1, so that the
 * access method knows no type and no operator by name, and the extension may
 * live in any schema.
 */
#include "am.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varbit.h"

#include "../types/halfvec.h"
#include "../types/sparsevec.h"
#include "../types/vector.h"
#include "opclass.h"

extern Datum quiver_vector_out(PG_FUNCTION_ARGS);
extern Datum quiver_halfvec_out(PG_FUNCTION_ARGS);
extern Datum quiver_sparsevec_out(PG_FUNCTION_ARGS);

/* For the message about a damaged value. */
static const QuiverElementType bitType = {.name = "bit"};

static QuiverValue
VectorValue(Datum datum, int *dim)
{
	const QuiverVector *vector = QuiverDatumGetVector(datum);
	QuiverValue value = {.components = vector->x};

	*dim = vector->dim;
	return value;
}

static QuiverValue
HalfvecValue(Datum datum, int *dim)
{
	const QuiverHalfvec *halfvec = QuiverDatumGetHalfvec(datum);
	float	   *floats = palloc(sizeof(float) * halfvec->dim);
	QuiverValue value = {.components = floats};

	*dim = halfvec->dim;
	quiver_kernels()->f16_to_f32(halfvec->x, floats, halfvec->dim);
	return value;
}

/* PostgreSQL's order of bits is the core's, and it keeps the padding zero. */
static QuiverValue
BitValue(Datum datum, int *dim)
{
	VarBit	   *bit = DatumGetVarBitP(datum);
	QuiverValue value = {.bits = VARBITS(bit)};

	if (unlikely(VARBITLEN(bit) < 0 || VARSIZE(bit) != VARBITTOTALLEN(VARBITLEN(bit))))
		QuiverReportCorruptValue(&bitType);
	*dim = VARBITLEN(bit);
	return value;
}

static QuiverValue
SparsevecValue(Datum datum, int *dim)
{
	QuiverSparsevec *sparsevec = QuiverDatumGetSparsevec(datum);
	QuiverValue value = {.components = QuiverSparsevecValues(sparsevec),
		.indices = (const uint32_t *) sparsevec->indices,
	.count = (uint32_t) sparsevec->nnz};

	/* The core takes for granted that indices ascend within the dimensions. */
	for (int i = 0; i < sparsevec->nnz; i++)
	{
		if (unlikely(QuiverSparsevecIndex(sparsevec, i) <= (i == 0 ? -1 : sparsevec->indices[i - 1])))
			QuiverReportCorruptValue(&quiverSparsevecType);
	}
	*dim = sparsevec->dim;
	return value;
}

#define DEFINE_CLASS(name, type, output, form, metric, value) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		static const QuiverOpclass opclass = {type, output, form, metric, value}; \
		PG_RETURN_POINTER(&opclass); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

DEFINE_CLASS(quiver_vector_l2_class, "vector", quiver_vector_out, QUIVER_FORM_DENSE, QUIVER_METRIC_L2, VectorValue);
DEFINE_CLASS(quiver_vector_ip_class, "vector", quiver_vector_out, QUIVER_FORM_DENSE, QUIVER_METRIC_IP, VectorValue);
DEFINE_CLASS(quiver_vector_cosine_class, "vector", quiver_vector_out, QUIVER_FORM_DENSE, QUIVER_METRIC_COSINE, VectorValue);
DEFINE_CLASS(quiver_vector_l1_class, "vector", quiver_vector_out, QUIVER_FORM_DENSE, QUIVER_METRIC_L1, VectorValue);
DEFINE_CLASS(quiver_halfvec_l2_class, "halfvec", quiver_halfvec_out, QUIVER_FORM_DENSE, QUIVER_METRIC_L2, HalfvecValue);
DEFINE_CLASS(quiver_halfvec_ip_class, "halfvec", quiver_halfvec_out, QUIVER_FORM_DENSE, QUIVER_METRIC_IP, HalfvecValue);
DEFINE_CLASS(quiver_halfvec_cosine_class, "halfvec", quiver_halfvec_out, QUIVER_FORM_DENSE, QUIVER_METRIC_COSINE, HalfvecValue);
DEFINE_CLASS(quiver_halfvec_l1_class, "halfvec", quiver_halfvec_out, QUIVER_FORM_DENSE, QUIVER_METRIC_L1, HalfvecValue);
DEFINE_CLASS(quiver_bit_hamming_class, "bit", NULL, QUIVER_FORM_BITS, QUIVER_METRIC_HAMMING, BitValue);
DEFINE_CLASS(quiver_bit_jaccard_class, "bit", NULL, QUIVER_FORM_BITS, QUIVER_METRIC_JACCARD, BitValue);
DEFINE_CLASS(quiver_sparsevec_l2_class, "sparsevec", quiver_sparsevec_out, QUIVER_FORM_SPARSE, QUIVER_METRIC_L2, SparsevecValue);
DEFINE_CLASS(quiver_sparsevec_ip_class, "sparsevec", quiver_sparsevec_out, QUIVER_FORM_SPARSE, QUIVER_METRIC_IP, SparsevecValue);
DEFINE_CLASS(quiver_sparsevec_cosine_class, "sparsevec", quiver_sparsevec_out, QUIVER_FORM_SPARSE, QUIVER_METRIC_COSINE, SparsevecValue);
DEFINE_CLASS(quiver_sparsevec_l1_class, "sparsevec", quiver_sparsevec_out, QUIVER_FORM_SPARSE, QUIVER_METRIC_L1, SparsevecValue);

static const PGFunction classFunctions[] = {
	quiver_vector_l2_class, quiver_vector_ip_class, quiver_vector_cosine_class, quiver_vector_l1_class,
	quiver_halfvec_l2_class, quiver_halfvec_ip_class, quiver_halfvec_cosine_class, quiver_halfvec_l1_class,
	quiver_bit_hamming_class, quiver_bit_jaccard_class,
	quiver_sparsevec_l2_class, quiver_sparsevec_ip_class, quiver_sparsevec_cosine_class, quiver_sparsevec_l1_class
};

/* By the function's address, since nothing else of it can be trusted. */
static const QuiverOpclass *
OpclassOf(FmgrInfo *function)
{
	for (size_t i = 0; i < lengthof(classFunctions); i++)
		if (function->fn_addr == classFunctions[i])
			return (const QuiverOpclass *) DatumGetPointer(FunctionCall1(function, PointerGetDatum(NULL)));
	return NULL;
}

const QuiverOpclass *
QuiverOpclassOfFunction(Oid function)
{
	FmgrInfo	info;

	if (!OidIsValid(function))
		return NULL;
	fmgr_info(function, &info);
	return OpclassOf(&info);
}

const QuiverOpclass *
QuiverGetOpclass(Relation index)
{
	const QuiverOpclass *opclass = OpclassOf(index_getprocinfo(index, 1, QUIVER_PROC_CLASS));

	if (opclass == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class of index \"%s\" is not valid", RelationGetRelationName(index)),
				 errdetail("Its support function %d is none of quiver's.", QUIVER_PROC_CLASS)));
	return opclass;
}

/* Our types have no fixed OIDs; their output functions are known by address. */
bool
QuiverOpclassFits(const QuiverOpclass *opclass, Oid type)
{
	FmgrInfo	output;
	Oid			function;
	bool		isVarlena;

	type = getBaseType(type);
	if (opclass->output == NULL)
		return type == BITOID;
	if (get_typlen(type) != -1)
		return false;
	getTypeOutputInfo(type, &function, &isVarlena);
	fmgr_info(function, &output);
	return output.fn_addr == opclass->output;
}

void
QuiverCheckOpclassFits(Relation index, const QuiverOpclass *opclass)
{
	if (!QuiverOpclassFits(opclass, index->rd_opcintype[0]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class of index \"%s\" is not valid", RelationGetRelationName(index)),
				 errdetail("Its support function %d reads values of type %s, not %s.", QUIVER_PROC_CLASS,
						   opclass->typeName, format_type_be(index->rd_opcintype[0]))));
}

QuiverValue
QuiverDatumValue(const QuiverOpclass *opclass, Datum datum, int dim)
{
	int			have;
	QuiverValue value = opclass->value(datum, &have);

	/* Worded as the operator words it. */
	if (have != dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 opclass->form == QUIVER_FORM_BITS ?
				 errmsg("different bit lengths %d and %d", dim, have) :
				 errmsg("different %s dimensions %d and %d", opclass->typeName, dim, have)));
	return value;
}
