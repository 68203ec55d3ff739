/*
 * options.c - options of an index: CREATE INDEX ... WITH (m = 16, ...).
 *
 * m, ef_construction and storage shape the graph when it is built; changing m
 * or storage by ALTER INDEX takes effect with the next REINDEX.  ef_search and
 * exact_order are defaults of its searches.  All may be changed while the index
 * is read and written, hence the weak lock.
 */
#include "am.h"

#include "access/reloptions.h"

#include "options.h"

static relopt_kind quiverReloptKind;

static relopt_enum_elt_def storageValues[] = {
	{"auto", QUIVER_STORAGE_AUTO},
	{"float32", QUIVER_STORAGE_FLOAT32},
	{"float16", QUIVER_STORAGE_FLOAT16},
	{NULL, 0}
};

void
QuiverDefineOptions(void)
{
	quiverReloptKind = add_reloption_kind();

	add_int_reloption(quiverReloptKind, "m",
					  "Connections of a node in the upper layers; the bottom layer has up to twice as many",
					  QUIVER_DEFAULT_M, QUIVER_MIN_M, QUIVER_MAX_M,
					  ShareUpdateExclusiveLock);
	add_int_reloption(quiverReloptKind, "ef_construction",
					  "Candidates considered when a node is linked",
					  QUIVER_DEFAULT_EF_CONSTRUCTION, QUIVER_MIN_EF_CONSTRUCTION,
					  QUIVER_MAX_EF_CONSTRUCTION, ShareUpdateExclusiveLock);
	add_int_reloption(quiverReloptKind, "ef_search",
					  "Candidates considered by a search, unless quiver.ef_search is set",
					  QUIVER_DEFAULT_EF_SEARCH, QUIVER_MIN_EF_SEARCH,
					  QUIVER_MAX_EF_SEARCH, ShareUpdateExclusiveLock);
	add_enum_reloption(quiverReloptKind, "storage",
					   "How the index keeps vectors",
					   storageValues, QUIVER_STORAGE_AUTO,
					   "Valid values are \"auto\", \"float32\" and \"float16\".",
					   ShareUpdateExclusiveLock);
	add_bool_reloption(quiverReloptKind, "exact_order",
					   "Searches return rows in the order of their true distances, unless quiver.exact_order is set",
					   false, ShareUpdateExclusiveLock);
}

/*
 * amoptions.  validate is false when options that are already stored are read;
 * those must not raise an error.
 */
bytea *
quiveroptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"m", RELOPT_TYPE_INT, offsetof(QuiverOptions, m)},
		{"ef_construction", RELOPT_TYPE_INT, offsetof(QuiverOptions, efConstruction)},
		{"ef_search", RELOPT_TYPE_INT, offsetof(QuiverOptions, efSearch)},
		{"storage", RELOPT_TYPE_ENUM, offsetof(QuiverOptions, storage)},
		{"exact_order", RELOPT_TYPE_BOOL, offsetof(QuiverOptions, exactOrder)}
	};
	QuiverOptions *options;

	options = (QuiverOptions *) build_reloptions(reloptions, validate, quiverReloptKind,
												 sizeof(QuiverOptions), table, lengthof(table));

	if (validate && options != NULL && options->efConstruction < 2 * options->m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction (%d) must be at least twice m (%d)",
						options->efConstruction, options->m),
				 errhint("Set ef_construction to %d or more, or m to %d or less.",
						 2 * options->m, options->efConstruction / 2)));

	return (bytea *) options;
}

QuiverOptions
QuiverGetOptions(Relation index)
{
	QuiverOptions options = {0};

	if (index->rd_options != NULL)
		return *(QuiverOptions *) index->rd_options;

	options.m = QUIVER_DEFAULT_M;
	options.efConstruction = QUIVER_DEFAULT_EF_CONSTRUCTION;
	options.efSearch = QUIVER_DEFAULT_EF_SEARCH;
	options.storage = QUIVER_STORAGE_AUTO;
	return options;
}

int
QuiverEffectiveEfSearch(Relation index)
{
	if (quiverEfSearch > 0)
		return quiverEfSearch;
	return QuiverGetOptions(index).efSearch;
}

bool
QuiverEffectiveExactOrder(Relation index)
{
	if (quiverExactOrder != QUIVER_EXACT_ORDER_INDEX)
		return quiverExactOrder == QUIVER_EXACT_ORDER_ON;
	return QuiverGetOptions(index).exactOrder;
}
