/*
 * distance_cost.h - what a distance costs, for the planner.
 */
#ifndef QUIVER_DISTANCE_COST_H
#define QUIVER_DISTANCE_COST_H

#include "postgres.h"

#include "nodes/supportnodes.h"

/*
 * Fills in the cost of a call whose first two arguments are compared (the second
 * may be a quiver_bound).  False where nothing is known of them; pg_proc's COST
 * holds then.
 */
extern bool QuiverDistanceCost(SupportRequestCost *request);

#endif							/* QUIVER_DISTANCE_COST_H */
