/*
 * Heads of images, as anybody may upload them (storage/image.h).
 */
#include "storage/image.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_head head;

	if (image_head(&head, slice_of(data, size)) == 0 &&
		(head.kind == IMAGE_NONE || !head.width || !head.height ||
			head.orientation < 1 || head.orientation > 8))
		abort();
	return 0;
}
