#pragma once

/* What the commands of `mpcloud files` share. */

#include "cli/cli.h"

/* "PREFIX" and the path (or fileID) with each byte encoded that needs it. */
void cli_files_address(struct buf *to, const char *prefix, const char *path);

/*
 * A whole file to or from the daemon, piece by piece (cli_files_stream.c).
 * EXIT_…, printed.
 */
struct cli_upload {
	const char *path;  /* there */
	const char *from;  /* a file here, "-": standard input */
	const char *type;  /* or NULL */
	const char *cache; /* or NULL */
	int64_t expire_s;  /* 0: never */
	bool fresh;
	json_t *answer; /* the caller's to free */
};
int cli_files_upload(struct cli *cli, struct cli_upload *up);
/* `to` "-": standard output.  *size: bytes written. */
int cli_files_download(
	struct cli *cli, const char *path, const char *to, int64_t *size);
