// Routes and certificates change again and again while clients ask without a
// pause, over plain and TLS connections: no request fails, each is answered by
// one table or the next, and memory stays where it was.
//
// SOAK_RELOADS=1000 is the long form.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import tls from 'node:tls';
import { join, sanitized, source, startStack } from '../lib/stack.mjs';

const RELOADS = Number(process.env.SOAK_RELOADS ?? 100);
const CLIENTS = 8; // of each kind

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
  return { key: readFileSync(key), cert: readFileSync(cert), name };
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

function ask(lib, url, agent, path) {
  return new Promise((done, failed) => {
    const request = lib.get(new URL(path, url), { agent }, (answer) => {
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

const shownName = () => new Promise((done, failed) => {
  const { hostname, port } = new URL(stack.tlsUrl);
  const socket = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
    done(socket.getPeerCertificate().subject.CN);
    socket.destroy();
  });
  socket.on('error', failed);
});

const memoryOf = () => stack.status().gateways.map(({ pid }) =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]));

test(`${RELOADS} reloads under load: no request fails, memory is flat`, async () => {
  const certificates = [makeCertificate('first'), makeCertificate('second')];
  const clients = Array.from({ length: CLIENTS }, () => [client(http, stack.url), client(https, stack.tlsUrl)]).flat();
  let early;
  for (let i = 1; i <= RELOADS; i++) {
    putCertificate(certificates[i % 2]);
    if (i % 10 === 0) { // a bad one changes nothing
      writeFileSync(join(outside, 'operator.json'), '{"routes": [{"path": "/x"}]}');
      const bad = await admin({ cmd: 'reload' });
      assert.equal(bad.ok, false);
      assert.match(bad.error, /routes\[0\]: to: is missing/);
    }
    writeRoutes(i);
    newest = i;
    const answer = await admin({ cmd: 'reload' });
    assert.equal(answer.ok, true, answer.error);
    oldest = i; // from here on nobody is answered by an older one
    if (i % 25 === 0) { // the project's, too
      writeFileSync(join(stack.project, 'site', 'index.html'), `<title>${i}</title>`);
      const r = stack.cli('deploy', stack.project);
      assert.equal(r.status, 0, r.stderr);
    }
    assert.deepEqual(counts.failed, []);
    if (i === Math.ceil(RELOADS / 2)) early = memoryOf();
  }
  const late = memoryOf();
  assert.equal(await shownName(), certificates[RELOADS % 2].name);
  storming = false;
  await Promise.all(clients);
  assert.deepEqual(counts.failed, []);
  assert.ok(counts.requests > RELOADS, `${counts.requests} requests`);
  const { gateways } = stack.status();
  assert.deepEqual(gateways.map((g) => g.restarts), [0, 0]);
  console.log(`# ${counts.requests} requests over ${RELOADS} reloads; private memory ${early} → ${late} KiB`);
  if (!sanitized)
    for (const [i, kib] of late.entries())
      assert.ok(kib < early[i] + 4096, `gateway ${i}: ${early[i]} → ${kib} KiB`);
});
