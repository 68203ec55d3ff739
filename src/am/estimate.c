/*
 * estimate.c - quiver_estimate: what an index will take, before anybody builds it.
 *
 * Size and memory follow from the layout (src/core/graph/estimate.h), the time from building
 * a small index in memory (calibration.c).  How the numbers below were found:
 * docs/decisions/0009-estimates.md.
 */
#include "am.h"

#include <float.h>
#include <math.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "calibration.h"
#include "options.h"

#define RESULT_COLUMNS 5

/* What a sparse vector has where nobody says; as the core's. */
#define DEFAULT_ENTRIES 128.0

#define MOST_WORKERS 1024

/* Private memory beside rows and graph: of who links, and of a worker's process besides. */
#define LINK_BYTES (1.5 * 1024 * 1024)
#define WORKER_BYTES (2.5 * 1024 * 1024)

/* A row costs so much more for each e-fold of the rows it is linked to. */
#define GROWTH 0.2
#define GROWTH_UNCODED 0.8		/* where each neighbour is looked up on a page of its own */

/* Of a further participant, compared with the first one. */
#define WORKER_SHARE 0.9

/* Bytes a second that finished pages are written and logged with: likely, at best, at worst. */
#define WRITE_PACE 300e6
#define WRITE_PACE_BEST 1e9
#define WRITE_PACE_WORST 50e6

/* What time may differ by: other data, other load, memory that is slower when it is more. */
#define TIME_BEST 0.5
#define TIME_WORST 2.2
#define TIME_WORST_GROWTH 0.1

typedef struct Wanted
{
	QuiverIndexParams params;
	QuiverRowsGuess guess;
	int			workers;
} Wanted;

typedef struct NamedValue
{
	const char *name;
	int			value;
} NamedValue;

static const NamedValue types[] = {
	{"vector", QUIVER_FORM_DENSE}, {"halfvec", QUIVER_FORM_DENSE},
	{"sparsevec", QUIVER_FORM_SPARSE}, {"bit", QUIVER_FORM_BITS}, {NULL, 0}
};
/* By form. */
static const int mostDimensions[] = {QUIVER_MAX_DIM, QUIVER_MAX_BITS, QUIVER_MAX_SPARSE_DIM};

static const NamedValue storages[] = {
	{"auto", QUIVER_STORAGE_AUTO}, {"float32", QUIVER_STORAGE_FLOAT32},
	{"float16", QUIVER_STORAGE_FLOAT16}, {NULL, 0}
};
static const NamedValue metrics[] = {
	{"l2", QUIVER_METRIC_L2}, {"ip", QUIVER_METRIC_IP}, {"cosine", QUIVER_METRIC_COSINE},
	{"l1", QUIVER_METRIC_L1}, {"hamming", QUIVER_METRIC_HAMMING},
	{"jaccard", QUIVER_METRIC_JACCARD}, {NULL, 0}
};

/* Argument `at` by its name, dflt where it is NULL. */
static int
NamedArgument(FunctionCallInfo fcinfo, int at, const NamedValue *values, const char *what, int dflt)
{
	char	   *name;

	if (PG_ARGISNULL(at))
		return dflt;
	name = text_to_cstring(PG_GETARG_TEXT_PP(at));
	for (; values->name != NULL; values++)
		if (strcmp(name, values->name) == 0)
			return values->value;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized %s: \"%.*s\"", what, pg_mbcliplen(name, strlen(name), 100), name)));
}

static int
IntArgument(FunctionCallInfo fcinfo, int at, const char *what, int least, int most, int dflt)
{
	int			value = PG_ARGISNULL(at) ? dflt : PG_GETARG_INT32(at);

	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %d out of bounds for \"%s\"", value, what),
				 errdetail("Valid values are between %d and %d.", least, most)));
	return value;
}

static double
DoubleArgument(FunctionCallInfo fcinfo, int at, const char *what, double least, double most, double dflt)
{
	double		value = PG_ARGISNULL(at) ? dflt : PG_GETARG_FLOAT8(at);

	if (!(value >= least && value <= most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %g out of bounds for \"%s\"", value, what),
				 errdetail("Valid values are between %g and %g.", least, most)));
	return value;
}

static void
ReadEntries(FunctionCallInfo fcinfo, Wanted *wanted)
{
	double		most = Min(wanted->params.dim, QUIVER_MAX_SPARSE_ENTRIES);

	if (wanted->params.form != QUIVER_FORM_SPARSE)
	{
		if (!PG_ARGISNULL(8) || !PG_ARGISNULL(9))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"nonzeros\" and \"nonzeros_deviation\" are for type sparsevec only")));
		return;
	}
	wanted->guess.entries = DoubleArgument(fcinfo, 8, "nonzeros", 1, most, Min(DEFAULT_ENTRIES, most));
	wanted->guess.entries_deviation = DoubleArgument(fcinfo, 9, "nonzeros_deviation", 0, most,
													 wanted->guess.entries / 4);
}

static Wanted
ReadArguments(FunctionCallInfo fcinfo)
{
	Wanted		wanted = {0};
	int64		rows = PG_GETARG_INT64(0);
	QuiverIndexParams *params = &wanted.params;

	if (rows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of rows cannot be negative: %lld", (long long) rows)));
	wanted.guess.rows = (double) rows;
	params->form = (QuiverForm) NamedArgument(fcinfo, 2, types, "type", QUIVER_FORM_DENSE);
	params->dim = (uint32_t) IntArgument(fcinfo, 1, "dimensions", 1, mostDimensions[params->form], 0);
	params->m = IntArgument(fcinfo, 3, "m", QUIVER_MIN_M, QUIVER_MAX_M, QUIVER_DEFAULT_M);
	params->ef_construction = IntArgument(fcinfo, 4, "ef_construction", QUIVER_MIN_EF_CONSTRUCTION,
										  QUIVER_MAX_EF_CONSTRUCTION, QUIVER_DEFAULT_EF_CONSTRUCTION);
	if (params->ef_construction < 2 * params->m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction (%d) must be at least twice m (%d)",
						params->ef_construction, params->m)));
	params->storage = (QuiverStorage) NamedArgument(fcinfo, 5, storages, "storage", QUIVER_STORAGE_AUTO);
	params->metric = (QuiverMetric) NamedArgument(fcinfo, 6, metrics, "metric",
												  params->form == QUIVER_FORM_BITS ? QUIVER_METRIC_HAMMING : QUIVER_METRIC_L2);
	if ((params->metric >= QUIVER_METRIC_HAMMING) != (params->form == QUIVER_FORM_BITS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this type has no such metric: \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(6))),
				 errhint("The metrics of bit are hamming and jaccard, those of the other types l2, ip, cosine and l1.")));
	wanted.workers = IntArgument(fcinfo, 7, "workers", 0, MOST_WORKERS, 0);
	wanted.guess.shared = wanted.workers > 0;
	ReadEntries(fcinfo, &wanted);
	return wanted;
}

/* Size and memory; raises an error where no index can be that large. */
static QuiverSizeEstimate
EstimateSizes(const Wanted *wanted)
{
	QuiverSizeEstimate size;

	if (!quiver_estimate_size(&wanted->params, &wanted->guess, &size))
		elog(ERROR, "no layout for %u dimensions", wanted->params.dim);
	if (size.pages >= MaxBlockNumber || size.most_nodes >= 4294967295.0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an index cannot hold %.0f rows of that kind", wanted->guess.rows),
				 errhint("Partition the table.")));
	size.memory += (size.graph ? LINK_BYTES : 0) +
		wanted->workers * (LINK_BYTES + WORKER_BYTES);
	return size;
}

/* Seconds of collecting and linking rows, with all participants. */
static double
WorkSeconds(const Wanted *wanted, const QuiverSizeEstimate *size, double *growth)
{
	double		rows = wanted->guess.rows;
	int			entries = (int) Max(wanted->guess.entries, 1);
	QuiverPace	pace = {0};
	double		participants = Min(wanted->workers + 1, Max(sysconf(_SC_NPROCESSORS_ONLN), 1));
	double		seconds;

	*growth = 0;
	if (rows == 0)
		return 0;
	pace = QuiverMeasurePace(&wanted->params, (uint64) rows, entries, size->list_rows);
	seconds = rows * pace.addSeconds;
	if (size->graph)
	{
		/* The integral of linkSeconds x (1 + growth x ln(i / linkedRows)). */
		double		factor = 1 + (size->coded ? GROWTH : GROWTH_UNCODED) * (log(rows / pace.linkedRows) - 1);

		*growth = Max(log(rows / pace.linkedRows), 0);
		seconds += rows * pace.linkSeconds * Max(factor, 0.3);
	}
	return seconds / (1 + WORKER_SHARE * (participants - 1));
}

PG_FUNCTION_INFO_V1(quiver_estimate);

/* quiver_estimate(rows, dimensions, ...) returns a row. */
Datum
quiver_estimate(PG_FUNCTION_ARGS)
{
	Datum		values[RESULT_COLUMNS] = {0};
	bool		isnull[RESULT_COLUMNS] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		memset(isnull, true, sizeof(isnull));
	else
	{
		Wanted		wanted = ReadArguments(fcinfo);
		QuiverSizeEstimate size = EstimateSizes(&wanted);
		double		bytes = ceil(size.pages) * BLCKSZ;
		double		growth;
		double		work = WorkSeconds(&wanted, &size, &growth);

		values[0] = Int64GetDatum((int64) bytes);
		values[1] = Int64GetDatum((int64) size.memory);
		values[2] = Float8GetDatum(work + bytes / WRITE_PACE);
		values[3] = Float8GetDatum(work * TIME_BEST + bytes / WRITE_PACE_BEST);
		values[4] = Float8GetDatum(work * (TIME_WORST + TIME_WORST_GROWTH * growth) + bytes / WRITE_PACE_WORST);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}
