#pragma once

/* Codes of <button open-type="getPhoneNumber">. */

#include "sandbox.h"

void phone_init(struct sandbox *s);
void phone_done(struct sandbox *s);
