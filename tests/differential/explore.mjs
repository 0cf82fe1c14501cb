// By hand: node explore.mjs find|update|aggregate [rounds] [seed] [shown]
// Prints what differs and is in no row of the table.

import * as reference from './reference.mjs';
import { kinds, newTally } from './session.mjs';
import { start } from './start.mjs';
import { canonical, show } from './values.mjs';

const [kind, rounds = 10, seed = 1, shown = 15] = process.argv.slice(2);
const { ours, stop } = await start();
const tally = newTally();
const before = Date.now();
try {
  for (let round = 0; round < Number(rounds); round++) await kinds[kind](ours, tally, { seed: Number(seed), round, cases: 200 });
} finally {
  await stop();
}
const answer = (a) => (a.error !== undefined ? `refused: ${a.error}` : show(a.value)).slice(0, 500);

// The documents' members that the request names.
function relevant(asked, doc) {
  const named = new Set([...JSON.stringify(asked).matchAll(/"\$?([a-z]+)[."]/g)].map((m) => m[1]));
  return Object.fromEntries(Object.entries(doc).filter(([k]) => k === '_id' || named.has(k)));
}

for (const d of tally.unknown.slice(0, Number(shown))) {
  let { kind: _, docs, ours: o, mingo: m, unordered, set, corrected, ...asked } = d;
  console.log(`asked ${show(asked)}`);
  if (corrected) m = { value: corrected() };
  if (Array.isArray(o.value) && Array.isArray(m.value)) {
    const only = (a, b) => a.filter((x) => !b.some((y) => canonical(y, 9) === canonical(x, 9)));
    const list = (side, a) => a.slice(0, 2).forEach((x) => {
      console.log(`  ${side} only ${show(kind === 'find' && !d.projection ? relevant(asked, x) : x).slice(0, 400)}`);
      const source = docs.find((y) => y._id === x?._id);
      if (source && (kind !== 'find' || d.projection)) console.log(`     of ${show(relevant(asked, source)).slice(0, 400)}`);
    });
    const [a, b] = [only(o.value, m.value), only(m.value, o.value)];
    if (kind !== 'find') { list('ours', a); list('mingo', b); }
    if (kind === 'find') {
      const want = reference.find(docs, d);
      const at = o.value.findIndex((x, i) => canonical(x) !== canonical(want[i]));
      console.log(`  at ${at} of ${o.value.length}/${want.length} ours ${show(o.value[at])?.slice(0, 300)}\n     reference ${show(want[at]).slice(0, 300)}`);
    } else if (!a.length && !b.length) {
      const at = o.value.findIndex((x, i) => canonical(x, 9) !== canonical(m.value[i], 9));
      console.log(`  order: ours  ${o.value.slice(at, at + 2).map((x) => show(relevant(asked, x)).slice(0, 200)).join(' ')}`);
      console.log(`         mingo ${m.value.slice(at, at + 2).map((x) => show(relevant(asked, x)).slice(0, 200)).join(' ')}`);
    }
  } else {
    console.log(`  ours  ${answer(o)}\n  mingo ${answer(m)}`);
  }
}
console.log(`${tally.cases} cases, ${tally.equal} equal, ${tally.refused} refused by both, ${tally.unknown.length} unknown, ${Date.now() - before} ms`);
for (const [k, count] of tally.known) console.log(`  ${count}  ${k.name}`);
const errors = {};
for (const d of tally.unknown) for (const side of ['ours', 'mingo']) if (d[side].error !== undefined) {
  const m = `${side}: ${d[side].error.slice(0, 70)}`;
  errors[m] = (errors[m] ?? 0) + 1;
}
console.log(Object.fromEntries(Object.entries(errors).sort((a, b) => b[1] - a[1]).slice(0, 12)));
