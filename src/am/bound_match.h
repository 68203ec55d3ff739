/*
 * bound_match.h - makes of a clause the search condition value <@ bound.
 */
#ifndef QUIVER_BOUND_MATCH_H
#define QUIVER_BOUND_MATCH_H

#include "am.h"

#include "../types/bound.h"

/* A clause as a search condition. */
typedef struct QuiverMatch
{
	Expr	   *condition;		/* operand <@ bound */
	bool		lossy;			/* holds for more rows than the clause, which must be checked besides */
	bool		ofCore;			/* PostgreSQL finds it without our help */
} QuiverMatch;

/*
 * The condition on column that clause amounts to: embedding <-> q < r and its
 * like, quiver_within(embedding, q, r), or the condition itself.  False where it
 * is none, or none that the column's class can search by.
 */
extern bool QuiverMatchClause(PlannerInfo *root, IndexOptInfo *index, int column,
							  Node *clause, QuiverMatch *match);

/*
 * The operands of <@ that say what quiver_within(arguments) says, and the
 * operator; NIL where the distance is not known at planning time.
 */
extern List *QuiverWithinAsCondition(PlannerInfo *root, Oid within, List *arguments, Oid *operator);

/*
 * What cost.c wants to know of a search condition: the bound, if it is known at
 * planning time, else NULL; *value is what the bound is about (NULL: unknown).
 */
extern const QuiverBound *QuiverConditionBound(Expr *condition, Node **value);

#endif							/* QUIVER_BOUND_MATCH_H */
