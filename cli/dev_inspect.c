/*
 * `mpcloud dev --inspect FUNCTION[:PORT]`: the function's entry as it has to be
 * for a debugger.  One worker that is there before the first call, and time
 * enough to stand at a breakpoint.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "cli/project.h"

#include <string.h>

enum { INSPECT_PORT = 9229, TIMEOUT_S = 900, IDLE_S = 86400 };

static json_t *
member_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (json_is_object(v))
		return v;
	(void)json_object_set_new(o, key, json_object());
	return json_object_get(o, key);
}

/* Made when the project has none. */
static json_t *
entry_of(struct project *p, const char *name)
{
	json_t *list = json_object_get(p->file, "functions");
	json_t *entry = project_entry(p, name);

	if (entry)
		return entry;
	if (!json_is_array(list)) {
		list = json_array();
		(void)json_object_set_new(p->file, "functions", list);
	}
	(void)json_array_append_new(list, json_pack("{s:s}", "name", name));
	return project_entry(p, name);
}

/* It gives a function the machine's network: to the one that was named here,
 * whatever the project's file asks for. */
static void
take_from_all(const struct project *p)
{
	json_t *entry;
	size_t at;

	json_array_foreach (json_object_get(p->file, "functions"), at, entry)
		(void)json_object_del(
			json_object_get(entry, "mpcloud"), "inspect");
}

/* As deployed: `mpcloud.runtime` goes before the entry's own. */
static const char *
runtime_of(const json_t *entry)
{
	const json_t *ours =
		json_object_get(json_object_get(entry, "mpcloud"), "runtime");

	return json_string_value(
		ours ? ours : json_object_get(entry, "runtime"));
}

static int
change_entry(
	struct project *p, const char *name, uint64_t port, struct fault *why)
{
	json_t *entry, *ours;
	const char *runtime;

	if (!project_has(p, name))
		return fault_set(why, ERR_PARAM,
			"--inspect: the project has no function \"%s\"", name);
	take_from_all(p);
	entry = entry_of(p, name);
	runtime = runtime_of(entry);
	if (runtime && strncasecmp(runtime, "node", 4) != 0)
		return fault_set(why, ERR_PARAM,
			"--inspect: %s runs on \"%s\"; the inspector is "
			"node's: give it a Nodejs runtime to debug it",
			name, runtime);
	ours = member_of(entry, "mpcloud");
	(void)json_object_set_new(
		ours, "inspect", json_integer((json_int_t)port));
	(void)json_object_set_new(ours, "workers", json_integer(1));
	(void)json_object_set_new(ours, "minWorkers", json_integer(1));
	(void)json_object_set_new(ours, "idle", json_integer(IDLE_S));
	(void)json_object_set_new(entry, "timeout", json_integer(TIMEOUT_S));
	return 0;
}

int
dev_inspect(const struct cli *cli, struct project *p, struct fault *why)
{
	struct slice rest = slice_str(cli->options[OPT_INSPECT]), name, port;
	uint64_t number = INSPECT_PORT;
	_free_ char *text = NULL;

	if (!cli->options[OPT_INSPECT])
		return 0;
	if (!slice_split(&rest, ':', &name) || !name.len)
		name = SLICE("");
	port = rest;
	if (port.len && (slice_to_u64(port, 65535, &number) < 0 || !number))
		return fault_set(why, ERR_PARAM,
			"--inspect: \"%.*s\" is not a port; FUNCTION:PORT is "
			"wanted",
			SLICE_ARG(port));
	text = str_ndup(name.ptr, name.len);
	return change_entry(p, text, number, why);
}

int
dev_inspect_check(const struct dev *dev)
{
	struct project p = {0};
	struct fault why = {0};
	int r = project_open(&p, dev->project, &why);

	if (r == 0)
		r = dev_inspect(dev->cli, &p, &why);
	project_close(&p);
	return r == 0 ? EXIT_OK
		      : cli_fail(EXIT_USAGE, "%s", fault_text(&why, r));
}
