/*
 * Lines of the admin socket: bytes → a command.
 */
#include "src/admin.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_ask ask;
	struct fault why = {0};

	if (admin_parse(&ask, slice_of(data, size), &why) < 0) {
		if (!why.text[0])
			__builtin_trap(); /* nobody would know why */
		return 0;
	}
	if (ask.command->must & ADMIN_NAME && !ask.name[0])
		__builtin_trap();
	if (ask.command->must & ADMIN_VERSION && !ask.version)
		__builtin_trap();
	admin_ask_done(&ask);
	return 0;
}
