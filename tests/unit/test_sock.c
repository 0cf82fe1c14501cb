/*
 * Listening sockets and files by name.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "base/sock.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEN "/234567890"
#define LONG_PATH \
	"unix:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN /* 110, 107 fit */

static char dir[] = "/tmp/test_sock.XXXXXX";

static int
up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
down(void **state)
{
	_free_ char *command = str_printf("rm -rf '%s'", dir);

	(void)state;
	return system(command);
}

static char *
in_dir(const char *name)
{
	return str_printf("%s/%s", dir, name);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
addresses_are_numeric_with_a_port(void **state)
{
	static const char *const good[] = {"127.0.0.1:80", "[::1]:8080",
		"0.0.0.0:65535", "[::]:0", "unix:/run/x.sock"};
	static const char *const bad[] = {"", ":80", "127.0.0.1", "80",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o",
		"localhost:80", "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80",
		"1.2.3.4.5:80", "unix:", "unix:run/x", LONG_PATH};
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		assert_int_equal(sock_check(good[i], NULL), 0);
	for (size_t i = 0; i < array_size(bad); i++) {
		int fd = -1;

		assert_int_equal(sock_check(bad[i], &why), -EINVAL);
		assert_non_null(strstr(why.text, "not an address"));
		assert_true(sock_listen(bad[i], 1, &fd, NULL) < 0);
		assert_int_equal(fd, -1);
	}
}

static void
port_zero_lets_the_kernel_choose_and_its_name_says_which(void **state)
{
	_close_ int fd = -1, again = -1;
	char name[64];
	struct fault why;

	(void)state;
	assert_int_equal(sock_listen("127.0.0.1:0", 5, &fd, NULL), 0);
	assert_int_equal(sock_name(fd, name, sizeof(name)), 0);
	assert_int_equal(strncmp(name, "127.0.0.1:", 10), 0);
	assert_string_not_equal(name, "127.0.0.1:0");
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(sock_listen(name, 5, &again, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, name));
	assert_int_equal(sock_name(fd, name, 5), -ENOSPC);
}

static void
a_unix_socket_has_exactly_its_mode_and_knows_its_peer(void **state)
{
	_free_ char *path = in_dir("s");
	_close_ int fd = -1, client = -1, server = -1;
	char name[128];
	mode_t old = umask(0077);
	uid_t uid;

	(void)state;
	assert_int_equal(
		sock_listen_unix(path, 0666, (uid_t)-1, (gid_t)-1, &fd, NULL),
		0);
	(void)umask(old);
	assert_int_equal(mode_of(path), 0666);
	assert_int_equal(sock_name(fd, name, sizeof(name)), 0);
	assert_string_equal(name, path);
	assert_int_equal(sock_connect_unix(path, &client), 0);
	assert_false(fcntl(client, F_GETFL) & O_NONBLOCK);
	server = accept(fd, NULL, NULL);
	assert_int_equal(sock_peer_uid(server, &uid), 0);
	assert_int_equal(uid, getuid());
}

static void
a_stale_socket_is_replaced_a_live_one_and_a_file_are_not(void **state)
{
	_free_ char *path = in_dir("stale");
	_close_ int fd = -1, second = -1;
	struct fault why;
	int file;

	(void)state;
	for (int i = 0; i < 2; i++) { /* the first leaves its file behind */
		fd_closep(&fd);
		assert_int_equal(sock_listen_unix(path, 0600, (uid_t)-1,
					 (gid_t)-1, &fd, NULL),
			0);
	}
	assert_int_equal(sock_listen_unix(path, 0600, (uid_t)-1, (gid_t)-1,
				 &second, &why),
		-EADDRINUSE);
	assert_non_null(strstr(why.text, "another daemon"));
	assert_int_equal(unlink(path), 0);
	file = open(path, O_WRONLY | O_CREAT, 0600);
	(void)close(file);
	assert_int_equal(sock_listen_unix(path, 0600, (uid_t)-1, (gid_t)-1,
				 &second, NULL),
		-EEXIST);
	assert_int_equal(access(path, F_OK), 0);
}

static void
files_are_written_whole_with_their_mode(void **state)
{
	_free_ char *path = in_dir("file");
	_free_ char *text = NULL;
	size_t len = 0;
	struct fault why;

	(void)state;
	assert_int_equal(file_write(path, "a\0b", 3, 0640, NULL), 0);
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(file_read(path, 3, &text, &len, NULL), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b\0", 4);
	free(take(text));
	assert_int_equal(file_read(path, 2, &text, &len, &why), ERR_TOO_BIG);
	assert_null(text);
	assert_int_equal(file_read(dir, 2, &text, &len, &why), -EISDIR);
	assert_int_equal(
		file_write("/nowhere/at/all", "x", 1, 0600, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nowhere/at/all"));
}

static void
large_files_are_read_whole(void **state)
{
	enum { LARGE = 300000 };
	_free_ char *path = in_dir("large");
	_free_ char *in = mem_alloc(LARGE), *out = NULL;
	size_t len;

	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		in[i] = (char)(i * 7);
	assert_int_equal(file_write(path, in, LARGE, 0600, NULL), 0);
	assert_int_equal(file_read(path, LARGE, &out, &len, NULL), 0);
	assert_int_equal(len, LARGE);
	assert_memory_equal(in, out, LARGE);
}

static void
a_secret_that_others_may_read_is_refused(void **state)
{
	_free_ char *path = in_dir("secret");
	_free_ char *text = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(file_write(path, "key\r\n", 5, 0644, NULL), 0);
	assert_int_equal(file_read_secret(path, &text, &why), -EPERM);
	assert_non_null(strstr(why.text, "chmod"));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(file_read_secret(path, &text, NULL), 0);
	assert_string_equal(text, "key");
}

static void
directories_are_made_with_their_parents(void **state)
{
	_free_ char *deep = in_dir("a/b/c/"), *top = in_dir("a");
	_free_ char *file = in_dir("plain"), *below = in_dir("plain/x");
	mode_t old = umask(0077);

	(void)state;
	assert_int_equal(dir_make(deep, 0755, NULL), 0);
	(void)umask(old);
	assert_int_equal(mode_of(deep), 0755);
	assert_int_equal(mode_of(top), 0755);
	assert_int_equal(dir_make(deep, 0700, NULL), 0); /* there already */
	assert_int_equal(mode_of(deep), 0755);
	assert_int_equal(file_write(file, "", 0, 0600, NULL), 0);
	assert_int_equal(dir_make(file, 0700, NULL), -ENOTDIR);
	assert_int_equal(dir_make(below, 0700, NULL), -ENOTDIR);
}

static void
our_files_are_found_beside_the_program_or_where_they_say(void **state)
{
	_free_ char *beside = path_program("test_sock");
	_free_ char *absent = path_program("no-such-program");
	_free_ char *data = NULL;

	(void)state;
	assert_int_equal(access(beside, X_OK), 0);
	assert_int_equal(absent[0], '/');
	assert_int_equal(setenv("MPCLOUD_DATA", dir, 1), 0);
	data = path_data("x/y");
	assert_int_equal(strncmp(data, dir, strlen(dir)), 0);
	assert_string_equal(data + strlen(dir), "/x/y");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_numeric_with_a_port),
		cmocka_unit_test(
			port_zero_lets_the_kernel_choose_and_its_name_says_which),
		cmocka_unit_test(
			a_unix_socket_has_exactly_its_mode_and_knows_its_peer),
		cmocka_unit_test(
			a_stale_socket_is_replaced_a_live_one_and_a_file_are_not),
		cmocka_unit_test(files_are_written_whole_with_their_mode),
		cmocka_unit_test(large_files_are_read_whole),
		cmocka_unit_test(a_secret_that_others_may_read_is_refused),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(
			our_files_are_found_beside_the_program_or_where_they_say),
	};

	return cmocka_run_group_tests(tests, up, down);
}
