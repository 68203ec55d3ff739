/*
 * core_api.h - the one seam between Quiver's core (C++, no PostgreSQL) and its
 * glue (src/am, C, the only place that knows buffers, WAL and ereport).
 *
 * How errors travel.  The core never throws and returns no status codes: when
 * it meets a broken page it calls store->fail, which must not return (the glue
 * ereports, that is a longjmp; unit tests longjmp too).  Any other callback may
 * longjmp as well (cancel, out of memory, I/O error).  That is safe because
 * every object of the core that is alive across a callback is trivially
 * destructible and its memory comes from store->allocate: whoever catches frees
 * the memory context and releases locks, as PostgreSQL's abort processing does.
 * docs/decisions/0002-errors-by-callback.md says why.
 *
 * Blocks, dimensions and counts are checked by the core before use; nothing
 * read from a page is trusted.
 */
#ifndef QUIVER_CORE_API_H
#define QUIVER_CORE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "distance/kernels.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define QUIVER_BLOCK_SIZE 8192
#define QUIVER_INVALID_BLOCK 0xFFFFFFFFu
/* Dimensions of dense vectors, bit strings and sparse vectors; entries of the latter. */
#define QUIVER_MAX_DIM 16000
#define QUIVER_MAX_BITS 64000
#define QUIVER_MAX_SPARSE_DIM 1000000000
#define QUIVER_MAX_SPARSE_ENTRIES 16000
/* A generic WAL record covers at most this many pages. */
#define QUIVER_MAX_RECORD_PAGES 4

/* ------------------------------------------------------------------ values */

typedef enum QuiverMetric
{
	QUIVER_METRIC_L2 = 1,		/* Euclidean distance */
	QUIVER_METRIC_IP = 2,		/* negative inner product */
	QUIVER_METRIC_COSINE = 3,	/* 1 - cosine similarity */
	QUIVER_METRIC_L1 = 4,		/* sum of absolute differences */
	QUIVER_METRIC_HAMMING = 5,	/* bits that differ */
	QUIVER_METRIC_JACCARD = 6	/* 1 - common ones / ones of either */
} QuiverMetric;

/* What values are made of.  BITS have the last two metrics, the others the first four. */
typedef enum QuiverForm
{
	QUIVER_FORM_DENSE = 0,		/* float components */
	QUIVER_FORM_BITS = 1,
	QUIVER_FORM_SPARSE = 2		/* few float components of many dimensions */
} QuiverForm;

/* A value as SQL has it, in the caller's memory; all components are finite. */
typedef struct QuiverValue
{
	const float *components;	/* DENSE: dim of them; SPARSE: count of them, none zero */
	const uint32_t *indices;	/* SPARSE: the dimensions they are of, from 0, ascending */
	const uint8_t *bits;		/* BITS: ceil(dim / 8) bytes, the first bit is byte 0's highest; padding 0 */
	uint32_t	count;			/* SPARSE: 0 .. QUIVER_MAX_SPARSE_ENTRIES */
} QuiverValue;

typedef enum QuiverStorage
{
	QUIVER_STORAGE_AUTO = 0,	/* float32 where it costs no space, else float16 */
	QUIVER_STORAGE_FLOAT32 = 1,
	QUIVER_STORAGE_FLOAT16 = 2
} QuiverStorage;

/* A heap tuple's address; block and offset as in PostgreSQL's ItemPointer. */
typedef struct QuiverTid
{
	uint32_t	block;
	uint16_t	offset;			/* 1 .. ; 0 is no tuple */
} QuiverTid;

/* ------------------------------------------------------------------ errors */

typedef enum QuiverErrorCode
{
	QUIVER_ERROR_CORRUPTED = 1, /* XX002: a page is not what it must be */
	QUIVER_ERROR_FORMAT,		/* 0A000: made by a newer or other version */
	QUIVER_ERROR_LIMIT,			/* 54000: something would exceed a limit */
	QUIVER_ERROR_INTERNAL,		/* XX000: our bug */
	QUIVER_ERROR_MEMORY			/* 53200: no memory for a build; value: bytes wanted */
} QuiverErrorCode;

typedef struct QuiverError
{
	QuiverErrorCode code;
	uint32_t	block;			/* or QUIVER_INVALID_BLOCK */
	int32_t		item;			/* slot or entry on the page; -1: none */
	const char *detail;			/* static text, a sentence without period */
	uint64_t	value;			/* the offending value */
} QuiverError;

/* ------------------------------------------------------------- page store */

/* A page that is pinned and locked; filled in by the store. */
typedef struct QuiverPin
{
	uint32_t	block;
	int32_t		handle;			/* the store's own (a Buffer) */
	bool		exclusive;
	uint8_t    *edited;			/* image handed out by edit, NULL before */
} QuiverPin;

/*
 * Where pages come from.  Content locks have no deadlock detection: the core
 * takes them in the order meta (block 0), list pages, then all others, each by
 * ascending block, and never calls poll or allocate while it holds one
 * exclusively.
 */
typedef struct QuiverStore
{
	void	   *context;

	/* Number of blocks now; grows under concurrent inserts. */
	uint32_t	(*block_count) (void *context);

	/*
	 * Pin and lock for reading / for writing.  REQUIRES: block < block_count().
	 * The page is returned as it is; an all-zero page is possible (a crash
	 * between extension and first record).
	 */
	const uint8_t *(*read) (void *context, uint32_t block, QuiverPin *pin);
	const uint8_t *(*lock) (void *context, uint32_t block, QuiverPin *pin);
	/* Unlock and unpin.  REQUIRES: no open record holds it. */
	void		(*release) (void *context, QuiverPin *pin);

	/*
	 * A page that nobody uses, exclusively locked: a free one on a higher block
	 * than above, where the map of free pages names one that nobody has locked, or
	 * else a new one at the end of the file, all zero.  QUIVER_INVALID_BLOCK for
	 * above: a new one.
	 */
	const uint8_t *(*extend) (void *context, uint32_t above, QuiverPin *pin);

	/* Tells the map that a page is free (quiver_page_is_free).  A hint: it may get lost, or lie. */
	void		(*note_free) (void *context, uint32_t block);

	/*
	 * One atomic record over 1 .. QUIVER_MAX_RECORD_PAGES exclusively locked
	 * pages: begin, edit each page (the image returned is changed in place and
	 * holds the page's present content; fresh = true logs the page whole),
	 * commit.  Only after commit does the change show on the page itself.
	 * No other callback is called between begin and commit but edit.
	 */
	void		(*begin) (void *context);
	uint8_t    *(*edit) (void *context, QuiverPin *pin, bool fresh);
	void		(*commit) (void *context);

	/*
	 * The version of a locked page: any number that each committed record on the
	 * page changes for good (its LSN; where nothing is logged the counter, see
	 * quiver_page_count_change).  Only scans that skip killed rows ask; may be
	 * NULL for other operations.
	 */
	uint64_t	(*version) (void *context, const QuiverPin *pin);

	/*
	 * Sets bits in the hole of a page that is locked, shared suffices: ors bits
	 * into the page from offset on, and has it written some time.  Not logged; the
	 * next record on the page zeroes the hole.  May be NULL where version may.
	 */
	void		(*set_hints) (void *context, QuiverPin *pin, uint32_t offset,
							  const uint8_t *bits, uint32_t bytes);

	/*
	 * The bytes at offset of block will probably be read next: bring them nearer
	 * in the background, if that is cheap.  Any block number.  May be NULL.
	 */
	void		(*prefetch) (void *context, uint32_t block, uint32_t offset, uint32_t bytes);

	/* Process interrupts (may longjmp).  Never called with a lock held exclusively or shared. */
	void		(*poll) (void *context);

	/* Memory for as long as the operation lives; never NULL (longjmps instead). */
	void	   *(*allocate) (void *context, size_t bytes);

	/*
	 * Where this session last put a node, to fill its page up; a hint.
	 * QUIVER_INVALID_BLOCK when there is none.
	 */
	uint32_t	(*get_target) (void *context);
	void		(*set_target) (void *context, uint32_t block);

	/* Report error; does not return. */
	void		(*fail) (void *context, const QuiverError *error);
} QuiverStore;

/* ------------------------------------------------------------------- index */

/* What an index is made with. */
typedef struct QuiverIndexParams
{
	uint32_t	dim;			/* 1 .. the form's limit */
	QuiverForm	form;
	QuiverMetric metric;		/* one that the form has */
	QuiverStorage storage;
	int32_t		m;				/* 2 .. 100 */
	int32_t		ef_construction;	/* 4 .. 1000 */
	uint64_t	seed;			/* of the rotation; any value */
	uint32_t	type_oid;		/* of the key column, noted in the meta page */
} QuiverIndexParams;

/*
 * Everything that never changes while the index file lives: parameters, layout,
 * rotation, centre.  Flat and free of pointers: quiver_index_bytes() bytes may
 * be copied anywhere (the relation cache's rd_amcache) and used there.
 */
typedef struct QuiverIndex QuiverIndex;

/* Reads and checks the meta page and the centre.  fails: CORRUPTED, FORMAT. */
extern const QuiverIndex *quiver_index_open(const QuiverStore *store);
extern size_t quiver_index_bytes(const QuiverIndex *index);
extern uint32_t quiver_index_dim(const QuiverIndex *index);
extern QuiverForm quiver_index_form(const QuiverIndex *index);
extern QuiverMetric quiver_index_metric(const QuiverIndex *index);

/* False for a value that has no distance to any other: zero under cosine. */
extern bool quiver_has_direction(const QuiverIndex *index, const QuiverValue *value);
extern bool quiver_index_stores_float32(const QuiverIndex *index);

/* The figures that a cost model wants; page accesses of one search included. */
typedef struct QuiverShape
{
	uint32_t	dim;
	int32_t		node_slots;		/* neighbours of a bottom node */
	int32_t		nodes_per_page;
	int32_t		levels;			/* upper levels above the bottom; -1: no graph yet */
	uint32_t	list_pages;		/* swept by every search */
	int32_t		pages_per_node;	/* read to expand a node: 1, more where nodes exceed a page */
	bool		coded;			/* neighbours are estimated from the node's own pages; else each costs its pages */
} QuiverShape;

extern void quiver_index_shape(const QuiverStore *store, const QuiverIndex *index,
							   QuiverShape *shape);

/* -------------------------------------------------------------------- scan */

typedef enum QuiverIterativeScan
{
	QUIVER_ITERATIVE_OFF = 0,	/* the list and one beam, then the end */
	QUIVER_ITERATIVE_RELAXED,	/* batches, each sorted; never misses a row */
	QUIVER_ITERATIVE_STRICT		/* the same, dropping rows that come too late */
} QuiverIterativeScan;

typedef struct QuiverScanOptions
{
	int32_t		ef_search;		/* 1 .. 1000 */
	QuiverIterativeScan iterative;
	int64_t		max_scan_tuples;	/* nodes and list rows looked at before the scan ends; 0: no limit */
	size_t		memory_limit;	/* bytes of candidates and waiting rows that end a beam or a batch; at least 64 kB */

	/*
	 * Distances are lower bounds of what the SQL operator returns at any SIMD
	 * level, rows come in their order, and one that would come too late is left
	 * out, as under STRICT.
	 */
	bool		exact_order;

	/*
	 * In the operator's unit: rows that are surely farther are left out, and the
	 * beams end with one that finds no row within.  Rows whose distance is NaN come
	 * last, NULL ones not at all.  INFINITY: none.
	 */
	double		bound;

	/*
	 * Leave out rows that quiver_scan_kill was called for, as long as their page has
	 * not changed since; and take such calls.  False where somebody may still see
	 * those rows: on a standby.
	 */
	bool		skip_killed;
} QuiverScanOptions;

typedef enum QuiverScanKind
{
	QUIVER_SCAN_NEAREST,		/* ordered by distance to the query */
	QUIVER_SCAN_ALL				/* every row, rows without distance last */
} QuiverScanKind;

typedef enum QuiverRowKind
{
	QUIVER_ROW_DISTANCE = 0,	/* distance is valid (SCAN_ALL: 0) */
	QUIVER_ROW_NAN,				/* a vector without a direction (zero, under cosine) */
	QUIVER_ROW_NULL				/* the key is NULL */
} QuiverRowKind;

typedef struct QuiverRow
{
	QuiverTid	tid;
	QuiverRowKind kind;
	double		distance;		/* of the stored copy, in the operator's own unit; under exact_order a lower bound */
	bool		sure;			/* exact_order: no other row's distance lies where this one's may */
} QuiverRow;

/* Counters of one scan, since begin. */
typedef struct QuiverScanStats
{
	uint64_t	pages;			/* pages read */
	uint64_t	expanded;		/* bottom nodes whose exact distance was computed by the beam */
	uint64_t	descended;		/* upper nodes expanded */
	uint64_t	estimates;		/* edge estimates */
	uint64_t	swept;			/* nodes and list rows that a sweep compared */
	uint64_t	dropped;		/* rows that strict order left out */
	uint64_t	killed;			/* rows that quiver_scan_kill was called for */
} QuiverScanStats;

typedef struct QuiverScan QuiverScan;

/*
 * Begins a scan.  store, index and options must outlive it; query is copied,
 * NULL for QUIVER_SCAN_ALL.  A query
 * without a direction under cosine must be passed as QUIVER_SCAN_ALL.  All
 * memory comes from store->allocate; to end a scan, free that memory.  Holds
 * no lock and no pin between calls.
 */
extern QuiverScan *quiver_scan_begin(const QuiverStore *store, const QuiverIndex *index,
									 const QuiverScanOptions *options,
									 QuiverScanKind kind, const QuiverValue *query);

/* The next row; false when there is none. */
extern bool quiver_scan_next(QuiverScan *scan, QuiverRow *row);
extern const QuiverScanStats *quiver_scan_stats(const QuiverScan *scan);

/*
 * The row returned last is dead to everybody: no snapshot sees it, nor will.  Hints
 * are set on its page, in batches, unless the page has changed since it was read.
 * Nothing under !skip_killed.  REQUIRES: quiver_scan_next has just returned true.
 */
extern void quiver_scan_kill(QuiverScan *scan);

/* Sets the hints still pending.  To be called before the scan's memory is freed, or never. */
extern void quiver_scan_finish(QuiverScan *scan);

/* ------------------------------------------------------------------ insert */

typedef struct QuiverInsertOptions
{
	int32_t		ef_construction;
	bool		expects_twin;	/* a row of the same vector is most likely there: saves time if so, costs some if not */
	uint64_t	random;			/* 64 random bits, decide the node's level */
} QuiverInsertOptions;

/*
 * Adds one row; value is NULL for SQL NULL.  Memory from store->allocate, to be freed by the caller afterwards (about 300 kB; some MB at
 * the largest dimensions or m).
 */
extern void quiver_insert(const QuiverStore *store, const QuiverIndex *index,
						  const QuiverInsertOptions *options,
						  QuiverTid tid, const QuiverValue *value);

/* ------------------------------------------------------------------- build */

typedef struct QuiverBuild QuiverBuild;

/* A block of the finished index, in ascending order from 0, to be stored and logged. */
typedef void (*QuiverPageSink) (void *context, uint32_t block, const uint8_t *page);
typedef void (*QuiverProgress) (void *context, uint64_t done, uint64_t total);

/*
 * Memory that the participants of a build share: one sparse range of offsets, as of a
 * file with holes.  offset and bytes are multiples of 64 kB.  What lies at
 * QUIVER_SPACE_ON_DISK or above may be written to a disk and need not stay in memory; it does
 * so in stretches, numbered from 1, each of which is used from its beginning.
 */
#define QUIVER_SPACE_ON_DISK	((uint64_t) 1 << 62)
#define QUIVER_SPACE_STRETCHES	4
#define QUIVER_SPACE_STRETCH_SHIFT	48	/* log2 of the bytes of one */

typedef struct QuiverSpace
{
	void	   *context;

	/* Provides memory at offset, not zeroed; false where there is none. */
	bool		(*reserve) (void *context, uint64_t offset, uint64_t bytes);

	/* Where this participant sees what somebody has reserved, for as long as it lives. */
	void	   *(*map) (void *context, uint64_t offset, uint64_t bytes);

	/* Nobody will look at this memory again. */
	void		(*release) (void *context, uint64_t offset, uint64_t bytes);

	/*
	 * Of a part of what lies on disk and is mapped, of any offset and length: this participant
	 * will hardly look at it soon.  It stays where it is mapped, with what it contains.
	 */
	void		(*forget) (void *context, uint64_t offset, uint64_t bytes);

	/*
	 * Reads and writes a part of what lies on disk and has been reserved, for parts that
	 * nobody maps.  May longjmp; locks of the build may be held.
	 */
	void		(*load) (void *context, uint64_t offset, uint64_t bytes, void *into);
	void		(*save) (void *context, uint64_t offset, uint64_t bytes, const void *from);

	/*
	 * Called over and over while another participant has what the caller waits for,
	 * tries counting from 1: gives up the CPU, and processes interrupts (may longjmp).
	 * Locks of the build may be held: after an error in any participant nobody goes on.
	 */
	void		(*wait) (void *context, uint32_t tries);
} QuiverSpace;

/*
 * Builds in memory, alone.  Of store, only allocate, poll and fail are called
 * (context passed on).  allocate is asked for chunks of 256 kB and 16 MB, one array of
 * up to 64 bytes a row and, at the end, one of 12 bytes a node, and must hand out memory
 * that lives until the build ends.
 */
extern QuiverBuild *quiver_build_begin(const QuiverStore *store, const QuiverIndexParams *params);

/*
 * Builds together with others, each in a process or thread of its own with a store of
 * its own.  The leader begins; others join before they add rows, and once more, as a
 * new build of theirs, before each later step.
 *
 *   all: quiver_build_add ... | leader: quiver_build_prepare |
 *   all, where it is bounded: quiver_build_sort_rows |
 *   all: quiver_build_link_rows | leader: quiver_build_finish, quiver_build_write
 *
 * Everybody must have ended a step before the next one begins.  It does not matter
 * who takes part in a step besides the leader.
 *
 * memory: bytes that all of them may have together, with what `space` has in memory; 0: any
 * number.  participants: between how many they are divided.  Where the graph would need
 * more, rows and pages lie on disk, and rows are sorted before they are linked, so that
 * each is linked to nodes that are in memory: the build is bounded.
 */
extern QuiverBuild *quiver_build_begin_shared(const QuiverStore *store,
											  const QuiverIndexParams *params,
											  const QuiverSpace *space, uint64_t memory,
											  uint32_t participants);
extern QuiverBuild *quiver_build_join(const QuiverStore *store, const QuiverSpace *space);

/* Adds one row; value is NULL for SQL NULL. */
extern void quiver_build_add(QuiverBuild *build, QuiverTid tid, const QuiverValue *value);

/* Bytes that the rows added so far and their graph take at most, if all is in memory. */
extern uint64_t quiver_build_memory(const QuiverBuild *build);

/* Rows added by all participants, with or without a vector. */
extern uint64_t quiver_build_rows(const QuiverBuild *build);

/* False where the rows fit a list: then there is nothing to sort or to link. */
extern bool quiver_build_prepare(QuiverBuild *build);

/* After quiver_build_prepare. */
extern bool quiver_build_is_bounded(const QuiverBuild *build);

/* Sorts rows until all have been taken, as quiver_build_link_rows links them. */
extern uint64_t quiver_build_sort_rows(QuiverBuild *build, QuiverProgress progress,
									   void *progress_context);

/*
 * Links rows until all have been taken; how many this participant has linked.  progress
 * may be NULL; it is told what all participants have done.
 */
extern uint64_t quiver_build_link_rows(QuiverBuild *build, QuiverProgress progress,
									   void *progress_context);

/* Adds the rows without a distance, and decides where the nodes go: quiver_build_pages is final then. */
extern void quiver_build_finish(QuiverBuild *build);

/* All three, for a build alone.  Call once, after the last add. */
extern void quiver_build_link(QuiverBuild *build, QuiverProgress progress, void *progress_context);

/* Hands every page to sink; an index without rows has its meta page only. */
extern void quiver_build_write(QuiverBuild *build, QuiverPageSink sink, void *sink_context);
extern uint32_t quiver_build_pages(const QuiverBuild *build);

/* ---------------------------------------------------------------- estimates */

/* What is known of rows before an index of them is built; all vectors differ. */
typedef struct QuiverRowsGuess
{
	double		rows;
	double		entries;		/* SPARSE: of a vector, on the average */
	double		entries_deviation;	/* SPARSE: their standard deviation */
	bool		shared;			/* several participants will build it */
} QuiverRowsGuess;

typedef struct QuiverSizeEstimate
{
	double		pages;			/* of the file */
	double		memory;			/* bytes that the rows and the graph take at most, at a time */
	double		most_nodes;		/* node numbers that the file has; must be below 2^32 */
	uint64_t	list_rows;		/* as many are a list still */
	bool		graph;			/* there are more */
	bool		coded;			/* neighbours are known from the node's own pages */
} QuiverSizeEstimate;

/* False where the form cannot have the dimension or the metric.  Calls nothing. */
extern bool quiver_estimate_size(const QuiverIndexParams *params, const QuiverRowsGuess *guess,
								 QuiverSizeEstimate *estimate);

/* ------------------------------------------------------------------ vacuum */

typedef bool (*QuiverIsDead) (void *context, QuiverTid tid);

typedef struct QuiverVacuumStats
{
	uint64_t	pages;			/* pages visited */
	uint64_t	removed;		/* rows removed */
	uint64_t	remaining;		/* rows left */
	uint64_t	emptied;		/* nodes that lost their last row in this pass */
	uint64_t	freed_pages;	/* pages that are free for any use now */
	uint64_t	mended;			/* nodes whose neighbours were replaced */
	uint64_t	linked;			/* neighbours that they got */
	uint64_t	searched;		/* of those nodes, how many were searched for anew */
	uint64_t	freed_nodes;	/* nodes whose places are free for others now */
} QuiverVacuumStats;

/*
 * Removes the rows for which is_dead says so, in one pass up the blocks until
 * the file grows no more, and frees pages of rows that became empty.  Adds to
 * *stats.  Emptied nodes stay as routes until quiver_vacuum_cleanup.
 * is_dead is called with the page locked; it must not touch the index.
 * delay is called between pages without a lock (vacuum_delay_point); may be NULL.
 */
extern void quiver_bulk_delete(const QuiverStore *store, const QuiverIndex *index,
							   QuiverIsDead is_dead, void *dead_context,
							   void (*delay) (void), QuiverVacuumStats *stats);

/*
 * Repairs the graph where nodes were emptied, by this or an earlier pass: takes
 * links to them out of all lists, links others in their place, and frees them.
 * Reads the meta page and ends where there is nothing to do.  May be cancelled, and
 * begins anew then.  One at a time; not while quiver_bulk_delete runs.
 */
extern void quiver_vacuum_cleanup(const QuiverStore *store, const QuiverIndex *index,
								  int32_t ef_construction, void (*delay) (void),
								  QuiverVacuumStats *stats);

/* True for a page that extend may hand out. */
extern bool quiver_page_is_free(const uint8_t *page);

/* ------------------------------------------------------------------ verify */

typedef enum QuiverSeverity
{
	QUIVER_SEVERITY_INFO,		/* a figure */
	QUIVER_SEVERITY_WARNING,	/* costs recall or space */
	QUIVER_SEVERITY_ERROR		/* may lose rows, or give wrong ones */
} QuiverSeverity;

typedef struct QuiverFinding
{
	QuiverSeverity severity;
	uint32_t	block;			/* or QUIVER_INVALID_BLOCK */
	int32_t		item;			/* node or entry on the page; -1: none */
	const char *text;			/* static, without period */
	uint64_t	value;			/* the offending value, or the figure */
	uint64_t	total;			/* INFO: what value is a share of; 0: of nothing */
} QuiverFinding;

typedef struct QuiverVerifyOptions
{
	QuiverForm	form;			/* as the catalog has it */
	QuiverMetric metric;
	uint32_t	dim;			/* 0: not known */
	bool		full;			/* also what reads pages in no order: codes against vectors, what searches come to */
	void	   *context;		/* of the callbacks */

	/* Called with no lock held. */
	void		(*finding) (void *context, const QuiverFinding *finding);

	/*
	 * Each row that the index had when the call began and has when it ends, with
	 * its place; one that moves meanwhile may come twice.  May be NULL.
	 */
	void		(*row) (void *context, QuiverTid tid, uint32_t block, int32_t item);
} QuiverVerifyOptions;

/*
 * Looks for damage, and reports instead of failing.  Takes share locks, one page at a
 * time (a node's page with its chunk pages), and may run beside anything; what two
 * pages say of each other is looked at again before it is reported.  Memory: 2 bytes
 * a block and 4 a node.  An index that is sound gives INFO only.
 */
extern void quiver_verify(const QuiverStore *store, const QuiverVerifyOptions *options);

/* True where a row stands more than once on two pages, which may be one, at this moment. */
extern bool quiver_row_stands_twice(const QuiverStore *store, QuiverTid tid,
									uint32_t first_block, uint32_t second_block);

/* ----------------------------------------------------------------- warming */

/* Told of a block; false: no more. */
typedef bool (*QuiverVisit) (void *context, uint32_t block);

/*
 * Reads the pages that every search begins with, each once: meta page, centre, list, and
 * those of the upper layers that links lead to.  ahead: blocks asked for before they are read
 * (QuiverStore.prefetch).  visit is told each after it has been read, with no lock held; false where
 * it ended the walk.  Memory: a bit a block, 8 bytes a page read.  fails: CORRUPTED.
 */
extern bool quiver_walk_upper(const QuiverStore *store, const QuiverIndex *index, uint32_t ahead,
							  QuiverVisit visit, void *visit_context);

/* -------------------------------------------------------------- statistics */

/* Layers that a graph may have, the bottom one included. */
#define QUIVER_LEVELS 13

typedef enum QuiverState
{
	QUIVER_STATE_LIST = 0,
	QUIVER_STATE_DRAINING = 1,
	QUIVER_STATE_GRAPH = 2
} QuiverState;

/* What a slot has of its neighbour. */
typedef enum QuiverCodec
{
	QUIVER_CODEC_NONE = 0,		/* the edge's length */
	QUIVER_CODEC_EDGE = 1,		/* a code of the difference */
	QUIVER_CODEC_BITS = 2		/* its bits */
} QuiverCodec;

/* Pages by kind are indexed by the number that the format gives a kind. */
typedef enum QuiverPageKind
{
	QUIVER_PAGE_META = 1,
	QUIVER_PAGE_CENTER,
	QUIVER_PAGE_NODE,
	QUIVER_PAGE_UPPER,
	QUIVER_PAGE_LIST,
	QUIVER_PAGE_POSTING,
	QUIVER_PAGE_LOOSE,
	QUIVER_PAGE_FREE,
	QUIVER_PAGE_CHUNK,
	QUIVER_PAGE_KINDS
} QuiverPageKind;

typedef struct QuiverIndexStats
{
	/* Of the meta page. */
	uint32_t	format_version;
	uint32_t	creator_version;	/* as QUIVER_CREATOR_VERSION */
	uint32_t	compatible;			/* feature flags, three sets */
	uint32_t	read_compatible;
	uint32_t	incompatible;
	uint32_t	m;
	uint32_t	ef_construction;
	uint32_t	list_limit;			/* pages */
	uint32_t	repair_pending;
	QuiverState state;
	int32_t		levels;				/* the entry point's level; -1: no graph */
	QuiverCodec codec;
	uint32_t	code_bits;			/* of a component; 0: no such codes */
	uint32_t	slots;				/* neighbours a node can have */
	uint32_t	nodes_per_page;

	/* Counted. */
	uint32_t	blocks;
	uint64_t	pages[QUIVER_PAGE_KINDS];
	uint64_t	zero_pages;
	uint64_t	node_rows;			/* rows in the graph */
	uint64_t	list_rows;
	uint64_t	null_rows;
	uint64_t	nan_rows;			/* zero vectors, under cosine */
	uint64_t	nodes[QUIVER_LEVELS];	/* by layer, from the bottom */
	uint64_t	emptied_nodes;		/* of the bottom, without rows */
	uint64_t	free_places;		/* on pages of nodes, all layers */
	uint32_t	least_degree;		/* neighbours of a bottom node */
	uint32_t	most_degree;
	uint64_t	edges;				/* of the bottom layer */
	uint64_t	dominated_edges;
	uint64_t	full_lists;			/* bottom nodes with as many neighbours as slots */
	uint32_t	longest_chain;		/* pages of one node's further rows */
} QuiverIndexStats;

/*
 * Counts in one pass up the blocks, share locks, one page at a time; figures of a busy
 * index are of no one moment.  Memory: 4 bytes a block.  fails: CORRUPTED.
 */
extern void quiver_index_stats(const QuiverStore *store, const QuiverIndex *index,
							   QuiverIndexStats *stats);

/* ------------------------------------------------------------------ digest */

/* Of a page's canonical form, at most. */
#define QUIVER_CANONICAL_PAGE_BYTES 8176

/*
 * Writes to form, which has room for QUIVER_CANONICAL_PAGE_BYTES, what of a page is
 * logged: all but what may differ between a primary and its standby (LSN, checksum,
 * hints).  Returns its length, 0 for a page of zeros.  Never fails, whatever the page.
 */
extern size_t quiver_page_canonical(const uint8_t *page, uint8_t *form);

/* ------------------------------------------------------------ page versions */

/*
 * For stores whose commit logs nothing: no LSN moves there, and PostgreSQL's
 * generic WAL copies the page with its hole.  To be called on each image that is
 * about to be committed, page being what it will replace: zeroes the image's hole
 * but for a counter, which goes on from that of page.
 */
extern void quiver_page_count_change(uint8_t *image, const uint8_t *page);
extern uint64_t quiver_page_counter(const uint8_t *page);

/* -------------------------------------------------------------- core facts */

/* The version that is written into a new index's meta page. */
#define QUIVER_CREATOR_VERSION 0x00000100u	/* 0.1.0: (major << 16) | (minor << 8) | patch */

#ifdef __cplusplus
}
#endif

#endif							/* QUIVER_CORE_API_H */
