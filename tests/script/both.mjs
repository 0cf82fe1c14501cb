// The same program in Node and in our globals: Node is the outside reference.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { evaluate } from './fake-host.mjs';

const require = createRequire(import.meta.url);

// Numbers that follow a seed, as text for programs: rnd(n) is below n.
export const RND = `const rnd = (n) => { seed = (seed + 0x6D2B79F5) | 0; let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) % n; };`;
// attempt(fn): its value, or what it threw.
export const ATTEMPT = `const attempt = async (f) => { try { const v = await f(); return v === undefined ? 'undefined' : v; }
  catch (e) { return [e.name, e.code, e.message]; } };`;

export async function inNode(body) {
  const value = await new Function('require', `return (async () => { ${body} })()`)(require);
  return JSON.parse(JSON.stringify(value) ?? 'null');
}

// `body` gives a list; each of its values is the same in both.
export async function same(body) {
  const [wanted, given] = [await inNode(body), await evaluate(body)];
  assert.equal(given.length, wanted.length);
  wanted.forEach((each, i) => assert.deepEqual(given[i], each, `value ${i}`));
  return wanted.length;
}
