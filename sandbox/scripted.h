#pragma once

/* Answers that a test dictates for a path: an errcode, or a whole body. */

#include "sandbox.h"

void scripted_init(struct sandbox *s);
void scripted_done(struct sandbox *s);
