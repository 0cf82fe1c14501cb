/*
 * The engine's life: it is made once, evaluates main.js and the author's code,
 * and from then on only forks of it run.  What a fork inherits is a heap that
 * has just been collected and a process of one thread.
 */
#include "functions/script_inside.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/paths.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	MAIN_TOP = 1024 * 1024,
	QUIET_MS = 10000,
	LARGE_MIB = 48,
	ROUNDS_TOP = 1000
};

/* Exported by the library, in headers that are not installed. */
void JSGlobalContextSetUnhandledRejectionCallback(
	JSGlobalContextRef js, JSObjectRef function, JSValueRef *exc);
void JSSynchronousGarbageCollectForDebugging(JSContextRef js);

static struct script the_script;

/* The allocator's own thread, where the library has one and says so. */
static void
scavenger(const char *verb)
{
	void (*call)(void);

	*(void **)&call = dlsym(RTLD_DEFAULT, verb);
	if (call)
		call();
}

void
script_collect(void)
{
	JSSynchronousGarbageCollectForDebugging(the_script.js);
}

static int
failed(struct script *s, JSValueRef thrown, struct buf *why)
{
	js_describe(s->js, thrown, why);
	return ERR_FN_FAILED;
}

static int
take_entries(struct script *s, JSValueRef api, struct buf *why)
{
	static const char *const names[] = {
#define X(name, member) member,
		X_ENTRIES
#undef X
	};

	for (size_t i = 0; i < ENTRIES; i++) {
		JSValueRef v = js_get(s->js, api, names[i]);
		JSObjectRef f = JSValueIsObject(s->js, v)
					? JSValueToObject(s->js, v, NULL)
					: NULL;

		if (!f || !JSObjectIsFunction(s->js, f)) {
			buf_printf(why, "main.js: %s is missing", names[i]);
			return ERR_INTERNAL;
		}
		JSValueProtect(s->js, f);
		s->api[i] = f;
	}
	return 0;
}

static int
start_main(struct script *s, struct buf *why)
{
	_free_ char *path = str_printf("%s/main.js", s->conf->runtime_dir);
	_free_ char *text = NULL;
	struct fault fault = {0};
	JSValueRef exc = NULL, host = script_host_build(s), api = NULL;
	JSObjectRef f;
	size_t len;
	int r = file_read(path, MAIN_TOP, &text, &len, &fault);

	if (r < 0) {
		buf_str(why, fault_text(&fault, r));
		return r;
	}
	f = js_compile(s->js, slice_of(text, len), path, SLICE("host"), &exc);
	if (f)
		api = JSObjectCallAsFunction(s->js, f, NULL, 1, &host, &exc);
	if (!api || exc)
		return failed(s, exc, why);
	return take_entries(s, api, why);
}

int
script_new(struct script **ret, const struct script_conf *conf, struct buf *why)
{
	struct script *s = &the_script;
	JSValueRef exc = NULL;
	int r;

	s->conf = conf;
	s->fd = -1;
	list_init(&s->queue);
	s->concurrency = (size_t)max(
		json_integer_value(json_object_get(conf->setup, "concurrency")),
		(json_int_t)1);
	s->js = JSGlobalContextCreate(NULL);
	r = start_main(s, why);
	if (r < 0)
		return r;
	JSGlobalContextSetUnhandledRejectionCallback(
		s->js, s->api[ENTRY_ON_REJECTION], &exc);
	*ret = s;
	return exc ? failed(s, exc, why) : 0;
}

void
script_call(struct script *s, enum script_entry entry, size_t n,
	const JSValueRef *v)
{
	struct buf text _buf_ = {0};
	JSValueRef exc = NULL;

	(void)JSObjectCallAsFunction(s->js, s->api[entry], NULL, n, v, &exc);
	if (!exc)
		return;
	buf_init(&text, 64 * 1024);
	js_describe(s->js, exc, &text);
	(void)fprintf(stderr, "%.*s\n", SLICE_ARG(buf_all(&text)));
	_exit(EXIT_FAILURE);
}

/* Nothing that was started while loading goes on in a fork. */
static void
drop_the_rest(struct script *s)
{
	if (!script_settle(s, QUIET_MS))
		(void)fputs("timers or requests that the code started while it "
			    "was loaded were still open after 10 s and are "
			    "dropped\n",
			stderr);
	script_fetches_done(s);
	script_timers_done(&s->timers);
}

/* Rounds of what calls will do, with an answer of the cloud's that main.js
 * makes up: functions are compiled then and objects have their shapes, once for
 * all forks.  Half of a cold start, and most of a young worker's time. */
static void
warm_up(struct script *s)
{
	JSValueRef v[2], exc = NULL;

	s->warming = true;
	for (int round = 0; round < ROUNDS_TOP; round++) {
		v[0] = js_number(s->js, round);
		v[1] = JSObjectCallAsFunction(
			s->js, s->api[ENTRY_WARM], NULL, 1, v, &exc);
		if (exc || JSValueIsUndefined(s->js, v[1]))
			break;
		while (s->asked) {
			v[0] = js_number(s->js, s->asked);
			s->asked = 0;
			script_call(s, ENTRY_ON_REPLY, array_size(v), v);
		}
	}
	s->warming = false;
}

/* What is loaded is shared only until it is written to, and collecting garbage
 * writes to all of it: a worker may come to hold a copy. */
static void
tell_size(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0, shared = 0, mib;

	if (file && fscanf(file, "%ld %ld %ld", &size, &resident, &shared) != 3)
		resident = shared = 0;
	if (file)
		(void)fclose(file);
	mib = (resident - shared) * sysconf(_SC_PAGESIZE) / (1024 * 1024);
	if (mib > LARGE_MIB)
		(void)fprintf(stderr,
			"the code holds %ld MiB when it is loaded, and every "
			"worker may come to hold a copy of them: load large "
			"tables when they are asked for\n",
			mib);
}

int
script_load(struct script *s, struct buf *why)
{
	JSValueRef exc = NULL, handler;

	handler = js_text(s->js, slice_str(s->conf->handler));
	(void)JSObjectCallAsFunction(
		s->js, s->api[ENTRY_LOAD], NULL, 1, &handler, &exc);
	if (exc)
		return failed(s, exc, why);
	drop_the_rest(s);
	script_collect();
	tell_size();
	/* After it: what it swept stays swept, so forks write to less. */
	warm_up(s);
	/* Until it is resumed there is one thread, with no lock to leave. */
	scavenger("pas_scavenger_suspend");
	return 0;
}

void
script_settle_in(void)
{
	scavenger("pas_scavenger_resume");
}

int
script_serve(struct script *s, int fd)
{
	script_frames_init(s, fd);
	return script_loop(s);
}
