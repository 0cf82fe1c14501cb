/*
 * Time, from the kernel or from a test.
 */
#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int64_t stopped = -1;
static const volatile int64_t *shift;
static bool looked;

static void
look_for_file(void)
{
	const char *path = getenv("MPCLOUD_CLOCK_FILE");
	void *p;
	int fd;

	looked = true;
	fd = path && *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		shift = p;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	if (stopped >= 0)
		return stopped;
	if (!looked)
		look_for_file();
	(void)clock_gettime(id, &ts);
	return ts.tv_sec * CLOCK_S + ts.tv_nsec + (shift ? *shift : 0);
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_coarse(void)
{
	return read_clock(CLOCK_REALTIME_COARSE);
}

int64_t
clock_mono(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
clock_set(int64_t now)
{
	stopped = now;
}

bool
clock_is_set(void)
{
	if (!looked)
		look_for_file();
	return stopped >= 0 || shift;
}
