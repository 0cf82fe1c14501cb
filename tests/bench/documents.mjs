// Documents through the gateway, as a logged-in user asks for them: by id, a
// page of an indexed range, insert, update by id, count by index, group over
// all.  Beside each the very statement that the gateway sends, by pgbench
// (-M prepared, 16 clients) and by a hand-written Fastify handler with pg; and
// the indexed ones again with a thousand times the documents.
//   BENCH_DOCS (100000), BENCH_GROWTH (1000,1000000; empty: none), BENCH_SQL (1: print
//   the statements)

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds, median, round, say, SECS as secs, TURNS as turns, wanted, wrk } from './measure.mjs';
import { pgbench, startFastifySql } from './references.mjs';

const DOCS = Number(process.env.BENCH_DOCS ?? 100000);
const GROWTH = (process.env.BENCH_GROWTH ?? '1000,1000000').split(',').filter(Boolean).map(Number);
const FIRST = 10000000; // ids are g10000000 …: numbers of one length
const ENV = 'project';
const OPENID = 'oBenchUser0123456789abcdef';

// What is asked: the action's body, the range of the number in it, what the
// ratio must be.  `marks`: how the number is found again in the statement.
const scenarios = (docs) => [
  { name: 'get', low: FIRST, high: FIRST + docs - 1, pgbench: 0.6, grows: true,
    body: { action: 'database.getDocument', queryType: 'DOC', query: '{"_id":"g@N@"}' } },
  { name: 'range', low: 10000, high: 10900, pgbench: 0.6, grows: true,
    body: { action: 'database.getDocument', queryType: 'WHERE', query: '{"price":{"$gte":@N@}}', order: '{"price":1}', limit: 20 } },
  { name: 'insert', low: 1e12, high: 9e15, pgbench: 1.0, fastify: 2.0, clients: 64,
    body: { action: 'database.insertDocument', data: ['{"_id":"i@N@","price":10500,"status":"new","name":"goods"}'] } },
  { name: 'update', low: FIRST, high: FIRST + docs - 1, pgbench: 0.6, grows: true,
    body: { action: 'database.modifyDocument', queryType: 'DOC', query: '{"_id":"g@N@"}', merge: true, multi: false, upsert: false, data: '{"$inc":{"sold":1}}' } },
  { name: 'count', low: 10000, high: 10999, pgbench: 0.6,
    body: { action: 'database.calculateDocument', queryType: 'WHERE', query: '{"price":@N@}' } },
  { name: 'group', low: 10000, high: 10999, pgbench: 0.6, connections: 4,
    body: { action: 'database.aggregateDocuments', stages: [
      { stageKey: '$match', stageValue: '{"price":{"$ne":@N@}}' },
      { stageKey: '$group', stageValue: '{"_id":"$status","n":{"$sum":1},"mean":{"$avg":"$price"}}' }] } },
];

const psql = (socket, sql) => execFileSync('psql', ['-h', socket, '-U', 'mpcloud', '-d', 'postgres',
  '-v', 'ON_ERROR_STOP=1', '-qAtc', sql], { encoding: 'utf8' });

function cli(stack, ...words) {
  const r = stack.cli(...words);
  if (r.status !== 0) throw new Error(`mpcloud ${words.join(' ')}: ${r.stderr}`);
}

function seed(stack, socket, collection, docs) {
  cli(stack, 'db', 'create', collection, '--permission', 'READONLY');
  psql(socket, `INSERT INTO env_${ENV}.${collection} SELECT 'g' || (${FIRST} + i), jsonb_build_object(
      '_openid', '${OPENID}', 'price', 10000 + i % 1000, 'status', 's' || i % 7, 'name', 'goods number ' || i,
      'sold', 0, 'at', jsonb_build_object('$date', 1700000000000 + i))
    FROM generate_series(0, ${docs - 1}) i`);
  cli(stack, 'db', 'index', 'create', collection, '{"price":1}');
  cli(stack, 'db', 'index', 'create', collection, '{"status":1,"at":-1}');
  psql(socket, `VACUUM ANALYZE env_${ENV}.${collection}`);
}

// The statement that one such request becomes, out of PostgreSQL's own log:
// its text, and its values with the number in them.
async function capture(stack, socket, ask, number) {
  const log = join(stack.home, 'pg.log');
  psql(socket, 'ALTER SYSTEM SET log_min_duration_statement = 0');
  psql(socket, 'SELECT pg_reload_conf()');
  const before = readFileSync(log, 'utf8').length;
  for (let i = 0; i < 200; i++) {
    await ask(number + i);
    const lines = readFileSync(log, 'utf8').slice(before).split('\n');
    const at = lines.findLastIndex((l) => l.includes('DETAIL:  parameters:') && l.includes(String(number + i)));
    if (at < 0) continue;
    psql(socket, 'ALTER SYSTEM RESET log_min_duration_statement');
    psql(socket, 'SELECT pg_reload_conf()');
    const text = lines.slice(0, at).findLast((l) => /execute [^:]*: /.test(l)).replace(/^.*? execute [^:]*: /, '');
    const values = [...lines[at].matchAll(/\$\d+ = (?:'((?:[^']|'')*)'|NULL)/g)]
      .map((m) => (m[1] === undefined ? null : m[1].replaceAll("''", "'").replaceAll(String(number + i), '@N@')));
    return { text, values };
  }
  throw new Error('the statement was not in the log');
}

const quote = (v) => `'${v.replaceAll("'", "''")}'`;
// The same for pgbench.  In a text the number is a variable; where a text is no
// parameter's type, a few scripts stand for all numbers, so that the statement
// is the gateway's own.
function forPgbench({ text, values }, { low, high }) {
  const varies = (i) => values[i - 1]?.includes('@N@');
  const plain = [...text.matchAll(/\$(\d+)(::text)?/g)].every(([, i, cast]) => cast || !varies(i));
  const fill = (n) => text.replace(/\$(\d+)/g, (_, i) => {
    const v = values[i - 1];
    if (v === null) return 'NULL';
    return plain && varies(i) ? `(${v.split('@N@').map(quote).join(' || :n || ')})` : quote(v.replaceAll('@N@', n));
  });
  if (plain) return [`\\set n random(${low}, ${high})\n${fill()}`];
  return Array.from({ length: 16 }, (_, i) => fill(Math.floor(low + (high - low) * (i + 0.5) / 16)));
}

export async function documents({ stack, token }) {
  if (!wanted('documents', ...scenarios(0).map((s) => `documents-${s.name}`), 'documents-growth')) return;
  const socket = join(stack.run, 'pg');
  const ask = async (body, number) => {
    const r = await fetch(`${stack.url}/web`, { method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body).replaceAll('@N@', number) });
    const answer = await r.json();
    if (answer.code) throw new Error(`${body.action}: ${answer.code}: ${answer.message}`);
    return answer;
  };
  const ours = async (s, collection) => {
    const body = JSON.stringify({ ...s.body, collectionName: collection });
    const pids = [stack.pid, stack.postgresPid];
    const before = cpuSeconds(pids);
    const r = await wrk({ url: stack.url, path: '/web', body, token, seconds: secs, script: 'numbered.lua',
      low: s.low, high: s.high, connections: s.connections ?? 64 });
    if (r.bad) throw new Error(`${s.name}: ${r.bad} of ${r.requests} answers were errors`);
    return { rate: r.requests / r.seconds, p50: r.p50, p99: r.p99, cpuUs: (cpuSeconds(pids) - before) * 1e6 / r.requests };
  };
  const middle = (list) => Object.fromEntries(['rate', 'p50', 'p99', 'cpuUs']
    .filter((k) => k in list[0]).map((k) => [k, round(median(list.map((t) => t[k])), 1)]));
  const print = (scenario, us, name, them, budget) => {
    const ratio = round(us.rate / them.rate);
    say({ scenario, docs: DOCS, ours: us, reference: { name, ...them }, ratio, of: 'rate',
      ...(budget && { budget: `>= ${budget}`, met: ratio >= budget }) });
  };

  seed(stack, socket, 'big', DOCS);
  for (const s of scenarios(DOCS)) {
    if (!wanted('documents', `documents-${s.name}`)) continue;
    const body = { ...s.body, collectionName: 'big' };
    const statement = await capture(stack, socket, (n) => ask(body, n), s.low + 7);
    const scripts = forPgbench(statement, s);
    if (process.env.BENCH_SQL) console.error(statement.text, statement.values);
    const fastify = await startFastifySql(socket, statement);
    try {
      const a = [], b = [], c = [];
      const handler = () => wrk({ url: fastify.url, path: '/', body: '{"n":@N@}', token: '', seconds: secs,
        script: 'numbered.lua', low: s.low, high: s.high, connections: s.connections ?? 64 });
      await ours(s, 'big');
      for (let i = 0; i < turns; i++) {
        a.push(await ours(s, 'big'));
        b.push({ rate: pgbench(socket, scripts, secs, s.clients) });
        const r = await handler();
        c.push({ rate: r.requests / r.seconds, p50: r.p50, p99: r.p99 });
      }
      print(`documents-${s.name}`, middle(a), `pgbench -M prepared, ${s.clients ?? 16} clients, the same statement`, middle(b), s.pgbench);
      print(`documents-${s.name}`, middle(a), 'Fastify + pg, the same statement', middle(c), s.fastify);
    } finally {
      await fastify.stop();
    }
  }
  if (GROWTH.length < 2 || !wanted('documents', 'documents-growth')) return;
  for (const docs of GROWTH) seed(stack, socket, `grown${docs}`, docs);
  for (const i of scenarios(0).flatMap((s, i) => (s.grows ? [i] : []))) {
    const rates = GROWTH.map(() => []);
    for (let turn = 0; turn <= turns; turn++)
      for (const [at, docs] of GROWTH.entries()) {
        const r = await ours(scenarios(docs)[i], `grown${docs}`);
        if (turn) rates[at].push(r.rate); // the first warms up
      }
    const [small, large] = rates.map((list) => round(median(list), 0));
    const ratio = round(small / large);
    say({ scenario: `documents-growth-${scenarios(0)[i].name}`,
      ours: Object.fromEntries(GROWTH.map((docs, at) => [docs, { rate: round(median(rates[at]), 0) }])),
      ratio, of: 'rate, few over many documents', budget: '<= 1.5', met: ratio <= 1.5 });
  }
}
