// What we are measured beside, each started on loopback for one run: nginx, a
// hand-written Fastify handler, Fastify with pg, pgbench.

import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { source, until } from '../lib/stack.mjs';

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.on('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function answers(url) {
  await until(() => fetch(url).then(() => true, (e) => e.cause?.code === 'DEPTH_ZERO_SELF_SIGNED_CERT'),
    `${url} answers`);
}

// nginx answering 200 by itself, plain and TLS, with as many workers as cores; at
// lineUrl with an access line like ours and a request id.  With `root`, its files
// at /files/ too.
export async function startNginx({ cert, key, workers, root }) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-nginx-'));
  chmodSync(dir, 0o755);
  const port = await freePort();
  const tlsPort = await freePort();
  const linePort = await freePort();
  const tls = cert ? `server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${cert};
    ssl_certificate_key ${key}; keepalive_requests 100000000;
    location / { default_type application/json; return 200 '{"uid":"0123456789abcdef0123456789abcdef"}'; } }` : '';
  writeFileSync(join(dir, 'nginx.conf'), `
worker_processes ${workers}; daemon off; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen 127.0.0.1:${port};${root ? ` sendfile on; location /files/ { alias ${root}/; }` : ''}
    location / { default_type application/json; return 200 '{"uid":"0123456789abcdef0123456789abcdef"}'; } }
  log_format line escape=json '{"time":"$time_iso8601","event":"access","who":"nginx","requestId":"$request_id",'
    '"method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,"ms":$request_time,'
    '"ip":"$remote_addr","uid":"0123456789abcdef0123456789abcdef"}';
  server { listen 127.0.0.1:${linePort}; access_log ${dir}/access.log line buffer=64k flush=1s;
    location / { default_type application/json; add_header X-Request-Id $request_id;
      return 200 '{"uid":"0123456789abcdef0123456789abcdef"}'; } }
  ${tls} }`);
  const child = spawn('nginx', ['-c', join(dir, 'nginx.conf'), '-p', dir, '-e', join(dir, 'error.log')],
    { stdio: 'ignore' });
  await answers(`http://127.0.0.1:${port}/`);
  return { url: `http://127.0.0.1:${port}`, lineUrl: `http://127.0.0.1:${linePort}`,
    tlsUrl: cert && `https://127.0.0.1:${tlsPort}`, pid: child.pid,
    stop() { child.kill('SIGTERM'); rmSync(dir, { recursive: true, force: true }); } };
}

// One nginx in front of another on a unix socket, which answers 200: what a
// reverse proxy costs.
export async function startNginxUnix() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-nginx-'));
  chmodSync(dir, 0o755);
  const port = await freePort();
  const conf = (name, servers) => {
    writeFileSync(join(dir, `${name}.conf`), `
worker_processes 1; daemon off; pid ${dir}/${name}.pid; error_log ${dir}/${name}.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${dir}/${name}-body;
  proxy_temp_path ${dir}/${name}-proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${servers} }`);
    return spawn('nginx', ['-c', join(dir, `${name}.conf`), '-p', dir, '-e', join(dir, `${name}.log`)], { stdio: 'ignore' });
  };
  const back = conf('back', `server { listen unix:${dir}/back.sock; location / { default_type application/json; return 200 '{"a":1}'; } }`);
  const front = conf('front', `upstream back { server unix:${dir}/back.sock; keepalive 64; }
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; } }`);
  await answers(`http://127.0.0.1:${port}/`);
  return { url: `http://127.0.0.1:${port}`, pids: [front.pid, back.pid],
    stop() { front.kill('SIGTERM'); back.kill('SIGTERM'); rmSync(dir, { recursive: true, force: true }); } };
}

// One nginx in front of another, which answers 200, on loopback.
export async function startNginxProxy() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-nginx-'));
  chmodSync(dir, 0o755);
  const [port, behind] = [await freePort(), await freePort()];
  const run = (name, servers) => {
    writeFileSync(join(dir, `${name}.conf`), `
worker_processes 1; daemon off; pid ${dir}/${name}.pid; error_log ${dir}/${name}.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${dir}/${name}-body;
  proxy_temp_path ${dir}/${name}-proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${servers} }`);
    return spawn('nginx', ['-c', join(dir, `${name}.conf`), '-p', dir, '-e', join(dir, `${name}.log`)], { stdio: 'ignore' });
  };
  const back = run('back', `server { listen 127.0.0.1:${behind}; location / { default_type application/json; return 200 '{"a":1}'; } }`);
  const front = run('front', `upstream back { server 127.0.0.1:${behind}; keepalive 64; }
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }`);
  await answers(`http://127.0.0.1:${port}/`);
  return { url: `http://127.0.0.1:${port}`, back: `http://127.0.0.1:${behind}`, pid: front.pid,
    stop() { front.kill('SIGTERM'); back.kill('SIGTERM'); rmSync(dir, { recursive: true, force: true }); } };
}

// A Fastify program in a process of its own; `body` defines routes on `app`.
async function startFastify(body, env = {}) {
  const port = await freePort();
  const require = createRequire(join(source, 'tests/package.json'));
  const program = `const app = require(${JSON.stringify(require.resolve('fastify'))})();
    ${body}
    app.listen({ port: ${port}, host: '127.0.0.1' });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'inherit', env: { ...process.env, ...env } });
  await answers(`http://127.0.0.1:${port}/`);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop() { child.kill('SIGTERM'); } };
}

export const startFastifyEcho = () => startFastify(
  "app.post('/', async (request) => request.body); app.get('/', async () => ({}));");

export function startFastifyPg(socket, sql) {
  const require = createRequire(join(source, 'tests/package.json'));
  return startFastify(`
    const pool = new (require(${JSON.stringify(require.resolve('pg'))}).Pool)({
      host: ${JSON.stringify(socket)}, user: 'mpcloud', database: 'postgres', max: 10 });
    app.get('/', async () => ({}));
    app.post('/', async () => (await pool.query({ name: 'get', text: ${JSON.stringify(sql)}, values: ['g500'] })).rows[0].doc);`);
}

// The number of the body in one statement: {text, values} with "@N@" for it.
export function startFastifySql(socket, { text, values }) {
  const require = createRequire(join(source, 'tests/package.json'));
  return startFastify(`
    const pool = new (require(${JSON.stringify(require.resolve('pg'))}).Pool)({
      host: ${JSON.stringify(socket)}, user: 'mpcloud', database: 'postgres', max: 10 });
    const values = ${JSON.stringify(values)};
    app.get('/', async () => ({}));
    app.post('/', async (request) => {
      const n = String(request.body.n);
      const r = await pool.query({ name: 'it', text: ${JSON.stringify(text)},
        values: values.map((v) => v && v.replaceAll('@N@', n)) });
      return { rows: r.rows, count: r.rowCount };
    });`);
}

// Transactions a second of one prepared statement, or of several in turn.
export function pgbench(socket, sql, seconds, clients = 16) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-pgbench-'));
  const files = [sql].flat().flatMap((one, i) => {
    writeFileSync(join(dir, `${i}.sql`), `${one};\n`);
    return ['-f', join(dir, `${i}.sql`)];
  });
  chmodSync(dir, 0o755);
  const bin = execFileSync('sh', ['-c', 'ls -d /usr/lib/postgresql/*/bin/pgbench | tail -n 1'], { encoding: 'utf8' }).trim();
  const r = spawnSync(bin, ['-h', socket, '-U', 'mpcloud', '-M', 'prepared', '-n', '-c', String(clients), '-j', '1',
    '-T', String(seconds), ...files, 'postgres'], { encoding: 'utf8' });
  rmSync(dir, { recursive: true, force: true });
  const tps = Number(r.stdout.match(/tps = ([\d.]+)/)?.[1] ?? NaN);
  if (Number.isNaN(tps)) throw new Error(`pgbench: ${r.stderr}`);
  return tps;
}
