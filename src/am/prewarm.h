/*
 * prewarm.h - bringing indexes into shared buffers: for somebody who asks (prewarm.c), and by
 * background workers after a start of the server (prewarm_worker.c).
 */
#ifndef QUIVER_PREWARM_H
#define QUIVER_PREWARM_H

#include "am.h"

typedef enum QuiverPrewarm
{
	QUIVER_PREWARM_OFF,			/* of the setting only */
	QUIVER_PREWARM_UPPER,		/* what every search begins with */
	QUIVER_PREWARM_ALL
} QuiverPrewarm;

/* settings.c: quiver.prewarm. */
extern int	quiverPrewarm;

/*
 * How much of an index is warm.  A warming may go on in another transaction; what has become of the
 * file meanwhile costs blocks read in vain, no more.
 */
typedef struct QuiverWarming
{
	QuiverPrewarm mode;
	MemoryContext memory;		/* lives as long as this */
	uint64		most;			/* blocks that may be read at all */
	bool		whileFree;		/* end when no shared buffer is free any more */
	uint64		slice;			/* blocks not found in shared buffers that end a call; 0: none do */

	uint8	   *upper;			/* a bit a block: of the upper layers; NULL before the first call */
	BlockNumber upperBlocks;	/* that upper has bits for */
	bool		upperDone;
	BlockNumber next;			/* of the pass over all blocks */
	uint64		read;			/* blocks read so far, each counted once */
	bool		full;			/* ended by most or whileFree */

	/* Of one call. */
	Relation	index;
	BlockNumber blocks;			/* of the file */
	int64		missesAtStart;
	uint64		walked;			/* blocks that the walk has met */
} QuiverWarming;

/*
 * Reads blocks of index, which is open and locked; true when there is nothing left to do, or no room
 * for it.
 */
extern bool QuiverWarmIndex(QuiverWarming *warming, Relation index);

/* prewarm_progress.c: what quiver_prewarm_progress shows of this backend. */
extern void QuiverBeginPrewarmProgress(Oid index, QuiverPrewarm mode);
extern void QuiverReportPrewarmProgress(uint64 done, uint64 total);
extern void QuiverEndPrewarmProgress(void);

/* prewarm_worker.c: asks for the workers; call once, from _PG_init, where the library is preloaded. */
extern void QuiverRegisterPrewarm(void);

#endif							/* QUIVER_PREWARM_H */
