// The daemon as a whole, with real clients: a stop lets running calls finish,
// a reload brings a new certificate, limits and logouts hold across gateways.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect as tcp } from 'node:net';
import https from 'node:https';
import { connect as tls } from 'node:tls';
import { readFileSync } from 'node:fs';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/project');

async function withStack(options, run) {
  const stack = await startStack({ project, functions: ['echo', 'faulty', 'native'], ...options });
  try {
    await run(stack);
  } finally {
    await stack.stop();
  }
}

const port = (url) => Number(new URL(url).port);

function refused(url) {
  return new Promise((done) => {
    const socket = tcp({ host: '127.0.0.1', port: port(url) });
    socket.on('connect', () => { socket.destroy(); done(false); });
    socket.on('error', (error) => done(error.code === 'ECONNREFUSED'));
  });
}

test('a stop refuses new connections and lets running calls finish', () =>
  withStack({ gateways: 2 }, async (stack) => {
    const token = stack.token('oDrainUser0123456789abcde');
    // Few: each starts a Node.js within the function's two seconds.
    const calls = Array.from({ length: 3 }, () =>
      callFunction(stack, 'faulty', { how: 'waits', ms: 800 }, token));
    await until(() => stack.cli('logs', 'faulty', '--json').stdout.split('waiting').length > 3,
      'all calls run');
    process.kill(stack.pid, 'SIGTERM');
    await until(() => refused(stack.url), 'new connections are refused');
    for (const answer of await Promise.all(calls)) {
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body, 'waited');
    }
  }));

// The certificate that a new connection is shown.
function shown(stack) {
  return new Promise((done, fail) => {
    const socket = tls({ host: '127.0.0.1', port: port(stack.tlsUrl), rejectUnauthorized: false }, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      done(fingerprint256);
    });
    socket.on('error', fail);
  });
}

function newCertificate(stack) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-days', '2', '-subj', '/CN=the next one', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', join(stack.home, 'tls/key.pem'), '-out', join(stack.home, 'tls/cert.pem')], { stdio: 'pipe' });
}

function over(stack, agent, ca) {
  return new Promise((done, fail) => {
    https.get(`${stack.tlsUrl}/healthz`, { agent, ca }, (answer) => {
      answer.resume().on('end', () => done({ status: answer.statusCode, socket: answer.socket ?? answer.req.socket }));
    }).on('error', fail);
  });
}

test('SIGHUP brings a new certificate; kept connections go on with the old one', () =>
  withStack({ gateways: 2, tls: true }, async (stack) => {
    const old = await shown(stack);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const first = await over(stack, agent, stack.caPem);
    newCertificate(stack);
    process.kill(stack.pid, 'SIGHUP');
    await until(async () => (await shown(stack)) !== old && (await shown(stack)) !== old, 'the new certificate is shown');
    const second = await over(stack, agent, stack.caPem);
    assert.equal(second.status, 200);
    assert.equal(second.socket.localPort, first.socket.localPort, 'the connection was kept');
    const third = await over(stack, new https.Agent(), readFileSync(stack.ca, 'utf8'));
    assert.equal(third.status, 200);
    agent.destroy();
  }));

test('a burst of one user is exact over two gateways, and told in headers', () =>
  withStack({ gateways: 2, set: { 'limits.user_rate': 1, 'limits.user_burst': 40 } }, async (stack) => {
    const token = stack.token('oLimitUser0123456789abcde');
    const ask = () => fetch(`${stack.url}/v1/session`, {
      headers: { authorization: `Bearer ${token}`, connection: 'close' } });
    const answers = await Promise.all(Array.from({ length: 100 }, ask));
    const limited = answers.filter((a) => a.status === 429);
    assert.equal(answers.filter((a) => a.status === 200).length, 40);
    assert.equal(limited.length, 60);
    for (const a of limited) {
      assert.ok(Number(a.headers.get('retry-after')) > 0);
      assert.equal(a.headers.get('ratelimit-limit'), '40');
      assert.equal(a.headers.get('ratelimit-remaining'), '0');
      assert.equal((await a.json()).code, 'EXCEED_RATELIMIT');
    }
    // Another user is not touched by it.
    const other = stack.token('oOtherUser0123456789abcde');
    assert.equal((await fetch(`${stack.url}/v1/session`, { headers: { authorization: `Bearer ${other}` } })).status, 200);
  }));

test('a logout is known to every gateway at once, also after they were killed', () =>
  withStack({ gateways: 2 }, async (stack) => {
    const token = (await stack.login()).accessToken;
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    const session = () => fetch(`${stack.url}/v1/session`, { headers });
    assert.equal((await session()).status, 200);
    assert.ok((await fetch(`${stack.url}/v1/logout`, { method: 'POST', headers })).ok);
    for (let i = 0; i < 20; i++) assert.equal((await session()).status, 401);
    for (const { pid } of stack.status().gateways) process.kill(pid, 'SIGKILL');
    await until(() => stack.status().gateways.every((g) => g.state === 'ready' && g.restarts === 1), 'both are back');
    for (let i = 0; i < 20; i++) assert.equal((await session()).status, 401);
  }));
