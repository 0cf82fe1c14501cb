// Functions that go wrong: each gets a clear error in time, its neighbours and
// the next call go on, and the author finds the cause in the log.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { callFunction, join, sanitized, source, startStack, until } from '../lib/stack.mjs';

let stack, token;
const openid = 'oFaultUserAbcdef012345678';
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo', 'faulty', 'native'], gateways: 1 });
  token = stack.token(openid);
});
after(() => stack?.stop());

const faulty = (how, more) => callFunction(stack, 'faulty', { how, ...more }, token);
const native = (how) => callFunction(stack, 'native', { how }, token);

// A sanitizer takes a worker's end into its own hands: it ends with code 1.
// [how, status, code, what the message says]
const cases = [
  [faulty, 'throws', 500, 'FUNCTIONS_EXECUTE_FAIL', /thrown on purpose/],
  [faulty, 'rejects', 500, 'FUNCTIONS_EXECUTE_FAIL', /rejected on purpose/],
  [faulty, 'circular', 500, 'FUNCTIONS_EXECUTE_FAIL', /circular/i],
  [faulty, 'exits', 502, 'FUNCTIONS_EXECUTE_FAIL', /code 3/],
  [faulty, 'loops', 504, 'FUNCTIONS_TIME_LIMIT_EXCEEDED', /timed out after 2 seconds/],
  [faulty, 'sleeps', 504, 'FUNCTIONS_TIME_LIMIT_EXCEEDED', /timed out after 2 seconds/],
  [faulty, 'hog', 502, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED', /memory/],
  [faulty, 'big', 502, 'EXCEED_MAX_RESPONSE_SIZE', /functions.result_size/],
  [native, 'crash', 502, 'FUNCTIONS_EXECUTE_FAIL', sanitized ? /code 1/ : /signal 11/],
  [native, 'exit', 502, 'FUNCTIONS_EXECUTE_FAIL', /code 4/],
  [native, 'loop', 504, 'FUNCTIONS_TIME_LIMIT_EXCEEDED', /timed out after 2 seconds/],
  [native, 'hog', 502, 'FUNCTIONS_MEMORY_LIMIT_EXCEEDED', /memory/],
  [native, 'badjson', 500, 'FUNCTIONS_EXECUTE_FAIL', /JSON/],
  [native, 'fail', 500, 'FUNCTIONS_EXECUTE_FAIL', /failed on purpose/],
];

for (const [call, how, status, code, text] of cases) {
  test(`${call === faulty ? 'node' : 'native'} ${how}: answered ${status} ${code}, the next call works`, async () => {
    const answer = await call(how);
    assert.equal(answer.status, status, JSON.stringify(answer.body).slice(0, 500));
    assert.equal(answer.body.code, code);
    assert.match(answer.body.message, text);
    assert.equal(answer.body.requestId, answer.headers.get('x-request-id'));
    // The author finds it in the log, under the same request id.
    const log = () => stack.cli('logs', call === faulty ? 'faulty' : 'native', '--json').stdout;
    await until(() => log().includes(answer.body.requestId), 'the cause is logged', 500);
    assert.deepEqual((await callFunction(stack, 'echo', { a: 1 }, token)).body.event.a, 1);
    const next = await callFunction(stack, 'faulty', { how: 'fine', b: 2 }, token);
    assert.equal(next.body.b, 2, JSON.stringify(next.body));
    assert.deepEqual((await native('echo')).body, { how: 'echo' });
  });
}

test('a BigInt that is returned, as wx-server-sdk makes one of a msgid, is told by its digits', async () => {
  const { status, body } = await faulty('bigint');
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, { msgid: '2075049253462261761', list: ['-1'] });
});

test('event.userInfo is the caller and cannot be forged', async () => {
  const { body } = await faulty('fine', { userInfo: { openId: 'forged' } });
  assert.equal(body.userInfo.openId, openid);
});

test('undefined is null, and each call keeps its own identity', async () => {
  assert.equal((await faulty('nothing')).body, null);
  const others = ['oIdentityUserA0123456789', 'oIdentityUserB0123456789'];
  const tokens = others.map((o) => stack.token(o));
  const answers = [];
  // Twelve at a time: a busy machine has two seconds for each.
  while (answers.length < 60)
    answers.push(...await Promise.all(Array.from({ length: 12 }, (_, i) =>
      callFunction(stack, 'faulty', { how: 'identity' }, tokens[i % 2]))));
  answers.forEach((a, i) => assert.deepEqual(a.body, [others[i % 2], others[i % 2]]));
});

test('a native function knows its caller, reads a document, calls another', async () => {
  const who = (await native('who')).body;
  assert.equal(who.openid, openid);
  assert.deepEqual((await native('get')).body, { _id: 'one', n: 1, tags: ['a', 'b'] });
  const called = (await native('call')).body;
  assert.equal(called.event.from, 'native');
  assert.equal(called.openid, openid);
});

test('console lines, stdout and mpc_log reach mpcloud logs', async () => {
  await faulty('logs', { mark: 'seen-1' });
  await native('log');
  const lines = (name) => stack.cli('logs', name, '--json').stdout;
  await until(() => ['log seen-1', 'error seen-1', 'stdout seen-1'].every((l) => lines('faulty').includes(l)),
    'console lines are logged');
  await until(() => ['a line of mpc_log', 'a line of printf'].every((l) => lines('native').includes(l)),
    'native lines are logged');
  const entry = lines('faulty').trim().split('\n').map(JSON.parse).find((l) => l.message === 'log seen-1');
  assert.match(entry.requestId, /^[\w-]{8,}$/);
  assert.equal(entry.level, 'info');
  assert.ok(Date.parse(entry.time));
});

test('a function sees nothing of the server', async () => {
  const { body } = await faulty('secrets');
  assert.notEqual(typeof body.tried['/etc/shadow'], 'number', JSON.stringify(body.tried));
  assert.ok(!Array.isArray(body.tried['/root']) || body.tried['/root'].length === 0);
  for (const [name, value] of Object.entries(body.env))
    assert.ok(!/MPCLOUD_|PGPASS|CREDENTIALS/.test(name), `${name}=${value}`);
});
