#pragma once

/* Can WeChat Pay's servers reach it?  What a URL and an IP address say of that.
 */

#include "base/slice.h"

#include <sys/socket.h>

/* The host of "https://host[:port]/path", without brackets; false: no URL. */
bool address_host(struct slice url, struct slice *ret);
/* Its scheme, host and port: "https://host:443". */
bool address_same_origin(struct slice a, struct slice b);
/* From the path on, as it is signed; "/" when it has none. */
struct slice address_path(struct slice url);
/* localhost, or an IP address that is not of the public Internet. */
bool address_is_private(struct slice host);
bool address_is_private_ip(const struct sockaddr *at);
