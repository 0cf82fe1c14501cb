// Function folders as people write them, deployed unchanged.  What they answer
// is fixed outside of us: the same folder asked under plain node
// (folders/plain.cjs).  Those that need a cloud have their answers written here.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { WX as ALL, folders } from './folders/events.mjs';
import { build, callFunction, existsSync, join, lacksPackages, sanitized, source, startStack, until } from '../lib/stack.mjs';

const here = join(source, 'tests/e2e/folders');
// Under sanitizers the two that functions pin most.
const WX = sanitized ? ['2.6.3', '4.0.2'] : ALL;
const packages = { router: 'tcb-router-1.1.2', axios: 'axios-1.21.1', lodash: 'lodash-4.17.21',
  dates: 'moment-2.30.1', 'node-sdk': 'cloudbase-node-sdk-3.18.3', 'tcb-admin': 'tcb-admin-node-1.23.0',
  ...Object.fromEntries(WX.map((v) => [wxName(v), `wx-server-sdk-${v}`])) };
const lacks = (name) => (packages[name] ? lacksPackages(`tests/clients/${packages[name]}`) : false);
const OPENID = 'oFolderUser0123456789abcdefg';
const onScript = (name) => `${name}-script`;

function wxName(version) {
  return `wx-${version.replaceAll('.', '')}`;
}

const entry = (rc, name) => rc.functions.find((f) => f.name === name);

// The project of folders/, the SDK's function once for each version, and those
// that run on both runtimes once more under another name.
function layOut(port) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-folders-'));
  cpSync(here, dir, { recursive: true });
  const root = join(dir, 'cloudfunctions');
  const rc = JSON.parse(readFileSync(join(dir, 'cloudbaserc.json'), 'utf8'));
  entry(rc, 'axios').mpcloud.network = [`localhost:${port}!private`];
  for (const version of WX) {
    const name = wxName(version);
    cpSync(join(root, 'wx'), join(root, name), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'));
    manifest.dependencies['wx-server-sdk'] = version;
    writeFileSync(join(root, name, 'package.json'), JSON.stringify(manifest));
    rc.functions.push({ name, timeout: 20 });
  }
  rmSync(join(root, 'wx'), { recursive: true });
  for (const name of scripts) {
    cpSync(join(root, name), join(root, onScript(name)), { recursive: true });
    rc.functions.push({ ...entry(rc, name), name: onScript(name), runtime: 'script' });
  }
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify(rc));
  return { dir, names: rc.functions.map((f) => f.name) };
}

// Asked once: builds without the script runtime have nothing to compare.
const hasScript = existsSync(join(build, 'mpcloud-script'));
const scripts = hasScript ? Object.keys(folders).filter((name) => folders[name].script) : [];

// The folder's own answers, under plain node.
function reference(name) {
  const { events, handler = 'index.main', env = {} } = folders[name];
  const folder = join(stack.project, 'cloudfunctions', name);
  return JSON.parse(execFileSync(process.execPath, [join(here, 'plain.cjs'), folder, handler], {
    input: JSON.stringify(events), encoding: 'utf8', maxBuffer: 1 << 28,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'ignore'] }));
}

let stack, token, api, laid;
before(async () => {
  api = http.createServer((req, res) => {
    let text = '';
    req.on('data', (d) => { text += d; }).on('end', () => {
      const missing = req.url === '/missing';
      res.writeHead(missing ? 404 : req.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' });
      res.end(JSON.stringify(missing ? { error: 'no such thing' } : { method: req.method, url: req.url,
        shop: req.headers['x-shop'], host: req.headers.host.replace(/:\d+$/, ''), body: text && JSON.parse(text) }));
    });
  });
  await new Promise((done) => api.listen(0, '127.0.0.1', done));
  laid = layOut(api.address().port);
  stack = await startStack({ project: laid.dir, gateways: 1 });
  token = stack.token(OPENID);
});
after(async () => {
  await stack?.stop();
  if (laid) rmSync(laid.dir, { recursive: true, force: true });
  api?.close();
});

const call = (name, event) => callFunction(stack, name, event, token);

// As the reference tells it: {value} or {error: {errorMessage, errorType}}.
// The platform adds who called; it is not the folder's answer.
async function ask(name, event) {
  const { status, body } = await call(name, event);
  if (status === 200) return { value: body };
  let told = body.message;
  try { told = JSON.parse(body.message); } catch { /* not the author's */ }
  return { error: told, code: body.code };
}

const sameAs = (got, want, what) => {
  const { code, ...rest } = got;
  if (want.error) assert.equal(code, 'FUNCTIONS_EXECUTE_FAIL', what);
  assert.deepEqual(rest, want, what);
};

test('a plain mpcloud deploy takes every folder as it is', { timeout: 300000 }, () => {
  const names = laid.names.filter((name) => !lacks(name));
  const answer = stack.cli('deploy', stack.project);
  assert.equal(answer.status, 0, `${answer.stderr}${answer.stdout}`);
  const ready = stack.status().functions.filter((f) => f.state === 'ready').map((f) => f.name);
  assert.deepEqual(ready.sort(), names.sort());
  assert.ok(laid.names.filter((name) => !name.endsWith('-script')).length >= 20);
});

for (const [name, { events }] of Object.entries(folders)) {
  test(`${name} answers as under plain node`, { skip: lacks(name) }, async () => {
    const wanted = reference(name);
    assert.equal(wanted.length, events.length);
    for (const [i, event] of events.entries())
      sameAs(await ask(name, event), wanted[i], JSON.stringify(event).slice(0, 200));
  });

  if (!folders[name].script) continue;
  test(`${name} answers the same on the script runtime`,
    { skip: !hasScript && 'built without it' }, async () => {
      for (const [i, wanted] of reference(name).entries()) {
        const got = await ask(onScript(name), events[i]);
        // Each engine has words of its own for what it throws itself.
        if (wanted.error?.errorType === 'ReferenceError') wanted.error.errorMessage = got.error.errorMessage;
        sameAs(got, wanted, JSON.stringify(events[i]).slice(0, 200));
      }
    });
}

test('ES modules are refused for the script runtime, with a text that says what to do',
  { skip: !hasScript && 'built without it' }, () => {
    for (const [name, file] of [['module-mjs', 'index.mjs'], ['module-type', 'index.js']]) {
      const rcFile = join(stack.project, 'cloudbaserc.json');
      const before = readFileSync(rcFile, 'utf8');
      const rc = JSON.parse(before);
      Object.assign(entry(rc, name), { runtime: 'script' });
      writeFileSync(rcFile, JSON.stringify(rc));
      const { status, stderr } = stack.cli('deploy', stack.project, name);
      writeFileSync(rcFile, before);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${file.replace('.', '\\.')}.*:?\\d*.*(ES module|runtime).*node`, 'is'), stderr);
    }
    assert.equal(stack.status().functions.find((f) => f.name === 'module-mjs').state, 'ready');
  });

test('axios reaches the hosts its entry lists', { skip: lacks('axios') }, async () => {
  const base = `http://localhost:${api.address().port}`;
  const { status, body } = await call('axios', { base, items: [1, 2] });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, {
    got: { method: 'GET', url: '/goods?page=2', shop: 'tea', host: 'localhost', body: '' },
    put: { method: 'POST', url: '/orders', shop: 'tea', host: 'localhost',
      body: { items: [1, 2], note: '茶' } }, status: 201 });
  assert.deepEqual((await call('axios', { base, fails: true })).body,
    { status: 404, said: { error: 'no such thing' } });
});

test('a dependency is installed when it is deployed', async () => {
  assert.deepEqual((await call('installed', { name: 'Lu Yu' })).body,
    { text: 'welcome, Lu Yu', version: '1.2.3' });
});

for (const version of WX) {
  const name = wxName(version);
  test(`wx-server-sdk ${version}, unmodified: who called, documents, another function`,
    { skip: lacks(name) }, async () => {
      const ask = async (event) => {
        const { status, body } = await call(name, event);
        assert.equal(status, 200, JSON.stringify(body));
        return body;
      };
      const context = await ask({ step: 'context' });
      assert.equal(context.OPENID, OPENID);
      assert.match(context.APPID, /^wx[0-9a-f]{16}$/);
      assert.deepEqual(await ask({ step: 'write', mark: name }),
        { mine: true, n: 5, list: [1, 2], dated: true, total: 1, stats: { removed: 1 } });
      const nested = await ask({ step: 'call', data: { x: 7 } });
      assert.deepEqual([nested.openid, nested.userInfo, nested.x, nested.errMsg],
        [OPENID, OPENID, 7, 'callFunction:ok']);
      assert.match(nested.source, /^wx_client,scf$/);
    });
}

for (const name of ['node-sdk', 'tcb-admin'])
  test(`${packages[name]}, unmodified, finds its cloud and its caller`, { skip: lacks(name) }, async () => {
    const { status, body } = await call(name, { mark: 'm' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body, { openId: OPENID, n: [1, { two: 2 }], deleted: 1, nested: OPENID, x: 'm' });
  });

test('an answer that is not JSON is an error that says so', async () => {
  const { status, body } = await call('errors', { how: 'circular' });
  assert.equal(status, 500);
  assert.match(body.message, /the return value is not JSON: Converting circular structure/);
});

test('an event over the limit is refused, one below it is taken', async () => {
  const text = 'x'.repeat(6 * 1024 * 1024 - 64);
  const top = await call('payloads', { text });
  assert.deepEqual([top.status, top.body.chars], [200, text.length], JSON.stringify(top.body).slice(0, 200));
  const over = await call('payloads', { text: 'x'.repeat(64 * 1024 * 1024) });
  assert.equal(over.status, 413);
});

const logOf = (name) => stack.cli('logs', name, '--json', '-n', '1000').stdout.trim().split('\n')
  .filter(Boolean).map((line) => JSON.parse(line));

test('a stack trace names the author\'s files and lines, from the function\'s folder', async () => {
  await call('errors', { how: 'throw' });
  const line = await until(() => logOf('errors').find((l) => /^TypeError: thrown/.test(l.message)), 'the stack');
  assert.match(line.message, /^TypeError: thrown\n {4}at .*\(?index\.js:14:24\)?/);
  assert.doesNotMatch(line.message, /node:internal|runner\.mjs|\/v\d+\//);
  assert.equal(line.level, 'error');
});

test('compiled code\'s stack traces name the source, by its map', async () => {
  await call('typescript', { bad: true });
  const line = await until(() => logOf('typescript').find((l) => /^RangeError/.test(l.message)), 'the stack');
  assert.match(line.message, /^RangeError: order bad costs -1\n {4}at .*dist\/\.\.\/src\/index\.ts:16:13|src\/index\.ts:16:13/);
  assert.match(line.message, /src\/index\.ts:29:/);
});

test('an error after the answer is logged with the request it belongs to', async () => {
  const { headers } = await call('errors', { how: 'after' });
  const id = headers.get('x-request-id');
  const line = await until(() => logOf('errors').find((l) =>
    /after the answer/.test(l.message) && (!id || l.requestId === id)), 'the late error');
  assert.match(line.message, /index\.js:/);
});

test('a package that is not installed is said with what to do', () => {
  const folder = join(stack.project, 'cloudfunctions', 'exported');
  const file = join(folder, 'index.js');
  const before = readFileSync(file, 'utf8');
  const tryWith = (line) => {
    writeFileSync(file, `${line}\n${before}`);
    return stack.cli('deploy', stack.project, 'exported');
  };
  const pack = tryWith("require('@tea/not-there/lib');");
  assert.equal(pack.status, 1);
  assert.match(pack.stderr, /the package "@tea\/not-there".*package\.json/s);
  const local = tryWith("require('./lib/Missing');");
  assert.equal(local.status, 1);
  assert.match(local.stderr, /the file ".*lib\/Missing".*index\.js.*not in the function's folder/s);
  const bad = tryWith('const a = ;');
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /index\.js:1.*SyntaxError: Unexpected token/s);
  writeFileSync(file, before);
});
