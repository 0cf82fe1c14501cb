// Two daemons on one PostgreSQL, four gateways each, one mini program: one live
// access_token at any time, each fetched once, while calls run through all eight
// gateways and WeChat ends the token again and again.  What was fetched is counted
// at the sandbox, which keeps WeChat's rules of stable_token.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/access-token');
const CALLERS = 24, ROUNDS = 20;

let one, two, db;
before(async () => {
  one = await startStack({ project, gateways: 4 });
  const conf = readFileSync(one.config, 'utf8');
  const section = (name) => new RegExp(`^\\[${name}\\]$([^[]*)`, 'm').exec(conf)[1];
  const of = (name, key) => new RegExp(`^${key} = (.*)$`, 'm').exec(section(name))[1];
  const url = of('database', 'url');
  // The second is another machine of the same mini program.
  two = await startStack({ project, gateways: 4, set: { 'database.url': url,
    'wechat.appid': of('wechat', 'appid'), 'wechat.secret_file': of('wechat', 'secret_file'),
    'wechat.api_base': of('wechat', 'api_base'), 'token.key_file': of('token', 'key_file'),
    'token.master_key_file': of('token', 'master_key_file') } });
  const part = (name) => new RegExp(`${name}=(\\S+)`).exec(url)?.[1];
  db = new pg.Client({ host: part('host'), port: part('port') && Number(part('port')), database: part('dbname'),
    user: part('user') });
  await db.connect();
});
after(async () => {
  await db?.end();
  await two?.stop();
  await one?.stop();
});

const control = async (path, body) => {
  const answer = await fetch(`${one.sandbox}/sandbox/${path}`, body === undefined ? {} : { method: 'POST',
    headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};
const tokens = async () => (await control('tokens')).apps[0];

// A connection of its own each: the kernel gives them to the gateways in turn.
const call = (stack) => new Promise((done) => {
  const request = http.request(`${stack.url}/v1/functions/ask`, { method: 'POST', agent: false,
    headers: { authorization: `Bearer ${stack.user}`, 'content-type': 'application/json' } }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; });
    answer.on('end', () => done({ status: answer.statusCode, text }));
    answer.on('error', () => done({ status: 0, text: 'cut' }));
  });
  request.on('error', () => done({ status: 0, text: 'refused' }));
  request.end('{}');
});

// Callers that never rest; what they saw.
function startCallers() {
  const seen = { good: 0, bad: [], cut: 0 };
  let going = true;
  const caller = async (stack) => {
    while (going) {
      const { status, text } = await call(stack);
      if (status === 0) seen.cut++;
      else if (status === 200 && JSON.parse(text).errcode === 0) seen.good++;
      else seen.bad.push(`${status} ${text}`);
    }
  };
  const running = Array.from({ length: CALLERS }, (_, i) => caller(i % 2 ? one : two));
  return { seen, stop: async () => { going = false; await Promise.all(running); return seen; } };
}

test('eight cold gateways fetch one token', async () => {
  for (const stack of [one, two]) stack.user = stack.token('oTokens');
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => call(i % 2 ? one : two)));
  for (const { status, text } of answers) assert.equal(status, 200, text);
  const { fetches, issued, live } = await tokens();
  assert.deepEqual({ fetches, issued, live }, { fetches: 1, issued: 1, live: 1 });
});

test('each forced end of the token costs one fetch, and no call', { timeout: 300000 }, async (t) => {
  const callers = startCallers();
  const first = await tokens();
  for (let round = 1; round <= ROUNDS; round++) {
    const before = await tokens();
    await control('token', { action: round % 2 ? 'expire' : 'invalidate' });
    // All gateways came by: so many calls with the next token.
    await until(async () => {
      const now = await tokens();
      return now.issued > before.issued && now.accepted > before.accepted + 4 * CALLERS;
    }, 'calls with the next token');
    const { fetches, issued, live } = await tokens();
    assert.deepEqual({ round, fetches, issued, live },
      { round, fetches: first.fetches + round, issued: first.issued + round, live: 1 });
  }
  const seen = await callers.stop();
  assert.deepEqual(seen.bad, []);
  assert.equal(seen.cut, 0);
  const { liveTop, refused } = await tokens();
  assert.equal(liveTop, 1);
  t.diagnostic(`${seen.good} calls, ${refused} refusals by WeChat, ${ROUNDS} tokens ended`);
});

test('gateways that are killed in the middle of it change nothing', { timeout: 300000 }, async () => {
  const callers = startCallers();
  const first = await tokens();
  for (let round = 1; round <= 6; round++) {
    const before = await tokens();
    await control('token', { action: 'invalidate' });
    const victims = (round % 2 ? one : two).status().gateways;
    process.kill(victims[round % victims.length].pid, 'SIGKILL');
    await until(async () => {
      const now = await tokens();
      return now.issued > before.issued && now.accepted > before.accepted + 2 * CALLERS;
    }, 'calls with the next token');
  }
  const seen = await callers.stop();
  const now = await tokens();
  // One that was killed with the lease has asked WeChat already; its successor
  // asks again, and is given the same token.
  assert.equal(now.issued, first.issued + 6);
  assert.ok(now.fetches >= first.fetches + 6 && now.fetches <= first.fetches + 12, `${now.fetches - first.fetches}`);
  assert.equal(now.live, 1);
  assert.equal(now.liveTop, 1);
  for (const text of seen.bad) assert.match(text, /^50[0-4] /);
});

test('a storm of refusals of a good token makes no other, and no gateway asks twice', { timeout: 300000 }, async () => {
  const before = await tokens();
  const callers = startCallers();
  await until(async () => (await tokens()).accepted > before.accepted + CALLERS, 'calls');
  await control('token', { action: 'storm', count: 40 });
  await until(async () => (await tokens()).storm === 0, 'the storm is over');
  const at = await tokens();
  await until(async () => (await tokens()).accepted > at.accepted + 10 * CALLERS, 'calls after the storm');
  const seen = await callers.stop();
  const { fetches, issued, liveTop } = await tokens();
  assert.ok(fetches - before.fetches <= 8, `${fetches - before.fetches} fetches`);
  assert.equal(issued, before.issued);
  assert.equal(liveTop, 1);
  // A call is made twice; the storm may have met both.
  for (const text of seen.bad) assert.match(text, /"errcode":40001/);
  assert.ok(seen.bad.length <= 20, `${seen.bad.length} calls met it twice`);
});

test('both daemons tell the same of the token, without the token', async () => {
  const told = [one, two].map((stack) => stack.cliJson('wechat', 'token').tokens);
  assert.deepEqual(told[0], told[1]);
  assert.equal(told[0][0].isGood, true);
  const { rows } = await db.query('SELECT count(*)::int AS n, min(octet_length(sealed)) AS size FROM mpcloud.access_tokens');
  assert.equal(rows[0].n, 1);
  assert.ok(rows[0].size > 100);
  for (const stack of [one, two]) assert.doesNotMatch(stack.daemonLog(), /access_token=/);
});
