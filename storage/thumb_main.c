/*
 * mpcloud-thumb WIDTH HEIGHT cover|contain jpeg|png|webp: an image on standard
 * input becomes a smaller one on standard output.
 *
 * Decoders of images are where programs are broken into, so this is a program
 * of its own: it reads all of its input, then gives up everything but reading
 * memory and writing to its output (seccomp), with little memory and little
 * time, and decodes only then.  How many pixels an image claims is read from
 * its head before that.
 *
 * Exit status: 0; 2: not an image that it knows; 3: too many pixels or bytes;
 * 1: else.
 */
#include "storage/image.h"

#include <errno.h>
#include <gd.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	EXIT_NO_IMAGE = 2,
	EXIT_BIG = 3,
	INPUT_TOP = 32 << 20,
	PIXELS_TOP = 50 * 1000 * 1000,
	SIDE_TOP = 30000,
	WISH_TOP = 4096,
	QUALITY = 82,
	CPU_S = 10,
};

struct wish {
	int width, height;
	bool cover;
	enum image_kind format;
};

static int
read_wish(struct wish *w, char **argv)
{
	static const struct {
		const char *name;
		enum image_kind kind;
	} formats[] = {
		{"jpeg", IMAGE_JPEG}, {"png", IMAGE_PNG}, {"webp", IMAGE_WEBP}};

	w->width = atoi(argv[1]);
	w->height = atoi(argv[2]);
	w->cover = strcmp(argv[3], "cover") == 0;
	w->format = IMAGE_NONE;
	for (size_t i = 0; i < array_size(formats); i++)
		if (strcmp(argv[4], formats[i].name) == 0)
			w->format = formats[i].kind;
	return w->width > 0 && w->height > 0 && w->width <= WISH_TOP &&
			       w->height <= WISH_TOP && w->format
		       ? 0
		       : -EINVAL;
}

static void
limit(int what, rlim_t value)
{
	const struct rlimit l = {value, value};

	(void)setrlimit(what, &l);
}

/* A sanitizer maps terabytes and opens files. */
#if defined(__SANITIZE_ADDRESS__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* After this: memory, what is open already, and the end. */
static int
confine(void)
{
	static const int calls[] = {SCMP_SYS(read), SCMP_SYS(write),
		SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap),
		SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mprotect),
		SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
		SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(getrandom)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < array_size(calls) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	/* gd's complaints ask whether they go to a terminal */
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(EBADF), SCMP_SYS(newfstatat), 0);
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 0);
	/* pictures wait, answers do not */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	limit(RLIMIT_AS, (rlim_t)768 << 20);
	limit(RLIMIT_CPU, CPU_S);
	limit(RLIMIT_NOFILE, 4);
	limit(RLIMIT_CORE, 0);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return r;
}

static gdImagePtr
decode(enum image_kind kind, void *bytes, int len)
{
	switch (kind) {
	case IMAGE_JPEG:
		return gdImageCreateFromJpegPtrEx(len, bytes, 1);
	case IMAGE_PNG:
		return gdImageCreateFromPngPtr(len, bytes);
	case IMAGE_GIF:
		return gdImageCreateFromGifPtr(len, bytes);
	case IMAGE_WEBP:
		return gdImageCreateFromWebpPtr(len, bytes);
	case IMAGE_NONE:
	default:
		return NULL;
	}
}

/* As the camera was held: Exif's eight ways. */
static gdImagePtr
upright(gdImagePtr im, unsigned orientation)
{
	static const int turns[] = {0, 0, 0, 180, 180, 270, 270, 90, 90};
	gdImagePtr turned;

	if (orientation == 2 || orientation == 4)
		gdImageFlipHorizontal(im);
	else if (orientation == 5 || orientation == 7)
		gdImageFlipVertical(im);
	if (!turns[orientation])
		return im;
	turned = gdImageRotateInterpolated(
		im, (float)turns[orientation], gdTrueColorAlpha(0, 0, 0, 127));
	if (!turned)
		return im;
	gdImageDestroy(im);
	return turned;
}

/* `cover` fills the box and cuts what stands over; else all of it fits inside,
 * and nothing becomes larger than it was. */
static gdImagePtr
shrink(gdImagePtr im, const struct wish *w)
{
	double x = (double)w->width / gdImageSX(im);
	double y = (double)w->height / gdImageSY(im);
	double scale = w->cover ? max(x, y) : min(min(x, y), 1.0);
	int to_x = w->cover ? w->width : max((int)(gdImageSX(im) * scale), 1);
	int to_y = w->cover ? w->height : max((int)(gdImageSY(im) * scale), 1);
	int from_x = min((int)(to_x / scale), gdImageSX(im));
	int from_y = min((int)(to_y / scale), gdImageSY(im));
	gdImagePtr small = gdImageCreateTrueColor(to_x, to_y);
	bool opaque = w->format == IMAGE_JPEG;

	if (!small)
		return NULL;
	gdImageAlphaBlending(small, opaque);
	gdImageSaveAlpha(small, !opaque);
	gdImageFilledRectangle(small, 0, 0, to_x, to_y,
		opaque ? gdTrueColor(255, 255, 255)
		       : gdTrueColorAlpha(0, 0, 0, 127));
	gdImageCopyResampled(small, im, 0, 0, (gdImageSX(im) - from_x) / 2,
		(gdImageSY(im) - from_y) / 2, to_x, to_y, max(from_x, 1),
		max(from_y, 1));
	return small;
}

static int
put_out(gdImagePtr im, enum image_kind format)
{
	int len = 0;
	char *bytes = format == IMAGE_JPEG ? gdImageJpegPtr(im, &len, QUALITY)
		      : format == IMAGE_PNG
			      ? gdImagePngPtrEx(im, &len, 6)
			      : gdImageWebpPtrEx(im, &len, QUALITY);

	for (int at = 0; bytes && at < len;) {
		ssize_t n =
			write(STDOUT_FILENO, bytes + at, (size_t)(len - at));

		if (n <= 0)
			return 1;
		at += (int)n;
	}
	return bytes && len > 0 ? 0 : 1;
}

static int
make(char *bytes, size_t len, const struct wish *w)
{
	struct image_head head;
	gdImagePtr im, small;

	if (image_head(&head, slice_of(bytes, len)) < 0)
		return EXIT_NO_IMAGE;
	if (head.width > SIDE_TOP || head.height > SIDE_TOP ||
		(uint64_t)head.width * head.height > PIXELS_TOP)
		return EXIT_BIG;
	im = decode(head.kind, bytes, (int)len);
	if (!im)
		return EXIT_NO_IMAGE;
	/* what it said is what it was */
	if ((int64_t)gdImageSX(im) * gdImageSY(im) > PIXELS_TOP)
		return EXIT_BIG;
	small = shrink(upright(im, head.orientation), w);
	return small ? put_out(small, w->format) : 1;
}

int
main(int argc, char **argv)
{
	struct wish w;
	char *bytes = malloc(INPUT_TOP + 1);
	size_t len = 0;
	ssize_t n;

	/* whatever whoever starts it has open */
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	if (argc != 5 || read_wish(&w, argv) < 0 || !bytes) {
		(void)fputs("usage: mpcloud-thumb WIDTH HEIGHT cover|contain "
			    "jpeg|png|webp <image >smaller\n",
			stderr);
		return 1;
	}
	while ((n = read(STDIN_FILENO, bytes + len, INPUT_TOP + 1 - len)) > 0)
		len += (size_t)n;
	if (len > INPUT_TOP)
		return EXIT_BIG;
	gdSetErrorMethod(NULL);
	if (n < 0 || (!IS_SANITIZED && confine() < 0))
		return 1;
	_exit(make(bytes, len, &w));
}
