/*
 * build_space.h - memory of a build, its leader's own or shared with workers, and its files.
 */
#ifndef QUIVER_BUILD_SPACE_H
#define QUIVER_BUILD_SPACE_H

#include "am.h"

/* An open file of the leader. */
typedef struct QuiverSpaceFile
{
	int			fd;				/* in the leader */
	uint64		device;			/* what it must be */
	uint64		inode;
} QuiverSpaceFile;

/* How a worker finds the leader's space; goes through shared memory. */
typedef struct QuiverSpaceHandle
{
	int			pid;			/* of the leader */
	QuiverSpaceFile files[1 + QUIVER_SPACE_STRETCHES];	/* memory; stretches on disk */
} QuiverSpaceHandle;

typedef struct QuiverBuildSpace QuiverBuildSpace;

/*
 * Makes a space, which ends with the memory context.  Shared: NULL where this system
 * has no memory that other processes can open.
 */
extern QuiverBuildSpace *QuiverMakePrivateSpace(MemoryContext memory);
extern QuiverBuildSpace *QuiverMakeSharedSpace(MemoryContext memory, QuiverSpaceHandle *handle);

/* In a worker: opens the leader's; NULL where that cannot be done. */
extern QuiverBuildSpace *QuiverOpenSharedSpace(MemoryContext memory,
											   const QuiverSpaceHandle *handle);

/* As the core wants it. */
extern const QuiverSpace *QuiverSpaceOf(const QuiverBuildSpace *space);

#endif							/* QUIVER_BUILD_SPACE_H */
