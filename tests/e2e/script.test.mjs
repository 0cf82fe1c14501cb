// Functions of the runtime `script`, through the whole stack: deployed from a
// folder of CommonJS files, called, confined, killed.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { assertNobodyDied, build, callFunction, existsSync, join, mkdirSync, source, startStack, until,
  writeFileSync } from '../lib/stack.mjs';

const skip = !existsSync(join(build, 'mpcloud-script'))
  && 'this build is without the runtime script (libjavascriptcoregtk-4.1-dev)';
const it = (name, fn) => test(name, { skip }, fn);

let stack, token;
before(async () => {
  if (skip) return;
  stack = await startStack({ project: join(source, 'tests/e2e/script'), gateways: 1 });
  token = stack.token('oScriptUserAbcdefghijklmnopq');
});
after(() => stack?.stop());

const call = (name, event) => callFunction(stack, name, event, token);
const ok = async (name, event) => {
  const { status, body } = await call(name, event);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const lines = (name) => readFileSync(join(stack.home, 'state/logs', `${name}.jsonl`), 'utf8')
  .split('\n').filter(Boolean).map((l) => JSON.parse(l));

it('a folder of CommonJS files answers', async () => {
  assert.deepEqual(await ok('tea', { do: 'brew', leaf: '茶' }), { name: 'tea', said: 'hello 茶' });
  const text = { do: 'text', a: [1.5, null, true, { 'é': '\u{1f375}' }], empty: '' };
  const { userInfo, ...rest } = await ok('tea', text);
  assert.deepEqual(rest, text);
  assert.equal(userInfo.openId, 'oScriptUserAbcdefghijklmnopq');
});

it('one worker keeps what its module keeps, one call after the other', async () => {
  const counts = [];
  for (let i = 0; i < 5; i++) counts.push(await ok('tea', { do: 'count' }));
  assert.deepEqual(counts, [1, 2, 3, 4, 5]);
});

it('documents are written and read with the built-in wx-server-sdk', async () => {
  assert.deepEqual(await ok('chain', { do: 'write', leaf: 'green', by: 4 }), [{ leaf: 'green', n: 5 }]);
  assert.deepEqual(await ok('chain', { do: 'many', n: 50 }), [50, 50]);
  assert.equal(await ok('chain', { do: 'who' }), 'oScriptUserAbcdefghijklmnopq');
});

it('a function calls another', async () => {
  assert.deepEqual(await ok('chain', { do: 'call', leaf: 'black' }), { name: 'tea', said: 'hello black' });
  assert.match(await ok('chain', { do: 'fails' }), /no leaf was given/);
});

it('an exception names the author\'s file and line', async () => {
  const { status, body } = await call('tea', { do: 'throw' });
  assert.equal(status, 500);
  assert.deepEqual(JSON.parse(body.message), { errorMessage: 'no leaf was given', errorType: 'TypeError' });
  const told = await until(() => lines('tea').find((l) => /no leaf/.test(l.message)), 'the stack is in the log');
  assert.match(told.message, /^TypeError: no leaf was given\n {4}at brew \(lib\/brew\.js:4:\d+\)\n {4}at .*index\.js:11:/);
  assert.equal(told.level, 'error');
  assert.match((await call('tea', { do: 'reject' })).body.message, /too hot/);
});

it('an exception that nobody catches fails its call alone, though others wait behind it', async () => {
  const [ended, ...others] = await Promise.all([call('tea', { do: 'end' }),
    ...Array.from({ length: 20 }, () => call('tea', { do: 'brew', leaf: 'x' }))]);
  assert.equal(ended.status, 500);
  assert.match(ended.body.message, /nobody caught this/);
  assert.deepEqual(new Set(others.map(({ status }) => status)), new Set([200]));
});

it('what the code prints is in the log of its call', async () => {
  await ok('tea', { do: 'log' });
  const said = await until(() => {
    const found = lines('tea').filter((l) => /^(one|three)/.test(l.message));
    return found.length === 2 && found;
  }, 'two lines');
  assert.deepEqual(said.map(({ level, message }) => [level, message]), [['info', 'one { two: 2 }'], ['error', 'three']]);
  assert.equal(said[0].requestId, said[1].requestId);
  assert.ok(said[0].requestId.length > 8);
});

it('timers that a call leaves behind go on while its worker rests', async () => {
  await ok('tea', { do: 'leave' });
  await until(async () => await ok('tea', { do: 'ticks' }) > 0, 'the timer fired');
});

it('without network a request says what to set', async () => {
  assert.match(await ok('tea', { do: 'away' }), /this function has no network: set .*api\.example\.com.*cloudbaserc\.json/);
});

it('an endless loop ends with its deadline, and the next call is answered', async () => {
  const { status, body } = await call('tea', { do: 'loop' });
  assert.equal(status, 504, JSON.stringify(body));
  assert.equal((await ok('tea', { do: 'brew', leaf: 'x' })).said, 'hello x');
});

it('a memory hog is killed, and its author told why', async () => {
  const { status, body } = await call('tea', { do: 'hog' });
  assert.equal(status, 502, JSON.stringify(body));
  assert.equal(body.code, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED');
  assert.match(body.message, /96 MiB/);
  await until(() => lines('tea').some((l) => /96 MiB/.test(l.message)), 'the cause is in the log');
  assert.equal((await ok('tea', { do: 'brew', leaf: 'x' })).said, 'hello x');
});

// A version is refused: nothing changes for callers.
const deployed = (name, files, entry) => {
  const folder = join(stack.project, 'cloudfunctions', name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const rc = join(stack.project, 'cloudbaserc.json');
  const before = readFileSync(rc, 'utf8');
  const all = JSON.parse(before);
  all.functions = all.functions.filter((f) => f.name !== name).concat({ name, runtime: 'script', ...entry });
  writeFileSync(rc, JSON.stringify(all));
  const r = stack.cli('deploy', stack.project, name);
  writeFileSync(rc, before);
  rmSync(folder, { recursive: true });
  return { ...r, said: r.stdout + r.stderr };
};

it('an ES module is refused at deploy, with file, line and what to do', () => {
  const { status, said } = deployed('esm', { 'index.js': '\n\nimport fs from \'node:fs\';\nexport const main = () => fs;\n' });
  assert.notEqual(status, 0);
  assert.match(said, /index\.js:3: this is an ES module \(import fs from 'node:fs';\): script functions are CommonJS; write require\(\) or use the runtime node/);
});

it('code that throws while it is loaded is refused with its stack', () => {
  const { status, said } = deployed('broken', { 'index.js': 'const shop = {};\nshop.door.open();\n' });
  assert.notEqual(status, 0);
  assert.match(said, /TypeError: .*\n.*index\.js:2:/);
});

it('a missing export and a missing module are named', () => {
  assert.match(deployed('none', { 'index.js': 'exports.other = 1;\n' }).said, /"main"/);
  assert.match(deployed('lost', { 'index.js': 'require(\'express\');\n' }).said, /express/);
});

it('of many calls at once in one worker each is its own user\'s, in all it asks, writes and prints', async () => {
  const users = Array.from({ length: 50 }, (_, i) => `oCrowd${String(i).padStart(2, '0')}Abcdefghijklmnopqrst`);
  const tokens = users.map((openid) => stack.token(openid));
  const wrong = [];
  let next = 0;
  await Promise.all(Array.from({ length: 40 }, async () => {
    while (next < 500) {
      const n = next++, openid = users[n % 50];
      const { status, body } = await callFunction(stack, 'crowd', { do: 'walk', n }, tokens[n % 50]);
      if (status !== 200 || body.n !== n || body.read !== n || body.said.length !== 7 || body.said.some((one) => one !== openid))
        wrong.push([n, status, body]);
    }
  }));
  assert.deepEqual(wrong, []);
  assert.ok(await ok('crowd', { do: 'most' }) > 16, 'they ran beside each other');
  const said = await until(() => {
    const all = lines('crowd').filter(({ message }) => message?.startsWith('walk '));
    return all.length === 500 && all;
  }, 'all lines are in the log');
  for (const { message } of said) {
    const [, n, openid] = message.split(' ');
    assert.equal(openid, users[n % 50]);
  }
  assert.equal(new Set(said.map(({ requestId }) => requestId)).size, 500);
});

it('what nobody catches fails its own call, and those beside it go on in the same worker', async () => {
  const born = await ok('crowd', { do: 'pid' });
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => call('crowd', { do: n % 4 < 2 ? 'fall' : 'stand', n })));
  for (const [n, { status, body }] of all.entries())
    if (n % 4 < 2) assert.match(JSON.stringify(body), new RegExp(`fell ${n}\\b`));
    else assert.deepEqual([status, body], [200, n]);
  assert.equal(await ok('crowd', { do: 'pid' }), born);
});

it('a version that works is there at once', async () => {
  const { status, said } = deployed('good', { 'index.js': 'exports.main = (e) => e.n + 1;\n' });
  assert.equal(status, 0, said);
  assert.equal(await ok('good', { n: 1 }), 2);
});

// Servers of this test on loopback: one listed, one not, one whose certificate
// nobody has signed.
async function withServers(use) {
  const files = mkdtempSync(join(tmpdir(), 'mpc-script-'));
  const [key, cert] = [join(files, 'key.pem'), join(files, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'pipe' });
  const answer = (q, a) => {
    let body = '';
    q.on('data', (d) => { body += d; });
    q.on('end', () => a.end(`${q.method} ${q.url} ${body} ${q.headers['x-tea']}`));
  };
  const servers = [createHttp(answer), createHttp(answer),
    createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, answer)];
  try {
    for (const server of servers) await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
    await use(...servers.map((server) => server.address().port));
  } finally {
    for (const server of servers) server.close();
    rmSync(files, { recursive: true });
  }
}

it('fetch reaches the hosts that are listed, and no other', () => withServers(async (listed, other, tls) => {
  const code = `exports.main = async ({ url, more }) => {
    try {
      const r = await fetch(url, more);
      return [r.status, await r.text()];
    } catch (err) {
      return [err.cause?.code ?? err.code, err.cause?.message ?? err.message];
    }
  };`;
  const { status, said } = deployed('out', { 'index.js': code },
    { mpcloud: { network: [`127.0.0.1:${listed}`, `127.0.0.1:${tls}`] } });
  assert.equal(status, 0, said);
  assert.deepEqual(await ok('out', { url: `http://127.0.0.1:${listed}/a?b=1`,
    more: { method: 'POST', body: '茶', headers: { 'X-Tea': 'green' } } }), [200, 'POST /a?b=1 茶 green']);
  const [refused, words] = await ok('out', { url: `http://127.0.0.1:${other}/` });
  assert.equal(refused, 'ENETUNREACH');
  assert.match(words, /network/);
  assert.equal((await ok('out', { url: `https://127.0.0.1:${tls}/` }))[0], 'CERT_UNTRUSTED');
}));

it('nothing of ours has died', () => assertNobodyDied(stack));
