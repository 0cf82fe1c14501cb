#pragma once

/* The admin socket: run_dir/admin.sock, mode 0600, for root and ourselves. */

#include "base/err.h"

struct supervisor;
struct admin_server;

int admin_server_open(struct admin_server **ret, struct supervisor *sup,
	struct fault *why) _must_check_;
struct admin_server *admin_server_close(struct admin_server *as);
