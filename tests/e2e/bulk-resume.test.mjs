// Show: many documents in and out again, equal, with memory flat, interrupted
// in every way and gone on with.  `make soak` takes 1,000,000 (SOAK_DOCUMENTS).

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { build, descendants, join, lacksPackages, sanitized, source, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const npm = skip ? {} : { bson: await import('bson'), ...(await import('../lib/documents.mjs')) };
const TOTAL = Number(process.env.SOAK_DOCUMENTS ?? 40000);

let stack;
before(async () => { stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 1 }); });
after(() => stack?.stop());

const path = (name) => join(stack.dir, name);
const count = (name) => Number(stack.cli('db', 'query', name, '--count').stdout || 0);

async function write(name, line) {
  const out = createWriteStream(path(name));
  for (let i = 0; i < TOTAL; i++)
    if (!out.write(line(i))) await once(out, 'drain');
  out.end();
  await once(out, 'close');
  return path(name);
}

// MiB that are a process's own, at the most so far; 0 when it has gone.
const peaks = { cli: 0, gateway: 0, database: 0 };
function sample(child) {
  const own = (pid) => {
    try {
      return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    } catch { return 0; }
  };
  const all = descendants(stack.pid);
  const top = (what, pids) => { peaks[what] = Math.max(peaks[what], ...pids.map(own)); };
  top('cli', [child.pid]);
  top('gateway', all.filter((p) => /mpcloud-gateway/.test(p.args)).map((p) => p.pid));
  const postmaster = Number(readFileSync(join(stack.home, 'pg/postmaster.pid'), 'utf8').split('\n')[0]);
  top('database', descendants(postmaster).map((p) => p.pid));
}

// The command line in the background: {code, signal, stdout, stderr}.
function start(...words) {
  const child = spawn(join(build, 'mpcloud'), ['--config', stack.config, ...words], { env: stack.env });
  const r = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (d) => { r.stdout += d; });
  child.stderr.on('data', (d) => { r.stderr += d; });
  const timer = setInterval(() => sample(child), 100);
  r.ended = once(child, 'close').then(([code, signal]) => {
    clearInterval(timer);
    return Object.assign(r, { code, signal });
  });
  return r;
}

// Something happens to it when so much is done, and it goes on with an earlier
// run if there was one; it must still be running then.
async function interrupt(run, isFar, act, goesOn = false) {
  await until(() => {
    assert.equal(run.child.exitCode, null, `it ended too soon: ${run.stderr}`);
    return (!goesOn || run.stderr.includes('going on')) && isFar();
  }, 'so much of it is done', 60000);
  act(run.child);
  return run.ended;
}
const killGateway = () => process.kill(stack.status().gateways[0].pid, 'SIGKILL');

test(`${TOTAL} documents without _id: three interruptions lose none and double none`, async () => {
  const file = await write('plain.jsonl', (i) => `{"n":${i},"text":"${'x'.repeat(i % 300)}"}\n`);
  const at = (part) => () => count('plain') >= TOTAL * part;
  let r = await interrupt(start('db', 'import', 'plain', file), at(0.2), (c) => c.kill('SIGKILL'));
  assert.equal(r.signal, 'SIGKILL');
  r = await interrupt(start('db', 'import', 'plain', file), at(0.4), (c) => c.kill('SIGINT'), true);
  assert.equal(r.code, 130, r.stderr);
  assert.match(r.stderr, /going on after [\d,]+ documents, which came in earlier \(--restart/);
  assert.match(r.stderr, /[\d,]+ documents in\. The same command goes on from here/);
  r = await interrupt(start('db', 'import', 'plain', file), at(0.6), killGateway, true);
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /trying again for a minute/);
  assert.match(r.stdout, /plain: [\d,]+ documents in \([\d,]+ of them before\)/);
  const seen = new Uint8Array(TOTAL);
  const out = await start('db', 'export', 'plain', '-o', path('plain.out')).ended;
  assert.equal(out.code, 0, out.stderr);
  let order = 0, last = -1;
  for await (const line of createInterface({ input: createReadStream(path('plain.out')) })) {
    const { n } = JSON.parse(line);
    seen[n]++;
    order += n > last;
    last = n;
  }
  assert.ok(seen.every((times) => times === 1), 'each is there once');
  // _ids that are made follow the file
  assert.equal(order, TOTAL);
  // what is done is forgotten: the same file comes in once more
  r = await start('db', 'import', 'plain', file).ended;
  assert.equal(count('plain'), 2 * TOTAL);
});

test(`${TOTAL} documents in and out again are equal, whatever interrupts, and memory is flat`, { skip }, async () => {
  const file = await write('orders.bson', (i) => npm.bson.serialize(npm.order(i)));
  let r = await interrupt(start('db', 'import', 'orders', file), () => count('orders') > TOTAL / 3,
    (c) => c.kill('SIGKILL'));
  r = await start('db', 'import', 'orders', file).ended;
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /going on after/);
  const report = r.stdout.trim();
  const out = path('orders.out'), part = `${out}.part`;
  const args = ['db', 'export', 'orders', '--canonical', '-o', out];
  const far = (bytes) => () => existsSync(part) && statSync(part).size > bytes;
  const size = statSync(file).size;
  r = await interrupt(start(...args), far(size / 10), (c) => c.kill('SIGKILL'));
  assert.ok(!existsSync(out), 'no half of a file has its name');
  r = await interrupt(start(...args), far(size / 3), (c) => c.kill('SIGINT'), true);
  assert.equal(r.code, 130, r.stderr);
  assert.match(r.stderr, /The same command goes on from here/);
  r = await start(...args).ended;
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /going on after [\d,]+ documents in .*\.part/);
  assert.ok(!existsSync(part) && !existsSync(`${out}.resume`));
  let i = 0;
  for await (const line of createInterface({ input: createReadStream(out) })) {
    const want = npm.canonical(npm.order(i++));
    if (npm.canonicalLine(line) !== want) assert.equal(npm.canonicalLine(line), want, `document ${i}`);
  }
  assert.equal(i, TOTAL);
  console.log(`# ${(size / 1e6).toFixed(0)} MB; ${report}; ${r.stdout.trim()}; own memory at most, MiB:`,
    JSON.stringify(peaks, (k, v) => (typeof v === 'number' ? Math.round(v) : v)));
  if (sanitized) return;
  assert.ok(peaks.cli > 0 && peaks.cli < 32, `command line: ${peaks.cli} MiB`);
  assert.ok(peaks.gateway > 0 && peaks.gateway < 96, `gateway: ${peaks.gateway} MiB`);
  assert.ok(peaks.database > 0 && peaks.database < 96, `PostgreSQL: ${peaks.database} MiB`);
});

test('a file that changed where it was imported already is not gone on with', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `{"_id":"${String(i).padStart(5, '0')}"}`);
  lines[2500] = '{bad}';
  const file = path('changed.jsonl');
  const put = () => writeFileSync(file, lines.join('\n'));
  put();
  assert.equal(stack.cli('db', 'import', 'changed', file).status, 1);
  lines[7] = '{"_id":"other"}';
  lines[2500] = '{"_id":"02500"}';
  put();
  const r = stack.cli('db', 'import', 'changed', file);
  assert.equal(r.status, 1);
  assert.match(r.stderr, /has changed where it was imported already .*--restart/);
  assert.equal(stack.cli('db', 'import', 'changed', file, '--restart', '--mode', 'skip').status, 0);
  assert.equal(count('changed'), 3001);
});
