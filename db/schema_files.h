#pragma once

/* The files of db/schema, in order; built by schema/embed.awk. */

struct schema_file {
	int number;
	const char *name; /* NULL at the end */
	const char *text;
};

extern const struct schema_file schema_files[];
