#pragma once

/* The parts of `mpcloud deploy`. */

#include "cli/cli.h"
#include "cli/project.h"
#include "functions/registry.h"

/* One function's files as its next version. */
struct lay {
	const struct project *project;
	const struct registry *registry;
	const char *name;
	bool quiet;       /* no progress bar */
	unsigned version; /* once it has its number */
	unsigned same;    /* the newest version, if these are its files; or 0 */
	uint64_t changed, kept; /* files copied, and taken from the last one */
};

/* The files, beside the versions: then either of the next two. */
int lay_down(struct lay *lay, struct fault *why) _must_check_;
/* They become vN, which appears whole or not at all. */
int lay_number(struct lay *lay, struct fault *why) _must_check_;
/* They are not wanted. */
void lay_drop(const struct lay *lay);
/* Shared code of the project, as PART/.opt; nothing when there is none.
 * `before`: the folder of the last version, NULL: none. */
int lay_shared(const struct project *p, const char *name, const char *before,
	const char *part, struct fault *why) _must_check_;
/* Removes what is left of versions that were pruned. */
void lay_clean(const struct registry *registry, const char *name);

/* cli_deploy_check.c: database/, storage/rules.json and routes.json, by the
 * daemon's judgement where only it knows.  Says what is wrong. */
int deploy_check_files(struct cli *cli, const struct project *p);
/* cli_deploy_routes.c: the same of routes.json and its folders. */
int deploy_routes_check(struct cli *cli, const char *project);
/* cli_deploy_host.c: `mpcloud deploy --host`. */
int cli_deploy_host(struct cli *cli);
