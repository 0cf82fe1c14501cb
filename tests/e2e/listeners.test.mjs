// A whole gateway behind both of its listeners: the table of bytes that are not
// what they should be, with what the gateway itself says of each in its log; and
// clients who are slow on purpose (slowhttptest), beside one who is served.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { after, before, test } from 'node:test';

import { cases } from '../lib/raw-cases.mjs';
import { Client } from '../lib/raw.mjs';
import { join, source, startStack, until } from '../lib/stack.mjs';

const PIECE = 5_000_000;
let stack;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/routes'), gateways: 1, tls: true,
    set: { 'limits.head_timeout': '4s', 'limits.body_timeout': '4s', 'limits.idle_timeout': '5s' } });
  const file = join(stack.project, 'routes.json');
  const { routes } = JSON.parse(readFileSync(file, 'utf8'));
  for (const path of ['/x', '/next']) routes.push({ path, to: { function: 'echo' } });
  writeFileSync(file, JSON.stringify({ routes }));
  writeFileSync(join(stack.project, 'site/large.bin'), Buffer.alloc(PIECE, 1));
  const r = stack.cli('deploy', stack.project);
  assert.equal(r.status, 0, r.stderr);
});
after(() => stack?.stop());

const listeners = () => [['plain', stack.url, http], ['TLS', stack.tlsUrl, https]];

// --- the table --------------------------------------------------------------

// What the gateway logs until a request of ours, whose line comes last.
let marks = 0, read = 0;
async function logged() {
  const path = `/mark/${++marks}`;
  assert.equal((await fetch(stack.url + path)).status, 404);
  let lines;
  await until(() => {
    const log = stack.daemonLog().slice(read);
    lines = log.split('\n').slice(0, -1);
    return lines.some((line) => line.includes(`"${path}"`));
  }, `the line of ${path}`);
  read += lines.join('\n').length + 1;
  return lines.map((line) => JSON.parse(line)).filter((l) => ['access', 'http.refused'].includes(l.event) && l.path !== path);
}

// The paths that no route is for.
const unknown = { 'OPTIONS *': [404], 'a path with escapes': [404], 'NUL in the target': [404] };

function checkStatuses(name, wanted, got) {
  const last = got.at(-1);
  if (unknown[name]) assert.deepEqual(got, unknown[name], name);
  else if (wanted === 'any 4xx') assert.ok(got.length <= 1 && got.every((s) => s >= 400 && s < 500), `${name}: ${got}`);
  else if (wanted === 'one or refused') assert.ok(got.length === 1 && [200, 400].includes(last), `${name}: ${got}`);
  else assert.deepEqual(got, wanted, name);
}

async function runCase(where, secure, [name, bytes, wanted, ran]) {
  const c = new Client({ secure, port: Number(new URL(where).port) }, {});
  await c.ready;
  c.send(bytes);
  // Who has ended and waits for a function is gone; so its answers first.
  const count = Array.isArray(wanted) ? (unknown[name] ?? wanted).length : 1;
  await until(() => !c.open || c.answers().length >= count ||
    (wanted === 'head' && c.bytes.includes('\r\n\r\n')), name);
  c.socket.end();
  await c.closed;
  const lines = await logged();
  const answers = wanted === 'head' ? [200] : c.statuses().filter((s) => s >= 200);
  if (wanted === 'head') assert.match(c.bytes.toString('latin1'), /^HTTP\/1.1 200 [^]*\r\n\r\n$/);
  else checkStatuses(name, wanted, c.statuses());
  // One line each, of the status that the client was told; nothing else ran. What
  // is refused for its body was a request before: it ends as one whose client left.
  const [done, refused] = ['access', 'http.refused'].map((event) => lines.filter((l) => l.event === event));
  const isRefused = refused.length > 0, cut = done.filter((l) => l.status === 499).length;
  assert.deepEqual(lines.map((l) => l.status).filter((s) => s !== 499), answers, `${name}: ${JSON.stringify(lines)}`);
  assert.equal(done.length - cut, isRefused ? 0 : answers.length, `${name}: ${JSON.stringify(done)}`);
  assert.ok(cut <= (isRefused && wanted === 'any 4xx' ? 1 : 0), `${name}: ${JSON.stringify(done)}`);
  for (const l of refused) assert.match(l.what, /^[a-z][a-z -]+$/, name);
  for (const l of done) assert.equal(l.ip, '127.0.0.1', name);
  if (ran === 0) assert.deepEqual(done.filter((l) => l.status < 400 || l.path === '/next'), [], name);
}

test('the table: what is answered, and the gateway\'s own line of each', async (t) => {
  assert.ok(cases.length >= 60, `${cases.length} cases`);
  await logged();
  const failed = [];
  for (const [, where] of listeners())
    for (const row of cases) await runCase(where, where.startsWith('https'), row).catch((e) => failed.push(e.message));
  assert.deepEqual(failed, []);
  t.diagnostic(`${cases.length} cases on each of ${listeners().length} listeners`);
});

// --- clients who are slow on purpose ----------------------------------------

const hasSlow = spawnSync('slowhttptest', ['-h']).error === undefined;
const CONNECTIONS = 200, SERVED = 100;

// On a connection of its own; the status.
function ask(lib, where) {
  return new Promise((done, failed) => {
    lib.get(`${where}/site/style.css`, { agent: false, rejectUnauthorized: false }, (answer) => {
      answer.resume().on('end', () => done(answer.statusCode)).on('error', failed);
    }).on('error', failed);
  });
}

// As the gateway counts them, those of this question and of the daemon's own among them.
async function connections() {
  const text = await new Promise((done, failed) => {
    http.get({ socketPath: join(stack.run, 'run/ops.sock'), path: '/ops/metrics', agent: false }, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d)).on('end', () => done(Buffer.concat(parts).toString())).on('error', failed);
    }).on('error', failed);
  });
  return Number(/^mpcloud_connections(?:\{[^}]*\})? (\d+)/m.exec(text)[1]);
}

for (const [how, path, ...args] of [
  ['slow heads', '/site/', '-H', '-i', '1'],
  ['slow bodies', '/x', '-B', '-i', '1', '-s', '8192'],
  ['slow readers', '/site/large.bin', '-X', '-w', '10', '-y', '20', '-n', '1', '-z', '5', '-k', '3']])
  for (const which of [0, 1])
    test(`${how} stop nobody else over ${['plain', 'TLS'][which]}`, { skip: !hasSlow && 'slowhttptest is not installed' }, async (t) => {
      const [, where, lib] = listeners()[which];
      const attack = spawn('slowhttptest', [...args, '-c', String(CONNECTIONS), '-r', String(CONNECTIONS), '-l', '60',
        '-u', where + path], { stdio: 'ignore' });
      const over = new Promise((done) => attack.on('exit', done));
      const before = await connections();
      let most = 0;
      await until(async () => (most = Math.max(most, await connections() - before)) > CONNECTIONS / 2, 'the attack has begun');
      const statuses = [];
      for (let i = 0; i < SERVED; i++) statuses.push(await ask(lib, where));
      assert.deepEqual(statuses.filter((s) => s !== 200), []);
      // Its connections are closed by the gateway, however long it would hold them.
      await until(async () => await connections() <= before, 'the slow ones are sent away');
      attack.kill();
      await over;
      t.diagnostic(`${most} slow connections at once, ${statuses.length} requests beside them answered 200`);
    });

test('the gateway is the same process as before', () => {
  assert.deepEqual(stack.status().gateways.map((g) => [g.state, g.restarts]), [['ready', 0]]);
});
