#pragma once

/* Subscribe messages. */

#include "sandbox.h"

void subscribe_init(struct sandbox *s);
void subscribe_done(struct sandbox *s);
