// Deploys and a daemon that dies; and what gateways are told.  The real
// supervisor beside played gateways and hosts (tests/lib/fake-*.c).

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { Stage, isAlive, until } from '../lib/supervised.mjs';

const hello = (status) => status.functions.find((f) => f.name === 'hello');

// Where in a deploy of `version` the daemon is killed.
const moments = [
  ['the command is sent', () => true],
  ['the new host is told its setup', (s, version) => s.said(`hello v${version}: setup`).length],
  ['active.json names it', (s, version) => {
    const path = join(s.state, 'functions/hello/active.json');
    return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).stable === version;
  }],
  ['a gateway is told who answers', (s, version) => s.said(`release {"name":"hello","stable":${version}`).length],
  ['the answer has come', (s, version, state) => state.answered],
];

test('a daemon killed anywhere in a deploy comes back with a version that loads', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  s.layDown('hello', 1);
  assert.equal((await s.admin({ cmd: 'deploy', name: 'hello', version: 1 })).ok, true);
  let good = 1, version = 1;
  for (const bad of [false, true]) {
    for (const [what, reached] of moments) {
      // What cannot be loaded never comes so far.
      if (bad && /names it|who answers/.test(what)) continue;
      version++;
      s.layDown('hello', version, bad ? { envVariables: { FAKE: 'fail' } } : {});
      const state = {};
      s.admin({ cmd: 'deploy', name: 'hello', version }).then(() => { state.answered = true; }, () => {});
      await until(() => reached(s, version, state), what);
      const { pid } = s.child;
      s.signal('SIGKILL');
      await s.exited;
      await until(() => !isAlive(pid), 'its end');
      s.over = undefined;
      s.lines.length = 0;
      await s.startReady();
      const now = hello(await s.status());
      assert.equal(now.state, 'ready', `${what}: ${JSON.stringify(now)}`);
      assert.ok(now.version === good || (!bad && now.version === version),
        `${what}: version ${now.version} after ${good}, deploying ${version}`);
      if (/names it|who answers|answer has come/.test(what) && !bad) assert.equal(now.version, version, what);
      good = now.version;
    }
  }
});

test('gateways are told of versions, then who answers, and nothing of variables', async (t) => {
  const s = new Stage(t);
  const key = join(s.dir, 'master.key');
  writeFileSync(key, '0'.repeat(64), { mode: 0o600 });
  s.configure({ server: { gateways: 1 }, raw: `[token]\nmaster_key_file = ${key}\n` });
  await s.startReady();
  s.layDown('hello', 1, { envVariables: { A: 'a-variable' } });
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  assert.deepEqual(await s.admin({ cmd: 'secret-set', values: { B: 'a-secret' } }), { ok: true, failed: [] });
  assert.deepEqual(await s.admin({ cmd: 'env-set', name: 'hello', values: { C: 'set-variable' } }),
    { ok: true, failed: [] });
  await s.waitSaid('hello v1: setup', 3); // each change has its own host
  s.layDown('hello', 2);
  const trial = { gray: { percent: 10, openids: ['o1'] }, guard: { errors: 5 } };
  assert.equal((await s.admin({ cmd: 'deploy', name: 'hello', version: 2, trial })).ok, true);
  await s.waitSaid('"gray":{"version":2');
  const told = s.said('fake-gateway 0: ').map((l) => l.slice('fake-gateway 0: '.length));
  const at = (words) => told.findIndex((l) => l.includes(words));
  assert.ok(at('add {"name":"hello"') < at('release {"name":"hello","stable":1'));
  assert.ok(told.findIndex((l) => l.startsWith('add') && l.includes('"version":2')) < at('"gray":{"version":2'));
  for (const word of ['a-variable', 'a-secret', 'set-variable'])
    assert.ok(!s.lines.some((l) => l.includes(word)), word);
  // A gateway that starts anew is told the same, versions first.
  s.lines.length = 0;
  process.kill((await s.status()).gateways[0].pid, 'SIGKILL');
  await s.waitSaid('"gray":{"version":2');
  const again = s.said('fake-gateway 0: ').map((l) => l.split(' ')[2])
    .filter((word) => word === 'add' || word === 'release');
  assert.deepEqual(again, ['add', 'add', 'release']);
  const sealed = readFileSync(join(s.state, 'secrets'), 'utf8');
  assert.ok(!sealed.includes('a-secret'));
});

test('an older daemon\'s active.json is that version, stable', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  s.layDown('hello', 3, { timeout: 4 });
  writeFileSync(join(s.state, 'functions/hello/active.json'), JSON.stringify({
    name: 'hello', version: 3, runtime: 'node', handler: 'index.main', timeout_ms: 4000,
    code_dir: join(s.state, 'functions/hello/v3'), environment: {} }));
  await s.startReady();
  const now = hello(await s.status());
  assert.deepEqual([now.version, now.state, now.release.stable], [3, 'ready', 3]);
});

test('one version that is broken on disk stops no other, of no function', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  for (const version of [1, 2]) s.layDown('hello', version);
  s.layDown('other', 1);
  await s.admin({ cmd: 'deploy', name: 'hello', version: 1 });
  await s.admin({ cmd: 'deploy', name: 'other', version: 1 });
  assert.equal((await s.admin({ cmd: 'gray', name: 'hello', version: 2, trial: { gray: { percent: 1 } } })).ok, true);
  await s.stop();
  writeFileSync(join(s.state, 'functions/hello/v2.json'), '{"timeout":0}');
  writeFileSync(join(s.state, 'functions/other/active.json'), '{"name":');
  s.over = undefined;
  s.lines.length = 0;
  await s.startReady();
  const { functions } = await s.status();
  assert.deepEqual(functions.map((f) => [f.name, f.state]), [['hello', 'ready'], ['other', 'failed']]);
  assert.match(functions[0].error, /timeout/);
  assert.match(functions[1].error, /other\/active\.json/);
  // It is mended by a deploy.
  assert.equal((await s.admin({ cmd: 'deploy', name: 'other', version: 1 })).ok, true);
});

test('a variable of all functions replaces every host, and the same again none', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  await s.startReady();
  const names = Array.from({ length: 12 }, (_, i) => `fn${i}`);
  for (const name of names) {
    s.layDown(name, 1);
    assert.equal((await s.admin({ cmd: 'deploy', name, version: 1 })).ok, true);
  }
  const before = Object.fromEntries((await s.status()).functions.map((f) => [f.name, f.pid]));
  assert.deepEqual(await s.admin({ cmd: 'env-set', values: { A: 'b' } }), { ok: true, failed: [] });
  const after = (await s.status()).functions;
  assert.ok(after.every((f) => f.state === 'ready' && f.pid !== before[f.name]));
  // Nothing is different now: nobody is replaced.
  assert.deepEqual(await s.admin({ cmd: 'env-set', values: { A: 'b' } }), { ok: true, failed: [] });
  assert.deepEqual((await s.status()).functions.map((f) => f.pid), after.map((f) => f.pid));
});

test('at the start all functions are there when it is ready, but the one that cannot be loaded', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  const names = Array.from({ length: 60 }, (_, i) => `fn${i}`);
  for (const name of names) {
    s.layDown(name, 1, name === 'fn7' ? { envVariables: { FAKE: 'fail' } } : {});
    writeFileSync(join(s.state, 'functions', name, 'active.json'), JSON.stringify({ name, stable: 1 }));
  }
  await s.startReady();
  const { functions } = await s.status();
  assert.equal(functions.length, 60);
  assert.deepEqual(functions.filter((f) => f.state !== 'ready').map((f) => f.name), ['fn7']);
  assert.deepEqual(await s.stop(), { code: 0, signal: null });
});

test('at the start a few functions are loaded at a time; a stop meanwhile ends all', async (t) => {
  const s = new Stage(t);
  s.configure({ server: { gateways: 1 } });
  for (let i = 0; i < 40; i++) {
    s.layDown(`fn${i}`, 1, { envVariables: { FAKE: 'hang' } });
    writeFileSync(join(s.state, 'functions', `fn${i}`, 'active.json'), JSON.stringify({ name: `fn${i}`, stable: 1 }));
  }
  s.start();
  await s.waitSaid('setup', 8);
  s.signal('SIGTERM');
  s.signal('SIGTERM');
  assert.deepEqual(await s.exited, { code: 0, signal: null });
  assert.ok(s.said(': setup').length <= Math.max(8, 2 * availableParallelism()));
});
