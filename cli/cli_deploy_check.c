/*
 * Is all that a project says right?  Looked at before anything is deployed, so
 * that a file with a mistake changes nothing.  What only a daemon knows, it is
 * asked for: names of routes that the operator's file has, a language of rules
 * that is its own version's.
 */
#include "cli/dev.h"

#include "cli/cli_deploy.h"
#include "storage/file_rules_set.h"

enum { COLLECTION_TOP = 32 * 1024 * 1024 };

static int
check_storage(const struct project *p, struct fault *why)
{
	_json_ json_t *file = NULL;
	int r = project_storage(p, &file, why);

	if (r == 0 && file && file_rules_check(file, why) < 0)
		r = fault_prefix(why, ERR_PARAM, "storage/rules.json: ");
	return r;
}

int
deploy_check(const char *project)
{
	_json_ json_t *collections = NULL;
	struct project p = {0};
	struct fault why = {0};
	int r = project_open(&p, project, &why);

	if (r == 0)
		r = project_collections(&p, &collections, &why);
	if (r == 0)
		r = check_storage(&p, &why);
	project_close(&p);
	return r == 0 ? EXIT_OK
		      : cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
}

static int
check_collection(struct cli *cli, const char *name, json_t *content)
{
	_json_ json_t *answer = NULL;
	_buf_ struct buf body = {0};
	int status;

	buf_init(&body, COLLECTION_TOP);
	(void)json_object_set_new(content, "name", json_string(name));
	(void)json_object_set_new(content, "check", json_true());
	val_put(&body, content);
	status = cli_ops_json(
		cli, "POST", "/ops/collections", buf_all(&body), &answer);
	return status == EXIT_OK ? status
				 : cli_fail(status,
					   "database/%s.json is wrong: nothing "
					   "was deployed",
					   name);
}

int
deploy_check_files(struct cli *cli, const struct project *p)
{
	_json_ json_t *collections = NULL;
	struct fault why = {0};
	const char *name;
	json_t *content;
	int r = project_collections(p, &collections, &why), status;

	if (r == 0)
		r = check_storage(p, &why);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s; nothing was deployed",
			fault_text(&why, r));
	json_object_foreach (collections, name, content) {
		status = check_collection(cli, name, content);
		if (status != EXIT_OK)
			return status;
	}
	status = deploy_routes_check(cli, p->dir);
	return status == EXIT_OK ? status
				 : cli_fail(status, "routes.json is wrong: "
						    "nothing was deployed");
}
