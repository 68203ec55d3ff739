/*
 * calibration.c - how fast this machine links rows, found out by doing it for a moment.
 *
 * Made-up rows lie in clusters, whose centres are nearer to each other than rows are to their
 * own: most data is somewhat easier, and only that of random numbers harder.  They are added for a quarter of the time and
 * linked for the rest of it; then linking is left by a jump, which the core allows in any callback.
 */
#include "am.h"

#include <math.h>
#include <setjmp.h>

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "build_space.h"
#include "calibration.h"

#define ADD_SECONDS 0.2
#define LINK_SECONDS 0.7

/* Rows and bytes of them that are made up at most. */
#define MOST_ROWS 50000
#define MOST_BYTES (64 * 1024 * 1024)
#define FEWEST_ROWS 64

#define CLUSTERS 64

/* Reports of the core, one in 256 rows. */
#define MOST_REPORTS (MOST_ROWS / 256 + 2)

typedef struct Calibration
{
	QuiverStore store;
	const QuiverIndexParams *params;
	MemoryContext memory;
	instr_time	start;			/* of linking */
	sigjmp_buf	enough;
	int			reports;
	double		seconds[MOST_REPORTS];	/* when so many were linked: */
	double		linked[MOST_REPORTS];
} Calibration;

static double
SecondsSince(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

static void
CalibrationPoll(void *context)
{
	CHECK_FOR_INTERRUPTS();
}

static void *
CalibrationAllocate(void *context, size_t bytes)
{
	return MemoryContextAllocHuge(((Calibration *) context)->memory, bytes);
}

static void
CalibrationFail(void *context, const QuiverError *error)
{
	ereport(ERROR,
			(errcode(error->code == QUIVER_ERROR_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INTERNAL_ERROR),
			 errmsg("could not build an index to measure the time: %s", error->detail)));
}

/* Called by the core for each 256 rows, and at the end. */
static void
CalibrationProgress(void *context, uint64_t done, uint64_t total)
{
	Calibration *calibration = context;

	CHECK_FOR_INTERRUPTS();
	if (calibration->reports < MOST_REPORTS)
	{
		calibration->seconds[calibration->reports] = SecondsSince(calibration->start);
		calibration->linked[calibration->reports++] = (double) done;
	}
	if (calibration->seconds[calibration->reports - 1] > LINK_SECONDS)
		siglongjmp(calibration->enough, 1);
}

/* ------------------------------------------------------------------ made-up rows */

static uint64
NextRandom(uint64 *state)
{
	uint64		z = (*state += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* From -0.5 to 0.5, never zero. */
static float
NextFloat(uint64 *state)
{
	return ((float) (NextRandom(state) >> 41) + 0.5f) / 8388608.0f - 0.5f;
}

typedef struct MadeUp
{
	const QuiverIndexParams *params;
	int			entries;
	float	   *components;
	uint32_t   *indices;
	uint8_t    *bits;
} MadeUp;

static void
AllocateMadeUp(MadeUp *row, const QuiverIndexParams *params, int entries)
{
	row->params = params;
	row->entries = entries;
	if (params->form == QUIVER_FORM_BITS)
		row->bits = palloc0((params->dim + 7) / 8);
	else
		row->components = palloc(sizeof(float) * (params->form == QUIVER_FORM_SPARSE ? (uint32) entries : params->dim));
	if (params->form == QUIVER_FORM_SPARSE)
		row->indices = palloc(sizeof(uint32_t) * entries);
}

static QuiverValue
MakeUp(MadeUp *row, uint64 number)
{
	uint64		own = number * 2 + 1;
	uint64		cluster = UINT64CONST(0x51756976657231) + number % CLUSTERS * 1000003;
	uint32		dim = row->params->dim;
	float		pull = row->params->metric == QUIVER_METRIC_L1 ? 0.2f : 0.6f;
	QuiverValue value = {.components = row->components,.indices = row->indices,.bits = row->bits};

	switch (row->params->form)
	{
		case QUIVER_FORM_DENSE:
			for (uint32 i = 0; i < dim; i++)
				row->components[i] = pull * NextFloat(&cluster) + NextFloat(&own);
			break;
		case QUIVER_FORM_BITS:
			/* Three eighths of the cluster's bits are others. */
			for (uint32 i = 0; i < (dim + 7) / 8; i++)
				row->bits[i] = (uint8) (NextRandom(&cluster) ^ (NextRandom(&own) & (NextRandom(&own) | NextRandom(&own))));
			if (dim % 8 != 0)
				row->bits[dim / 8] &= (uint8) (0xFF << (8 - dim % 8));
			break;
		case QUIVER_FORM_SPARSE:

			/* One in each stretch of dimensions, so that they ascend; a quarter of them are the cluster's. */
			value.count = row->entries;
			for (int i = 0; i < row->entries; i++)
			{
				uint64		first = (uint64) dim * i / row->entries;
				uint64		room = (uint64) dim * (i + 1) / row->entries - first;
				uint64		shared = NextRandom(&cluster);
				uint64		single = NextRandom(&own);

				row->indices[i] = (uint32_t) (first + (single % 4 == 0 ? shared : single) / 4 % Max(room, 1));
				row->components[i] = NextFloat(&own);
			}
			break;
	}
	return value;
}

/* ------------------------------------------------------------------ measuring */

/* The later half of what was linked tells most of what is to come. */
static void
ReadPace(const Calibration *calibration, QuiverPace *pace)
{
	int			last = calibration->reports - 1;
	int			middle = last / 2;
	double		rows = calibration->linked[last];
	double		seconds = calibration->seconds[last];

	if (last > 0 && rows > calibration->linked[middle])
	{
		pace->linkSeconds = (seconds - calibration->seconds[middle]) / (rows - calibration->linked[middle]);
		pace->linkedRows = (rows + calibration->linked[middle]) / 2;
	}
	else
	{
		pace->linkSeconds = seconds / Max(rows, 1);
		pace->linkedRows = Max(rows, 1) / 2;
	}
}

static void
Link(Calibration *calibration, QuiverBuild *build)
{
	INSTR_TIME_SET_CURRENT(calibration->start);
	if (quiver_build_prepare(build) && sigsetjmp(calibration->enough, 0) == 0)
		(void) quiver_build_link_rows(build, CalibrationProgress, calibration);
}

QuiverPace
QuiverMeasurePace(const QuiverIndexParams *params, uint64 rows, int entries, uint64 listRows)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver calibration",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Calibration *calibration = palloc0(sizeof(Calibration));
	MadeUp		row = {0};
	QuiverPace	pace = {0};
	QuiverBuild *build;
	bool		graph = rows > listRows;
	uint64		least = graph ? listRows + FEWEST_ROWS : rows;
	uint64		most = Max(Min(rows, MOST_ROWS), least);
	uint64		added = 0;
	instr_time	start;

	calibration->params = params;
	calibration->memory = memory;
	calibration->store.context = calibration;
	calibration->store.poll = CalibrationPoll;
	calibration->store.allocate = CalibrationAllocate;
	calibration->store.fail = CalibrationFail;
	AllocateMadeUp(&row, params, entries);
	build = quiver_build_begin_shared(&calibration->store, params,
									  QuiverSpaceOf(QuiverMakePrivateSpace(memory)), 0, 1);

	INSTR_TIME_SET_CURRENT(start);
	while (added < most)
	{
		QuiverTid	tid = {(uint32_t) (added / 100), (uint16_t) (added % 100 + 1)};
		QuiverValue value = MakeUp(&row, added);

		CHECK_FOR_INTERRUPTS();
		quiver_build_add(build, tid, &value);
		added++;
		if (added >= least &&
			(SecondsSince(start) > ADD_SECONDS || quiver_build_memory(build) > MOST_BYTES))
			break;
	}
	/* Making a row up costs about as much as reading it from a table. */
	pace.addSeconds = SecondsSince(start) / Max(added, 1);

	if (graph)
		Link(calibration, build);
	if (calibration->reports > 0)
		ReadPace(calibration, &pace);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	return pace;
}
