/*
 * The live versions of a function, and which of them answers a call.  A version
 * is live from GATE_FN_ADD until a release that does not name it; one that a
 * release names before it was added has a crew already, without a host, where
 * its calls wait: nobody is told that there is no such function while versions
 * change.
 */
#include "functions/hand.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static struct list *
bucket_of(struct crews *crews, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a; operators choose the names */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return &crews->names[hash % CREW_BUCKETS];
}

struct roster *
roster_find(struct crews *crews, const char *name)
{
	list_for_each (at, bucket_of(crews, name)) {
		struct roster *roster =
			container_of(at, struct roster, by_name);

		if (strcmp(roster->name, name) == 0)
			return roster;
	}
	return NULL;
}

static struct roster *
roster_get(struct crews *crews, const char *name)
{
	struct roster *roster = roster_find(crews, name);

	if (roster)
		return roster;
	roster = mem_new(struct roster);
	roster->crews = crews;
	(void)snprintf(roster->name, sizeof(roster->name), "%s", name);
	list_init(&roster->by_name);
	list_init(&roster->live);
	list_add(bucket_of(crews, name), &roster->by_name);
	return roster;
}

void
roster_free(struct roster *roster)
{
	list_del(&roster->by_name);
	release_done(&roster->release);
	(void)mem_free(roster);
}

static struct crew *
roster_version(const struct roster *roster, unsigned version)
{
	list_for_each (at, &roster->live) {
		struct crew *crew = container_of(at, struct crew, of);

		if (crew->settings.version == version)
			return crew;
	}
	return NULL;
}

static struct crew *
roster_newest(const struct roster *roster)
{
	return list_last(&roster->live, struct crew, of);
}

struct crew *
roster_stable(const struct roster *roster)
{
	if (roster->released)
		return roster_version(roster, roster->release.stable);
	return roster_newest(roster);
}

struct crew *
roster_heir(struct crews *crews, const struct crew *gone)
{
	const struct roster *roster = roster_find(crews, gone->settings.name);
	struct crew *same;

	if (!roster)
		return NULL;
	same = roster_version(roster, gone->settings.version);
	return same ? same : roster_stable(roster);
}

void
roster_inherit(const struct crew *gone)
{
	const struct roster *roster =
		roster_find(gone->crews, gone->settings.name);
	struct crew *heir = NULL;

	if (roster && !gone->roster)
		heir = roster_version(roster, gone->settings.version);
	if (heir)
		crew_stats_add(&heir->stats, &gone->stats);
}

bool
roster_names(const struct roster *roster, const struct crew *crew)
{
	if (roster->released)
		return release_names(&roster->release, crew->settings.version);
	return crew == roster_newest(roster);
}

const char *
roster_role(const struct crew *crew)
{
	const struct roster *roster = crew->roster;

	if (!roster)
		return "leaving";
	if (crew == roster_stable(roster))
		return "stable";
	if (!roster->released || !roster_names(roster, crew))
		return "added";
	return crew->settings.version == roster->release.gray ? "gray"
							      : "alias";
}

/* --- a call's version ------------------------------------------------------
 */

/* Without a release. */
static unsigned
newest_version(const struct roster *roster, const char *qualifier)
{
	const struct crew *newest = roster_newest(roster);
	uint64_t version;

	if (!newest)
		return 0;
	if (!qualifier || !*qualifier || strcmp(qualifier, "$LATEST") == 0)
		return newest->settings.version;
	if (slice_to_u64(slice_str(qualifier), UINT32_MAX, &version) < 0)
		return 0;
	return (unsigned)version;
}

struct crew *
roster_pick(const struct roster *roster, const struct fn_call *call)
{
	const struct release_call who = {
		.qualifier = call->qualifier ? call->qualifier : "",
		.openid = call->caller->openid,
		.route_key = call->route_key ? call->route_key : "",
		.header = call->header,
		.owner = call->header_owner,
	};
	unsigned version = roster->released
				   ? release_pick(&roster->release, &who)
				   : newest_version(roster, call->qualifier);

	return version ? roster_version(roster, version) : NULL;
}

/* "7, 8, prod (7)" */
static void
names_put(const struct roster *roster, struct buf *to)
{
	const char *alias;
	json_t *version;

	list_for_each (at, &roster->live) {
		const struct crew *crew = container_of(at, struct crew, of);

		if (roster->released && !roster_names(roster, crew))
			continue;
		buf_printf(to, "%s%u", to->len ? ", " : "",
			crew->settings.version);
	}
	json_object_foreach (roster->release.aliases, alias, version)
		buf_printf(to, "%s%s (%lld)", to->len ? ", " : "", alias,
			(long long)json_integer_value(version));
}

int
roster_unknown(const struct roster *roster, const struct fn_call *call,
	struct fault *why)
{
	struct buf names _buf_;

	buf_init(&names, 4096);
	names_put(roster, &names);
	if (names.len == 0)
		return fault_set(why, ERR_FN_NOT_FOUND,
			"function %s has no version that answers calls: "
			"deploy it again",
			roster->name);
	return fault_set(why, ERR_FN_NOT_FOUND,
		"function %s has no live version or alias \"%.32s\"; there are "
		"%.*s",
		roster->name, call->qualifier ? call->qualifier : "",
		(int)min(names.len, (size_t)100), names.ptr);
}

/* --- changes ----------------------------------------------------------------
 */

void
roster_add(struct crews *crews, struct crew *crew)
{
	struct roster *roster = roster_get(crews, crew->settings.name);
	struct crew *old = roster_version(roster, crew->settings.version);

	crew->roster = roster;
	if (old) {
		crew_stats_add(&crew->stats, &old->stats);
		old->stats = (struct crew_stats){0};
		crew->guard = old->guard;
		old->guard = (struct crew_guard){0};
	}
	/* Of the same place: which one is the newest does not change because
	 * a host was started anew. */
	list_add(old ? &old->of : &roster->live, &crew->of);
	if (old)
		crew_retire(old, crew);
	if (roster->released)
		crew_guard_set(crew, &roster->release);
}

/* Its host is not here yet. */
static void
await_version(struct roster *roster, unsigned version)
{
	struct fn_settings settings = {0};

	if (!version || roster_version(roster, version))
		return;
	fn_settings_preset(&settings);
	memcpy(settings.name, roster->name, sizeof(settings.name));
	settings.version = version;
	roster_add(roster->crews, crew_new(roster->crews, &settings));
}

static void
await_all(struct roster *roster)
{
	const char *alias;
	json_t *version;

	await_version(roster, roster->release.gray);
	json_object_foreach (roster->release.aliases, alias, version)
		await_version(roster, (unsigned)json_integer_value(version));
	await_version(roster, roster->release.stable);
}

static void
retire_unnamed(struct roster *roster)
{
	struct crew *heir = roster_stable(roster);

	list_for_each_safe (at, &roster->live) {
		struct crew *crew = container_of(at, struct crew, of);

		if (!roster_names(roster, crew))
			crew_retire(crew, heir);
	}
}

int
crews_release(
	struct crews *crews, struct fn_release *release, struct fault *why)
{
	struct roster *roster;

	if (!fn_name_is_valid(slice_str(release->name))) {
		release_done(release);
		return fault_set(why, ERR_PARAM,
			"release: \"%.60s\" is not a function's name",
			release->name);
	}
	roster = roster_get(crews, release->name);
	release_done(&roster->release);
	roster->release = *release;
	*release = (struct fn_release){0};
	roster->released = true;
	await_all(roster);
	retire_unnamed(roster);
	list_for_each (at, &roster->live)
		crew_guard_set(
			container_of(at, struct crew, of), &roster->release);
	return 0;
}

void
crews_del(struct crews *crews, const char *name)
{
	struct roster *roster = roster_find(crews, name);

	if (!roster)
		return;
	/* First the name, so that nobody inherits. */
	list_del(&roster->by_name);
	list_for_each_safe (at, &roster->live)
		crew_retire(container_of(at, struct crew, of), NULL);
	roster_free(roster);
}
