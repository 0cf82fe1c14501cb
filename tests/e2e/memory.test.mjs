// 10,000 mixed requests (`make soak`: SOAK_REQUESTS): nothing leaks (a sanitizer build says so when the
// daemon ends), and resident memory after 10,000 is within 5 % of that after
// 2,000 (ordinary build).

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { descendants, join, sanitized, source, startStack } from '../lib/stack.mjs';

const TOTAL = Number(process.env.SOAK_REQUESTS ?? 10000);

const json = (method, path, body, token) => ({ method, path, body, token });

// What a busy day holds: good calls, errors of every kind, logins, orders.
const mix = [
  (s, i) => json('GET', '/v1/session', null, s.token),
  (s, i) => json('POST', '/v1/functions/native', { how: 'echo', i }, s.token),
  (s, i) => json('POST', '/v1/functions/native', { how: 'put', i }, s.token),
  (s, i) => json('POST', '/v1/functions/native', { how: 'get' }, s.token),
  (s, i) => json('POST', '/v1/functions/echo', { i, text: 'x'.repeat(i % 2000) }, s.token),
  (s, i) => json('POST', '/v1/functions/faulty', { how: 'throws' }, s.token),
  (s, i) => json('POST', '/web', { action: 'database.queryDocument', collectionName: 'board', query: { n: 1 } }, s.token),
  (s, i) => json('POST', '/web', { action: 'database.addDocument', collectionName: 'notes', data: { i } }, s.token),
  (s, i) => json('POST', '/web', { action: 'database.queryDocument', collectionName: 'items', query: {} }, s.token),
  (s, i) => json('POST', '/v1/functions/missing', {}, s.token),
  (s, i) => json('POST', '/v1/functions/echo', '{not json', s.token),
  (s, i) => json('GET', '/v1/session', null, `${s.token}x`),
  (s, i) => json('GET', '/nothing', null, null),
  (s, i) => json('POST', '/admin', { action: 'database.getDocument' }, s.token),
  (s, i) => json('POST', '/v1/login', { code: `bad${i}` }, null),
  (s, i) => json('POST', '/v1/pay/orders', { outTradeNo: `mem${i}order`, description: 'memory', total: 1 + i }, s.token),
];

async function ask(stack, { method, path, body, token }) {
  const answer = await fetch(stack.url + path, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
    body: body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function send(stack, token, from, to, seen) {
  let next = from;
  const one = async () => {
    while (next < to) {
      const i = next++;
      const status = await ask(stack, mix[i % mix.length]({ token }, i));
      seen[status] = (seen[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

function residentKiB(stack) {
  const ours = descendants(stack.pid).filter((p) => /mpcloud-gateway/.test(p.args)).map((p) => p.pid);
  return [stack.pid, ...ours].map((pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8')
    .match(/VmRSS:\s+(\d+)/)[1])).reduce((a, b) => a + b, 0);
}

test('mixed requests leave no leak and no growth behind', async () => {
  const stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo', 'faulty', 'native'], gateways: 1,
    set: { 'pay.client_orders': 'yes' } });
  const seen = {};
  try {
    const token = (await stack.login()).accessToken;
    await send(stack, token, 0, 2000, seen);
    const early = residentKiB(stack);
    await send(stack, token, 2000, TOTAL, seen);
    const late = residentKiB(stack);
    assert.equal(Object.values(seen).reduce((a, b) => a + b, 0), TOTAL);
    for (const status of [200, 400, 401, 404, 500]) assert.ok(seen[status] > 0, `${status} in ${JSON.stringify(seen)}`);
    if (!sanitized) assert.ok(late <= early * 1.05, `${early} KiB after 2,000, ${late} KiB after ${TOTAL}`);
  } finally {
    await stack.stop(); // a leak or an error found by a sanitizer fails here
  }
});
