/*
 * mpcloudd: the daemon's main program.  Options here, everything else in the
 * supervisor.
 */
#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "functions/cgroup.h"
#include "src/startup.h"
#include "src/supervisor.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_PATH_PRESET SYSCONFDIR "/mpcloud/mpcloud.conf"

enum { EXIT_USAGE = 2 };

enum option_name {
	OPTION_CONFIG = 256,
	OPTION_CHECK,
	OPTION_PRINT_CONF,
	OPTION_VERSION,
	OPTION_HELP
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"print-conf", no_argument, NULL, OPTION_PRINT_CONF},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char help[] =
	"Usage: mpcloudd [--config FILE]\n"
	"The mpcloud daemon: holds the listening sockets, starts and watches\n"
	"gateways and function hosts.  Stays in the foreground.\n"
	"\n"
	"  --config FILE  the configuration (" CONF_PATH_PRESET ")\n"
	"  --check        say what is wrong with the configuration, and end\n"
	"  --print-conf   print every setting with its default and meaning\n"
	"  --version      print the version\n"
	"  --help         print this\n"
	"\n"
	"SIGHUP reads the configuration again; SIGTERM finishes what runs and\n"
	"ends; a second SIGTERM does not wait.\n";

static void
print_wrapped(const char *text)
{
	size_t column = 0;
	struct slice rest = slice_str(text), word;

	while (slice_split(&rest, ' ', &word)) {
		if (column && column + 1 + word.len > 78) {
			(void)putchar('\n');
			column = 0;
		}
		(void)printf("%s%.*s", column ? " " : "# ", SLICE_ARG(word));
		column += (column ? 1 : 2) + word.len;
	}
	(void)putchar('\n');
}

static int
print_conf(void)
{
	const char *section = "";

	(void)puts("# mpcloud.conf: every setting with its default. A line "
		   "takes effect without its #.");
	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (strcmp(section, row->section) != 0)
			(void)printf("\n[%s]\n", section = row->section);
		(void)putchar('\n');
		print_wrapped(row->text);
		(void)printf("# %s%s%s\n#%s = %s\n", row->unit,
			*row->unit ? "; " : "",
			row->reload ? "a reload takes it up"
				    : "a restart takes it up",
			row->name, row->preset);
	}
	return EXIT_SUCCESS;
}

static int
check(const char *path)
{
	_cleanup_(conf_freep) struct conf *conf = NULL;
	struct fault why = {0};
	int r = conf_load(&conf, path, &why);

	if (r == 0)
		r = startup_check(conf, &why);
	if (r < 0) {
		(void)fprintf(stderr, "mpcloudd: %s\n", fault_text(&why, r));
		return EXIT_FAILURE;
	}
	(void)printf("%s: ok\n", path);
	return EXIT_SUCCESS;
}

static int
run(const char *path)
{
	struct supervisor s;
	struct fault why = {0};
	int r;

	event_init("supervisor", EVENT_INFO);
	/* Function hosts say what it means where we were given none. */
	(void)!cgroup_delegate();
	r = supervisor_start(&s, path, &why);
	if (r < 0)
		event(EVENT_CONF_BAD, "why", fault_text(&why, r), NULL);
	else
		supervisor_run(&s);
	supervisor_done(&s);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
usage(const char *why)
{
	if (why)
		(void)fprintf(stderr, "mpcloudd: %s\n", why);
	(void)fputs("Try `mpcloudd --help`.\n", stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *path = CONF_PATH_PRESET;
	bool only_check = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case OPTION_CONFIG:
			path = optarg;
			break;
		case OPTION_CHECK:
			only_check = true;
			break;
		case OPTION_PRINT_CONF:
			return print_conf();
		case OPTION_VERSION:
			(void)puts("mpcloudd " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case OPTION_HELP:
			(void)fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			return usage(NULL);
		}
	}
	if (optind < argc)
		return usage("takes no arguments");
	return only_check ? check(path) : run(path);
}
