/*
 * Listening, pairs and credentials.  Addresses are numeric, so that nothing
 * here ever waits for a resolver.
 */
#include "base/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static int
unix_address(const char *path, union address *ret)
{
	size_t len = strlen(path);

	if (len == 0 || path[0] != '/')
		return -EINVAL;
	if (len >= sizeof(ret->un.sun_path))
		return -ENAMETOOLONG;
	memset(ret, 0, sizeof(*ret));
	ret->un.sun_family = AF_UNIX;
	memcpy(ret->un.sun_path, path, len + 1);
	return 0;
}

/* "[::1]:80" and "127.0.0.1:80" apart. */
static int
split_host(const char *text, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(text, ':');
	bool bracket = text[0] == '[';
	const char *from = bracket ? text + 1 : text;
	const char *end = bracket ? strchr(text, ']') : colon;

	if (!colon || !end || (bracket && end + 1 != colon))
		return -EINVAL;
	if (end == from || (size_t)(end - from) >= size)
		return -EINVAL;
	memcpy(host, from, (size_t)(end - from));
	host[end - from] = '\0';
	if (bracket != (strchr(host, ':') != NULL))
		return -EINVAL;
	*port = colon + 1;
	return 0;
}

static bool
is_port(const char *s)
{
	return *s && strlen(s) <= 5 && strspn(s, "0123456789") == strlen(s);
}

static int
inet_address(const char *text, union address *ret, socklen_t *len)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *got = NULL;
	const char *port;
	char host[128];

	if (split_host(text, host, sizeof(host), &port) < 0 || !is_port(port))
		return -EINVAL;
	if (strtol(port, NULL, 10) > 65535)
		return -EINVAL;
	if (getaddrinfo(host, port, &want, &got) != 0)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, got->ai_addr, got->ai_addrlen);
	*len = got->ai_addrlen;
	freeaddrinfo(got);
	return 0;
}

static int
bad_address(struct fault *why, const char *address)
{
	return fault_set(why, -EINVAL,
		"%s: not an address like 127.0.0.1:8080, [::1]:8080 or "
		"unix:/path",
		address);
}

int
sock_check(const char *address, struct fault *why)
{
	union address a;
	socklen_t len;
	int r;

	if (strncmp(address, "unix:", 5) == 0)
		r = unix_address(address + 5, &a);
	else
		r = inet_address(address, &a, &len);
	return r < 0 ? bad_address(why, address) : 0;
}

static int
listen_inet(const union address *a, socklen_t len, int backlog, int *ret)
{
	_close_ int fd = socket(a->any.sa_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (a->any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, &a->any, len) < 0 || listen(fd, backlog) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

int
sock_listen(const char *address, int backlog, int *ret, struct fault *why)
{
	union address a;
	socklen_t len;
	int r;

	if (strncmp(address, "unix:", 5) == 0)
		return sock_listen_unix(
			address + 5, 0666, (uid_t)-1, (gid_t)-1, ret, why);
	if (inet_address(address, &a, &len) < 0)
		return bad_address(why, address);
	r = listen_inet(&a, len, backlog, ret);
	if (r < 0)
		return fault_set(why, r, "%s: %s", address, strerror(-r));
	return 0;
}

int
sock_connect_unix(const char *path, int *ret)
{
	_close_ int fd = -1;
	union address a;
	int r = unix_address(path, &a);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &a.any, sizeof(a.un)) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

/* Take away what a daemon that was killed left behind, but nothing else. */
static int
clear_stale(const char *path)
{
	_close_ int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = sock_connect_unix(path, &fd);
	if (r == 0)
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int
listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid, int *ret)
{
	_close_ int fd = -1;
	union address a;
	int r = unix_address(path, &a);

	if (r == 0)
		r = clear_stale(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Before bind, so that the file is never more open than asked. */
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	if (bind(fd, &a.any, sizeof(a.un)) < 0)
		return -errno;
	/* The mode first: a file given away is not ours to change any more,
	 * unless we have CAP_FOWNER. */
	if (chmod(path, mode) < 0)
		return -errno;
	if (uid != (uid_t)-1 && chown(path, uid, gid) < 0)
		return -errno;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

int
sock_listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid, int *ret,
	struct fault *why)
{
	int r = listen_unix(path, mode, uid, gid, ret);

	if (r == -EADDRINUSE)
		return fault_set(
			why, r, "%s: another daemon listens here", path);
	return r < 0 ? fault_set(why, r, "%s: %s", path, strerror(-r)) : 0;
}

int
sock_pair(int type, int ret[2])
{
	type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
	return socketpair(AF_UNIX, type, 0, ret) < 0 ? -errno : 0;
}

int
sock_name(int fd, char *ret, size_t size)
{
	union address a = {0};
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN];
	const void *from = &a.v4.sin_addr;
	bool six;
	int n;

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	six = a.any.sa_family == AF_INET6;
	if (a.any.sa_family == AF_UNIX) {
		n = snprintf(ret, size, "%s", a.un.sun_path);
		return n < 0 || (size_t)n >= size ? -ENOSPC : 0;
	}
	if (six)
		from = &a.v6.sin6_addr;
	if (!inet_ntop(a.any.sa_family, from, host, sizeof(host)))
		return -errno;
	n = snprintf(ret, size, six ? "[%s]:%u" : "%s:%u", host,
		ntohs(six ? a.v6.sin6_port : a.v4.sin_port));
	return n < 0 || (size_t)n >= size ? -ENOSPC : 0;
}

static int
peer(int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) < 0 ? -errno
								      : 0;
}

int
sock_peer_uid(int fd, uid_t *ret)
{
	struct ucred cred;
	int r = peer(fd, &cred);

	if (r == 0)
		*ret = cred.uid;
	return r;
}

int
sock_peer_pid(int fd, pid_t *ret)
{
	struct ucred cred;
	int r = peer(fd, &cred);

	if (r == 0)
		*ret = cred.pid;
	return r;
}

static int
fd_flag(int fd, int get, int set, int bit, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;
	flags = on ? flags | bit : flags & ~bit;
	return fcntl(fd, set, flags) < 0 ? -errno : 0;
}

int
fd_set_cloexec(int fd, bool on)
{
	return fd_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int
fd_set_blocking(int fd, bool on)
{
	return fd_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, !on);
}
