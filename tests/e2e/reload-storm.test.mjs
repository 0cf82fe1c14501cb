// Routes and certificates change again and again while clients ask without a
// pause, over plain and TLS connections, kept and new ones, wrk's among them: no
// request fails, each is answered by one table or the next, a new connection is
// shown the newest certificate, and memory stays where it was.
//
// SOAK_RELOADS=1000 is the long form.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import tls from 'node:tls';
import { join, sanitized, source, startStack } from '../lib/stack.mjs';

const RELOADS = Number(process.env.SOAK_RELOADS ?? 100);
const CLIENTS = 8; // of each kind
const hasWrk = spawnSync('wrk', ['-v']).error === undefined;

let stack, outside;
before(async () => {
  outside = mkdtempSync(join(tmpdir(), 'mpc-storm-'));
  chmodSync(outside, 0o755);
  writeRoutes(0);
  stack = await startStack({ project: join(source, 'tests/e2e/routes'), gateways: 2, tls: true,
    set: { 'server.routes': join(outside, 'operator.json'), 'limits.ip_rate': 0, 'server.access_log': 'no' } });
});
after(async () => {
  await stack?.stop();
  rmSync(outside, { recursive: true, force: true });
});

// A hundred routes, of which some come and go, and one that says which table it is of.
function writeRoutes(n) {
  const routes = Array.from({ length: 100 }, (_, i) => ({ path: `/r${n % 7}/${i}/{id}`, to: { function: 'echo' } }));
  routes.push({ name: 'which', path: '/which', to: { redirect: `/table-${n}` } });
  writeFileSync(join(outside, 'operator.json'), JSON.stringify({ routes }));
}

// One command a connection; the answer object.
function admin(command) {
  return new Promise((done, failed) => {
    let said = '';
    const socket = connect(join(stack.run, 'run/admin.sock'));
    socket.on('connect', () => socket.write(`${JSON.stringify(command)}\n`));
    socket.on('data', (d) => {
      said += d;
      if (said.includes('\n')) { socket.destroy(); done(JSON.parse(said)); }
    });
    socket.on('error', failed);
  });
}

const setting = (name) => new RegExp(`^\\s*${name}\\s*=\\s*(.*)$`, 'm').exec(readFileSync(stack.config, 'utf8'))[1];

function makeCertificate(name) {
  const key = join(outside, `${name}.key`), cert = join(outside, `${name}.pem`);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
    '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert],
    { stdio: 'ignore' });
  const bytes = readFileSync(cert);
  return { key: readFileSync(key), cert: bytes, serial: new X509Certificate(bytes).serialNumber };
}

// Into the files that the settings name, which keep their owners.
function putCertificate({ key, cert }) {
  for (const [name, bytes] of [['tls_key', key], ['tls_certificate', cert]]) {
    const path = setting(name), { uid, gid, mode } = statSync(path);
    writeFileSync(path, bytes);
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o777);
  }
}

function ask(lib, url, agent, path, more = {}) {
  return new Promise((done, failed) => {
    const request = lib.get(new URL(path, url), { agent, ...more }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', failed);
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
    });
    request.on('error', failed);
  });
}

const counts = { requests: 0, failed: [] };
let storming = true, oldest = 0, newest = 0;

function check(path, answer, before) {
  if (path === '/which') {
    const table = Number(/^\/table-(\d+)$/.exec(answer.headers.location)?.[1]);
    return answer.status === 302 && table >= before && table <= newest;
  }
  return answer.status === 200 && (path === '/where' ? JSON.parse(answer.text).path === '/where' : /<title>/.test(answer.text));
}

async function client(lib, url) {
  const agent = new lib.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const paths = ['/which', '/site/', '/which', '/where'];
  for (let i = 0; storming; i++) {
    const path = paths[i % paths.length], before = oldest;
    try {
      const answer = await ask(lib, url, agent, path);
      if (!check(path, answer, before)) counts.failed.push(`${path}: ${answer.status} ${answer.headers.location ?? answer.text}`);
    } catch (error) {
      counts.failed.push(`${path}: ${error.code ?? error.message}`);
    }
    counts.requests++;
  }
  agent.destroy();
}

// On a connection of its own, whose session nobody had before.
const shownSerial = () => new Promise((done, failed) => {
  const { hostname, port } = new URL(stack.tlsUrl);
  const socket = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
    done(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.on('error', failed);
});

// A handshake for each request: the certificate is one that was in force meanwhile.
let certificates, handshakes = 0;
async function stranger() {
  while (storming) {
    const before = oldest;
    try {
      const serial = await shownSerial(), last = newest;
      const inForce = Array.from({ length: last - before + 1 }, (_, i) => certificates[(before + i) % 2].serial);
      if (!inForce.includes(serial)) counts.failed.push(`a certificate of before reload ${before}`);
      const answer = await ask(https, stack.tlsUrl, undefined, '/site/', { rejectUnauthorized: false, agent: false });
      if (!check('/site/', answer, before)) counts.failed.push(`a new connection: ${answer.status}`);
    } catch (error) {
      counts.failed.push(`a new connection: ${error.code ?? error.message}`);
    }
    handshakes += 2;
  }
}

// wrk until `storming` is over; what it says.
function startWrk(url, ...more) {
  const child = spawn('wrk', ['-t1', '-c8', '-d1h', ...more, `${url}/site/`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const out of [child.stdout, child.stderr]) out.on('data', (d) => { said += d; });
  const ended = new Promise((done) => child.on('close', () => done(said)));
  return async () => {
    child.kill('SIGINT');
    return ended;
  };
}

const memoryOf = () => stack.status().gateways.map(({ pid }) =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]));

test(`${RELOADS} reloads under load: no request fails, memory is flat`, async (t) => {
  certificates = [makeCertificate('first'), makeCertificate('second')];
  putCertificate(certificates[0]);
  assert.equal((await admin({ cmd: 'reload' })).ok, true);
  const clients = Array.from({ length: CLIENTS }, () => [client(http, stack.url), client(https, stack.tlsUrl)]).flat();
  clients.push(stranger(), stranger());
  const wrks = !hasWrk ? [] : [startWrk(stack.url), startWrk(stack.tlsUrl), startWrk(stack.tlsUrl, '-H', 'Connection: close')];
  t.after(async () => { // also when something failed
    storming = false;
    await Promise.all([...clients, ...wrks.map((stop) => stop())]);
  });
  let early;
  for (let i = 1; i <= RELOADS; i++) {
    newest = i;
    putCertificate(certificates[i % 2]);
    if (i % 10 === 0) { // a bad one changes nothing
      writeFileSync(join(outside, 'operator.json'), '{"routes": [{"path": "/x"}]}');
      const bad = await admin({ cmd: 'reload' });
      assert.equal(bad.ok, false);
      assert.match(bad.error, /routes\[0\]: to: is missing/);
      assert.equal(await shownSerial(), certificates[(i - 1) % 2].serial, 'nor the certificate');
    }
    writeRoutes(i);
    // As an operator does it, now and then.
    const answer = i % 10 === 5 ? stack.cliJson('reload') : await admin({ cmd: 'reload' });
    assert.equal(answer.ok, true, answer.error);
    oldest = i; // from here on nobody is answered by an older one
    assert.equal(await shownSerial(), certificates[i % 2].serial, `a new connection after reload ${i}`);
    if (i % 25 === 0) { // the project's, too
      writeFileSync(join(stack.project, 'site', 'index.html'), `<title>${i}</title>`);
      const r = stack.cli('deploy', stack.project);
      assert.equal(r.status, 0, r.stderr);
    }
    assert.deepEqual(counts.failed, []);
    if (i === Math.ceil(RELOADS / 2)) early = memoryOf();
  }
  const late = memoryOf();
  storming = false;
  await Promise.all(clients);
  for (const stop of wrks) {
    const said = await stop();
    assert.doesNotMatch(said, /Socket errors|Non-2xx/, said);
    assert.ok(Number(/(\d+) requests in/.exec(said)?.[1]) > RELOADS, said);
    console.log(`# wrk: ${/\d+ requests in [^,]*/.exec(said)[0]}`);
  }
  assert.deepEqual(counts.failed, []);
  assert.ok(counts.requests > RELOADS, `${counts.requests} requests`);
  const { gateways } = stack.status();
  assert.deepEqual(gateways.map((g) => g.restarts), [0, 0]);
  assert.ok(handshakes > RELOADS / 2, `${handshakes} handshakes`);
  console.log(`# ${counts.requests} requests and ${handshakes} new TLS connections over ${RELOADS} reloads; private memory ${early} → ${late} KiB`);
  if (!sanitized)
    for (const [i, kib] of late.entries())
      assert.ok(kib < early[i] + 4096, `gateway ${i}: ${early[i]} → ${kib} KiB`);
});
