// The life of workers and of calls that wait for them, over HTTP and on the
// command line: full queues, crash loops, workers kept ready and sent home.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';

let stack, token;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/life'), gateways: 1 });
  token = stack.token('oLifeUser012345678901234');
});
after(() => stack?.stop());

const call = (name, event, extra) => callFunction(stack, name, event, token, extra);
const stats = (name) => stack.cliJson('fn', 'stats', name)[0];

// GET on the operator's socket, as Prometheus would through a proxy.
const ops = (path) => new Promise((done, fail) => {
  request({ socketPath: join(stack.run, 'run', 'ops.sock'), path, agent: false }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; });
    answer.on('end', () => done({ text, type: answer.headers['content-type'] }));
  }).on('error', fail).end();
});

const lines = (name) => stack.cli('logs', name, '--json', '-n', '1000').stdout.trim().split('\n')
  .filter(Boolean).map((l) => JSON.parse(l));

test('what finds the queue full is answered 503 with Retry-After, the others in turn', async () => {
  const running = call('slow', { ms: 1500 });
  await until(() => stats('slow').busy === 1, 'one runs');
  const waiting = call('slow', { ms: 0 });
  await until(() => stats('slow').waiting === 1, 'one waits');
  const refused = await call('slow', { ms: 0 });
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'EXCEED_CONCURRENT_REQUEST_LIMIT');
  assert.match(refused.body.message, /1 calls of function slow wait already: come again in \d+ s/);
  assert.match(refused.headers.get('retry-after'), /^[1-9]\d*$/);
  assert.deepEqual([(await running).body, (await waiting).body], ['done', 'done']);
  assert.equal(stats('slow').ended.shed, 1);
  // It ran for long enough to be looked at.
  assert.ok(stats('slow').memory > 1 << 20);
  await until(() => lines('slow').some((l) => l.kind === 'REPORT' && / MemUsage:\d+\.\d\dMB/.test(l.message)), 'its log says so');
});

test('a function that keeps crashing rests, says so, and is well after an answer', async () => {
  for (let i = 0; i < 5; i++) {
    const { status, body } = await call('brittle', { how: 'exit' });
    assert.equal(status, 502, JSON.stringify(body));
    assert.match(body.message, /exited with code 7/);
  }
  // Its rest is short at first: longer after each further crash.
  const refused = await until(async () => {
    const got = await call('brittle', { how: 'exit' });
    return got.status === 503 && got;
  }, 'calls are refused');
  assert.equal(refused.body.code, 'FUNCTIONS_EXECUTE_FAIL');
  assert.match(refused.body.message,
    /^function brittle keeps crashing: the function's process exited with code 7; next try in [\d.]+ s$/);
  assert.match(refused.headers.get('retry-after'), /^[1-9]\d*$/);
  await until(async () => {
    await call('brittle', { how: 'exit' });
    const [one] = stack.cliJson('fn', 'list').filter((f) => f.name === 'brittle');
    return /keeps crashing/.test(one.crashing) && /brittle .* crashing .*keeps crashing/.test(stack.cli('fn', 'list').stdout);
  }, 'mpcloud fn list says so');
  await until(async () => (await call('brittle', {})).status === 200, 'it is tried again');
  assert.equal(stack.cliJson('fn', 'list').find((f) => f.name === 'brittle').crashing, undefined);
  const said = lines('brittle').filter((l) => l.kind === 'STATE').map((l) => l.message);
  assert.equal(said.length, 2);
  assert.match(said[0], /keeps crashing/);
  assert.equal(said[1], 'the function answers again');
});

test('workers are kept ready before any call', async () => {
  await until(() => stats('kept').idle === 2, 'two are there');
  const { body } = await call('kept');
  assert.equal(body.calls, 1);
  assert.equal(stats('kept').cold.count, 0, 'nobody waited for a start');
});

test('a function that nobody calls has no worker', async () => {
  const { status } = await call('brief');
  assert.equal(status, 200);
  await until(() => { const s = stats('brief'); return s.idle + s.busy === 0; }, 'its worker has gone');
  assert.equal(stats('brief').starts, 1);
});

test('workers that have had their calls are replaced without losing one', async () => {
  const answers = await Promise.all(Array.from({ length: 21 }, () => call('once')));
  assert.deepEqual(answers.map((a) => a.status), Array(21).fill(200));
  const byPid = new Map();
  for (const { body } of answers) byPid.set(body.pid, (byPid.get(body.pid) ?? 0) + 1);
  assert.ok([...byPid.values()].every((n) => n <= 2), JSON.stringify([...byPid]));
  assert.ok(answers.every(({ body }) => body.calls <= 2));
});

test('an unknown version is told what there is', async () => {
  for (const [name, extra] of [['brief?qualifier=beta', {}], ['brief', { 'x-qualifier': 'beta' }]]) {
    const { status, body } = await call(name, {}, extra);
    assert.deepEqual([status, body.code], [404, 'FUNCTION_NOT_FOUND']);
    assert.match(body.message, /function brief has no live version or alias "beta"; there are 1/);
  }
  assert.equal((await call('brief?qualifier=1')).status, 200);
});

test('a call has START, END and Report in its log, as SCF writes them', async () => {
  const { headers } = await call('brittle', { how: 'throw' });
  const id = headers.get('x-request-id');
  const ours = await until(() => {
    const got = lines('brittle').filter((l) => l.requestId === id);
    return got.some((l) => l.kind === 'REPORT') && got;
  }, 'its lines are written');
  assert.deepEqual(ours.map((l) => l.kind).filter((k) => k && k !== 'INIT'), ['START', 'END', 'REPORT']);
  assert.equal(ours[0].message, `START RequestId: ${id}`);
  assert.match(ours.at(-1).message, new RegExp(`^Report RequestId: ${id} Duration:[\\d.]+ms Billed Duration:\\d+ms `
    + 'Memory:256MB( MemUsage:[\\d.]+MB)?( Queue:\\d+ms)? Code:FUNCTIONS_EXECUTE_FAIL$'));
  assert.ok(ours.every((l) => l.version === 1));
});

test('what is counted can be read by people and by Prometheus', async () => {
  const s = stats('brittle');
  assert.ok(s.ended.crashed >= 5 && s.ended.execute_fail >= 1 && s.ended.ok >= 1);
  assert.equal(s.calls, Object.values(s.ended).reduce((a, b) => a + b));
  assert.equal(s.role, 'stable');
  assert.match(stack.cli('fn', 'stats').stdout, /^FUNCTION +VERSION +ROLE +CALLS +ERRORS +P50 /);
  const { text, type } = await ops('/ops/metrics');
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  assert.ok(text.includes(`mpcloud_function_calls_total{function="brittle",version="1",gateway="0",code="crashed"} ${s.ended.crashed}\n`));
  const took = text.match(/mpcloud_function_duration_seconds_bucket\{function="brittle".*\n/g);
  const counts = took.map((l) => Number(l.split(' ').at(-1)));
  assert.deepEqual(counts, [...counts].sort((a, b) => a - b), 'buckets are cumulative');
  assert.equal(counts.at(-1), s.took.count);
  for (const line of text.trim().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [\d.e+-]+)$/);
});

test('several gateways are counted together', async () => {
  const two = await startStack({ project: join(source, 'tests/e2e/life'), gateways: 2 });
  try {
    const user = two.token('oLifeUser012345678901234');
    for (let i = 0; i < 24; i++)
      assert.equal((await callFunction(two, 'brief', {}, user, { connection: 'close' })).status, 200);
    const [s] = two.cliJson('fn', 'stats', 'brief');
    assert.equal(s.calls, 24);
    assert.equal(two.cliJson('fn', 'stats', 'kept')[0].idle, 4, 'two in each');
  } finally {
    await two.stop();
  }
});
