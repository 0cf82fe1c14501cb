/*
 * Heads of images as their formats' own encoders wrote them, and thumbnails by
 * the confined program; bombs and what is no image are refused.
 */
#include "storage/thumb.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "storage/image.h"
#include "tests/unit/file_driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void
put32(struct buf *b, uint32_t n)
{
	const char bytes[] = {
		(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

	buf_add(b, bytes, 4);
}

static void
chunk(struct buf *b, const char *name, struct slice data)
{
	size_t from = b->len + 4;

	put32(b, (uint32_t)data.len);
	buf_str(b, name);
	buf_slice(b, data);
	put32(b, (uint32_t)crc32(0, (const Bytef *)b->ptr + from,
			 (uInt)(b->len - from)));
}

/* A PNG of one colour that claims `width` and `height` and has `rows` rows. */
static void
png(struct buf *b, uint32_t width, uint32_t height, uint32_t rows)
{
	_buf_ struct buf head = {0}, raw = {0}, packed = {0};
	uLongf len;

	buf_init(b, 64 << 20);
	buf_init(&head, 64);
	buf_init(&raw, 64 << 20);
	buf_init(&packed, 64 << 20);
	buf_add(b, "\x89PNG\r\n\x1a\n", 8);
	put32(&head, width);
	put32(&head, height);
	buf_add(&head, "\x08\x02\0\0\0", 5);
	chunk(b, "IHDR", buf_all(&head));
	for (uint32_t y = 0; y < rows; y++) {
		buf_char(&raw, 0);
		for (uint32_t x = 0; x < width; x++)
			buf_add(&raw, "\xff\0\0", 3);
	}
	len = compressBound(raw.len);
	assert_non_null(buf_reserve(&packed, len));
	assert_int_equal(compress((Bytef *)packed.ptr, &len,
				 (const Bytef *)raw.ptr, raw.len),
		Z_OK);
	buf_grown(&packed, len);
	chunk(b, "IDAT", buf_all(&packed));
	chunk(b, "IEND", SLICE(""));
}

/* Written by libjpeg, libwebp (lossy, lossless, extended) and ImageMagick, cut
 * behind what the head is; the sizes are those that `file` says. */
static void
a_head_says_kind_and_size(void **state)
{
	static const struct {
		const char *hex;
		enum image_kind kind;
		uint32_t width, height;
		unsigned orientation;
	} cases[] = {
		{"89504e470d0a1a0a0000000d494844520000012c000000c808020000"
		 "00",
			IMAGE_PNG, 300, 200, 1},
		{"4749463839610a00050080", IMAGE_GIF, 10, 5, 1},
		{"52494646ba00000057454250565038202e0000003003009d012a6400"
		 "4200",
			IMAGE_WEBP, 100, 66, 1},
		{"524946461a000000574542505650384c0d0000002f63404100000000"
		 "00000000",
			IMAGE_WEBP, 100, 262, 1},
		{"524946460000000057454250565038580a0000001000000063000041"
		 "0000",
			IMAGE_WEBP, 100, 66, 1},
		{"ffd8ffe000104a46494600010100000100010000ffc0001108004200"
		 "640301",
			IMAGE_JPEG, 100, 66, 1},
		{"ffd8ffe1002245786966000049492a00080000000100120103000100"
		 "00000600000000000000ffc2001108004200640301",
			IMAGE_JPEG, 100, 66, 6},
		{"ffd8ffe100224578696600004d4d002a000000080001011200030000"
		 "000100030000ffff0000ffc2001108004200640301",
			IMAGE_JPEG, 100, 66, 3},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_buf_ struct buf raw = {0};
		struct image_head h;

		buf_init(&raw, 4096);
		assert_int_equal(text_unhex(&raw, slice_str(cases[i].hex)), 0);
		assert_int_equal(image_head(&h, buf_all(&raw)), 0);
		assert_int_equal(h.kind, cases[i].kind);
		assert_int_equal(h.width, cases[i].width);
		assert_int_equal(h.height, cases[i].height);
		assert_int_equal(h.orientation, cases[i].orientation);
		for (size_t cut = 0; cut < 10; cut++)
			assert_int_equal(
				image_head(&h, slice_of(raw.ptr, cut)), -22);
	}
}

static void
a_wish_is_read(void **state)
{
	static const struct {
		const char *size, *fit, *format;
		int err, width, height;
		bool cover;
	} cases[] = {
		{"200x100", "", "", 0, 200, 100, false},
		{"200x100", "cover", "png", 0, 200, 100, true},
		{"200x", "contain", "jpeg", 0, 200, THUMB_SIDE_TOP, false},
		{"x50", "", "webp", 0, THUMB_SIDE_TOP, 50, false},
		{"", "", "", ERR_PARAM, 0, 0, false},
		{"x", "", "", ERR_PARAM, 0, 0, false},
		{"0x5", "", "", ERR_PARAM, 0, 0, false},
		{"5x5000", "", "", ERR_PARAM, 0, 0, false},
		{"-5x5", "", "", ERR_PARAM, 0, 0, false},
		{"5x5x5", "", "", ERR_PARAM, 0, 0, false},
		{"5x5", "fill", "", ERR_PARAM, 0, 0, false},
		{"5x", "cover", "", ERR_PARAM, 0, 0, false},
		{"5x5", "", "tiff", ERR_PARAM, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct thumb t = {0};

		assert_int_equal(thumb_parse(&t, slice_str(cases[i].size),
					 slice_str(cases[i].fit),
					 slice_str(cases[i].format), NULL),
			cases[i].err);
		if (cases[i].err)
			continue;
		assert_int_equal(t.width, cases[i].width);
		assert_int_equal(t.height, cases[i].height);
		assert_int_equal(t.cover, cases[i].cover);
	}
}

static char source_path[128];

static int
source_of(const struct fixture *f, struct slice bytes)
{
	int fd;

	(void)snprintf(source_path, sizeof(source_path), "%s/source", f->dir);
	fd = open(source_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static int
make(struct fixture *f, struct slice bytes, const char *name, const char *size,
	const char *fit, const char *format, struct image_head *ret)
{
	struct thumb t = {.content = name, .source = source_of(f, bytes)};
	static char got_bytes[65536];
	ssize_t n;
	int r;

	assert_int_equal(thumb_parse(&t, slice_str(size), slice_str(fit),
				 slice_str(format), NULL),
		0);
	job_init(&t.job, on_done);
	thumb_make(f->files[0], &t);
	r = wait_job(f, &t.job);
	(void)close(t.source);
	if (r < 0) {
		assert_int_equal(t.fd, -1);
		return r;
	}
	n = read(t.fd, got_bytes, sizeof(got_bytes));
	(void)close(t.fd);
	assert_int_equal(n, t.size);
	return image_head(ret, slice_of(got_bytes, (size_t)n));
}

#define NAME  "abc00000000000000000000000000001"
#define OTHER "abc00000000000000000000000000002"

static bool
has_program(void)
{
	_free_ char *program = path_program(FILES_THUMB_PROGRAM);

	return access(program, X_OK) == 0;
}

static void
an_image_becomes_smaller_and_is_made_once(void **state)
{
	struct fixture *f = setup();
	_buf_ struct buf image = {0};
	struct image_head h;

	(void)state;
	if (!has_program()) {
		teardown(f);
		skip();
	}
	png(&image, 300, 200, 200);
	assert_int_equal(
		make(f, buf_all(&image), NAME, "100x100", "", "", &h), 0);
	assert_int_equal(h.kind, IMAGE_WEBP);
	assert_int_equal(h.width, 100);
	assert_int_equal(h.height, 66);
	assert_int_equal(
		make(f, buf_all(&image), NAME, "100x100", "cover", "jpeg", &h),
		0);
	assert_int_equal(h.kind, IMAGE_JPEG);
	assert_int_equal(h.width, 100);
	assert_int_equal(h.height, 100);
	assert_int_equal(
		make(f, buf_all(&image), NAME, "1000x", "", "png", &h), 0);
	assert_int_equal(h.width, 300);
	assert_int_equal(count_files(f, "thumbs"), 3);
	/* from the cache: the source is not looked at */
	assert_int_equal(
		make(f, SLICE("no image"), NAME, "100x100", "", "", &h), 0);
	assert_int_equal(h.height, 66);
	assert_int_equal(count_files(f, "thumbs"), 3);
	teardown(f);
}

/* A reader who asks for every size there is does not fill the disk. */
static void
of_one_image_a_few_sizes_are_kept(void **state)
{
	struct fixture *f = setup();
	_buf_ struct buf image = {0};
	struct image_head h;
	char size[16];

	(void)state;
	if (!has_program()) {
		teardown(f);
		skip();
	}
	png(&image, 30, 30, 30);
	for (int i = 1; i <= THUMBS_KEPT + 3; i++) {
		(void)snprintf(size, sizeof(size), "%dx4", i);
		assert_int_equal(
			make(f, buf_all(&image), NAME, size, "cover", "", &h),
			0);
		assert_int_equal(h.width, i);
	}
	assert_int_equal(count_files(f, "thumbs"), THUMBS_KEPT);
	/* another image has room of its own */
	assert_int_equal(make(f, buf_all(&image), OTHER, "9x9", "", "", &h), 0);
	assert_int_equal(count_files(f, "thumbs"), THUMBS_KEPT + 1);
	teardown(f);
}

static void
bombs_and_what_is_no_image_are_refused(void **state)
{
	struct fixture *f = setup();
	_buf_ struct buf bomb = {0}, tall = {0}, cut = {0};
	struct image_head h;

	(void)state;
	if (!has_program()) {
		teardown(f);
		skip();
	}
	png(&bomb, 20000, 20000, 1);
	png(&tall, 1, 100000, 1);
	png(&cut, 200, 200, 200);
	assert_int_equal(
		make(f, buf_all(&bomb), NAME, "9x9", "", "", &h), ERR_TOO_BIG);
	assert_int_equal(
		make(f, buf_all(&tall), NAME, "9x9", "", "", &h), ERR_TOO_BIG);
	assert_int_equal(
		make(f, slice_of(cut.ptr, 60), NAME, "9x9", "", "", &h),
		ERR_PARAM);
	assert_int_equal(
		make(f, SLICE("GIF89a"), NAME, "9x9", "", "", &h), ERR_PARAM);
	assert_int_equal(
		make(f, SLICE("<svg/>"), NAME, "9x9", "", "", &h), ERR_PARAM);
	assert_int_equal(
		make(f, SLICE(""), NAME, "9x9", "", "", &h), ERR_PARAM);
	assert_int_equal(count_files(f, "thumbs"), 0);
	teardown(f);
}

/* More than run at a time, and askers who leave. */
static void
many_wait_for_their_turn_and_some_leave(void **state)
{
	enum { MANY = 12 };
	struct fixture *f = setup();
	struct thumb t[MANY];
	_buf_ struct buf image = {0};
	int fd;

	(void)state;
	if (!has_program()) {
		teardown(f);
		skip();
	}
	png(&image, 300, 200, 200);
	fd = source_of(f, buf_all(&image));
	for (int i = 0; i < MANY; i++) {
		char path[160];

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		t[i] = (struct thumb){.content = NAME,
			.width = 10 + i,
			.height = 10,
			.source = open(path, O_RDONLY)};
		job_init(&t[i].job, on_done);
		thumb_make(f->files[0], &t[i]);
	}
	for (int i = 0; i < MANY; i += 3)
		job_cancel(&t[i].job);
	for (int i = 0; i < MANY; i++) {
		if (i % 3) {
			assert_int_equal(wait_job(f, &t[i].job), 0);
			assert_true(t[i].size > 0);
			(void)close(t[i].fd);
		}
		(void)close(t[i].source);
	}
	(void)close(fd);
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_says_kind_and_size),
		cmocka_unit_test(a_wish_is_read),
		cmocka_unit_test(an_image_becomes_smaller_and_is_made_once),
		cmocka_unit_test(of_one_image_a_few_sizes_are_kept),
		cmocka_unit_test(bombs_and_what_is_no_image_are_refused),
		cmocka_unit_test(many_wait_for_their_turn_and_some_leave),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
