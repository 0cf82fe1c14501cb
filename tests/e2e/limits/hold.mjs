// The function `hold` of this project holds a call until it is let go: {until: NAME}.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function letGo(stack, name) {
  const folder = join(stack.home, 'state/functions/hold/v1');
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, name), '');
}

// Of these answers to be those that are there when `count` of them are.
export function first(asked, count, until) {
  const there = [];
  for (const one of asked) one.then((answer) => there.push(answer), () => {});
  return until(() => there.length >= count && there, `${count} of ${asked.length} are answered`);
}
