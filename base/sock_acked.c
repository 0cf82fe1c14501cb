/*
 * How far a client has read, as his TCP says.  Alone, because the kernel's
 * header for it cannot stand beside glibc's, which does not have the field.
 */
#include "base/sock.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

int
sock_acked(int fd, uint64_t *ret)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*ret = info.tcpi_bytes_acked;
	return 0;
}
