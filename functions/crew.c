/*
 * The functions of a gateway.  Each live version has a crew (roster.c says
 * which of them answers a call); one that is retired finishes what it has and
 * goes.  A crew whose host has died stays, with its waiting calls, until the
 * supervisor gives the next channel or their deadlines pass.
 *
 * crew_feed.c is about calls, hand.c about workers, invocation.c about the two
 * together.
 */
#include "functions/hand.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <unistd.h>

int
crews_new(struct crews **ret, struct loop *loop, const struct crews_conf *conf,
	const struct crews_ops *ops)
{
	struct crews *crews = mem_new(struct crews);

	crews->loop = loop;
	crews->ops = *ops;
	crews->cores = max(uv_available_parallelism(), 2u) - 1;
	crews->report_rate = conf->report_rate;
	crews->event_top = conf->event_top;
	crews->result_top = conf->result_top;
	crews->env = str_dup(conf->env);
	crews->appid = str_dup(conf->appid);
	crews->cloud_socket =
		str_dup(conf->cloud_socket ? conf->cloud_socket : "");
	crews->files_host = str_dup(conf->files_host ? conf->files_host : "");
	list_init(&crews->all);
	for (size_t i = 0; i < CREW_BUCKETS; i++)
		list_init(&crews->names[i]);
	for (size_t i = 0; i < TOKEN_BUCKETS; i++)
		list_init(&crews->tokens[i]);
	text_random_hex(crews->token_prefix, 4);
	*ret = crews;
	return 0;
}

unsigned
crew_hands(const struct crew *crew)
{
	return crew_able(crew) + crew->count[HAND_LEAVING];
}

unsigned
crew_able(const struct crew *crew)
{
	return crew->count[HAND_STARTING] + crew->count[HAND_IDLE] +
	       crew->count[HAND_BUSY];
}

static void
crew_end_hands(struct crew *crew, const char *because)
{
	for (int i = 0; i < HAND_STATES_; i++) {
		struct hand *hand;

		while ((hand = list_first(&crew->hands[i], struct hand, on)))
			hand_end(hand, because);
	}
}

void
crew_done(struct crew *crew)
{
	channel_close(&crew->channel);
	defer_clear(&crew->feed);
	timer_clear(&crew->look);
	list_del(&crew->on);
	list_del(&crew->of);
	buf_done(&crew->context);
	crew_report_done(crew);
	roster_inherit(crew);
	crew_guard_done(crew);
	json_decref(crew->openapi);
	(void)mem_free(crew->trouble.cause);
	(void)mem_free(crew);
}

/* Answer all that wait. */
static void
crew_refuse(struct crew *crew, int err)
{
	struct fn_call *call;

	while ((call = list_first(&crew->waiting, struct fn_call, on)))
		call_finish(call, err, NULL);
}

struct crews *
crews_free(struct crews *crews)
{
	struct crew *crew;

	if (!crews)
		return NULL;
	crews->ending = true;
	while ((crew = list_first(&crews->all, struct crew, on))) {
		crew_end_hands(crew, "the server is shutting down");
		crew_refuse(crew, ERR_SHUTDOWN);
		crew_done(crew);
	}
	for (size_t i = 0; i < CREW_BUCKETS; i++) {
		struct list *bucket = &crews->names[i];

		while (!list_empty(bucket))
			roster_free(container_of(
				bucket->next, struct roster, by_name));
	}
	mem_wipe(crews->stock, sizeof(crews->stock));
	(void)mem_free(crews->env);
	(void)mem_free(crews->appid);
	(void)mem_free(crews->cloud_socket);
	(void)mem_free(crews->files_host);
	return mem_free(crews);
}

void
crews_set_report_rate(struct crews *crews, unsigned rate)
{
	crews->report_rate = rate;
}

void *
crews_owner(const struct crews *crews)
{
	return crews->ops.owner;
}

static void
on_worker(struct crew *crew, const struct frame *f, int *fds, int nfds)
{
	struct getter g = getter_of(f->body);
	struct hand *hand = hand_find(crew, f->id);

	(void)get_u32(&g);
	if (get_end(&g) == 0 && nfds == 1 && hand &&
		hand->state == HAND_STARTING)
		hand_join(hand, &fds[0]);
}

static void
on_gone_frame(struct crew *crew, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct hand *hand = hand_find(crew, f->id);
	uint32_t status = get_u32(&g);
	uint8_t reason = get_u8(&g);

	if (get_end(&g) == 0 && hand)
		hand_gone(hand, (int)status, reason);
}

static void
on_memory(struct crew *crew, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct hand *hand = hand_find(crew, f->id);
	uint64_t bytes = get_u64(&g);

	if (get_end(&g) == 0 && hand)
		hand_memory(hand, bytes);
}

static void
on_channel_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct crew *crew = container_of(c, struct crew, channel);
	struct getter g = getter_of(f->body);
	struct hand *hand;
	uint8_t stream;

	switch (f->type) {
	case HOST_WORKER:
		on_worker(crew, f, fds, nfds);
		break;
	case HOST_NO_WORKER:
		hand = hand_find(crew, f->id);
		if (hand && hand->state == HAND_STARTING)
			hand_refused(hand, f->body);
		break;
	case HOST_GONE:
		on_gone_frame(crew, f);
		break;
	case HOST_MEMORY:
		on_memory(crew, f);
		break;
	case HOST_LINE:
		stream = get_u8(&g);
		if (!g.bad)
			hand_line(crew, f->id, stream == 2 ? 3 : 1, g.left);
		break;
	default:
		break; /* a newer keeper's */
	}
}

static void
on_channel_gone(struct channel *c, int err)
{
	struct crew *crew = container_of(c, struct crew, channel);

	(void)err;
	crew_end_hands(crew, "the function host restarts");
	/* A version that was only tried. */
	if (crew->roster && !roster_names(crew->roster, crew))
		crew_retire(crew, roster_stable(crew->roster));
	crew_feed_soon(crew);
}

static const struct channel_ops channel_ops = {
	.on_frame = on_channel_frame, .on_gone = on_channel_gone};

/* The members of an invocation's context that are always the same. */
static void
context_begin(struct crew *crew)
{
	const struct fn_settings *s = &crew->settings;
	struct buf *b = &crew->context;

	buf_init(b, 4096);
	buf_printf(b,
		"{\"function\":\"%s\",\"version\":%u,\"timeoutMs\":%lld,"
		"\"memoryMb\":%lld,\"env\":",
		s->name, s->version, (long long)s->timeout_ms,
		(long long)(s->memory >> 20));
	buf_json(b, slice_str(crew->crews->env));
	buf_str(b, ",\"cloudSocket\":");
	buf_json(b, slice_str(crew->crews->cloud_socket));
	buf_str(b, ",\"filesHost\":");
	buf_json(b, slice_str(crew->crews->files_host));
}

struct crew *
crew_new(struct crews *crews, const struct fn_settings *settings)
{
	struct crew *crew = mem_new(struct crew);

	crew->crews = crews;
	crew->settings = *settings;
	crew->settings.code_dir = NULL;
	crew->settings.environment = NULL;
	crew->settings.triggers = NULL;
	crew->settings.openapi = NULL;
	crew->openapi = json_incref(settings->openapi);
	crew->settings.hosts = NULL;
	list_init(&crew->on);
	list_init(&crew->of);
	list_init(&crew->waiting);
	for (int i = 0; i < HAND_STATES_; i++)
		list_init(&crew->hands[i]);
	defer_init(&crew->feed, on_crew_feed);
	context_begin(crew);
	list_add(&crews->all, &crew->on);
	return crew;
}

void
crew_retire(struct crew *crew, struct crew *heir)
{
	struct fn_call *call;

	crew->roster = NULL;
	list_del(&crew->of);
	while (heir &&
		(call = list_first(&crew->waiting, struct fn_call, on))) {
		list_del(&call->on);
		crew->nwaiting--;
		crew_wait(heir, call);
	}
	if (!heir)
		crew_refuse(crew, ERR_FN_NOT_FOUND);
	crew_feed_soon(crew);
}

int
crews_add(struct crews *crews, const struct fn_settings *settings,
	int channel_fd, struct fault *why)
{
	struct crew *crew = crew_new(crews, settings);
	int r;

	r = channel_open(&crew->channel, crews->loop, channel_fd, &channel_ops);
	if (r < 0) {
		(void)close(channel_fd);
		crew_done(crew);
		return fault_set(
			why, r, "%s: no channel to its host", settings->name);
	}
	roster_add(crews, crew);
	crew_feed_soon(crew);
	return 0;
}

static json_t *
status_of(const struct crew *c, bool stats)
{
	const struct fn_settings *s = &c->settings;
	struct fault why = {0};
	uint32_t retry_ms;
	json_t *one = json_pack(
		"{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:I}",
		"name", s->name, "version", (int)s->version, "role",
		roster_role(c), "runtime", fn_runtime_name(s->runtime), "idle",
		(int)c->count[HAND_IDLE], "busy", (int)c->count[HAND_BUSY],
		"starting", (int)c->count[HAND_STARTING], "leaving",
		(int)c->count[HAND_LEAVING], "waiting", (int)c->nwaiting,
		"calls", (json_int_t)c->stats.calls, "failed",
		(json_int_t)c->stats.failed);

	if (!one)
		abort();
	if (crew_trouble_check(c, &retry_ms, &why) < 0)
		(void)json_object_set_new(
			one, "trouble", json_string(why.text));
	if (stats)
		(void)json_object_update_new(one, crew_stats_build(&c->stats));
	return one;
}

json_t *
crews_status(const struct crews *crews, bool stats)
{
	json_t *all = json_array();

	list_for_each (at, &crews->all)
		(void)json_array_append_new(all,
			status_of(container_of(at, struct crew, on), stats));
	if (!all)
		abort();
	return all;
}

bool
crews_drain(struct crews *crews)
{
	crews->draining = true;
	list_for_each (at, &crews->all) {
		const struct crew *c = container_of(at, struct crew, on);

		if (c->nwaiting || c->count[HAND_BUSY])
			return false;
		list_for_each (h, &c->hands[HAND_LEAVING])
			if (hand_waited_for(container_of(h, struct hand, on)))
				return false;
	}
	return true;
}
