// One script, conformance/conformance.js, as a user of wx.cloud writes it, in
// three hosts against the real daemon: a mini program's world, Node.js and
// headless Chromium.  Only the line that begins differs.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import vm from 'node:vm';
import { lacksPackages, source, startStack, until } from '../lib/stack.mjs';
import { Chromium, lacksChromium } from '../lib/chromium.mjs';

const here = join(source, 'tests/e2e/conformance');
const client = join(source, 'client/mpcloud.js');
const script = readFileSync(join(here, 'conformance.js'), 'utf8');
const skip = lacksPackages('tests');
const names = [...script.matchAll(/await step\('((?:[^'\\]|\\.)*)'/g)].map(([, name]) => name);

let stack;
before(async () => {
  if (!skip)
    stack = await startStack({ project: join(here, 'project'), gateways: 1,
      set: { 'server.web_origins': 'http://127.0.0.1:*' } });
});
after(() => stack?.stop());

// A code of wx.login, of a user of his own.
const newCode = async () => (await (await fetch(`${stack.sandbox}/sandbox/code`, { method: 'POST',
  headers: { 'content-type': 'application/json' }, body: '{}' })).json()).code;

function check(report) {
  const wrong = report.filter((each) => each.error).map((each) => `${each.name}: ${each.error}`);
  assert.deepEqual(wrong, []);
  assert.deepEqual(report.map((each) => each.name), names, 'every step, in its order');
}

test('in a mini program, without DOM and Node.js', { skip }, async () => {
  const { makeMiniProgram, makeMiniWx } = await import('../lib/mini-program.mjs');
  const { appid } = await (await fetch(`${stack.sandbox}/sandbox/keys`)).json();
  const { wx, page } = makeMiniWx({ code: newCode, appid });
  const program = makeMiniProgram({ wx, modules: { './mpcloud.js': client } });

  assert.equal(program.run('typeof process + typeof Buffer + typeof window + typeof document + typeof fetch + typeof URL + typeof WebSocket'),
    'undefined'.repeat(7), 'the host is as bare as a telephone');
  program.context.files = page;
  program.run(`require('./mpcloud.js').install({ url: '${stack.url}', env: 'test' });\n${script}`, 'conformance.js');
  check(JSON.parse(JSON.stringify(await program.run('conformance(files)'))));
  assert.deepEqual(page.left(), [], 'what CDN() wrote is gone');
});

test('a watch whose sockets are cut goes on, with nothing lost or doubled', { skip }, async () => {
  const { makeMiniProgram, makeMiniWx } = await import('../lib/mini-program.mjs');
  const { appid } = await (await fetch(`${stack.sandbox}/sandbox/keys`)).json();
  const { wx, page } = makeMiniWx({ code: newCode, appid });
  const program = makeMiniProgram({ wx, modules: { './mpcloud.js': client } });
  const mark = `cut${Date.now()}`;
  const seen = [];
  const errors = [];

  program.context.tell = (text) => seen.push(JSON.parse(text));
  program.context.fail = (text) => errors.push(text);
  program.run(`require('./mpcloud.js').install({ url: '${stack.url}', env: 'test' });
    const notes = wx.cloud.database().collection('notes');
    const watcher = notes.where({ mark: '${mark}' }).watch({
      onChange: (s) => tell(JSON.stringify([s.type || '', s.docChanges.map((c) => c.doc.n), s.docs.map((d) => d.n)])),
      onError: (err) => fail(err.errMsg) });
    async function add(n) { await notes.add({ data: { mark: '${mark}', n } }); }`);
  await until(() => seen.length === 1, 'the first snapshot');
  for (let n = 1; n <= 30; n++) {
    await program.run(`add(${n})`);
    if (n % 7 === 0) page.cut();
  }
  await until(() => seen.length && seen[seen.length - 1][2].length === 30 || errors.length, 'all thirty are there');
  await program.run('watcher.close()');
  assert.ok(page.connections > 1, 'it was cut off, and connected again');
  assert.deepEqual(errors, []);
  const told = seen.filter(([type]) => type !== 'init').flatMap(([, changes]) => changes);
  assert.deepEqual(told, Array.from({ length: 30 }, (_, i) => i + 1), 'each once, in its order');
});

test('in Node.js', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mpc-conformance-'));
  const require = createRequire(import.meta.url);
  const { WebSocket } = require('ws');
  let count = 0;
  const files = {
    make(text) {
      const path = join(folder, `file-${count++}`);
      writeFileSync(path, text);
      return path;
    },
    read: async (path) => {
      const text = readFileSync(path, 'utf8');
      rmSync(path);
      return text;
    },
  };

  try {
    require(client).install({ url: stack.url, env: 'test', WebSocket, login: async () => ({ code: await newCode() }) });
    check(await vm.runInThisContext(`(() => {${script}\nreturn conformance;})()`, { filename: 'conformance.js' })(files));
  } finally {
    delete globalThis.wx;
    rmSync(folder, { recursive: true, force: true });
  }
});

test('in a browser, from another origin', { skip: skip || lacksChromium() }, async () => {
  const pages = { '/': '<!doctype html><meta charset="utf-8"><script src="/mpcloud.js"></script><script src="/begin.js"></script>',
    '/mpcloud.js': readFileSync(client, 'utf8') };
  const server = createServer(({ url }, res) => {
    res.setHeader('content-type', url === '/' ? 'text/html' : 'text/javascript; charset=utf-8');
    res.end(pages[url] ?? '');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  pages['/begin.js'] = `const codes = ${JSON.stringify([await newCode(), await newCode(), await newCode()])};
    mpcloud.install({ url: '${stack.url}', env: 'test', login: () => ({ code: codes.pop() }) });
    const files = { make: (text) => URL.createObjectURL(new Blob([text])), read: async (url) => (await fetch(url)).text() };
    ${script}`;
  const chromium = new Chromium();
  try {
    const page = await chromium.open(`http://127.0.0.1:${server.address().port}/`);
    await until(() => page.evaluate('document.readyState === "complete" && typeof conformance === "function"'), 'the page is there');
    check(await page.evaluate('conformance(files)'));
  } finally {
    await chromium.close();
    server.close();
  }
});
