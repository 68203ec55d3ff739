/*
 * calibration.h - how fast this machine links rows, found out by doing it for a moment.
 */
#ifndef QUIVER_CALIBRATION_H
#define QUIVER_CALIBRATION_H

#include "am.h"

typedef struct QuiverPace
{
	double		addSeconds;		/* of collecting a row: rotation, rounding */
	double		linkSeconds;	/* of linking a row to about so many: */
	double		linkedRows;
} QuiverPace;

/*
 * Builds an index of made-up rows in memory, with one process, for about a second; no more than rows of
 * them.  entries: of a sparse vector.  May be cancelled.
 */
extern QuiverPace QuiverMeasurePace(const QuiverIndexParams *params, uint64 rows, int entries,
									uint64 listRows);

#endif							/* QUIVER_CALIBRATION_H */
