/*
 * build_space.c - memory of a build, its leader's own or shared with workers, and its files.
 *
 * Shared memory is an anonymous file (memfd_create), which workers open through the leader's
 * /proc entry.  Unlike PostgreSQL's dynamic shared memory it does not lie in /dev/shm, which
 * containers keep small (64 MB under Docker), it vanishes with the last process whatever ends
 * them, and can be had in huge pages (docs/decisions/0008-shared-memory-of-builds.md).
 *
 * The core asks for pieces of a sparse range of offsets.  They are provided by fallocate, so that
 * a lack of memory is an error and no SIGBUS, and mapped window by window.
 *
 * What may lie on disk is a temporary file for each stretch of offsets, where temp_tablespaces says,
 * whose name is removed as soon as it is open: it ends as the memory does.  Forgetting a part of
 * what is mapped drops the process's own mapping of it; the kernel's cache writes it when it likes.
 */
#include "am.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/tablespace.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/guc.h"
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
	int			fds[1 + QUIVER_SPACE_STRETCHES];	/* memory, -1: private; stretches on disk,
													 * -1: not there yet */
	uint64		onDisk;			/* bytes that this process has reserved there, but for released ones */
	uint64		everOnDisk;
	Window	   *windows;
	int			windowCount;
	int			windowRoom;
	MemoryContextCallback end;
};

static bool
IsOnDisk(uint64 offset)
{
	return offset >= QUIVER_SPACE_ON_DISK;
}

/* Of the file that the offset lies in, and where. */
static int *
FileOf(QuiverBuildSpace *space, uint64 offset, off_t *position)
{
	if (!IsOnDisk(offset))
	{
		*position = (off_t) offset;
		return &space->fds[0];
	}
	*position = (off_t) (offset & ((UINT64CONST(1) << QUIVER_SPACE_STRETCH_SHIFT) - 1));
	return &space->fds[(offset - QUIVER_SPACE_ON_DISK) >> QUIVER_SPACE_STRETCH_SHIFT];
}

/* Address space for a window, on a boundary of huge pages, mapped to the file or to nothing yet. */
static char *
MapWindow(QuiverBuildSpace *space, uint64 offset, uint64 bytes)
{
	off_t		position;
	int			fd = *FileOf(space, offset, &position);
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

	if (fd >= 0 &&
		mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 position) == MAP_FAILED)
	{
		int			reason = errno;

		(void) munmap(address, bytes);
		errno = reason;
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	if (!IsOnDisk(offset))
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

/* Blocks of a file; false with errno where there are none. */
static bool
Provide(int fd, off_t position, off_t bytes)
{
	for (;;)
	{
		int			reason = fallocate(fd, 0, position, bytes) == 0 ? 0 : errno;

		if (reason == EOPNOTSUPP)
			reason = posix_fallocate(fd, position, bytes);
		if (reason == 0)
			return true;
		errno = reason;
		if (reason != EINTR)
			return false;
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * A temporary file without a name.  Not one of PostgreSQL's virtual files, since workers find it by
 * its descriptor.
 */
static int
MakeTemporaryFile(void)
{
	File		file;
	int			fd;

	PrepareTempTablespaces();
	file = OpenTemporaryFile(false);
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("too many open files for an index build")));
	fd = fcntl(FileGetRawDesc(file), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
	{
		int			reason = errno;

		ReleaseExternalFD();
		errno = reason;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open a temporary file of an index build: %m")));
	}
	FileClose(file);
	return fd;
}

static void
MakeTemporaryFiles(QuiverBuildSpace *space)
{
	for (int i = 1; i <= QUIVER_SPACE_STRETCHES; i++)
		if (space->fds[i] < 0)
			space->fds[i] = MakeTemporaryFile();
}

static void
ReserveOnDisk(QuiverBuildSpace *space, uint64 offset, uint64 bytes)
{
	off_t		position;
	int		   *fd = FileOf(space, offset, &position);

	if (*fd < 0)
		MakeTemporaryFiles(space);
	space->onDisk += bytes;
	space->everOnDisk += bytes;
	if (temp_file_limit >= 0 && space->onDisk > (uint64) temp_file_limit * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("temporary file size exceeds temp_file_limit (%dkB)", temp_file_limit)));
	if (!Provide(*fd, position, (off_t) bytes))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not extend a temporary file of an index build by %llu bytes: %m",
						(unsigned long long) bytes)));
}

static bool
SpaceReserve(void *context, uint64_t offset, uint64_t bytes)
{
	QuiverBuildSpace *space = context;
	char	   *address;

	if (IsOnDisk(offset))
	{
		ReserveOnDisk(space, offset, bytes);
		return true;
	}
	address = SpaceMap(space, offset, bytes);
	if (space->fds[0] < 0)
		return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
	if (!Provide(space->fds[0], (off_t) offset, (off_t) bytes))
		return false;
	/* Into huge pages, where there are any. */
	if (bytes >= HUGE_PAGE_WORTH)
		(void) madvise(address, bytes, MADV_COLLAPSE);
	return true;
}

static void
SpaceRelease(void *context, uint64_t offset, uint64_t bytes)
{
	QuiverBuildSpace *space = context;
	off_t		position;
	int			fd = *FileOf(space, offset, &position);

	if (IsOnDisk(offset))
		space->onDisk -= Min(bytes, space->onDisk);
	if (fd < 0)
		(void) madvise(SpaceMap(space, offset, bytes), bytes, MADV_DONTNEED);
	else
		(void) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, (off_t) bytes);
}

/* Whole pages of it only; shared mappings lose nothing by this. */
static void
SpaceForget(void *context, uint64_t offset, uint64_t bytes)
{
	char	   *address = SpaceMap(context, offset, bytes);
	uintptr_t	page = (uintptr_t) sysconf(_SC_PAGESIZE);
	uintptr_t	start = TYPEALIGN(page, (uintptr_t) address);
	uintptr_t	end = TYPEALIGN_DOWN(page, (uintptr_t) address + bytes);

	if (start < end)
		(void) madvise((void *) start, end - start, MADV_DONTNEED);
}

/* All of it, or an error. */
static void
SpaceLoad(void *context, uint64_t offset, uint64_t bytes, void *into)
{
	off_t		position;
	int			fd = *FileOf(context, offset, &position);

	for (uint64 done = 0; done < bytes;)
	{
		ssize_t		count;

		pgstat_report_wait_start(WAIT_EVENT_BUFFILE_READ);
		count = pread(fd, (char *) into + done, bytes - done, position + (off_t) done);
		pgstat_report_wait_end();
		if (count > 0)
			done += count;
		else if (count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a temporary file of an index build is too short")));
		else if (errno != EINTR)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read a temporary file of an index build: %m")));
	}
}

static void
SpaceSave(void *context, uint64_t offset, uint64_t bytes, const void *from)
{
	off_t		position;
	int			fd = *FileOf(context, offset, &position);

	for (uint64 done = 0; done < bytes;)
	{
		ssize_t		count;

		pgstat_report_wait_start(WAIT_EVENT_BUFFILE_WRITE);
		count = pwrite(fd, (const char *) from + done, bytes - done, position + (off_t) done);
		pgstat_report_wait_end();
		if (count > 0)
			done += count;
		else if (count == 0 || errno != EINTR)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write a temporary file of an index build: %m")));
	}
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
	if (space->everOnDisk > 0)
		pgstat_report_tempfile((size_t) space->everOnDisk);
	for (int i = 0; i < (int) lengthof(space->fds); i++)
	{
		if (space->fds[i] < 0)
			continue;
		(void) close(space->fds[i]);
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
			.forget = SpaceForget,
			.load = SpaceLoad,
			.save = SpaceSave,
			.wait = SpaceWait
	};
	for (int i = 0; i < (int) lengthof(space->fds); i++)
		space->fds[i] = -1;
	space->windowRoom = 16;
	space->windows = MemoryContextAlloc(memory, sizeof(Window) * space->windowRoom);
	space->end.func = EndSpace;
	space->end.arg = space;
	MemoryContextRegisterResetCallback(memory, &space->end);
	return space;
}

/* The leader's open file, or -1. */
static int
OpenLeadersFile(int pid, const QuiverSpaceFile *file)
{
	char		path[64];
	struct stat status;
	int			fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, file->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && status.st_dev == file->device && status.st_ino == file->inode)
		return fd;
	(void) close(fd);
	return -1;
}

/* Whether there is a /proc that has our files, as a worker must have it. */
static bool
CanBeOpened(int pid, const QuiverSpaceFile *file)
{
	int			fd = OpenLeadersFile(pid, file);

	if (fd < 0)
		return false;
	(void) close(fd);
	return true;
}

/* Where workers find the file that is open as fd; false where they cannot. */
static bool
DescribeFile(int fd, QuiverSpaceFile *file)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return false;
	file->fd = fd;
	file->device = status.st_dev;
	file->inode = status.st_ino;
	return true;
}

QuiverBuildSpace *
QuiverMakeSharedSpace(MemoryContext memory, QuiverSpaceHandle *handle)
{
	QuiverBuildSpace *space = QuiverMakePrivateSpace(memory);

	if (!AcquireExternalFD())
		return NULL;
	space->fds[0] = memfd_create("quiver build", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (space->fds[0] < 0 && errno == EINVAL)	/* before Linux 6.3 */
		space->fds[0] = memfd_create("quiver build", MFD_CLOEXEC);
	if (space->fds[0] < 0)
	{
		ReleaseExternalFD();
		return NULL;
	}
	/* Workers cannot make them for others to find. */
	MakeTemporaryFiles(space);
	handle->pid = MyProcPid;
	for (int i = 0; i < (int) lengthof(space->fds); i++)
		if (!DescribeFile(space->fds[i], &handle->files[i]) ||
			!CanBeOpened(MyProcPid, &handle->files[i]))
			return NULL;
	return space;
}

QuiverBuildSpace *
QuiverOpenSharedSpace(MemoryContext memory, const QuiverSpaceHandle *handle)
{
	QuiverBuildSpace *space = QuiverMakePrivateSpace(memory);

	for (int i = 0; i < (int) lengthof(space->fds); i++)
	{
		if (!AcquireExternalFD())
			return NULL;
		space->fds[i] = OpenLeadersFile(handle->pid, &handle->files[i]);
		if (space->fds[i] >= 0)
			continue;
		ReleaseExternalFD();
		return NULL;
	}
	return space;
}

const QuiverSpace *
QuiverSpaceOf(const QuiverBuildSpace *space)
{
	return &space->space;
}
