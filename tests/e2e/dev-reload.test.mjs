// `mpcloud dev` while its author works: what is saved is deployed at once, what
// does not load is said and changes nothing, and a debugger can look inside.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { freePort } from '../lib/port.mjs';
import { build, callFunction, join, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/dev');

let stack, token, port;
before(async () => {
  port = await freePort();
  stack = await startStack({ project, watch: true, inspect: `other:${port}` });
  token = stack.token('oDevUser0123456789abcdefghi');
});
after(() => stack?.stop());

const at = (...names) => join(stack.project, 'cloudfunctions', ...names);
const ask = async (name, event) => (await callFunction(stack, name, event, token)).body;
const told = (kind, name) => stack.said.filter((l) => l[kind] === name);

// A save in several steps that nobody can look into the middle of, however long
// a busy machine makes us wait there: the watcher stands still meanwhile.
async function atOnce(save) {
  const { pid } = stack.child;
  stack.child.kill('SIGSTOP');
  await until(() => /^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')), 'the watcher stands still');
  save();
  stack.child.kill('SIGCONT');
}

// Saves by `save`, then asks until the new code answers; how long that took.
async function reloads(save, word) {
  const before = told('reloaded', 'hello').length;
  const began = performance.now();
  await atOnce(save);
  let took;
  await until(async () => {
    const { word: now } = await ask('hello', {});
    took = performance.now() - began;
    return now === word;
  }, `the new code answers ${word}`);
  await until(() => told('reloaded', 'hello').length > before, 'it is told');
  return { took, said: told('reloaded', 'hello').at(-1) };
}

const word = (text) => `exports.word = '${text}';\n`;

test('a saved file is the next call\'s code', async (t) => {
  assert.deepEqual(await ask('hello', { n: 1 }), { word: 'one', n: 1 });
  const figures = [];
  for (let i = 0; i < 5; i++) {
    const { took, said } = await reloads(() => writeFileSync(at('hello/lib/word.js'), word(`w${i}`)), `w${i}`);
    assert.equal(said.version, i + 2);
    figures.push([Math.round(took), said.ms]);
  }
  t.diagnostic(`save to first answer, and as told, ms: ${figures.map((f) => f.join('/')).join(' ')}`);
});

test('editors that write beside and rename, and bursts of saves, are one reload', async () => {
  const version = () => told('reloaded', 'hello').at(-1).version;
  const before = version();
  await reloads(() => {
    writeFileSync(at('hello/lib/.word.js.swp'), 'x');
    writeFileSync(at('hello/lib/word.js~'), word('beside'));
    renameSync(at('hello/lib/word.js~'), at('hello/lib/word.js'));
    rmSync(at('hello/lib/.word.js.swp'));
  }, 'beside');
  assert.equal(version(), before + 1);
  await reloads(() => {
    for (let i = 0; i < 20; i++) writeFileSync(at('hello/lib/word.js'), word(`burst${i}`));
  }, 'burst19');
  assert.equal(version(), before + 2);
});

test('what is beside the code is no reason: node_modules, hidden files, a touch', async () => {
  const before = told('reloaded', 'hello').length;
  mkdirSync(at('hello/node_modules/x'), { recursive: true });
  writeFileSync(at('hello/node_modules/x/index.js'), '1');
  writeFileSync(at('hello/.hidden'), '1');
  await reloads(() => writeFileSync(at('hello/lib/word.js'), word('after')), 'after');
  assert.equal(told('reloaded', 'hello').length, before + 1);
  assert.equal(told('reloaded', 'other').length, 0);
});

test('code that does not load is said with file and line; the version before goes on', async () => {
  await atOnce(() => writeFileSync(at('hello/lib/word.js'), 'exports.word = ;\n'));
  await until(() => told('failed', 'hello').length === 1, 'it is told');
  assert.match(stack.output, /lib\/word\.js:1.*SyntaxError: Unexpected token/s);
  assert.deepEqual(await ask('hello', {}), { word: 'after' });
  await reloads(() => writeFileSync(at('hello/lib/word.js'), word('mended')), 'mended');
});

test('a folder of a folder that comes later is watched too', async () => {
  const before = told('reloaded', 'hello').length;
  mkdirSync(at('hello/lib/deep/er'), { recursive: true });
  writeFileSync(at('hello/lib/deep/er/word.js'), word('deep'));
  await until(() => told('reloaded', 'hello').length > before, 'the new folder');
  await reloads(() => writeFileSync(at('hello/lib/word.js'), "exports.word = require('./deep/er/word').word;\n"), 'deep');
  await reloads(() => writeFileSync(at('hello/lib/deep/er/word.js'), word('deeper')), 'deeper');
});

test('a function whose folder comes is deployed, one whose folder goes is removed', async () => {
  mkdirSync(at('fresh'));
  writeFileSync(at('fresh/index.js'), "exports.main = async () => 'fresh';\n");
  await until(() => told('deployed', 'fresh').length >= 1, 'the new function');
  assert.equal(await ask('fresh', {}), 'fresh');
  rmSync(at('fresh'), { recursive: true });
  await until(() => told('removed', 'fresh').length >= 1, 'it is gone');
  assert.equal((await callFunction(stack, 'fresh', {}, token)).status, 404);
});

test('database/ is taken up when it changes', async () => {
  await atOnce(() => writeFileSync(join(stack.project, 'database/notes.json'), '{ "permission": "READONLY" }\n'));
  await until(() => told('reloaded', 'database').length === 1, 'the collections');
  const notes = stack.cliJson('db', 'collections').find((c) => c.name === 'notes');
  assert.equal(notes.permission, 'READONLY');
});

test('code that many functions share reloads them all', async () => {
  mkdirSync(join(stack.project, 'common'));
  const n = (name) => told('reloaded', name).length;
  const before = [n('hello'), n('other')];
  writeFileSync(join(stack.project, 'common/shared.js'), 'exports.a = 1;\n');
  await until(() => n('hello') > before[0] && n('other') > before[1], 'both');
});

// The debugger's protocol over a WebSocket, as its specification has it; node 20
// has no client of its own.
class Debugger {
  constructor(socket) {
    Object.assign(this, { socket, id: 0, waiting: new Map(), events: [], bytes: Buffer.alloc(0) });
    socket.on('data', (d) => this.take(d));
    socket.on('close', () => { for (const { reject } of this.waiting.values()) reject(new Error('closed')); });
  }

  static async open(where) {
    const [{ webSocketDebuggerUrl: url }] = await (await fetch(`http://127.0.0.1:${where}/json/list`)).json();
    const socket = net.connect(where, '127.0.0.1');
    await new Promise((done, failed) => socket.once('connect', done).once('error', failed));
    socket.on('error', () => {}); // its end is seen by who waits for an answer
    socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: 127.0.0.1:${where}\r\nUpgrade: websocket\r\n`
      + 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    const head = await new Promise((done, failed) => socket.once('data', done).once('close', failed));
    assert.match(String(head), /^HTTP\/1\.1 101 /);
    return new Debugger(socket);
  }

  take(more) {
    this.bytes = Buffer.concat([this.bytes, more]);
    for (;;) {
      const b = this.bytes;
      if (b.length < 2) return;
      const short = b[1] & 127;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (b.length < head) return;
      const len = short === 126 ? b.readUInt16BE(2) : short === 127 ? Number(b.readBigUInt64BE(2)) : short;
      if (b.length < head + len) return;
      this.message(JSON.parse(b.subarray(head, head + len)));
      this.bytes = b.subarray(head + len);
    }
  }

  message(m) {
    if (m.id === undefined) this.events.push(m);
    else if (m.error) this.waiting.get(m.id).reject(new Error(m.error.message));
    else this.waiting.get(m.id).resolve(m.result);
  }

  ask(method, params = {}) {
    const body = Buffer.from(JSON.stringify({ id: ++this.id, method, params }));
    const head = Buffer.alloc(8);
    head.set([0x81, 0x80 | 126]);
    head.writeUInt16BE(body.length, 2); // masked with zeros
    this.socket.write(Buffer.concat([head, body]));
    return new Promise((resolve, reject) => this.waiting.set(this.id, { resolve, reject }));
  }

  event(method) {
    return until(() => this.events.find((e) => e.method === method), method);
  }
}

const listens = (where) => new Promise((done) => {
  const socket = net.connect(where, '127.0.0.1').on('connect', () => { socket.destroy(); done(true); })
    .on('error', () => done(false));
});

// On the version that was loaded last: the one before may still be going.
const attach = () => until(async () => {
  const d = await Debugger.open(port).catch(() => null);
  if (!d) return null;
  const { result } = await d.ask('Runtime.evaluate', { expression: 'process.cwd()' }).catch(() => ({ result: {} }));
  const last = told('reloaded', 'other').at(-1);
  if (result.value && (!last || result.value.endsWith(`/other/v${last.version}`))) return d;
  d.socket.destroy();
  return null;
}, 'the newest version\'s inspector answers');

test('a debugger evaluates, stops at a breakpoint and goes on', async () => {
  const d = await attach();
  try {
    await d.ask('Runtime.enable');
    await d.ask('Debugger.enable');
    const { result: pid } = await d.ask('Runtime.evaluate', { expression: 'process.pid' });
    assert.equal(pid.type, 'number');
    const { result: uid } = await d.ask('Runtime.evaluate', { expression: 'process.getuid()' });
    if (process.getuid() === 0) assert.notEqual(uid.value, 0);
    const { breakpointId } = await d.ask('Debugger.setBreakpointByUrl',
      { lineNumber: 0, columnNumber: 28, urlRegex: '.*/other/v\\d+/index\\.js' });
    assert.ok(breakpointId);
    const answer = ask('other', {});
    const { params } = await d.event('Debugger.paused');
    assert.deepEqual(params.hitBreakpoints, [breakpointId]);
    assert.equal(params.callFrames[0].functionName, 'exports.main');
    const { result } = await d.ask('Debugger.evaluateOnCallFrame',
      { callFrameId: params.callFrames[0].callFrameId, expression: '6 * 7' });
    assert.equal(result.value, 42);
    await d.ask('Debugger.resume');
    assert.equal(await answer, pid.value);
  } finally {
    d.socket.destroy();
  }
});

test('the debugged function is reloaded too, and its inspector with it', async () => {
  appendFileSync(at('other/index.js'), '// more\n');
  const before = told('reloaded', 'other').length;
  await until(() => told('reloaded', 'other').length > before, 'reloaded');
  const d = await attach();
  d.socket.destroy();
});

// It gives a function this machine's network.
test('a project\'s own file opens no inspector', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-inspect-'));
  const [wanted, named] = [await freePort(), await freePort()];
  cpSync(project, dir, { recursive: true });
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', functions: ['hello', 'other'].map(
    (name) => ({ name, handler: 'index.main', runtime: 'Nodejs18.15', mpcloud: name === 'hello' ? { inspect: wanted } : {} })) }));
  for (const inspect of [undefined, `other:${named}`]) {
    const stack2 = await startStack({ project: dir, ownCluster: true, watch: true, gateways: 1, inspect });
    try {
      const user = stack2.token('oDevUser0123456789abcdefghi');
      const answer = await callFunction(stack2, 'hello', {}, user);
      if (inspect) {
        assert.equal(answer.status, 200);
        await until(() => listens(named), 'the named one');
      } else {
        assert.match(stack2.output, /mpcloud\.inspect: functions are debugged with `mpcloud dev --inspect` only/);
        assert.equal(answer.status, 404);
      }
      assert.equal(await listens(wanted), false);
    } finally {
      await stack2.stop();
    }
  }
  rmSync(dir, { recursive: true });
});

test('a function that does not load at the start ends nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-broken-'));
  cpSync(project, dir, { recursive: true });
  writeFileSync(join(dir, 'cloudfunctions/hello/lib/word.js'), 'oops(;\n');
  const other = await startStack({ project: dir, ownCluster: true, watch: true, gateways: 1 });
  try {
    const user = other.token('oDevUser0123456789abcdefghi');
    const word = async () => (await callFunction(other, 'hello', {}, user)).body.word;
    assert.match(other.output, /lib\/word\.js:1/);
    assert.equal(await word(), undefined);
    assert.equal(typeof (await callFunction(other, 'other', {}, user)).body, 'number');
    writeFileSync(join(other.project, 'cloudfunctions/hello/lib/word.js'), "exports.word = 'mended';\n");
    await until(async () => await word() === 'mended', 'it answers once it is mended');
  } finally {
    await other.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('in the background, too, it says what was not deployed, and runs no command against it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-half-'));
  mkdirSync(join(dir, 'cloudfunctions/hi'), { recursive: true });
  writeFileSync(join(dir, 'cloudfunctions/hi/index.js'), 'exports.main = async () => 1;\n');
  writeFileSync(join(dir, 'routes.json'), '{"routes":[{"path":"a","to":{"function":"hi"}}]}');
  const ports = ['--port', String(await freePort()), '--tls-port', '0', '--gateways', '1'];
  try {
    const { status, stdout, stderr } = stack.cli('dev', dir, '--detach', ...ports, '--', 'echo', 'it ran');
    assert.match(stderr, /routes\[0\]\.path: "a": it begins with a slash/);
    assert.match(stdout, /^Not everything was deployed; mend it and save\.$/m);
    assert.match(stdout, /^Ready: http:/m);
    assert.doesNotMatch(stdout, /it ran/);
    assert.equal(status, 1);
  } finally {
    stack.cli('dev', dir, '--stop');
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a daemon that does not get ready is told by the last reason in its log, not by its last line', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-unready-'));
  const line = (event, more) => `echo '${JSON.stringify({ event, ...more })}' >&2\n`;
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'project/cloudfunctions'), { recursive: true });
  cpSync(join(build, 'mpcloud'), join(dir, 'bin/mpcloud'));
  for (const name of ['mpcloud-gateway', 'mpcloud-host', 'mpcloud-sandbox'])
    symlinkSync(join(build, name), join(dir, 'bin', name));
  writeFileSync(join(dir, 'bin/mpcloudd'), `#!/bin/sh\n${line('process.exit', { why: 'of the run before' })}${line('conf.loaded')}${
    line('process.exit', { why: 'a secret that others may read' })}${line('process.stop')}exit 1\n`, { mode: 0o755 });
  try {
    const { status, stderr } = spawnSync(join(dir, 'bin/mpcloud'), ['dev', join(dir, 'project'), '--port', '0', '--tls-port', '0'],
      { encoding: 'utf8', env: stack.env });
    assert.match(stderr, /mpcloudd.*: a secret that others may read\n/);
    assert.equal(status, 1);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
