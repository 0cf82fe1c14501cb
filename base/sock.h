#pragma once

/*
 * Sockets: what libuv leaves out.  Every descriptor is close-on-exec and
 * non-blocking unless said.
 */

#include "base/err.h"

#include <sys/types.h>

/* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", "unix:/path".  Numeric hosts
 * only.  Listening already.  Port 0 lets the kernel choose. */
int sock_listen(const char *address, int backlog, int *ret,
	struct fault *why) _must_check_;
/* 0 when `address` is one that sock_listen understands. */
int sock_check(const char *address, struct fault *why) _must_check_;
/* A unix listener with its mode and, when uid is not -1, its owner; a stale
 * socket file is replaced, a live one is an error. */
int sock_listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid,
	int *ret, struct fault *why) _must_check_;
int sock_pair(int type, int ret[2]) _must_check_; /* SOCK_STREAM, _SEQPACKET */
int sock_connect_unix(const char *path, int *ret) _must_check_; /* blocking */
/* The local address as "host:port" or the path. */
int sock_name(int fd, char *ret, size_t size) _must_check_;
int sock_peer_uid(int fd, uid_t *ret) _must_check_;
/* Who connected; from the connecting side who began to listen. */
int sock_peer_pid(int fd, pid_t *ret) _must_check_;
/* Bytes that the other end's TCP has acknowledged, in all. */
int sock_acked(int fd, uint64_t *ret) _must_check_;
int fd_set_cloexec(int fd, bool on);
int fd_set_blocking(int fd, bool on);
