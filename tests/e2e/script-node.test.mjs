// The programs of tests/script/programs.mjs on the engine itself: what Node has too
// gives the same there as in Node.  Skipped where the runtime is not built.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { build, callFunction, existsSync, join, startStack } from '../lib/stack.mjs';
import { inNode } from '../script/both.mjs';
import { programs } from '../script/programs.mjs';

const skip = !existsSync(join(build, 'mpcloud-script'))
  && 'this build is without the runtime script (libjavascriptcoregtk-4.1-dev)';
const names = Object.keys(programs);

let stack, token;
before(async () => {
  if (skip) return;
  const project = mkdtempSync(join(tmpdir(), 'mpc-script-node-'));
  try {
    const dir = join(project, 'cloudfunctions/programs');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'programs.json'), JSON.stringify(Object.values(programs)));
    writeFileSync(join(dir, 'index.js'), `const programs = require('./programs.json');
const AsyncFunction = (async () => {}).constructor;
exports.main = ({ number }) => new AsyncFunction('require', programs[number])(require);
`);
    writeFileSync(join(project, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', envId: 'test', functionRoot: 'cloudfunctions',
      functions: [{ name: 'programs', handler: 'index.main', runtime: 'script', timeout: 60, memorySize: 512 }] }));
    stack = await startStack({ project, gateways: 1 });
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  token = stack.token('oScriptNodeAbcdefghijklmnopq');
});
after(() => stack?.stop());

names.forEach((name, number) => test(`on the engine: ${name}`, { skip }, async () => {
  const wanted = await inNode(programs[name]);
  const { status, body } = await callFunction(stack, 'programs', { number }, token);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.length, wanted.length);
  wanted.forEach((each, i) => assert.deepEqual(body[i], each, `value ${i}`));
}));
