/*
 * Content codings: the client's choice (RFC 9110, 12.5.3), what gains, and that
 * others' decoders open it.
 */
#include "base/compress.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "tests/unit/test.h"

#include <brotli/decode.h>
#include <zlib.h>

enum { BOTH = 1 << COMPRESS_GZIP | 1 << COMPRESS_BR };

static const char *
chosen(const char *accept, unsigned have)
{
	return compress_name(compress_choose(slice_str(accept), have));
}

static void
the_largest_weight_is_chosen(void **state)
{
	static const struct {
		const char *accept, *coding;
	} rows[] = {
		{"", "identity"},
		{"gzip", "gzip"},
		{"br", "br"},
		{"gzip, deflate, br", "br"},
		{"gzip;q=1.0, br;q=0.5", "gzip"},
		{"gzip;q=0.5, br;q=0.501", "br"},
		{"gzip;q=0", "identity"},
		{"*", "br"},
		{"*;q=0", "identity"},
		{"br;q=0, *", "gzip"},
		{"identity, gzip;q=0.5", "identity"},
		{"compress, deflate", "identity"},
		{"GZIP", "gzip"},
		{"x-gzip", "gzip"},
		{"gzip;q=abc", "identity"},
		{" gzip ; q=0.2 , br ; q=0.1 ", "gzip"},
		{"*;q=0.5, gzip;q=1.0", "gzip"},
		{"gzip;q=2", "identity"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(
			chosen(rows[i].accept, BOTH), rows[i].coding);
	assert_string_equal(chosen("gzip, br", 1 << COMPRESS_GZIP), "gzip");
	assert_string_equal(chosen("gzip, br", 0), "identity");
}

static void
texts_gain_and_pictures_do_not(void **state)
{
	(void)state;
	assert_true(compress_gains(SLICE("text/html; charset=utf-8")));
	assert_true(compress_gains(SLICE("application/json")));
	assert_true(compress_gains(SLICE("image/svg+xml")));
	assert_true(compress_gains(SLICE("Application/Problem+JSON")));
	assert_false(compress_gains(SLICE("image/png")));
	assert_false(compress_gains(SLICE("video/mp4")));
	assert_false(compress_gains(SLICE("font/woff2")));
	assert_false(compress_gains(SLICE("text/event-stream")));
	assert_false(compress_gains(SLICE("")));
}

static void
what_is_compressed_opens_with_others_decoders(void **state)
{
	static char in[20000], out[20000];
	struct buf gz _buf_ = {0}, br _buf_ = {0};
	z_stream z = {0};
	size_t len = sizeof(out);

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)('a' + i % 7 + i / 999 % 5);
	buf_init(&gz, sizeof(in));
	buf_init(&br, sizeof(in));
	assert_int_equal(compress_put(&gz, slice_of(in, sizeof(in)),
				 COMPRESS_GZIP, false),
		0);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)gz.ptr;
	z.avail_in = (uInt)gz.len;
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	inflateEnd(&z);
	assert_int_equal(
		compress_put(&br, slice_of(in, sizeof(in)), COMPRESS_BR, true),
		0);
	assert_int_equal(BrotliDecoderDecompress(br.len, (uint8_t *)br.ptr,
				 &len, (uint8_t *)out),
		BROTLI_DECODER_RESULT_SUCCESS);
	assert_int_equal(len, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
}

static void
what_does_not_become_smaller_stays(void **state)
{
	struct buf b _buf_ = {0};

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(compress_put(&b, SLICE("abc"), COMPRESS_GZIP, false),
		ERR_TOO_BIG);
	assert_int_equal(b.len, 0);
	assert_int_equal(compress_put(&b, SLICE("abc"), COMPRESS_BR, false),
		ERR_TOO_BIG);
	assert_int_equal(b.len, 0);
}

static void
an_expression_s_plain_beginning_is_known(void **state)
{
	static const struct {
		const char *text, *prefix;
	} rows[] = {
		{"^/api/(\\d+)$", "/api/"},
		{"^/ab?c", "/a"},
		{"^/a|/b", ""},
		{"/api", ""},
		{"^/abc*", "/ab"},
		{"^/abc+", "/abc"},
		{"^/a{0,3}b", "/"},
		{"^(?i)/x", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct pattern *p = NULL;
		struct fault why = {0};

		assert_int_equal(
			pattern_new(&p, slice_str(rows[i].text), &why), 0);
		assert_true(slice_is(pattern_prefix(p), rows[i].prefix));
		pattern_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_weight_is_chosen),
		cmocka_unit_test(texts_gain_and_pictures_do_not),
		cmocka_unit_test(what_is_compressed_opens_with_others_decoders),
		cmocka_unit_test(what_does_not_become_smaller_stays),
		cmocka_unit_test(an_expression_s_plain_beginning_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
