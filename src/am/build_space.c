/*
 * build_space.c - memory of a build, its leader's own or shared with workers.
 *
 * Shared memory is an anonymous file (memfd_create), which workers open through the leader's
 * /proc entry.  Unlike PostgreSQL's dynamic shared memory it does not lie in /dev/shm, which
 * containers keep small (64 MB under Docker), it vanishes with the last process whatever ends
 * them, and can be had in huge pages (docs/decisions/0008-shared-memory-of-builds.md).
 *
 * The core asks for pieces of a sparse range of offsets.  They are provided by fallocate, so that
 * a lack of memory is an error and no SIGBUS, and mapped window by window.
 */
#include "am.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "build_space.h"

#define HUGE_PAGE_BYTES UINT64CONST(0x200000)
#define HUGE_PAGE_WORTH (8 * HUGE_PAGE_BYTES)	/* a piece that is worth asking for them */

/* A process may have 65,530 mappings: each is larger than most pieces. */
#define WINDOW_BYTES UINT64CONST(0x10000000)

/* Calls of wait that only let others run; then it sleeps. */
#define YIELDS 50
#define SLEEP_MICROSECONDS 50

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

typedef struct Window
{
	uint64		offset;
	uint64		bytes;
	char	   *address;
} Window;

struct QuiverBuildSpace
{
	QuiverSpace space;
	int			fd;				/* -1: private memory */
	Window	   *windows;
	int			windowCount;
	int			windowRoom;
	MemoryContextCallback end;
};

/* Address space for a window, on a boundary of huge pages, mapped to the file or to nothing yet. */
static char *
MapWindow(const QuiverBuildSpace *space, uint64 offset, uint64 bytes)
{
	uint64		most = bytes + HUGE_PAGE_BYTES;
	char	   *start = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char	   *address;

	if (start == MAP_FAILED)
		return NULL;
	address = (char *) TYPEALIGN(HUGE_PAGE_BYTES, (uintptr_t) start);
	if (address > start)
		(void) munmap(start, address - start);
	if (address + bytes < start + most)
		(void) munmap(address + bytes, start + most - (address + bytes));

	if (space->fd >= 0 &&
		mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, space->fd,
			 (off_t) offset) == MAP_FAILED)
	{
		int			reason = errno;

		(void) munmap(address, bytes);
		errno = reason;
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	(void) madvise(address, bytes, MADV_HUGEPAGE);
#endif
	return address;
}

/* Where the piece is; the window that it lies in may have to be mapped. */
static void *
SpaceMap(void *context, uint64_t offset, uint64_t bytes)
{
	QuiverBuildSpace *space = context;
	uint64		start = offset - offset % WINDOW_BYTES;
	uint64		length = Max(WINDOW_BYTES, offset + bytes - start);
	char	   *address;

	for (int i = space->windowCount - 1; i >= 0; i--)
	{
		const Window *window = &space->windows[i];

		if (offset >= window->offset && offset + bytes <= window->offset + window->bytes)
			return window->address + (offset - window->offset);
	}

	if (space->windowCount == space->windowRoom)
	{
		space->windowRoom *= 2;
		space->windows = repalloc_huge(space->windows, sizeof(Window) * space->windowRoom);
	}
	address = MapWindow(space, start, length);
	if (address == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map %llu bytes of memory for an index build: %m",
						(unsigned long long) length)));
	space->windows[space->windowCount++] = (Window)
	{
		start, length, address
	};
	return address + (offset - start);
}

static bool
SpaceReserve(void *context, uint64_t offset, uint64_t bytes)
{
	QuiverBuildSpace *space = context;
	char	   *address = SpaceMap(space, offset, bytes);

	if (space->fd < 0)
		return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;

	while (fallocate(space->fd, 0, (off_t) offset, (off_t) bytes) != 0)
	{
		if (errno != EINTR)
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	/* Into huge pages, where there are any. */
	if (bytes >= HUGE_PAGE_WORTH)
		(void) madvise(address, bytes, MADV_COLLAPSE);
	return true;
}

static void
SpaceRelease(void *context, uint64_t offset, uint64_t bytes)
{
	QuiverBuildSpace *space = context;

	if (space->fd < 0)
		(void) madvise(SpaceMap(space, offset, bytes), bytes, MADV_DONTNEED);
	else
		(void) fallocate(space->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						 (off_t) offset, (off_t) bytes);
}

static void
SpaceWait(void *context, uint32_t tries)
{
	CHECK_FOR_INTERRUPTS();
	if (tries <= YIELDS)
	{
		(void) sched_yield();
		return;
	}
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	pg_usleep(SLEEP_MICROSECONDS);
	pgstat_report_wait_end();
}

/* The memory context ends, in whatever way. */
static void
EndSpace(void *context)
{
	QuiverBuildSpace *space = context;

	for (int i = 0; i < space->windowCount; i++)
		(void) munmap(space->windows[i].address, space->windows[i].bytes);
	if (space->fd >= 0)
	{
		(void) close(space->fd);
		ReleaseExternalFD();
	}
}

QuiverBuildSpace *
QuiverMakePrivateSpace(MemoryContext memory)
{
	QuiverBuildSpace *space = MemoryContextAllocZero(memory, sizeof(QuiverBuildSpace));

	space->space = (QuiverSpace)
	{
		.context = space,
			.reserve = SpaceReserve,
			.map = SpaceMap,
			.release = SpaceRelease,
			.wait = SpaceWait
	};
	space->fd = -1;
	space->windowRoom = 16;
	space->windows = MemoryContextAlloc(memory, sizeof(Window) * space->windowRoom);
	space->end.func = EndSpace;
	space->end.arg = space;
	MemoryContextRegisterResetCallback(memory, &space->end);
	return space;
}

/* An open file that is what the handle says, or -1. */
static int
OpenLeadersFile(const QuiverSpaceHandle *handle)
{
	char		path[64];
	struct stat status;
	int			fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", handle->pid, handle->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && status.st_dev == handle->device &&
		status.st_ino == handle->inode)
		return fd;
	(void) close(fd);
	return -1;
}

/* Whether the file of the handle can be opened as a worker would, which asks for a /proc. */
static bool
CanBeOpened(const QuiverSpaceHandle *handle)
{
	int			fd = OpenLeadersFile(handle);

	if (fd < 0)
		return false;
	(void) close(fd);
	return true;
}

QuiverBuildSpace *
QuiverMakeSharedSpace(MemoryContext memory, QuiverSpaceHandle *handle)
{
	QuiverBuildSpace *space = QuiverMakePrivateSpace(memory);
	struct stat status;

	if (!AcquireExternalFD())
		return NULL;
	space->fd = memfd_create("quiver build", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (space->fd < 0 && errno == EINVAL)	/* before Linux 6.3 */
		space->fd = memfd_create("quiver build", MFD_CLOEXEC);
	if (space->fd < 0)
	{
		ReleaseExternalFD();
		return NULL;
	}
	if (fstat(space->fd, &status) != 0)
		return NULL;
	handle->pid = MyProcPid;
	handle->fd = space->fd;
	handle->device = status.st_dev;
	handle->inode = status.st_ino;
	return CanBeOpened(handle) ? space : NULL;
}

QuiverBuildSpace *
QuiverOpenSharedSpace(MemoryContext memory, const QuiverSpaceHandle *handle)
{
	QuiverBuildSpace *space = QuiverMakePrivateSpace(memory);

	if (!AcquireExternalFD())
		return NULL;
	space->fd = OpenLeadersFile(handle);
	if (space->fd >= 0)
		return space;
	ReleaseExternalFD();
	return NULL;
}

const QuiverSpace *
QuiverSpaceOf(const QuiverBuildSpace *space)
{
	return &space->space;
}
