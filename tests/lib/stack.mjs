// A whole development stack for end-to-end tests: the real daemon, a real
// private PostgreSQL, the WeChat sandbox, a project's functions deployed.
// Everything lives in a temporary folder and ends with the test.

import assert from 'node:assert/strict';
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync,
  symlinkSync, writeFileSync, chmodSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layDownCluster } from './cluster.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const source = process.env.MPCLOUD_SOURCE ?? join(here, '../..');
export const build = process.env.MPCLOUD_BUILD ?? join(source, 'build-check');
// The build's own word; its programs report leaks and errors when they end.
export const sanitized = process.env.MPCLOUD_SANITIZED === 'yes';
const env = { ...process.env, MPCLOUD_DATA: source };
delete env.MPCLOUD_CONFIG;
// npm and make set these; the programs under test must not see them.
delete env.NODE_OPTIONS;
delete env.NODE_TEST_CONTEXT;

// Asks until `look` gives something true; the only way tests wait.
export async function until(look, what, tries = 6000) {
  for (let i = 0; i < tries; i++) {
    const got = await look();
    if (got) return got;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`never happened: ${what}`);
}

// Why a test that needs npm packages of this folder cannot run, or false: a
// release's tarball holds their names and hashes only.
export const lacksPackages = (folder) =>
  !existsSync(join(source, folder, 'node_modules')) && `npm ci in ${folder} comes first`;

// The project in a folder of its own.  Functions that require wx-server-sdk get
// the one of tests/clients, or are left out without it; C functions are
// compiled.
function layOutProject(project, { owner, functions, ownCluster }) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-'));
  const to = join(dir, 'project');
  cpSync(project, to, {
    recursive: true,
    filter: (from) => !/\/(\.mpcloud|node_modules)(\/|$)/.test(from),
  });
  execFileSync('chmod', ['-R', 'u+w', dir]);
  if (!ownCluster) chmodSync(to, 0o755);
  const root = join(to, 'cloudfunctions');
  const left = readdirSync(root).filter((name) => (functions && !functions.includes(name)) || !prepare(join(root, name)));
  for (const name of left) leaveOut(to, name);
  if (owner) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, dir]);
  chmodSync(dir, 0o755);
  return { dir, project: to };
}

// The folder of tests/clients that has this package in this version, or null.
// Any other wx-server-sdk is taken for one of the two that functions pin most.
function clientOf([name, version]) {
  const exact = `tests/clients/${name.replace('@', '').replace('/', '-')}-${version.replace(/^[~^]/, '')}`;
  if (existsSync(join(source, exact))) return exact;
  if (name !== 'wx-server-sdk') return null;
  return `tests/clients/wx-server-sdk-${/4\.0/.test(version) ? '4.0.2' : '2.6.3'}`;
}

// False: this one cannot be prepared.
function prepare(folder) {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) {
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
    for (const client of Object.entries(dependencies).map(clientOf).filter(Boolean)) {
      if (lacksPackages(client)) return false;
      mkdirSync(join(folder, 'node_modules'), { recursive: true });
      execFileSync('cp', ['-a', `${join(source, client, 'node_modules')}/.`, join(folder, 'node_modules')]);
    }
  }
  if (existsSync(join(folder, 'Makefile')))
    execFileSync('make', ['-s', '-C', folder, `MPCLOUD_INCLUDE=-I${join(source, 'include')}`], { stdio: 'inherit' });
  else if (existsSync(join(folder, 'index.c'))) compile(folder);
  return true;
}

function leaveOut(project, name) {
  const file = join(project, 'cloudbaserc.json');
  const rc = JSON.parse(readFileSync(file, 'utf8'));
  rc.functions = rc.functions.filter((f) => f.name !== name);
  writeFileSync(file, JSON.stringify(rc));
  rmSync(join(project, 'cloudfunctions', name), { recursive: true });
}

export function compile(folder) {
  execFileSync('cc', ['-O2', '-shared', '-fPIC', `-I${join(source, 'include')}`,
    '-o', join(folder, 'index.so'), join(folder, 'index.c')], { stdio: 'inherit' });
}

// options: project, functions (names: the others are left out; all when it is not
// given.  An SDK is six thousand files), gateways, tls (bool), set
// ({'limits.ip_rate': 0}), owner ({uid, gid}: run as this user), watch (bool:
// functions are deployed when their files change; what it says is in `said`),
// inspect ('NAME:PORT'), ownCluster (bool: `mpcloud dev` makes its database itself,
// as it does for everybody, where it finds that it can; otherwise one is copied).
export async function startStack(options = {}) {
  const laid = layOutProject(options.project ?? join(source, 'examples/shop'), options);
  const stack = new Stack(laid, options);
  try {
    if (!options.ownCluster && !options.set?.['database.url'])
      layDownCluster(join(laid.project, '.mpcloud'), options.owner ?? serverUser());
    await stack.start();
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

class Stack {
  constructor(laid, options) {
    Object.assign(this, laid);
    this.options = options;
    this.output = '';
  }

  args() {
    const set = { 'limits.ip_rate': 0, 'limits.user_rate': 0, ...this.options.set };
    const args = ['dev', this.project, '--json', '--port', '0', '--set',
      Object.entries(set).map(([k, v]) => `${k}=${v}`).join(';')];
    if (this.options.gateways) args.push('--gateways', String(this.options.gateways));
    if (this.options.tls) args.push('--tls-port', '0');
    if (this.options.watch) args.push('--watch');
    if (this.options.inspect) args.push('--inspect', this.options.inspect);
    return args;
  }

  // As another user, without any of root's rights.
  as(command, args) {
    const o = this.options.owner;
    return o ? ['setpriv', [`--reuid=${o.uid}`, `--regid=${o.gid}`, '--clear-groups',
      '--inh-caps=-all', '--bounding-set=-all', command, ...args]] : [command, args];
  }

  async start() {
    const [command, args] = this.as(join(build, 'mpcloud'), this.args());
    this.env = { ...env, HOME: this.dir, ...this.options.env };
    this.child = spawn(command, args, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (d) => { this.output += d; });
    let line = '';
    this.said = [];
    this.child.stdout.on('data', (d) => {
      line += d;
      this.said = line.split('\n').slice(1, -1).map((l) => JSON.parse(l));
    });
    this.ended = new Promise((done) => this.child.on('exit', (code) => done(code ?? 'signal')));
    await until(() => line.includes('\n') || this.child.exitCode !== null ||
      this.child.signalCode !== null, 'mpcloud dev says it is ready', 12000);
    if (!line.includes('\n')) throw new Error(`mpcloud dev ended: ${this.output}\n${this.logs()}`);
    Object.assign(this, JSON.parse(line.slice(0, line.indexOf('\n'))));
    if (this.ca) this.caPem = readFileSync(this.ca, 'utf8');
  }

  logs(top = 4000) {
    const read = (name) => {
      const path = join(this.home ?? join(this.project, '.mpcloud'), name);
      return existsSync(path) ? `--- ${name}\n${readFileSync(path, 'utf8').slice(-top)}` : '';
    };
    return ['mpcloudd.log', 'sandbox.log', 'pg.log', 'initdb.log'].map(read).join('\n');
  }

  daemonLog() {
    return readFileSync(join(this.home, 'mpcloudd.log'), 'utf8');
  }

  // Runs the command line; {status, stdout, stderr}.
  cli(...words) {
    return this.cliWith({}, ...words);
  }

  cliWith(extra, ...words) {
    const [command, args] = this.as(join(build, 'mpcloud'), ['--config', this.config, ...words]);
    return spawnSync(command, args, { encoding: 'utf8', env: this.env, ...extra });
  }

  cliJson(...words) {
    const r = this.cli(...words, '--json');
    if (r.status !== 0) throw new Error(`mpcloud ${words.join(' ')}: ${r.stderr}${r.stdout}`);
    return JSON.parse(r.stdout);
  }

  status() {
    return this.cliJson('status');
  }

  // An access token of a user of this openid.
  token(openid) {
    return this.cliJson('token', 'issue', openid).accessToken;
  }

  // Logs in as a mini program does, with a code of the sandbox: a user whom
  // WeChat Pay knows too.  The login's answer.
  async login() {
    const post = async (url, body) => (await fetch(url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
    const { code } = await post(`${this.sandbox}/sandbox/code`, {});
    return post(`${this.url}/v1/login`, { code });
  }

  async stop() {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      this.exitStatus = await this.ended;
    }
    const reports = this.home && sanitized ? this.logs(1e7).split('\n').filter((l) =>
      /ERROR: (Address|Leak|Undefined\w*)Sanitizer|runtime error:/.test(l)) : [];
    const logs = reports.length ? this.logs(20000) : '';
    if (this.run) rmSync(this.run, { recursive: true, force: true });
    if (this.home && !this.home.startsWith(this.dir)) rmSync(this.home, { recursive: true, force: true });
    rmSync(this.dir, { recursive: true, force: true });
    if (reports.length) throw new Error(`a sanitizer found something:\n${logs}`);
  }
}

// POST a function call; {status, body, headers}.
export async function callFunction(stack, name, event, token, extra = {}) {
  const answer = await fetch(`${stack.url}/v1/functions/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...extra },
    body: typeof event === 'string' ? event : JSON.stringify(event ?? {}),
  });
  const text = await answer.text();
  let body = text;
  try { body = JSON.parse(text); } catch { /* the text says it */ }
  return { status: answer.status, body, headers: answer.headers };
}

// An ordinary user for runs without root, or null when we are not root.
export function ordinaryUser() {
  if (process.getuid() !== 0) return null;
  const id = (flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

// Whom `mpcloud dev` of root makes the owner of its database (cli/dev_home.c).
function serverUser() {
  if (process.getuid() !== 0) return undefined;
  const [, uid, gid] = /^(?:mpcloud|postgres|nobody):[^:]*:(\d+):(\d+)/m.exec(
    execFileSync('sh', ['-c', 'getent passwd mpcloud; getent passwd postgres; getent passwd nobody'], { encoding: 'utf8' }));
  return { uid: Number(uid), gid: Number(gid) };
}

// {pid, args} of all below this process, as /proc has them: a `ps` for each question
// would keep us, and what we serve, waiting for a processor.
export function descendants(root) {
  const all = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      all.push({ pid: Number(name), ppid, args });
    } catch { /* it has ended */ }
  }
  const found = [];
  const walk = (pid) => all.filter((p) => p.ppid === pid).forEach((p) => { found.push(p); walk(p.pid); });
  walk(root);
  return found;
}

// "VmRSS" or "VmHWM" of the gateway, in MiB; a sanitizer's is another matter.
export function memory(stack, what) {
  const text = readFileSync(`/proc/${stack.status().gateways[0].pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(text)[1]) >> 10;
}

// Nobody died: gateways and function hosts are those of the beginning.
export function assertNobodyDied(stack) {
  const { gateways, functions } = stack.status();
  for (const one of [...gateways, ...functions])
    assert.deepEqual([one.state, one.restarts], ['ready', 0], `${one.name ?? 'gateway'}: ${one.error}`);
}

export { existsSync, mkdirSync, symlinkSync, writeFileSync, chownSync, join };
