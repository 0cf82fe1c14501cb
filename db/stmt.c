/*
 * A statement is parsed by the server once per connection and then only named.
 * Texts come from a small number of shapes, but collections and operators
 * multiply them, so the map has a ceiling and forgets the least used.  Numbers
 * are never given out twice: a late error can only hit its own statement.
 */
#include "db/stmt.h"

#include "base/mem.h"

struct stmt {
	struct list on;
	struct stmt *next;
	uint64_t hash, number;
	size_t len;
	char sql[];
};

void
stmt_init(struct stmts *all)
{
	*all = (struct stmts){0};
	list_init(&all->used);
}

void
stmt_done(struct stmts *all)
{
	list_for_each_safe (at, &all->used)
		(void)mem_free(container_of(at, struct stmt, on));
	stmt_init(all);
}

/* Eight bytes at a time: it runs for every statement sent.  Collisions only
 * cost time, and the ceiling bounds that. */
uint64_t
stmt_hash(struct slice s)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ s.len;
	size_t i = 0;

	for (; s.len - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, s.ptr + i, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

static struct stmt **
bucket_of(struct stmts *all, uint64_t hash)
{
	return &all->bucket[hash % STMT_BUCKETS];
}

uint64_t
stmt_find_hashed(struct stmts *all, struct slice sql, uint64_t hash)
{
	for (struct stmt *s = *bucket_of(all, hash); s; s = s->next)
		if (s->hash == hash && s->len == sql.len &&
			memcmp(s->sql, sql.ptr, sql.len) == 0) {
			list_del(&s->on);
			list_add_first(&all->used, &s->on);
			return s->number;
		}
	return 0;
}

uint64_t
stmt_find(struct stmts *all, struct slice sql)
{
	return stmt_find_hashed(all, sql, stmt_hash(sql));
}

static void
remove_one(struct stmts *all, struct stmt *s)
{
	struct stmt **at = bucket_of(all, s->hash);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	list_del(&s->on);
	all->count--;
	(void)mem_free(s);
}

static uint64_t
make_room(struct stmts *all)
{
	struct stmt *oldest;
	uint64_t number;

	if (all->count < STMT_TOP)
		return 0;
	oldest = list_last(&all->used, struct stmt, on);
	number = oldest->number;
	remove_one(all, oldest);
	return number;
}

uint64_t
stmt_add(struct stmts *all, struct slice sql, uint64_t *old)
{
	struct stmt *s = mem_alloc(sizeof(*s) + sql.len);
	struct stmt **at;

	*old = make_room(all);
	s->hash = stmt_hash(sql);
	s->number = ++all->last;
	s->len = sql.len;
	memcpy(s->sql, sql.ptr, sql.len);
	at = bucket_of(all, s->hash);
	s->next = *at;
	*at = s;
	list_add_first(&all->used, &s->on);
	all->count++;
	return s->number;
}

bool
stmt_del(struct stmts *all, uint64_t number)
{
	list_for_each (at, &all->used) {
		struct stmt *s = container_of(at, struct stmt, on);

		if (s->number == number) {
			remove_one(all, s);
			return true;
		}
	}
	return false;
}

const char *
stmt_name(uint64_t number, char room[24])
{
	char digits[20], *at = room;
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	*at++ = 's';
	while (n)
		*at++ = digits[--n];
	*at = '\0';
	return room;
}
