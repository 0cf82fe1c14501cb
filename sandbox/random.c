/*
 * Some letters come a little more often than others (256 is no multiple of 62);
 * for a sandbox's names that is random enough.
 */

#include "random.h"

#include "base/crypto.h"
#include "base/mem.h"

void
random_letters(char *ret, size_t len, const char *alphabet)
{
	size_t n = strlen(alphabet);

	crypto_random(ret, len);
	for (size_t i = 0; i < len; i++)
		ret[i] = alphabet[(uint8_t)ret[i] % n];
	ret[len] = '\0';
}

char *
random_name(const char *start, size_t len, const char *alphabet)
{
	size_t head = strlen(start);
	char *name = mem_alloc(head + len + 1);

	memcpy(name, start, head);
	random_letters(name + head, len, alphabet);
	return name;
}
