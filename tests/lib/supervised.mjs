// A copy of mpcloudd beside fake children (tests/lib/fake-*.c): the supervisor
// looks for its programs beside itself, so a folder with copies is a stage.

import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync,
  writeFileSync, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const source = process.env.MPCLOUD_SOURCE ?? join(here, '../..');
export const build = process.env.MPCLOUD_BUILD ?? join(here, '../..');
export const asRoot = process.getuid() === 0;
export const serverUser = 'nobody';

// Asks until `look` gives something true; the only way these tests wait.
export async function until(look, what) {
  const end = Date.now() + 30000;
  for (;;) {
    const got = await look();
    if (got) return got;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

function collect(stream, lines, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const line of parts) {
      lines.push(line);
      onLine?.(line);
    }
  });
}

export class Stage {
  constructor(t) {
    this.dir = mkdtempSync(join(tmpdir(), 'mpcs-'));
    chmodSync(this.dir, 0o755);
    this.bin = join(this.dir, 'bin');
    this.state = join(this.dir, 'state');
    this.run = join(this.dir, 'run');
    this.conf = join(this.dir, 'mpcloud.conf');
    this.clock = join(this.dir, 'clock');
    this.lines = [];
    this.told = []; // what systemd was told
    mkdirSync(this.bin);
    for (const [from, to] of [['mpcloudd', 'mpcloudd'],
      ['tests/lib/fake-gateway', 'mpcloud-gateway'],
      ['tests/lib/fake-host', 'mpcloud-host']])
      copyFileSync(join(build, from), join(this.bin, to));
    this.setClock(0);
    t.after(() => this.end());
  }

  // Nanoseconds that every process of the stage adds to its clocks.
  setClock(ms) {
    const b = Buffer.alloc(8);
    b.writeBigInt64LE(BigInt(ms) * 1000000n);
    writeFileSync(this.clock, b, { flag: existsSync(this.clock) ? 'r+' : 'w' });
  }

  configure({ server = {}, functions = {}, notes = [], raw = '' } = {}) {
    const all = {
      server: { listen: '127.0.0.1:0', gateways: 2, user: serverUser,
        state_dir: this.state, run_dir: this.run, drain: '5s', ...server },
      functions,
    };
    let text = notes.map((note) => `# ${note}\n`).join('');
    for (const [section, settings] of Object.entries(all)) {
      text += `[${section}]\n`;
      for (const [name, value] of Object.entries(settings)) text += `${name} = ${value}\n`;
    }
    writeFileSync(this.conf, text + raw);
  }

  // A version's files, as `mpcloud deploy` would lay them down.
  layDown(name, version, entry = {}) {
    const dir = join(this.state, 'functions', name, `v${version}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'index.js'), 'exports.main = async () => 1\n');
    writeFileSync(join(dir, '..', `v${version}.json`), JSON.stringify({ name, ...entry }));
  }

  // A credentials folder as systemd makes it.
  secrets(files) {
    const dir = join(this.dir, 'credentials');
    mkdirSync(dir, { mode: 0o700 });
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(dir, name), text, { mode: 0o400 });
    return dir;
  }

  async notifySocket() {
    const path = join(this.dir, 'notify');
    this.notify = spawn(join(build, 'tests/lib/notify'), [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    collect(this.notify.stdout, this.told);
    await until(() => this.told.includes('listening'), 'the notify socket');
    this.told.length = 0;
    return path;
  }

  // `sockets`: addresses that are passed as systemd passes them.
  // `wrap`: a program and its arguments that executes the daemon.
  start({ env = {}, sockets, wrap = [] } = {}) {
    const daemon = [...wrap, join(this.bin, 'mpcloudd'), '--config', this.conf];
    const argv = sockets
      ? [join(build, 'tests/lib/listenfds'), ...sockets, '--', ...daemon] : daemon;
    const child = spawn(argv[0], argv.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, MPCLOUD_CLOCK_FILE: this.clock,
        ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '', ...env },
    });
    this.child = child;
    collect(child.stderr, this.lines);
    this.exited = new Promise((done) => child.on('close', (code, signal) => {
      this.over = { code, signal };
      done(this.over);
    }));
  }

  async startReady(options) {
    this.start(options);
    await this.ready();
  }

  ready() {
    return until(() => {
      if (this.over) throw new Error(`the daemon ended:\n${this.lines.join('\n')}`);
      return this.events('process.start').some((e) => e.what === 'ready');
    }, 'ready').catch((e) => {
      throw new Error(`${e.message}\n${this.lines.join('\n')}`);
    });
  }

  events(name) {
    return this.lines.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l))
      .filter((e) => e.event === name);
  }

  // The fakes' own lines.
  said(words) {
    return this.lines.filter((l) => l.startsWith('fake-') && l.includes(words));
  }

  async waitSaid(words, count = 1) {
    await until(() => this.said(words).length >= count, `${count}x "${words}"`)
      .catch((e) => { throw new Error(`${e.message}\n${this.lines.join('\n')}`); });
  }

  // One raw line to the admin socket, one back.
  async admin(line) {
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    return new Promise((done, failed) => {
      const socket = connect(join(this.run, 'admin.sock'));
      let got = '';
      socket.setEncoding('utf8');
      socket.on('error', failed);
      socket.on('data', (part) => {
        got += part;
        if (!got.includes('\n')) return;
        socket.destroy();
        done(JSON.parse(got));
      });
      socket.on('close', () => failed(new Error(`no answer: ${got}`)));
      socket.write(`${text}\n`);
    });
  }

  status() {
    return this.admin({ cmd: 'status' });
  }

  async port() {
    const { listeners } = await this.status();
    return Number(listeners.find((l) => l.kind === 'tcp').address.split(':').pop());
  }

  // Which gateway answers at the plain address: {index, pid}.
  async call(port) {
    return new Promise((done, failed) => {
      const socket = connect(port, '127.0.0.1');
      let got = '';
      socket.setEncoding('utf8');
      socket.on('error', failed);
      socket.on('data', (part) => { got += part; });
      socket.on('close', () => {
        const m = /gateway (\d+) pid (\d+)/.exec(got);
        if (m) done({ index: Number(m[1]), pid: Number(m[2]) });
        else failed(new Error(`no answer: ${got}`));
      });
    });
  }

  signal(name) {
    this.child.kill(name);
  }

  async stop() {
    this.signal('SIGTERM');
    return this.exited;
  }

  async end() {
    if (this.child && !this.over) {
      this.signal('SIGTERM');
      this.signal('SIGTERM'); // do not wait
      const late = setTimeout(() => this.signal('SIGKILL'), 10000);
      await this.exited;
      clearTimeout(late);
    }
    this.notify?.stdin.end();
    rmSync(this.dir, { recursive: true, force: true });
    const wrong = this.lines.filter((l) => /Sanitizer|runtime error:/.test(l));
    if (wrong.length) throw new Error(this.lines.join('\n'));
  }
}

export function isAlive(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export function processStatus(pid, key) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(text)[1];
}
