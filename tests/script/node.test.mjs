// Modules and globals of the script runtime beside Node's own: the same programs,
// equal values.

import test from 'node:test';
import { same } from './both.mjs';
import { programs } from './programs.mjs';

for (const [name, body] of Object.entries(programs)) test(name, () => same(body));
