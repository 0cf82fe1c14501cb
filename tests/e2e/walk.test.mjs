// The sample shop, walked through as its mini program would: over HTTP and
// HTTPS, with one gateway and with two, as root and without any of its rights.

import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, lacksPackages, ordinaryUser, source, startStack } from '../lib/stack.mjs';

// The shop's functions use both generations of wx-server-sdk.
const lacks = ['2.6.3', '4.0.2'].map((v) => lacksPackages(`tests/clients/wx-server-sdk-${v}`))
  .find(Boolean) ?? false;

// The steps that the walk must print, in this order.
const steps = [/log.?in/i, /goods/i, /order/i, /pay/i, /state/i];

function walk(stack, url, more = []) {
  return spawnSync(process.execPath, [join(source, 'examples/shop/walk.mjs'),
    '--url', url, '--sandbox', stack.sandbox, ...more],
  { encoding: 'utf8', env: { PATH: process.env.PATH } });
}

function assertWalked(r) {
  assert.equal(r.status, 0, r.stdout + r.stderr);
  let at = 0;
  for (const step of steps) {
    const found = r.stdout.slice(at).search(step);
    assert.ok(found >= 0, `${step} in\n${r.stdout}`);
    at += found;
  }
}

async function withStack(options, run) {
  const stack = await startStack(options);
  try {
    await run(stack);
  } finally {
    await stack.stop();
  }
}

test('the shop is walked through over HTTP and HTTPS with two gateways', { skip: lacks }, () =>
  withStack({ gateways: 2, tls: true, ownCluster: true }, async (stack) => {
    assertWalked(walk(stack, stack.url));
    assertWalked(walk(stack, stack.tlsUrl, ['--insecure-ca', stack.ca]));
    assert.equal(stack.status().gateways.length, 2);
  }));

test('the shop is walked through without root, and what is missing is said', {
  skip: lacks || (!ordinaryUser() && 'not root: the other test ran without it already'),
}, () => withStack({ gateways: 1, owner: ordinaryUser() }, async (stack) => {
  assertWalked(walk(stack, stack.url));
  for (const f of stack.status().functions)
    assert.ok(Array.isArray(f.missing), `${f.name} says what isolation is missing`);
}));
