// Headless Chromium, driven over its own pipe (--remote-debugging-pipe): no port
// that somebody else could find.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env.CHROMIUM ?? 'chromium';

// Why there is none, or false.
export const lacksChromium = () => spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' }).status !== 0 &&
  'chromium is not installed (apt-get install chromium)';

export class Chromium {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'mpcloud-chromium-'));
    this.child = spawn(PROGRAM, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--no-first-run', '--disable-background-networking', '--disable-extensions', '--no-proxy-server',
      `--user-data-dir=${this.folder}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: { ...process.env, HOME: this.folder } });
    this.output = '';
    this.count = 0;
    this.waiting = new Map();
    this.child.stderr.on('data', (d) => { this.output = (this.output + d).slice(-4000); });
    let text = '';
    this.child.stdio[4].setEncoding('utf8').on('data', (d) => {
      const parts = (text + d).split('\0');
      text = parts.pop();
      for (const part of parts) this.hear(JSON.parse(part));
    });
    this.child.stdio[3].on('error', () => {});
    this.ended = new Promise((done) => this.child.on('exit', done));
    this.ended.then(() => this.waiting.forEach(({ reject }) => reject(new Error(`chromium ended: ${this.output}`))));
  }

  hear({ id, result, error }) {
    const waits = this.waiting.get(id);
    if (!waits) return; // an event
    this.waiting.delete(id);
    if (error) waits.reject(new Error(error.message));
    else waits.resolve(result);
  }

  ask(method, params = {}, sessionId = undefined) {
    this.count += 1;
    this.child.stdio[3].write(`${JSON.stringify({ id: this.count, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.waiting.set(this.count, { resolve, reject }));
  }

  // A page: evaluate(expression) resolves to its value, which may be a promise's.
  async open(url) {
    const { targetId } = await this.ask('Target.createTarget', { url });
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
    const evaluate = async (expression) => {
      const { result, exceptionDetails } = await this.ask('Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true }, sessionId);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    return { evaluate };
  }

  async close() {
    if (this.child.exitCode === null) this.ask('Browser.close').catch(() => {});
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
