#pragma once

/* The files of db/schema, oldest first, then those of db/routines; built by
 * embed.awk. */

struct schema_file {
	int number;       /* of a migration; 0: routines */
	const char *name; /* NULL at the end */
	const char *text;
};

extern const struct schema_file schema_files[];
