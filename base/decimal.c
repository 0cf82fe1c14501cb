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

char *
decimal_put(char *to, uint64_t n)
{
	char digits[DECIMAL_TOP], *at = digits + DECIMAL_TOP;
	size_t len;

	for (; n >= 100; n /= 100) {
		at -= 2;
		memcpy(at, pairs + n % 100 * 2, 2);
	}
	if (n >= 10) {
		at -= 2;
		memcpy(at, pairs + n * 2, 2);
	} else {
		*--at = (char)('0' + n);
	}
	len = (size_t)(digits + DECIMAL_TOP - at);
	memcpy(to, at, len);
	return to + len;
}
