#pragma once

/* Between tree.c and tree_same.c. */

#include "cli/tree.h"

/* Whether two open files have the same bytes from here to their ends. */
bool tree_same(int a, int b);
