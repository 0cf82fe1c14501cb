// More under way than a gateway is to have: who is refused, in which order, and
// who never.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';
import { letGo } from './limits/hold.mjs';

const stack = await startStack({
  project: join(source, 'tests/e2e/limits'),
  gateways: 1,
  set: { 'limits.shed_delay': 0, 'limits.shed_requests': 4 },
});
after(() => stack.stop());

const token = stack.token('oUser');
const get = (path) => fetch(`${stack.url}${path}`);

test('strangers go first, then users, never payments and probes', async () => {
  assert.equal((await get('/v1/session')).status, 401);
  assert.equal((await callFunction(stack, 'echo', {}, token)).status, 200);
  const other = stack.token('oHeld');
  // Six that last keep the gateway above its four, also while they are refused themselves.
  let over = false;
  const held = Array.from({ length: 6 }, async () => {
    while (!over) await callFunction(stack, 'hold', { until: 'over' }, other).catch(() => {});
  });
  const stranger = await until(async () => {
    const r = await get('/v1/session');
    return r.status === 503 && r;
  }, 'a stranger is refused');
  assert.ok(Number(stranger.headers.get('retry-after')) >= 1);
  assert.equal((await stranger.json()).code, 'EXCEED_CONCURRENT_REQUEST_LIMIT');
  await until(async () => (await callFunction(stack, 'echo', {}, token)).status === 503, 'a user is refused');
  // All strangers are refused by then, and nobody who pays or asks how we are.
  for (let i = 0; i < 8; i++) {
    assert.equal((await get('/v1/session')).status, 503);
    assert.equal((await get('/v1/pay/orders/1')).status, 401);
    assert.equal((await get('/healthz')).status, 200);
  }
  over = true;
  letGo(stack, 'over');
  await Promise.all(held);
  await until(async () => (await get('/v1/session')).status === 401, 'it is over');
  assert.equal((await callFunction(stack, 'echo', {}, token)).status, 200);
  assert.match(stack.daemonLog(), /"event":"shed"/);
  await until(() => /"event":"shed.over"/.test(stack.daemonLog()), 'it is said that it is over');
});
