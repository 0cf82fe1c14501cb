/*
 * Two digits cost one division; printf costs ten times all of them.
 */
#include "base/decimal.h"

#include <string.h>

/* clang-format off */
static const char pairs[] =
	"00010203040506070809" "10111213141516171819"
	"20212223242526272829" "30313233343536373839"
	"40414243444546474849" "50515253545556575859"
	"60616263646566676869" "70717273747576777879"
	"80818283848586878889" "90919293949596979899";
/* clang-format on */

static size_t
decimal_len(uint64_t n)
{
	size_t len = 1;

	for (; n >= 100; n /= 100)
		len += 2;
	return len + (n >= 10);
}

/* From the last digit on, each at its place. */
char *
decimal_put(char *to, uint64_t n)
{
	char *end = to + decimal_len(n), *at = end;

	for (; n >= 100; n /= 100) {
		at -= 2;
		memcpy(at, pairs + n % 100 * 2, 2);
	}
	if (n >= 10)
		memcpy(to, pairs + n * 2, 2);
	else
		*to = (char)('0' + n);
	return end;
}
