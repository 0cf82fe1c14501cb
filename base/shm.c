/*
 * The memory that gateways share.  Its layout is a struct of constant size in
 * a sealed memfd: nobody can shrink it under another's feet.  A word is written
 * by one process only, or changed by compare-and-swap, or the last to write it
 * is right; what is only true whole has a sum.
 */
#include "base/shm.h"

#include "base/crypto.h"
#include "base/sip.h"
#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUCKET = 8,
	BUCKETS = SHM_REVOKED / BUCKET,
	PROBES = 8,
	GCRA_BYTES = 16 * 1024 * 1024
};

#define MAGIC 0x6d70636c6f756431ULL

/* An ended session; sid 0 is nobody's.  A cell is free when its time is over;
 * it is claimed by swapping in the new time, and the name follows. */
struct revoked {
	_Atomic uint64_t sid;
	_Atomic int64_t until_s;
};

enum {
	NOTE_HEAD = 4, /* name, name, when, length */
	NOTE_WORDS = NOTE_HEAD + SHM_NOTE_TOP / 8,
};

/* Two may write one at a time, or die over it: what was not written whole by
 * one of them has another sum. */
struct note {
	_Atomic uint64_t word[NOTE_WORDS], sum;
};

struct shm {
	uint64_t magic;
	uint8_t secret[32];
	_Alignas(128) struct {
		_Alignas(128) struct shm_gateway one;
	} gateways[SHM_GATEWAYS];
	_Alignas(128) struct revoked revoked[BUCKETS][BUCKET];
	/* Whether a bucket was ever full: who looks there looks further. */
	_Atomic bool spilt[BUCKETS];
	_Atomic uint64_t revocations;
	_Alignas(128) uint64_t write_key[2];
	_Atomic int64_t writes[SHM_WRITES];
	_Atomic int64_t paid[SHM_PAID];
	_Alignas(128) struct note notes[SHM_NOTES];
	_Alignas(128) struct mark_table files;
	_Alignas(128) unsigned char gcra[GCRA_BYTES];
	_Atomic unsigned places_count;
	/* touched by gateways that count, as far as they do */
	_Alignas(128) struct place_table places[SHM_GATEWAYS];
	/* touched row by row: what nobody counts takes no memory */
	_Alignas(128) struct series_table series[SHM_GATEWAYS];
};

static_assert(sizeof(struct revoked) == 16, "two words");

static struct shm *
map(int fd)
{
	void *p = mmap(NULL, sizeof(struct shm), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
shm_create(int *ret_fd)
{
	_close_ int fd =
		memfd_create("mpcloud", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct shm *shm;

	if (fd < 0 || ftruncate(fd, sizeof(struct shm)) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
		0)
		return -errno;
	shm = map(fd);
	if (!shm)
		return -errno;
	(void)shm_gcra(shm);
	crypto_random(shm->write_key, sizeof(shm->write_key));
	crypto_random(shm->secret, sizeof(shm->secret));
	mark_table_init(&shm->files);
	shm->magic = MAGIC;
	(void)shm_close(shm);
	*ret_fd = take_fd(fd);
	return 0;
}

int
shm_open_fd(struct shm **ret, int fd)
{
	struct stat st;
	struct shm *shm;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != sizeof(struct shm))
		return ERR_FORMAT;
	shm = map(fd);
	if (!shm)
		return -errno;
	if (shm->magic != MAGIC) {
		(void)shm_close(shm);
		return ERR_FORMAT;
	}
	*ret = shm;
	return 0;
}

struct shm *
shm_close(struct shm *shm)
{
	if (shm)
		(void)munmap(shm, sizeof(*shm));
	return NULL;
}

struct slice
shm_secret(const struct shm *shm)
{
	return slice_of((const char *)shm->secret, sizeof(shm->secret));
}

struct gcra_table *
shm_gcra(struct shm *shm)
{
	return gcra_table_at(shm->gcra, sizeof(shm->gcra));
}

struct shm_gateway *
shm_gateway(struct shm *shm, unsigned index)
{
	assert(index < SHM_GATEWAYS);
	return &shm->gateways[index].one;
}

struct series_table *
shm_series(struct shm *shm, unsigned index)
{
	assert(index < SHM_GATEWAYS);
	return &shm->series[index];
}

struct place_table *
shm_places(struct shm *shm)
{
	return shm->places;
}

unsigned
shm_places_count(const struct shm *shm)
{
	return atomic_load_explicit(&shm->places_count, memory_order_acquire);
}

void
shm_places_start(struct shm *shm, unsigned index)
{
	unsigned old = shm_places_count(shm);

	assert(index < SHM_GATEWAYS);
	place_clear(&shm->places[index]);
	while (old <= index && !atomic_compare_exchange_weak(
				       &shm->places_count, &old, index + 1))
		;
}

struct mark_table *
shm_files(struct shm *shm)
{
	return &shm->files;
}

static unsigned
bucket_of(uint64_t sid)
{
	return (unsigned)(sid * 0x9e3779b97f4a7c15ULL >> 32) % BUCKETS;
}

static bool
cell_keep(struct revoked *c, uint64_t sid, int64_t until_s)
{
	int64_t old = atomic_load(&c->until_s);

	if (atomic_load(&c->sid) != sid)
		return false;
	while (old < until_s &&
		!atomic_compare_exchange_weak(&c->until_s, &old, until_s))
		;
	return atomic_load(&c->sid) == sid;
}

static bool
cell_claim(struct revoked *c, uint64_t sid, int64_t until_s, int64_t now_s)
{
	int64_t old = atomic_load(&c->until_s);

	if (old > now_s ||
		!atomic_compare_exchange_strong(&c->until_s, &old, until_s))
		return false;
	atomic_store(&c->sid, sid);
	return true;
}

static bool
bucket_add(struct revoked *b, uint64_t sid, int64_t until_s, int64_t now_s)
{
	for (int i = 0; i < BUCKET; i++)
		if (cell_keep(&b[i], sid, until_s))
			return true;
	for (int i = 0; i < BUCKET; i++)
		if (cell_claim(&b[i], sid, until_s, now_s))
			return true;
	return false;
}

/* All near buckets are full of living ones (more than 60,000 sessions ended
 * within one token's life): the one that would end first gives way. */
static void
bucket_force(struct revoked *b, uint64_t sid, int64_t until_s)
{
	struct revoked *first = &b[0];

	for (int i = 1; i < BUCKET; i++)
		if (atomic_load(&b[i].until_s) < atomic_load(&first->until_s))
			first = &b[i];
	atomic_store(&first->until_s, until_s);
	atomic_store(&first->sid, sid);
}

static void
add_revoked(struct shm *shm, uint64_t sid, int64_t until_s, int64_t now_s)
{
	unsigned at = bucket_of(sid);

	for (unsigned i = 0; i < PROBES; i++) {
		unsigned n = (at + i) % BUCKETS;

		if (bucket_add(shm->revoked[n], sid, until_s, now_s))
			return;
		atomic_store(&shm->spilt[n], true);
	}
	bucket_force(shm->revoked[at], sid, until_s);
}

void
shm_revoke(struct shm *shm, uint64_t sid, int64_t until_s, int64_t now_s)
{
	if (until_s <= now_s || sid == 0)
		return;
	add_revoked(shm, sid, until_s, now_s);
	atomic_fetch_add(&shm->revocations, 1);
}

uint64_t
shm_revocations(const struct shm *shm)
{
	return atomic_load(&shm->revocations);
}

bool
shm_is_revoked(const struct shm *shm, uint64_t sid)
{
	unsigned at = bucket_of(sid);

	for (unsigned i = 0; sid != 0 && i < PROBES; i++) {
		unsigned n = (at + i) % BUCKETS;

		for (int j = 0; j < BUCKET; j++)
			if (atomic_load_explicit(&shm->revoked[n][j].sid,
				    memory_order_acquire) == sid)
				return true;
		if (!atomic_load_explicit(&shm->spilt[n], memory_order_acquire))
			return false;
	}
	return false;
}

static size_t
write_cell(const struct shm *shm, struct slice session)
{
	return sip_hash(shm->write_key, session.ptr, session.len) % SHM_WRITES;
}

void
shm_wrote(struct shm *shm, struct slice session, int64_t now)
{
	_Atomic int64_t *cell = &shm->writes[write_cell(shm, session)];
	int64_t old = atomic_load(cell);

	while (old < now && !atomic_compare_exchange_weak(cell, &old, now))
		;
}

int64_t
shm_last_write(const struct shm *shm, struct slice session)
{
	return atomic_load(&shm->writes[write_cell(shm, session)]);
}

void
shm_paid(struct shm *shm, struct slice uid, int64_t now)
{
	atomic_store(&shm->paid[write_cell(shm, uid) % SHM_PAID], now);
}

int64_t
shm_last_paid(const struct shm *shm, struct slice uid)
{
	return atomic_load(&shm->paid[write_cell(shm, uid) % SHM_PAID]);
}

static uint64_t
note_sum(const struct shm *shm, const uint64_t word[NOTE_WORDS])
{
	/* never 0, which a note that was never written has */
	return sip_hash(shm->write_key, word, NOTE_WORDS * sizeof(word[0])) | 1;
}

void
shm_note_put(struct shm *shm, const uint64_t name[2], struct slice value,
	int64_t now)
{
	struct note *note = &shm->notes[name[0] % SHM_NOTES];
	uint64_t word[NOTE_WORDS] = {
		name[0], name[1], (uint64_t)now, value.len};

	assert(value.len <= SHM_NOTE_TOP);
	memcpy(word + NOTE_HEAD, value.ptr, value.len);
	for (size_t i = 0; i < NOTE_WORDS; i++)
		atomic_store_explicit(
			&note->word[i], word[i], memory_order_relaxed);
	atomic_store(&note->sum, note_sum(shm, word));
}

int
shm_note_get(const struct shm *shm, const uint64_t name[2],
	char ret[SHM_NOTE_TOP], int64_t *when)
{
	const struct note *note = &shm->notes[name[0] % SHM_NOTES];
	uint64_t word[NOTE_WORDS], sum = atomic_load(&note->sum);

	for (size_t i = 0; i < NOTE_WORDS; i++)
		word[i] = atomic_load_explicit(
			&note->word[i], memory_order_relaxed);
	if (word[0] != name[0] || word[1] != name[1] ||
		word[3] > SHM_NOTE_TOP || sum != note_sum(shm, word))
		return -ENOENT;
	memcpy(ret, word + NOTE_HEAD, SHM_NOTE_TOP);
	*when = (int64_t)word[2];
	return (int)word[3];
}
