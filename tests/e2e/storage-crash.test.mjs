// Uploads, downloads, copies and deletions by several users at once while gateways
// are killed with -9 and the disk is full for a while.  What was acknowledged is
// whole and has its checksum; what was not is either all there or not at all; and
// after the sweep nothing else lies on the disk.
//
// SOAK_FILES=10000 is the long form; STORAGE_CRASH_SEED goes through one again.
// Where a small file system cannot be mounted (no root), the disk is full by
// storage.reserve.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync,
  writeSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { Clock, Db } from '../lib/pay.mjs';
import { join, startStack, until } from '../lib/stack.mjs';

const OPS = Number(process.env.SOAK_FILES ?? 400);
const SEED = Number(process.env.STORAGE_CRASH_SEED ?? 20261121);
const WRITERS = 8, PATHS = Math.max(40, Math.floor(OPS / 20)), ROOM = 96 << 20, SIZE_TOP = 700000;
const KILLS = Math.max(6, Math.floor(OPS / 100));

function dice(seed) {
  let a = seed | 0;
  return () => {
    a = (a + 0x9e3779b9) | 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return ((t ^ (t >>> 15)) >>> 0) / 4294967296;
  };
}
const roll = dice(SEED);
const pick = (list) => list[Math.floor(roll() * list.length)];
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const clock = new Clock();
let dir, disk, mounted = false, stack, db, ballast;
const users = [];

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-crash-'));
  disk = join(dir, 'disk');
  mkdirSync(disk);
  chmodSync(dir, 0o755); // gateways are not root
  mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'none', disk]).status === 0;
  chmodSync(disk, 0o777);
  mkdirSync(join(dir, 'project/cloudfunctions'), { recursive: true });
  writeFileSync(join(dir, 'project/cloudbaserc.json'), JSON.stringify({ envId: 'crash-env', functions: [] }));
  stack = await startStack({ project: join(dir, 'project'), gateways: 2, env: { MPCLOUD_CLOCK_FILE: clock.file },
    set: { 'storage.dir': join(disk, 'files'), 'storage.reserve': 0, 'database.timeout': '20s' } });
  db = new Db(stack);
  for (let i = 0; i < 4; i++) users.push(stack.token(`o-${i}`));
});
after(async () => {
  await db?.end();
  await stack?.stop();
  if (mounted) spawnSync('umount', ['-l', disk]);
  if (dir) rmSync(dir, { recursive: true, force: true });
  clock.end();
});

// ---- what should be there ----

// Of a path: the checksums that may be its own, null for "no file"; one of them
// when its last change was answered, several when nobody heard of it.
class Path {
  constructor(n) {
    this.path = `dir${n % 7}/file ${n}.bin`;
    this.user = n % users.length;
    this.may = [null];
    this.busy = false;
  }
}
let paths;
const counts = {};
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };

// {status, body}; status 0: no answer.
function ask(method, path, { user, headers = {}, body, cut } = {}) {
  const url = new URL(`${stack.url}/v1/files/${path.split('/').map(encodeURIComponent).join('/')}`);
  return new Promise((done) => {
    const r = request(url, { method, agent: false, headers: { authorization: `Bearer ${users[user]}`,
      ...(body && { 'content-length': body.length }), ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d));
      answer.on('error', () => done({ status: 0 }));
      answer.on('aborted', () => done({ status: 0 }));
      answer.on('end', () => done({ status: answer.complete ? answer.statusCode : 0, headers: answer.headers,
        body: Buffer.concat(parts) }));
    });
    r.on('error', () => done({ status: 0 }));
    if (cut === undefined) { r.end(body); return; }
    // a client that goes in the middle
    r.write(body.subarray(0, cut), () => r.destroy());
  });
}

// A change: `fresh` is what the path has when it was done.
function took(p, status, fresh, what) {
  if (status >= 200 && status < 300) { p.may = [fresh]; count(what); return; }
  if (status === 0 || status >= 500 && status !== 507) { p.may = [...new Set([...p.may, fresh])]; count(`${what}, unanswered`); return; }
  count(`${what}, ${status}`);
}

async function upload(p) {
  const bytes = randomBytes(Math.floor(roll() ** 3 * SIZE_TOP)), sum = sha256(bytes);
  const { status } = await ask('PUT', p.path, { user: p.user, body: bytes,
    headers: { 'repr-digest': `sha-256=:${Buffer.from(sum, 'hex').toString('base64')}:` } });
  took(p, status, sum, 'upload');
}

async function leave(p) {
  const bytes = randomBytes(200000);
  await ask('PUT', p.path, { user: p.user, body: bytes, cut: Math.floor(roll() * 199999) });
  count('upload, client left');
}

async function download(p) {
  const { status, body, headers } = await ask('GET', p.path, { user: p.user });
  if (status === 0 || status >= 500) { count('download, unanswered'); return; }
  const sum = status === 200 ? sha256(body) : null;
  if (sum === null) assert.ok([403, 404].includes(status), `${p.path}: ${status} ${body}`);
  else assert.equal(headers['repr-digest'], `sha-256=:${Buffer.from(sum, 'hex').toString('base64')}:`);
  assert.ok(p.may.includes(sum), `${p.path} has ${sum}, and may have ${p.may}`);
  p.may = [sum];
  count('download');
}

async function removal(p) {
  const { status } = await ask('DELETE', p.path, { user: p.user });
  // 403: a user is not told whether there is none
  if ([403, 404].includes(status) && p.may.includes(null)) { p.may = [null]; count('removal of none'); return; }
  took(p, status, null, 'removal');
}

async function work(left) {
  while (left.ops-- > 0) {
    const p = pick(paths);
    if (p.busy) { left.ops++; await new Promise((go) => { setImmediate(go); }); continue; }
    p.busy = true;
    const n = roll();
    await (n < 0.5 ? upload : n < 0.53 ? leave : n < 0.9 ? download : removal)(p);
    p.busy = false;
    left.done++;
  }
}

// ---- what goes wrong ----

const gateways = () => stack.status().gateways.filter((g) => g.pid);

async function killOne() {
  const all = gateways();
  assert.equal(all.length, 2, stack.daemonLog().slice(-6000));
  const { pid } = pick(all);
  try { process.kill(pid, 'SIGKILL'); } catch { return; }
  count('gateways killed');
  await until(() => {
    const now = gateways();
    return now.length === 2 && now.every((g) => g.pid !== pid && g.state === 'ready');
  }, 'a new gateway is there', 12000);
}

function reserve(bytes) {
  const text = readFileSync(stack.config, 'utf8').replace(/^reserve = .*$/m, `reserve = ${bytes}`);
  writeFileSync(stack.config, text);
  const r = stack.cli('reload');
  assert.equal(r.status, 0, r.stderr);
}

function fill() {
  if (!mounted) { reserve('900000g'); return; }
  ballast = openSync(join(disk, 'ballast'), 'w');
  const piece = Buffer.alloc(1 << 16);
  try { for (;;) writeSync(ballast, piece); } catch (e) { assert.equal(e.code, 'ENOSPC'); }
}

function drain() {
  if (!mounted) { reserve(0); return; }
  closeSync(ballast);
  rmSync(join(disk, 'ballast'));
}

// ---- afterwards ----

const files = (sub) => readdirSync(join(disk, 'files', sub), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());

function ops(method, path) {
  return new Promise((done, fail) => {
    const r = request({ socketPath: join(stack.run, 'run', 'ops.sock'), method, path }, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; });
      answer.on('end', () => (answer.statusCode === 200 ? done(JSON.parse(text)) : fail(new Error(`${answer.statusCode} ${text}`))));
    });
    r.on('error', fail);
    r.end(method === 'POST' ? '{}' : undefined);
  });
}

test('files survive killed gateways and a full disk, whole or not at all', { timeout: 1100000 }, async (t) => {
  paths = Array.from({ length: PATHS }, (_, n) => new Path(n));
  const left = { ops: OPS, done: 0 };
  const writers = Array.from({ length: WRITERS }, () => work(left));
  const half = (async () => {
    for (let i = 1; i <= KILLS; i++) {
      await until(() => left.done >= (OPS * i) / (KILLS + 2), 'the next kill');
      await killOne();
      if (i !== Math.floor(KILLS / 3) && i !== Math.floor((2 * KILLS) / 3)) continue;
      fill();
      count('disk full');
      const from = left.done;
      if (i === Math.floor(KILLS / 3)) await killOne();
      await until(() => left.done >= Math.min(from + OPS / 20, OPS), 'work on a full disk');
      drain();
    }
  })();
  await Promise.all([...writers, half]);

  for (const p of paths) {
    await download(p);
    assert.equal(p.may.length, 1, p.path);
  }
  const there = paths.filter((p) => p.may[0]);
  t.diagnostic(`seed ${SEED}, ${mounted ? 'a full file system' : 'full by storage.reserve'}: ${JSON.stringify(counts)}, ${there.length} files`);
  assert.ok(counts['gateways killed'] >= KILLS);
  assert.ok((counts['upload, 507'] ?? 0) > 0, 'the disk was full');
  assert.ok(there.length > 0);

  // rows are what was acknowledged
  const rows = await db.rows('SELECT path, content, sha256, size FROM mpcloud.files');
  assert.deepEqual(rows.map((r) => `${r.path} ${r.sha256}`).sort(), there.map((p) => `${p.path} ${p.may[0]}`).sort());
  const sums = [rows.reduce((n, r) => n + Number(r.size), 0), rows.length];
  for (const table of ['file_usage', 'file_total'])
    assert.deepEqual(Object.values((await db.rows(`SELECT sum(bytes) b, sum(files) f FROM mpcloud.${table}`))[0]).map(Number), sums);

  // and the disk holds their contents alone, once the litter is old
  const litter = files('objects').length - there.length;
  clock.move(2 * 3600);
  await ops('POST', '/ops/files/sweep');
  await until(async () => (await db.value('SELECT count(*) FROM mpcloud.file_gone')) === '0', 'replaced contents are gone');
  t.diagnostic(`${litter} contents without a row before the sweep`);
  const contents = new Map(rows.map((r) => [r.content, r.sha256]));
  assert.deepEqual(files('objects').map((e) => e.name).sort(), [...contents.keys()].sort());
  assert.deepEqual(files('tmp'), []);
  assert.deepEqual(files('uploads'), []);
  for (const e of files('objects'))
    assert.equal(sha256(readFileSync(join(e.parentPath ?? e.path, e.name))), contents.get(e.name));
});
