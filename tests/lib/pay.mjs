// What tests of payments share: a clock they own, the database, the sandbox's
// controls, and orders as a mini program's function places them.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { createRequire } from 'node:module';
import { callFunction, join, source, startStack, until } from './stack.mjs';

const pg = createRequire(join(source, 'tests/package.json'))('pg');

// A clock for all programs under test; it goes on by itself, and is moved.
export class Clock {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'mpc-clock-'));
    chmodSync(this.folder, 0o755);
    this.file = join(this.folder, 'clock');
    this.offset = 0;
    writeFileSync(this.file, Buffer.alloc(8), { mode: 0o644 });
  }

  // Seconds.
  move(seconds) {
    this.offset += seconds;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(this.offset * 1000)) * 1000000n);
    // In place: the daemons have it mapped.
    writeFileSync(this.file, bytes, { flag: 'r+' });
  }

  now() { return Date.now() + this.offset * 1000; }

  end() { rmSync(this.folder, { recursive: true, force: true }); }
}

export const project = join(source, 'tests/e2e/pay');

// A stack whose sandbox calls it back.
export async function startPay({ clock, set, ...options }) {
  const stack = await startStack({ project, ...options,
    env: { ...options.env, ...(clock && { MPCLOUD_CLOCK_FILE: clock.file }) },
    set: { 'functions.queue_poll': '200ms', ...set } });
  await control(stack, 'settings', { notify_to: stack.url });
  return stack;
}

// A control request to the sandbox; its answer.
export async function control(stack, path, body) {
  const answer = await fetch(`${stack.sandbox}/sandbox/${path}`, body === undefined ? {} : {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`/sandbox/${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

// The database of a stack (or another of its server), on connections of our own;
// forgets those that broke.
export class Db {
  constructor(stack, database) {
    const url = /^url = (.*)$/m.exec(readFileSync(stack.config, 'utf8'))[1];
    const part = (name) => new RegExp(`${name}=(\\S+)`).exec(url)?.[1];
    this.url = url;
    this.pool = new pg.Pool({ max: 4, host: part('host'), port: part('port') && Number(part('port')),
      database: database ?? part('dbname'), user: part('user') });
    this.pool.on('error', () => { /* it was killed */ });
  }

  async rows(sql, ...values) { return (await this.pool.query(sql, values)).rows; }

  async value(sql, ...values) { return Object.values((await this.rows(sql, ...values))[0] ?? {})[0]; }

  order(no) { return this.rows('select * from mpcloud.orders where out_trade_no = $1', no).then(([o]) => o); }

  // Documents of a collection of the project's.
  async docs(collection, where = 'true') {
    return (await this.rows(`select _id, doc::text from env_project.${collection} where ${where}`))
      .map((r) => ({ ...JSON.parse(r.doc), _id: r._id }));
  }

  end() { return this.pool.end(); }
}

// What function `order` does: {data} or {code, message}.
export async function pay(stack, token, what, arg) {
  const { status, body } = await callFunction(stack, 'order', { do: what,
    ...(what === 'order' ? { order: arg } : { outTradeNo: arg }) }, token);
  if (status !== 200) throw new Error(`function order: ${status} ${JSON.stringify(body)}`);
  return body;
}

export const untilState = (db, no, state) => until(async () => {
  const o = await db.order(no);
  return o?.state === state && o;
}, `order ${no} becomes ${state}`);

// {name: {label: value}} of the gateways' metrics, summed.
export async function metrics(stack) {
  const text = await new Promise((done, fail) => {
    const r = request({ socketPath: join(stack.run, 'run', 'ops.sock'), path: '/ops/metrics' }, (answer) => {
      let got = '';
      answer.on('data', (d) => { got += d; });
      answer.on('end', () => done(got));
    });
    r.on('error', fail);
    r.end();
  });
  const found = {};
  for (const [, name, value, n] of text.matchAll(/^mpcloud_pay_(\w+)\{gateway="\d+",\w+="(\w+)"\} (\d+)$/mg)) {
    found[name] ??= {};
    found[name][value] = (found[name][value] ?? 0) + Number(n);
  }
  return found;
}
