/*
 * A link opens what it was made for and nothing else.  The known answers were
 * computed by Node.js (node:crypto) from the formula in file_link.h; that of
 * the CDN is the example Tencent Cloud publishes for method D (EdgeOne,
 * document 1552/109332).
 */
#include "base/crypto.h"
#include "base/text.h"
#include "storage/file_link.h"
#include "tests/unit/test.h"

#define NOW 1763000000LL
#define T   "69200000" /* 1763704832 */

static struct slice
key(void)
{
	static uint8_t key[FILE_LINK_KEY];
	uint8_t master[32];

	for (size_t i = 0; i < sizeof(master); i++)
		master[i] = (uint8_t)i;
	file_link_key(slice_of((char *)master, sizeof(master)), key);
	return slice_of((char *)key, sizeof(key));
}

/* Of "sign=…&t=…&w=…". */
static struct file_link_query
query_of(const char *text)
{
	struct file_link_query q = {.w = {"", 0}};
	struct slice rest = slice_str(text), pair, name;

	while (slice_split(&rest, '&', &pair)) {
		(void)slice_split(&pair, '=', &name);
		*(slice_is(name, "sign")      ? &q.sign
			: slice_is(name, "t") ? &q.t
					      : &q.w) = pair;
	}
	return q;
}

static int
check(enum file_link_may may, const char *path, const char *query, int64_t now,
	struct slice *who)
{
	static struct arena arena;
	static char kept[256];
	struct file_link link = {.may = may, .path = slice_str(path)};
	struct file_link_query q = query_of(query);
	struct fault why = {0};
	int e;

	arena_init(&arena, 1 << 20);
	e = file_link_check(key(), &arena, &link, &q, now, &why);
	if (e == 0 && who) {
		memcpy(kept, link.who.ptr, link.who.len);
		*who = slice_of(kept, link.who.len);
	}
	arena_done(&arena);
	return e;
}

#define GET_SIGN "5ZeTvSlPGUqABR_8AUqfmxGTjIdTxfcJPMXYhsrAZhc"

static void
node_makes_the_same_links(void **state)
{
	struct arena arena;
	_buf_ struct buf hex;

	(void)state;
	arena_init(&arena, 65536);
	buf_init(&hex, 128);
	text_hex(&hex, key());
	assert_string_equal(hex.ptr,
		"8517424afe09967845132258f35a3786209931639671"
		"3620fdd8d55741434b4c");
	assert_string_equal(
		file_link_make(key(), &arena,
			&(struct file_link){FILE_LINK_GET, SLICE("dir/a b.txt"),
				0x69200000, SLICE("")}),
		"sign=" GET_SIGN "&t=" T);
	assert_string_equal(
		file_link_make(key(), &arena,
			&(struct file_link){FILE_LINK_PUT, SLICE("图/é.png"),
				0x7fffffff, SLICE("")}),
		"sign=5FeOHTs0QFOgO23jVJ9WuucoQtSfHxWAQ_hssmL9-rk&t=7fffffff");
	arena_done(&arena);
}

static void
a_link_is_good_until_its_second(void **state)
{
	const char *link = "sign=" GET_SIGN "&t=" T;

	(void)state;
	assert_int_equal(
		check(FILE_LINK_GET, "dir/a b.txt", link, 0x691fffff, NULL), 0);
	assert_int_equal(
		check(FILE_LINK_GET, "dir/a b.txt", link, 0x69200000, NULL),
		ERR_FILE_LINK);
}

static void
a_link_is_for_its_method_path_and_time_only(void **state)
{
	static const struct {
		enum file_link_may may;
		const char *path, *query;
	} bad[] = {
		{FILE_LINK_PUT, "dir/a b.txt", "sign=" GET_SIGN "&t=" T},
		{FILE_LINK_GET, "dir/a b.tx", "sign=" GET_SIGN "&t=" T},
		{FILE_LINK_GET, "dir/a b.txt/", "sign=" GET_SIGN "&t=" T},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t=69200001"},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t=069200000"},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t=6920000G"},
		{FILE_LINK_GET, "dir/a b.txt",
			"sign=" GET_SIGN "&t=ffffffffffffffff69200000"},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t="},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t=-1"},
		{FILE_LINK_GET, "dir/a b.txt", "sign=&t=" T},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "=&t=" T},
		{FILE_LINK_GET, "dir/a b.txt",
			"sign=5ZeTvSlPGUqABR_8AUqfmxGTjIdTxfcJPMXYhsrAZhd&"
			"t=" T},
		{FILE_LINK_GET, "dir/a b.txt", "sign=" GET_SIGN "&t=" T "&w=A"},
		{FILE_LINK_GET, "dir/a b.txt\n" T, "sign=" GET_SIGN "&t=" T},
	};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(
			check(bad[i].may, bad[i].path, bad[i].query, NOW, NULL),
			ERR_FILE_LINK);
}

#define SEALED "AQIDBAUGBwgJCgsM-ihhhdhi72riyYu2oK5cDusJ9YYtGu2Ll-v4kA"

static void
the_uploader_is_sealed_in_the_link(void **state)
{
	struct slice who = {NULL, 0};
	struct arena arena;
	const char *link;

	(void)state;
	/* sealed and signed by Node */
	assert_int_equal(
		check(FILE_LINK_PUT, "up/x.bin",
			"sign=2y3aHTsKF2SolTy6B4BA-zjne_KEhzNvCIPUz599pj0&t=" T
			"&w=" SEALED,
			NOW, &who),
		0);
	assert_true(slice_is(who, "user:u1:oABC"));
	arena_init(&arena, 65536);
	link = file_link_make(key(), &arena,
		&(struct file_link){FILE_LINK_PUT, SLICE("up/x.bin"), NOW + 60,
			SLICE("user:u1:oSECRET")});
	assert_null(strstr(link, "oSECRET"));
	assert_int_equal(check(FILE_LINK_PUT, "up/x.bin", link, NOW, &who), 0);
	assert_true(slice_is(who, "user:u1:oSECRET"));
	arena_done(&arena);
}

static void
a_cdn_takes_links_of_type_d(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536);
	assert_string_equal(file_link_cdn(SLICE("DvYmqE81E1F9R791H6lmht"),
				    &arena, SLICE("foo.jpg"), 1721029907),
		"sign=cadcec4a04e67b9c2abf4b61c642a0dd&t=1721029907");
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_makes_the_same_links),
		cmocka_unit_test(a_link_is_good_until_its_second),
		cmocka_unit_test(a_link_is_for_its_method_path_and_time_only),
		cmocka_unit_test(the_uploader_is_sealed_in_the_link),
		cmocka_unit_test(a_cdn_takes_links_of_type_d),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
