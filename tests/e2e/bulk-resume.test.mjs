// Show: many documents in and out again, equal, with memory flat, interrupted
// in every way and gone on with.  `make soak` takes 1,000,000 (SOAK_DOCUMENTS).

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { build, descendants, join, lacksPackages, sanitized, source, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const npm = skip ? {} : { bson: await import('bson'), ...(await import('../lib/documents.mjs')) };
const TOTAL = Number(process.env.SOAK_DOCUMENTS ?? 40000);

let stack, conf;

// Between a command line and the gateways: when so many bytes of the documents have
// passed, nothing does until it is told to go on, however fast the machine is.
const between = {
  left: Infinity, held: null, sockets: new Set(),
  hold(bytes, side) { Object.assign(this, { left: bytes, side }); },
  goOn() {
    this.left = Infinity;
    this.held();
    this.held = null;
    for (const socket of this.sockets) socket.resume();
  },
  pass(from, to, side) {
    this.sockets.add(from);
    from.on('data', (bytes) => {
      if (side === this.side) this.left -= bytes.length;
      if (this.left <= 0 && !this.held) {
        // Kept: what is under way is whole on neither side.
        this.held = () => to.write(bytes);
        for (const socket of this.sockets) socket.pause();
      } else if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => this.held || from.resume());
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => { this.sockets.delete(from); to.end(); });
  },
  async listen(path, to) {
    this.server = createServer({ allowHalfOpen: true }, (client) => {
      const behind = connect({ path: to, allowHalfOpen: true });
      this.pass(client, behind, 'import');
      this.pass(behind, client, 'export');
    }).listen(path);
    await once(this.server, 'listening');
  },
};
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 1 });
  const dir = join(stack.dir, 'between');
  mkdirSync(dir);
  conf = join(dir, 'conf');
  writeFileSync(conf, readFileSync(stack.config, 'utf8').replace(/^run_dir = .*$/m, `run_dir = ${dir}`));
  await between.listen(join(dir, 'ops.sock'), join(stack.run, 'run/ops.sock'));
});
after(() => { between.server.close(); return stack?.stop(); });

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
  const child = spawn(join(build, 'mpcloud'), ['--config', conf, ...words], { env: stack.env });
  const r = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (d) => { r.stdout += d; });
  child.stderr.on('data', (d) => { r.stderr += d; });
  const timer = setInterval(() => sample(child), 250);
  r.ended = once(child, 'close').then(([code, signal]) => {
    clearInterval(timer);
    return Object.assign(r, { code, signal });
  });
  return r;
}

// Something happens to it when so many bytes have passed, and it goes on with an
// earlier run if there was one.
async function interrupt(words, bytes, act, goesOn = false) {
  between.hold(bytes, words[1]);
  const run = start(...words);
  await until(() => {
    assert.equal(run.child.exitCode, null, `it ended too soon: ${run.stderr}`);
    return between.held && (!goesOn || run.stderr.includes('going on'));
  }, 'so much of it is done');
  act(run.child);
  between.goOn();
  return run.ended;
}
const killGateway = () => process.kill(stack.status().gateways[0].pid, 'SIGKILL');

test(`${TOTAL} documents without _id: three interruptions lose none and double none`, async () => {
  const file = await write('plain.jsonl', (i) => `{"n":${i},"text":"${'x'.repeat(i % 300)}"}\n`);
  const words = ['db', 'import', 'plain', file];
  const part = statSync(file).size * 0.3;
  let r = await interrupt(words, part, (c) => c.kill('SIGKILL'));
  assert.equal(r.signal, 'SIGKILL');
  r = await interrupt(words, part, (c) => c.kill('SIGINT'), true);
  assert.equal(r.code, 130, r.stderr);
  assert.match(r.stderr, /going on after [\d,]+ documents, which came in earlier \(--restart/);
  assert.match(r.stderr, /[\d,]+ documents in\. The same command goes on from here/);
  r = await interrupt(words, part, killGateway, true);
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
  r = await start(...words).ended;
  assert.equal(count('plain'), 2 * TOTAL);
});

test(`${TOTAL} documents in and out again are equal, whatever interrupts, and memory is flat`, { skip }, async () => {
  const file = await write('orders.bson', (i) => npm.bson.serialize(npm.order(i)));
  const size = statSync(file).size;
  let r = await interrupt(['db', 'import', 'orders', file], size / 3, (c) => c.kill('SIGKILL'));
  r = await start('db', 'import', 'orders', file).ended;
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /going on after/);
  const report = r.stdout.trim();
  const out = path('orders.out'), part = `${out}.part`;
  const args = ['db', 'export', 'orders', '--canonical', '-o', out];
  r = await interrupt(args, size / 3, (c) => c.kill('SIGKILL'));
  assert.ok(!existsSync(out), 'no half of a file has its name');
  r = await interrupt(args, size / 3, (c) => c.kill('SIGINT'), true);
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
