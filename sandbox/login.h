#pragma once

/* Login codes. */

#include "sandbox.h"

void login_init(struct sandbox *s);
void login_done(struct sandbox *s);
