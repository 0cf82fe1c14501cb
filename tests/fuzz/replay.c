/*
 * The main of a fuzz target in `make check`: every file of its corpus goes
 * through it once.  What libFuzzer found in a long night stays found, also
 * with a compiler that has no fuzzer.
 *
 * The corpus is tests/fuzz/corpus/<noun> of the source tree, or the files and
 * folders that are named.  A corpus without files is a failure: it would prove
 * nothing.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_TOP = 1 << 20 };

static int count, failed;

/* Exactly its size on the heap, so that a sanitizer sees the first byte too
 * many. */
static void
replay_file(const char *path)
{
	_free_ char *text = NULL, *exact = NULL;
	struct fault why;
	size_t len;

	count++;
	if (file_read(path, FILE_TOP, &text, &len, &why) < 0) {
		(void)printf("not ok %d - %s\n", count, why.text);
		failed++;
		return;
	}
	exact = malloc(len);
	if (len && exact)
		memcpy(exact, text, len);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
	(void)printf("ok %d - %s\n", count, strrchr(path, '/') + 1);
}

static int
is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &entries, is_shown, alphasort);
	for (int i = 0; i < n; i++) {
		_free_ char *file =
			str_printf("%s/%s", path, entries[i]->d_name);

		replay_file(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* "…/fuzz_frame" → "<source>/tests/fuzz/corpus/frame" */
static char *
corpus_of(const char *program)
{
	const char *source = getenv("MPCLOUD_SOURCE");
	const char *noun = strstr(program, "fuzz_");

	for (const char *next = noun; next; next = strstr(next + 1, "fuzz_"))
		noun = next;
	return str_printf("%s/tests/fuzz/corpus/%s", source ? source : ".",
		noun ? noun + strlen("fuzz_") : program);
}

int
main(int argc, char **argv)
{
	_free_ char *corpus = corpus_of(argv[0]);

	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* a crash shows its file */
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1)
		replay(corpus);
	if (!count)
		(void)printf("not ok 1 - %s has no files\n", corpus);
	(void)printf("1..%d\n", max(count, 1));
	return failed || !count;
}
