#pragma once

/* What wx.getUserProfile and its like give a mini program. */

#include "sandbox.h"

void userdata_init(struct sandbox *s);
void userdata_done(struct sandbox *s);
