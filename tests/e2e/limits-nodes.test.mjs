// Two daemons that share nothing but a Valkey (here a redis-server on
// loopback): what they let in together is what was declared.  When it is away
// each counts for itself, and they find it again.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freePort } from '../lib/port.mjs';
import { join, ordinaryUser, source, startStack, until } from '../lib/stack.mjs';
import { Clock } from '../lib/pay.mjs';
import { first, letGo } from './limits/hold.mjs';

const program = ['redis-server', 'valkey-server'].find((p) => spawnSync(p, ['--version']).status === 0);
const skip = !program && 'neither redis-server nor valkey-server is installed';
const PASSWORD = 'sesame';

const owner = ordinaryUser();
const clock = new Clock();
const folder = mkdtempSync(join(tmpdir(), 'mpc-valkey-'));
const stacks = [];
let port, server;

function startServer() {
  server = spawn(program, ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no',
    '--dir', folder, '--requirepass', PASSWORD, '--logfile', '/dev/null'], { stdio: 'ignore' });
}

async function stopServer() {
  const gone = new Promise((done) => server.once('exit', done));
  server.kill('SIGKILL');
  await gone;
}

const events = (stack, name) => stack.daemonLog().split('\n').filter((l) => l.includes(`"event":"${name}"`)).length;

after(async () => {
  for (const s of stacks) await s.stop();
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  clock.end();
});

if (!skip) {
  port = await freePort();
  startServer();
  const routes = join(clock.folder, 'routes.json');
  const password = join(clock.folder, 'password');
  cpSync(join(source, 'tests/e2e/limits/operator.json'), routes);
  chmodSync(routes, 0o644);
  writeFileSync(password, `${PASSWORD}\n`, { mode: 0o600 });
  if (owner) chownSync(password, owner.uid, owner.gid);
  for (let i = 0; i < 2; i++)
    stacks.push(await startStack({
      project: join(source, 'tests/e2e/limits'),
      gateways: 1,
      set: { 'limits.shed_delay': 0, 'server.routes': routes, 'limits.valkey_timeout': '2s',
        'limits.valkey': `redis://127.0.0.1:${port}/1`, 'limits.valkey_password_file': password },
      owner,
      env: { MPCLOUD_CLOCK_FILE: clock.file },
    }));
  for (const s of stacks) await until(() => events(s, 'limits.valkey_up') > 0, 'Valkey is found');
}

function ask(stack, target, { headers = {}, method = 'GET', body } = {}) {
  const url = new URL(stack.url);
  return new Promise((done, failed) => {
    const r = request({ host: url.hostname, port: url.port, path: target, method, headers, agent: false }, (a) => {
      let text = '';
      a.on('data', (d) => { text += d; });
      a.on('end', () => done({ status: a.statusCode, text }));
    });
    r.on('error', failed);
    r.end(body);
  });
}

async function admitted(n, shop) {
  let count = 0;
  for (let i = 0; i < n; i++)
    count += (await ask(stacks[i % 2], '/steady', { headers: { 'x-shop': shop } })).status === 200;
  return count;
}

test('doctor finds Valkey', { skip }, () => {
  assert.match(stacks[0].cli('doctor').stdout, /^ok +Valkey +redis:\/\/127\.0\.0\.1:/m);
});

test('two daemons together let in the declared rate within one percent', { skip }, async () => {
  let count = await admitted(16, 'rate');
  assert.equal(count, 10, 'the burst, once for both');
  for (let i = 0; i < 100; i++) {
    clock.move(300);
    count += await admitted(8, 'rate');
  }
  assert.ok(count >= 510 * 0.99 && count <= 510 * 1.01, `${count} of 510`);
});

test('places at once are counted over both', { skip }, async () => {
  const body = JSON.stringify({ until: 'few' });
  const asked = [0, 1, 2, 3, 4, 5].map((i) => ask(stacks[i % 2], '/few', { method: 'POST', body }));
  await first(asked, 4, until);
  for (const s of stacks) letGo(s, 'few');
  const all = await Promise.all(asked);
  assert.deepEqual(all.map((a) => a.status).sort(), [200, 200, 429, 429, 429, 429]);
  const again = () => Promise.all(stacks.map((s) => ask(s, '/few', { method: 'POST', body })));
  await until(async () => (await again()).every((a) => a.status === 200), 'both places are free');
});

test('without Valkey each counts for itself, and nobody is refused for that', { skip }, async () => {
  await stopServer();
  for (const s of stacks) await until(() => events(s, 'limits.valkey_down') > 0, 'its end is noticed');
  assert.equal(await admitted(40, 'alone'), 20, 'a burst for each');
  const before = stacks.map((s) => events(s, 'limits.valkey_up'));
  startServer();
  for (const [i, s] of stacks.entries())
    await until(() => events(s, 'limits.valkey_up') > before[i], 'it is found again');
  assert.equal(await admitted(40, 'together'), 10);
});

test('a Valkey that hangs holds nobody up for long', { skip }, async () => {
  const before = stacks.map((s) => events(s, 'limits.valkey_down'));
  server.kill('SIGSTOP');
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    ask(stacks[i % 2], '/steady', { headers: { 'x-shop': `hangs-${i}` } })));
  assert.deepEqual(all.map((a) => a.status), Array(12).fill(200));
  for (const [i, s] of stacks.entries())
    await until(() => events(s, 'limits.valkey_down') > before[i], 'it is given up');
  server.kill('SIGCONT');
});
