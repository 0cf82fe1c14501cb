// Stored files: downloads by a signed link beside nginx's static files, uploads
// beside nginx's WebDAV PUT, which acknowledges what no disk has yet, and beside a
// node program that does not (durable.mjs).

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, source, startStack, until } from '../lib/stack.mjs';
import { compare, median, round, say, SECS, TURNS, wanted } from './measure.mjs';
import { freePort, startNginx } from './references.mjs';

const SIZES = { 'download': ['ten.bin', 10240], 'download-1m': ['large.bin', 1 << 20] };

async function startDav() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-dav-')), port = await freePort();
  chmodSync(dir, 0o777);
  writeFileSync(join(dir, 'nginx.conf'), `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/log; events {}
    http { access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
    keepalive_requests 100000000; client_max_body_size 0;
    server { listen 127.0.0.1:${port}; root ${dir}/root; dav_methods PUT; create_full_put_path on; } }`);
  const child = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir, '-e', join(dir, 'log')], { stdio: 'ignore' });
  await until(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 'nginx answers');
  return { url: `http://127.0.0.1:${port}`, stop() { child.kill(); rmSync(dir, { recursive: true, force: true }); } };
}

async function startDurable() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-durable-')), port = await freePort();
  const child = spawn('node', [join(source, 'tests/bench/durable.mjs'), dir, String(port)],
    { stdio: 'ignore', env: { ...process.env, UV_THREADPOOL_SIZE: '12' } });
  await until(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 'the node program answers');
  return { url: `http://127.0.0.1:${port}`, stop() { child.kill(); rmSync(dir, { recursive: true, force: true }); } };
}

// Uploads of new files over 16 connections for so long: how many a second.
async function uploads({ url, prefix, token }, bytes) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 }), end = Date.now() + SECS * 1000, times = [];
  let count = 0;
  const put = (path) => new Promise((done, fail) => {
    const began = performance.now();
    const r = request(`${url}${prefix}${path}`, { method: 'PUT', agent, headers: { 'content-length': bytes.length,
      ...(token && { authorization: `Bearer ${token}` }) } }, (answer) => {
      answer.resume();
      answer.on('end', () => { times.push(performance.now() - began); return answer.statusCode < 300 ? done() : fail(new Error(`PUT: ${answer.statusCode}`)); });
    });
    r.on('error', fail);
    r.end(bytes);
  });
  const one = async (n) => {
    for (let i = 0; Date.now() < end; i++, count++) await put(`${process.pid}-${end}-${n}-${i}.bin`);
  };
  await Promise.all(Array.from({ length: 16 }, (_, n) => one(n)));
  agent.destroy();
  return { rate: count / SECS, p50: median(times) };
}

export async function files() {
  if (!wanted('download', 'download-1m', 'upload')) return;
  const dir = mkdtempSync(join(tmpdir(), 'mpc-files-')), stops = [() => rmSync(dir, { recursive: true, force: true })];
  chmodSync(dir, 0o755);
  try {
    const stack = await startStack({ project: join(source, 'tests/bench/project'), gateways: 1, set: { 'storage.link_life': '1d' } });
    stops.push(() => stack.stop());
    const nginx = await startNginx({ workers: 1, root: dir });
    stops.push(() => nginx.stop());
    for (const [name, [file, size]] of Object.entries(SIZES)) {
      writeFileSync(join(dir, file), Buffer.alloc(size, 'abcdefghij'));
      stack.cli('files', 'put', join(dir, file), file);
      const link = new URL(stack.cli('files', 'link', file).stdout.trim());
      await compare({ name, ours: { url: stack.url, path: link.pathname + link.search, pids: [stack.pid] },
        reference: { name: 'nginx, the same file', url: nginx.url, path: `/files/${file}`, pids: [nginx.pid] }, by: 'rate' });
    }
    if (!wanted('upload')) return;
    const dav = await startDav(), durable = await startDurable(), token = stack.token('o-bench');
    stops.push(() => dav.stop(), () => durable.stop());
    for (const [name, size] of [['upload', 65536], ['upload-1m', 1 << 20]]) {
      const bytes = Buffer.alloc(size, 'x'), a = [], b = [], c = [];
      for (let i = 0; i < TURNS; i++) {
        a.push(await uploads({ url: stack.url, prefix: '/v1/files/bench/', token }, bytes));
        b.push(await uploads({ url: dav.url, prefix: '/bench/' }, bytes));
        c.push(await uploads({ url: durable.url, prefix: '/' }, bytes));
      }
      const of = (list) => ({ rate: round(median(list.map((x) => x.rate)), 1), p50: round(median(list.map((x) => x.p50)), 1) });
      for (const [reference, list] of [['nginx, WebDAV PUT without fsync', b], ['node, with fsync, without rows and sums', c]])
        say({ scenario: name, unit: 'ms', ours: of(a), reference: { name: reference, ...of(list) }, ratio: round(of(a).rate / of(list).rate), of: 'rate' });
    }
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
