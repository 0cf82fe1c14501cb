// The database floor behind a pipe (tests/lib/rule-driver.c): a request, its
// answer, in order.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

// Dates as the stored form has them.
const wire = (v) => {
  if (v instanceof Date) return { $date: v.getTime() };
  if (Array.isArray(v)) return v.map(wire);
  return v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, wire(x)])) : v;
};

export class Driver {
  constructor(build) {
    this.child = spawn(join(build, 'tests/lib/rule-driver'), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.waiting = [];
    this.errors = '';
    this.child.stderr.on('data', (d) => { this.errors += d; });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift().done(JSON.parse(line)));
    this.ended = new Promise((done) => this.child.on('exit', (code) => {
      for (const w of this.waiting.splice(0)) w.fail(new Error(`rule-driver ended: ${this.errors.slice(-2000)}`));
      done(code);
    }));
  }

  ask(request) {
    this.child.stdin.write(`${JSON.stringify(wire(request))}\n`);
    return new Promise((done, fail) => this.waiting.push({ done, fail }));
  }

  // Its exit status.
  async end() {
    this.child.stdin.end();
    return this.ended;
  }

  permit(name, permission, more = {}) {
    return this.must({ do: 'permit', name, permission, ...more });
  }

  fill(name, documents) {
    return this.must({ do: 'fill', name, documents });
  }

  run(verb, name, scope, more = {}) {
    return this.ask({ do: 'run', verb, name, scope: scope ?? undefined, ...more });
  }

  async must(request) {
    const answer = await this.ask(request);
    if (answer.err) throw new Error(`${JSON.stringify(request)}: ${answer.err} ${answer.text}`);
    return answer;
  }
}
