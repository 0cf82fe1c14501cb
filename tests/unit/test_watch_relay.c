/*
 * Followers in other gateways: over the socket they hear what they would hear
 * in gateway 0; a query's change crosses once; a lost connection and a gateway
 * 0 that was started again are made good.
 */
#include "tests/unit/watch_call.h"

#include "base/frame.h"
#include "base/sock.h"
#include "watch/watch_relay.h"
#include "watch/watch_wire.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FOLLOWERS = 1000, CHANGES = 10000, WRITERS = 16 };

static struct watch_relay *zero, *other;
static char dir[40], path[60];
static const char secret[32] = "what the gateways share and none";

static void
relay_start(struct watch_sub *s, const struct watch_query *query)
{
	watch_relay_start(other, s, query);
}

static void
relay_resume(struct watch_sub *s, const struct watch_query *query,
	uint64_t epoch, uint64_t seq)
{
	watch_relay_resume(other, s, query, epoch, seq);
}

static struct watch_relay *
gateway(unsigned index, int fd, const char *known)
{
	const struct watch_relay_conf conf = {
		.index = index,
		.fd = fd,
		.path = path,
		.holder = getpid(),
		.secret = slice_of(known, sizeof(secret)),
		.engine = {.url = testpg_url(server),
			.env = "test",
			.docs = &docs,
			.queries_top = 2000,
			.memory_top = 256 << 20,
			.linger_ms = 60000},
	};
	struct watch_relay *r = NULL;

	assert_int_equal(watch_relay_new(&r, &loop, &conf, NULL), 0);
	return r;
}

/* As the supervisor does, which keeps its own end open. */
static int listening = -1;

static int
relays_start(void **state)
{
	int r = group_start(state);

	if (r < 0)
		return r;
	(void)strcpy(dir, "/tmp/mpcloud-relay-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/watch.sock", dir);
	r = sock_listen_unix(
		path, 0600, (uid_t)-1, (gid_t)-1, &listening, NULL);
	if (r < 0)
		return r;
	zero = gateway(0, dup(listening), secret);
	other = gateway(1, -1, secret);
	door.start = relay_start;
	door.resume = relay_resume;
	door.stop = watch_relay_stop;
	door.epoch = watch_relay_epoch;
	return 0;
}

static int
relays_stop(void **state)
{
	other = watch_relay_free(other);
	zero = watch_relay_free(zero);
	(void)close(listening);
	(void)unlink(path);
	(void)rmdir(dir);
	return group_stop(state);
}

static void
another_gateway_hears_the_same(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f, limited, denied;

	(void)state;
	permit(coll, "READONLY");
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\",\"n\":1}]");
	follow(&f, coll, "{\"n\":{\"$lt\":5}}", "", -1, "o1");
	follow(&limited, coll, "{}", "{\"n\":-1}", 2, "");
	follow(&denied, "nothing", "{}", NULL, -1, NULL);
	known(&f);
	known(&limited);
	until(denied.ended);
	assert_int_equal(denied.err, ERR_DB_NO_COLLECTION);
	assert_non_null(strstr(denied.why.text, "nothing"));
	for (int i = 0; i < 20; i++) {
		char text[80];

		(void)snprintf(text, sizeof(text),
			"{\"$set\":{\"n\":%d,\"o\":{\"k\":%d}}}", i % 8, i);
		c.upsert = true;
		ok(&c, DOC_UPDATE, coll,
			i % 3 ? "{\"_id\":\"b\"}" : "{\"_id\":\"a\"}", text);
		c.upsert = false;
		settled(&f);
		settled(&limited);
	}
	assert_int_equal(f.results, 1);
	json_decref(denied.docs);
	unfollow(&f);
	unfollow(&limited);
	end(&c);
}

static void
who_comes_back_hears_what_was_missed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	door.stop(&f.sub);
	for (int i = 0; i < 5; i++)
		ok(&c, DOC_INSERT, coll, NULL, "[{\"n\":1}]");
	door.resume(&f.sub, &f.query, f.epoch, f.seq);
	until(f.resumed == 1);
	settled(&f);
	assert_int_equal(f.results, 1);
	unfollow(&f);
	end(&c);
}

/* The first connection that is there; its end in gateway 0 goes. */
static void
gateway_zero_restarts(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	follow(&f, coll, "{}", NULL, -1, NULL);
	known(&f);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"a\"}]");
	settled(&f);
	zero = watch_relay_free(zero);
	ok(&c, DOC_INSERT, coll, NULL, "[{\"_id\":\"b\"}]");
	zero = gateway(0, dup(listening), secret);
	until(f.results == 2);
	settled(&f);
	ok(&c, DOC_REMOVE, coll, "{\"_id\":\"a\"}", NULL);
	settled(&f);
	assert_int_equal(f.ended, 0);
	unfollow(&f);
	end(&c);
}

/* Another user's process, or one that does not know the secret. */
static void
strangers_get_nothing(void **state)
{
	struct watch_relay *mine = other;
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;

	(void)state;
	other = gateway(2, -1, "something else that is as long!!");
	follow(&f, coll, "{}", NULL, -1, NULL);
	for (int i = 0; i < 50; i++)
		turn();
	assert_false(f.is_known);
	unfollow(&f);
	other = watch_relay_free(other);
	other = mine;
	end(&c);
}

/* In a process of its own: what does the other gateway say to a nonce? */
static void
be_an_impostor(int ready)
{
	_buf_ struct buf nonce;
	size_t mark;
	char said;
	int fd = -1,
	    r = sock_listen_unix(path, 0600, (uid_t)-1, (gid_t)-1, &fd, NULL);

	buf_init(&nonce, 256);
	mark = frame_begin(&nonce, WATCH_F_NONCE, 0);
	buf_add(&nonce, secret, WATCH_NONCE);
	frame_end(&nonce, mark);
	if (r < 0 || write(ready, "!", 1) != 1 || fd_set_blocking(fd, true) < 0)
		_exit(2);
	fd = accept(fd, NULL, NULL);
	if (fd < 0)
		_exit(3);
	if (send(fd, nonce.ptr, nonce.len, MSG_NOSIGNAL) < 0)
		_exit(0);
	_exit(read(fd, &said, 1) > 0 ? 1 : 0);
}

/* Who puts a socket of his own in the place of gateway 0's is not told a proof,
 * which he could pass on as his. */
static void
an_impostor_hears_no_proof(void **state)
{
	struct watch_relay *mine = other;
	struct call c;
	const char *coll = fresh(&c);
	struct follower f;
	char before[sizeof(path)], go;
	int ready[2], status = -1;
	pid_t pid;

	(void)state;
	(void)strcpy(before, path);
	(void)snprintf(path, sizeof(path), "%s/false.sock", dir);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		be_an_impostor(ready[1]);
	assert_int_equal(read(ready[0], &go, 1), 1);
	other = gateway(2, -1, secret);
	follow(&f, coll, "{}", NULL, -1, NULL);
	while (waitpid(pid, &status, WNOHANG) != pid)
		turn();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(f.is_known);
	unfollow(&f);
	other = watch_relay_free(other);
	other = mine;
	(void)unlink(path);
	(void)strcpy(path, before);
	(void)close(ready[0]);
	(void)close(ready[1]);
	end(&c);
}

/* --- Shows 3, below the protocol --- */

static struct follower *crowd;
static struct call writers[WRITERS];
/* In each of the two gateways. */
static struct {
	uint64_t batch;
	const struct watch_change *changes;
	unsigned rendered;
} last[2];

/* What the protocol's layer does: it writes a text once for each batch. */
static void
crowd_change(struct watch_sub *s, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct follower *f = follower_of(s);
	bool far = s->relay != NULL;
	uint64_t batch = watch_relay_batch(far ? other : zero);

	assert_int_equal(seq, f->seq + 1);
	f->seq = seq;
	/* the pool puts writes of one turn under one commit */
	f->changes += (unsigned)count;
	if (batch != last[far].batch) {
		last[far].rendered++;
		last[far].batch = batch;
		last[far].changes = changes;
	}
	assert_ptr_equal(changes, last[far].changes);
}

static const struct watch_ops crowd_ops = {
	.on_result = follower_result,
	.on_change = crowd_change,
	.on_resumed = follower_resumed,
	.on_end = follower_end,
};

static void
write_all(const char *coll, unsigned total)
{
	unsigned sent = 0, answered = 0;

	memset(writers, 0, sizeof(writers));
	while (answered < total) {
		for (size_t i = 0; i < WRITERS; i++) {
			struct call *w = &writers[i];
			char query[40], data[60];

			if (w->op.job.busy)
				continue;
			if (w->done) {
				assert_int_equal(w->op.job.err, 0);
				answered++;
				end(w);
			}
			if (sent == total)
				continue;
			(void)snprintf(query, sizeof(query),
				"{\"_id\":\"d%u\"}", sent % 100);
			(void)snprintf(data, sizeof(data),
				"{\"$set\":{\"n\":%u}}", sent + 1);
			start(w, DOC_UPDATE, coll, query, data);
			sent++;
		}
		turn();
	}
	for (size_t i = 0; i < WRITERS; i++)
		end(&writers[i]);
}

static void
no_event_is_lost_or_doubled(void **state)
{
	struct call c;
	const char *coll = fresh(&c);
	size_t before;

	(void)state;
	permit(coll, "READONLY");
	for (int i = 0; i < 100; i++) {
		char doc[40];

		(void)snprintf(doc, sizeof(doc), "[{\"_id\":\"d%d\"}]", i);
		ok(&c, DOC_INSERT, coll, NULL, doc);
	}
	before = watch_relay_count(zero).queries;
	crowd = mem_array(FOLLOWERS, struct follower);
	for (size_t i = 0; i < FOLLOWERS; i++) {
		follow_prepare(
			&crowd[i], coll, "{}", NULL, -1, i % 2 ? "o1" : "o2");
		crowd[i].sub.ops = &crowd_ops;
		if (i % 4)
			door.start(&crowd[i].sub, &crowd[i].query);
		else
			watch_relay_start(zero, &crowd[i].sub, &crowd[i].query);
	}
	for (size_t i = 0; i < FOLLOWERS; i++)
		known(&crowd[i]);
	assert_int_equal(watch_relay_count(zero).queries, before + 1);
	write_all(coll, CHANGES);
	for (size_t i = 0; i < FOLLOWERS; i++) {
		until(crowd[i].changes >= CHANGES);
		assert_int_equal(crowd[i].changes, CHANGES);
		assert_int_equal(crowd[i].results, 1);
		watch_relay_stop(&crowd[i].sub);
		json_decref(crowd[i].docs);
	}
	assert_int_equal(last[0].rendered, last[1].rendered);
	assert_true(last[0].rendered <= CHANGES);
	(void)mem_free(crowd);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_gateway_hears_the_same),
		cmocka_unit_test(who_comes_back_hears_what_was_missed),
		cmocka_unit_test(gateway_zero_restarts),
		cmocka_unit_test(strangers_get_nothing),
		cmocka_unit_test(an_impostor_hears_no_proof),
		cmocka_unit_test(no_event_is_lost_or_doubled),
	};

	return cmocka_run_group_tests(tests, relays_start, relays_stop);
}
