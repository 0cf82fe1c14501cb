/*
 * systemd's side is played by this test: a datagram socket and a few
 * variables.
 */
#include "base/mem.h"
#include "base/sysd.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/test_sysd.XXXXXX";
static char path[64];

static int
up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/notify", dir);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static int
notify_socket(const char *name, bool abstract)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len;

	memcpy(a.sun_path, name, strlen(name));
	if (abstract)
		a.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void
read_state(int fd, char *ret, size_t size)
{
	ssize_t n = recv(fd, ret, size - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	ret[n] = '\0';
}

static void
the_state_is_sent_to_a_path_or_an_abstract_name(void **state)
{
	_free_ char *abstract = str_printf("@%s", dir);
	int fd = notify_socket(path, false);
	char text[200];

	(void)state;
	sysd_notify("READY=1\nSTATUS=up");
	read_state(fd, text, sizeof(text));
	assert_string_equal(text, "READY=1\nSTATUS=up");
	(void)close(fd);
	fd = notify_socket(abstract, true);
	sysd_notify("STOPPING=1");
	read_state(fd, text, sizeof(text));
	assert_string_equal(text, "STOPPING=1");
	sysd_reloading();
	read_state(fd, text, sizeof(text));
	assert_int_equal(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	assert_true(strtoll(text + 27, NULL, 10) > 0);
	(void)close(fd);
	sysd_notify("nobody listens: nothing happens");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	sysd_notify("nor without the variable");
}

static void
set_number(const char *name, long n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", n);
	assert_int_equal(setenv(name, text, 1), 0);
}

/* In a child, whose descriptors 3 and 4 are ours to set. */
static int
listen_child(void)
{
	if (dup2(0, 3) < 0 || dup2(0, 4) < 0)
		return 1;
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", 2);
	if (sysd_listen_fds() != 2 || getenv("LISTEN_FDS") ||
		getenv("LISTEN_PID"))
		return 2;
	if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) ||
		!(fcntl(4, F_GETFD) & FD_CLOEXEC))
		return 3;
	return sysd_listen_fds() == 0 ? 0 : 4;
}

static void
inherited_sockets_are_counted_once_and_only_when_ours(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(listen_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	set_number("LISTEN_PID", getpid() + 1L);
	set_number("LISTEN_FDS", 2);
	assert_int_equal(sysd_listen_fds(), 0);
	assert_null(getenv("LISTEN_FDS"));
}

static void
the_watchdog_is_fed_twice_in_its_time(void **state)
{
	(void)state;
	assert_int_equal(sysd_watchdog_ms(), 0);
	set_number("WATCHDOG_USEC", 30000000);
	assert_int_equal(sysd_watchdog_ms(), 15000);
	set_number("WATCHDOG_PID", getpid() + 1L);
	assert_int_equal(sysd_watchdog_ms(), 0);
	set_number("WATCHDOG_PID", getpid());
	assert_int_equal(sysd_watchdog_ms(), 15000);
	assert_int_equal(setenv("WATCHDOG_USEC", "soon", 1), 0);
	assert_int_equal(sysd_watchdog_ms(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_state_is_sent_to_a_path_or_an_abstract_name),
		cmocka_unit_test(
			inherited_sockets_are_counted_once_and_only_when_ours),
		cmocka_unit_test(the_watchdog_is_fed_twice_in_its_time),
	};

	return cmocka_run_group_tests(tests, up, down);
}
