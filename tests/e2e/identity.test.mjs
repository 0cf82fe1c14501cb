// Who called: many invocations at once in a few node processes, with the SDKs
// that people use, unmodified.  Whatever a function asks, at any moment, it gets
// its own user.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { callFunction, join, lacksPackages, sanitized, source, startStack } from '../lib/stack.mjs';

const MAIN = ['2.6.3', '3.0.4', '4.0.2'];
// What tells users apart within a process is JavaScript, which no sanitizer sees.
const ALL = sanitized ? MAIN : ['0.8.1', '1.8.3', '2.1.2', '2.4.0', '2.6.3', '2.7.2', '3.0.4', '4.0.2'];
const nameOf = (version) => `who-${version.replaceAll('.', '')}`;
const lacks = ALL.map((v) => lacksPackages(`tests/clients/wx-server-sdk-${v}`)).find(Boolean) ?? false;
const CALLS = Number(process.env.IDENTITY_CALLS ?? (sanitized ? 500 : 5000)), USERS = 500, AT_ONCE = 60;

function layOut() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-identity-'));
  const project = join(source, 'tests/e2e/identity');
  cpSync(project, dir, { recursive: true });
  const root = join(dir, 'cloudfunctions');
  const rc = JSON.parse(readFileSync(join(dir, 'cloudbaserc.json'), 'utf8'));
  for (const version of ALL) {
    const name = nameOf(version);
    cpSync(join(root, 'who'), join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'package.json'), JSON.stringify(
      { name, version: '1.0.0', dependencies: { 'wx-server-sdk': version } }));
    rc.functions.push({ name, timeout: 60, memorySize: 512,
      instanceConcurrencyConfig: { maxConcurrency: 50 },
      mpcloud: { workers: 2, queue: 1000 } });
  }
  rmSync(join(root, 'who'), { recursive: true });
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify(rc));
  return dir;
}

let stack, dir, users;
before(async () => {
  if (lacks) return;
  dir = layOut();
  stack = await startStack({ project: dir, gateways: 1 });
  users = await Promise.all(Array.from({ length: USERS }, async (v, i) => {
    const openid = `oIdentity${String(i).padStart(4, '0')}abcdefghijklmno`;
    const post = async (url, body) => (await fetch(url, { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
    const { code } = await post(`${stack.sandbox}/sandbox/code`, { openid });
    const { accessToken } = await post(`${stack.url}/v1/login`, { code });
    return { openid, token: accessToken };
  }));
});
after(async () => {
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

// `count` calls, AT_ONCE of them under way; the answers in the order asked.
async function many(count, make) {
  const answers = new Array(count);
  let at = 0;
  const one = async () => {
    while (at < count) {
      const i = at++;
      const { name, event, user } = make(i);
      const { status, body } = await callFunction(stack, name, event, user.token);
      answers[i] = { status, body, user };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return answers;
}

// Every word of every answer; the first that is another's is told.
function assertOwn(answers, words) {
  const wrong = [];
  for (const [i, { status, body, user }] of answers.entries()) {
    if (status !== 200) { wrong.push([i, status, JSON.stringify(body)]); continue; }
    const told = Object.entries(body.said);
    if (body.n !== i || told.length !== words) wrong.push([i, 'words', told.length, body.n]);
    for (const [what, openid] of told)
      if (openid !== user.openid) wrong.push([i, what, openid, user.openid]);
  }
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} wrong`);
}

// start info 6 waits env; added written got; called and a nested function's 9.
const PLAIN = 9, WRITE = 3, CALLED = 10;

test(`${CALLS} interleaved calls of ${USERS} users, each answer its own user's`,
  { skip: lacks, timeout: 600000 }, async () => {
    const answers = await many(CALLS, (i) => ({
      name: nameOf(MAIN[i % MAIN.length]),
      user: users[(i * 7) % USERS],
      event: { n: i, write: true, next: [nameOf(MAIN[(i + 1) % MAIN.length])] },
    }));
    assertOwn(answers, PLAIN + WRITE + CALLED);
    const pids = new Set(answers.map((a, i) => `${i % MAIN.length} ${a.body.pid}`));
    assert.ok(pids.size <= 2 * MAIN.length, `a few processes: ${[...pids]}`);
  });

test('a chain of functions with different SDKs keeps the user to its end', { skip: lacks },
  async () => {
    const answers = await many(150, (i) => ({
      name: nameOf(MAIN[i % 3]), user: users[(i * 11) % USERS],
      event: { n: i, next: [1, 2, 3].map((k) => nameOf(MAIN[(i + k) % 3])) } }));
    assertOwn(answers, PLAIN + CALLED + CALLED + CALLED);
  });

for (const version of ALL)
  test(`wx-server-sdk ${version}: 200 interleaved calls, each its own user's`,
    { skip: lacks }, async () => {
      const name = nameOf(version);
      const answers = await many(200, (i) => ({
        name, user: users[(i * 13) % USERS], event: { n: i, write: true, next: [name] } }));
      assertOwn(answers, PLAIN + WRITE + CALLED);
    });
