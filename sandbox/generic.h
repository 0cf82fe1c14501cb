#pragma once

/* The platform's APIs that have no file of their own, and temporary media. */

#include "sandbox.h"

void generic_init(struct sandbox *s);
void generic_done(struct sandbox *s);
