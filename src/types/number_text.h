/*
 * number_text.h - numbers in the text form of the vector types.
 *
 * Nothing here depends on the locale (the server keeps LC_NUMERIC at C, which
 * strtof relies on), and no message repeats more than a line of hostile input.
 */
#ifndef QUIVER_NUMBER_TEXT_H
#define QUIVER_NUMBER_TEXT_H

#include "element.h"

#include "lib/stringinfo.h"

/* Elements between two polls of interrupts, in input and output. */
#define QUIVER_ELEMENTS_PER_POLL 1024

/* Where a text stands; literal is for messages. */
typedef struct QuiverTextInput
{
	const QuiverElementType *type;
	const char *literal;		/* the whole text */
	const char *at;				/* the next character to read */
	Node	   *escontext;		/* of the input function's caller */
} QuiverTextInput;

/* At most a line of text, cut between characters; palloc'd if it is cut. */
extern const char *QuiverClipText(const char *text, size_t length);

/*
 * Raises 22P02 with a detail that names the place.  what begins the sentence:
 * "Expected \"]\"".  Returns false if the error was soft.
 */
extern bool QuiverSyntaxError(const QuiverTextInput *input, const char *what);

extern void QuiverSkipSpace(QuiverTextInput *input);

/* Skips spaces, then c if it is next; false if it is not. */
extern bool QuiverAcceptChar(QuiverTextInput *input, char c);

/*
 * One component: finite and in the type's range.  Skips spaces around it.
 * Returns false after a soft error.
 */
extern bool QuiverReadFloat(QuiverTextInput *input, float *value);

/*
 * One decimal integer, saturated far beyond int32.  Skips spaces around it.
 * Returns false after a soft error.
 */
extern bool QuiverReadInt(QuiverTextInput *input, int64 *value);

/* Shortest text that gives value back. */
extern void QuiverAppendFloat(StringInfo buf, float value);

#endif							/* QUIVER_NUMBER_TEXT_H */
