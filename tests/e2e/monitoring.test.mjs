// What an operator watches: Prometheus' page, alerts that reach a webhook and a
// function, traces that go through, and where a request's time went.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { chmodSync, chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { build, callFunction, join, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/monitoring');
const folder = mkdtempSync(join(tmpdir(), 'mpc-monitoring-'));
const clockFile = join(folder, 'clock');
const tokenFile = join(folder, 'token');
// The gateways must be able to read the token.
const owner = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : undefined;
const posts = [];
let stack, user, hook, metrics, refuse = false;

function advance(seconds) {
  const bytes = Buffer.alloc(8);
  advance.at = (advance.at ?? 0) + seconds;
  bytes.writeBigInt64LE(BigInt(advance.at) * 1_000_000_000n);
  const fd = openSync(clockFile, 'r+');
  writeSync(fd, bytes, 0, 8, 0);
  closeSync(fd);
}

before(async () => {
  writeFileSync(clockFile, Buffer.alloc(8), { mode: 0o644 });
  writeFileSync(tokenFile, 'scrape-me\n', { mode: 0o600 });
  chmodSync(folder, 0o755);
  if (owner) chownSync(tokenFile, owner.uid, owner.gid);
  hook = createServer((request, answer) => {
    let text = '';
    request.on('data', (d) => { text += d; });
    request.on('end', () => {
      if (!refuse) posts.push(JSON.parse(text));
      answer.writeHead(refuse ? 503 : 200).end();
    });
  });
  await new Promise((done) => { hook.listen(0, '127.0.0.1', done); });
  stack = await startStack({ project, gateways: 2, owner, tls: true, env: { MPCLOUD_CLOCK_FILE: clockFile }, set: {
    'metrics.listen': '127.0.0.1:0', 'metrics.token_file': tokenFile, 'alerts.interval': '1s',
    'alerts.webhook': `http://127.0.0.1:${hook.address().port}/alerts`, 'alerts.function': 'heard' } });
  metrics = stack.status().listeners.find((l) => l.kind === 'metrics').address;
  user = stack.token('o1');
});
after(async () => {
  await stack?.stop();
  hook?.close();
  rmSync(folder, { recursive: true });
});

const scrape = async () => {
  const answer = await fetch(`http://${metrics}/metrics`, { headers: { authorization: 'Bearer scrape-me' } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  return answer.text();
};

// Prometheus' text format, as its documentation has it.
function parse(page) {
  const samples = [], types = new Map();
  for (const line of page.trimEnd().split('\n')) {
    const head = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/i.exec(line);
    if (head) { if (head[1] === 'TYPE') { assert.ok(!types.has(head[2]), `${head[2]} twice`); types.set(head[2], head[3]); } continue; }
    const m = /^([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? ([-+0-9.eE]+|[+-]Inf|NaN)$/i.exec(line);
    assert.ok(m, line);
    const labels = Object.fromEntries([...(m[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gi)].map((l) => [l[1], l[2]]));
    samples.push({ name: m[1], labels, value: Number(m[3]) });
    assert.ok(types.has(m[1]) || types.has(m[1].replace(/_(bucket|sum|count)$/, '')), `${m[1]} has no TYPE`);
  }
  return samples;
}
const sum = (samples, name, labels) => samples.filter((s) => s.name === name
  && Object.entries(labels).every(([k, v]) => s.labels[k] === v)).reduce((a, s) => a + s.value, 0);

test('/metrics counts requests by route, with their times, over all gateways', async () => {
  const route = 'POST /v1/functions/{name}';
  const had = parse(await scrape());
  for (let i = 0; i < 30; i++)
    assert.equal((await callFunction(stack, 'trace', {}, user)).status, 200);
  const now = parse(await scrape());
  const more = (name, labels) => sum(now, name, labels) - sum(had, name, labels);
  assert.equal(more('mpcloud_http_requests_total', { route, class: '2xx' }), 30);
  assert.equal(more('mpcloud_http_requests_seconds_count', { route }), 30);
  assert.equal(more('mpcloud_http_requests_seconds_bucket', { route, le: '+Inf' }), 30);
  assert.ok(more('mpcloud_http_requests_seconds_sum', { route }) > 0);
  const buckets = now.filter((s) => s.name === 'mpcloud_http_requests_seconds_bucket' && s.labels.route === route
    && s.labels.gateway === '0').map((s) => s.value);
  assert.deepEqual(buckets, [...buckets].sort((a, b) => a - b));
});

test('/metrics counts cloud calls by action, statements, and requests to WeChat by server', async () => {
  await fetch(`${stack.url}/web`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${user}` },
    body: JSON.stringify({ action: 'database.getDocument', env: 'test', collectionName: 'none', queryType: 'WHERE' }) });
  await stack.login();
  const now = parse(await scrape());
  assert.ok(sum(now, 'mpcloud_http_requests_total', { route: 'POST /web', action: 'database.getDocument' }) >= 1);
  assert.ok(sum(now, 'mpcloud_database_statements_total', { line: 'write', class: '2xx' }) >= 1);
  assert.ok(sum(now, 'mpcloud_outgoing_requests_total', { host: new URL(stack.sandbox).host, class: '2xx' }) >= 1);
  assert.ok(sum(now, 'mpcloud_logins_total', {}) >= 1);
  assert.equal(sum(now, 'mpcloud_database_up', {}), 2);
});

test('/metrics is for those who have its token, and is nowhere else', async () => {
  for (const authorization of [undefined, 'Bearer', 'Bearer wrong', `Bearer ${user}`, 'Basic scrape-me']) {
    const answer = await fetch(`http://${metrics}/metrics`, { headers: authorization ? { authorization } : {} });
    assert.equal(answer.status, 401, String(authorization));
  }
  assert.equal((await fetch(`${stack.url}/metrics`, { headers: { authorization: 'Bearer scrape-me' } })).status, 404);
  assert.equal((await fetch(`http://${metrics}/v1/session`)).status, 404);
  assert.equal((await fetch(`http://${metrics}/healthz`)).status, 200);
});

test('an address that others reach needs a token', () => {
  const file = join(folder, 'open.conf');
  writeFileSync(file, readFileSync(stack.config, 'utf8').replace(/^token_file = .*\n/m, '')
    .replace(/^(\[metrics\]\nlisten = ).*/m, '$10.0.0.0:9464'));
  const { status, stderr } = spawnSync(join(build, 'mpcloudd'), ['--check', '--config', file], { encoding: 'utf8' });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /metrics\.listen: 0\.0\.0\.0:9464 can be reached from elsewhere and needs metrics\.token_file/);
});

test('a trace goes through to the function and into the access line', async () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const answer = await callFunction(stack, 'trace', {}, user, { traceparent: `00-${id}-00f067aa0ba902b7-01` });
  const [, version, trace, parent, flags] = /^(..)-(.{32})-(.{16})-(..)$/.exec(answer.body.traceparent) ?? [];
  assert.deepEqual([version, trace, flags], ['00', id, '01']);
  assert.notEqual(parent, '00f067aa0ba902b7');
  await until(() => stack.daemonLog().includes(`"traceId":"${id}"`), 'the access line has the trace');
  assert.equal((await callFunction(stack, 'trace', {}, user)).body.traceparent, null);
  assert.equal((await callFunction(stack, 'trace', {}, user, { traceparent: 'nonsense' })).body.traceparent, null);
});

test('a request can ask where its time went', async () => {
  const ask = (headers) => fetch(`${stack.url}/v1/functions/trace`, { method: 'POST', body: '{}',
    headers: { authorization: `Bearer ${user}`, 'content-type': 'application/json', ...headers } });
  const said = (await ask({ 'mpcloud-timeline': '1' })).headers.get('server-timing');
  const stages = Object.fromEntries(said.split(', ').map((s) => s.split(';dur=')));
  assert.deepEqual(Object.keys(stages).filter((k) => /^(route|admit|know|allow|act|answer|total)$/.test(k)),
    ['route', 'admit', 'know', 'allow', 'act', 'answer', 'total']);
  const parts = Object.entries(stages).filter(([k]) => k !== 'total').reduce((a, [, v]) => a + Number(v), 0);
  assert.ok(Math.abs(parts - Number(stages.total)) <= Number(stages.total), said);
  assert.ok(Number(stages.act) > 0);
  assert.equal((await ask({})).headers.get('server-timing'), null);
});

const alertOf = (name) => stack.cliJson('alerts', 'list').find((a) => a.name === name);

test('too many errors are told to the webhook and the function, once, and when they end', async () => {
  for (let i = 0; i < 150; i++) await callFunction(stack, 'fails', {}, user);
  await until(() => alertOf('error_rate')?.status === 'pending', 'the condition is seen');
  assert.equal(posts.filter((p) => p.groupLabels.alertname === 'error_rate').length, 0);
  refuse = true; // the webhook is away for a while
  advance(61);
  await until(() => alertOf('error_rate')?.failure, 'the webhook did not take it');
  assert.match(alertOf('error_rate').failure, /503/);
  refuse = false;
  advance(61); // its notice's lease is over, twice as long as at first
  await until(() => posts.some((p) => p.groupLabels.alertname === 'error_rate'), 'the webhook hears');
  const [post] = posts.filter((p) => p.groupLabels.alertname === 'error_rate');
  assert.equal(post.status, 'firing');
  assert.equal(post.alerts[0].labels.severity, 'critical');
  assert.match(post.alerts[0].annotations.summary, /% of \d+ answers/);
  advance(300);
  await until(() => posts.some((p) => p.status === 'resolved' && p.groupLabels.alertname === 'error_rate'), 'it ends');
  assert.equal(posts.filter((p) => p.groupLabels.alertname === 'error_rate').length, 2);
  const calls = () => stack.cliJson('queue', 'list').filter((c) => c.function === 'heard');
  await until(() => calls().filter((c) => c.state === 'done').length >= 2, 'the function heard of both');
});

test('an alert tells which of several certificates ends first', async () => {
  const pair = ['shop', 'other'].map((name, i) => {
    const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.pem`) };
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', String(6 + 30 * i), '-subj', `/CN=${name}.example`, '-addext', `subjectAltName=DNS:${name}.example`,
      '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
    if (owner) for (const file of Object.values(files)) chownSync(file, owner.uid, owner.gid);
    return `[tls ${name}]\ncertificate = ${files.cert}\nkey = ${files.key}\n`;
  });
  assert.notEqual(alertOf('certificate')?.status, 'firing');
  writeFileSync(stack.config, `${readFileSync(stack.config, 'utf8')}\n${pair.join('')}`);
  assert.equal(stack.cli('reload').status, 0);
  await until(() => alertOf('certificate')?.status === 'firing', 'the certificate is seen');
  assert.match(alertOf('certificate').text, /^the TLS certificate of \[tls shop\] ends in 5 days$/);
});

test('mpcloud alerts reads well, and alerts test reaches the webhook', async () => {
  const text = stack.cli('alerts', 'list').stdout;
  assert.match(String(text), /STATE +ALERT +SINCE +TOLD +WHAT WAS SEEN/);
  assert.match(String(text), /ended +error_rate on /);
  // Not stack.cli: the webhook answers from this very process.
  await promisify(execFile)(join(build, 'mpcloud'), ['--config', stack.config, 'alerts', 'test'], { env: stack.env });
  await until(() => posts.some((p) => p.groupLabels.alertname === 'test'), 'the test arrives');
});
