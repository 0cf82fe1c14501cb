// Calls that nobody waits for: asynchronous ones, later ones, and what changes of
// documents and logins set off.  And kill -9 of anything at any moment: each call
// that was accepted runs at least once, ends done or dead, and its attempts are
// there to see.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { callFunction, descendants, join, source, startStack, until } from '../lib/stack.mjs';
import { opsCall } from '../lib/ops.mjs';

// `make soak` goes round more often.
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 1);
const project = join(source, 'tests/e2e/queue');
const set = { 'functions.queue_lease': '2s', 'functions.queue_poll': '200ms', 'functions.queue_user': 5 };

let stack, user, url;
before(async () => {
  stack = await startStack({ project, gateways: 2, set });
  url = /^url = (.*)$/m.exec(readFileSync(stack.config, 'utf8'))[1];
  user = stack.token('o1');
});
after(() => stack?.stop());

const sql = (query) => execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres', '-At', '-c', query],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split('\n').filter(Boolean);
const patient = (query) => until(() => { try { return [sql(query)]; } catch { return null; } }, 'the database answers').then(([r]) => r);
const docs = (collection) => sql(`select doc from env_project.${collection}`).map((l) => JSON.parse(l));
const ran = (id) => docs('ran').filter((d) => d.job === id);
const show = (id) => stack.cliJson('queue', 'show', String(id));
const ended = (id) => until(() => { const c = show(id); return /^(done|dead)$/.test(c.state) && c; }, `call ${id} ends`);
const operator = async (action, body) => {
  const answer = await opsCall(stack, action, body);
  assert.equal(answer.code, undefined, JSON.stringify(answer));
  return answer.data;
};

test('an asynchronous call is accepted at once and runs as the user who asked', async () => {
  for (const [query, headers] of [['?async=true', {}], ['', { 'X-Mpcloud-Async': 'true' }]]) {
    const id = `async${query}`;
    const answer = await callFunction(stack, `job${query}`, { id }, user, headers);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    const call = await ended(answer.body.id);
    assert.equal(call.state, 'done');
    assert.equal(call.requestId, answer.body.requestId);
    assert.deepEqual(call.tries.map((t) => [t.n, t.outcome, t.version]), [[1, 'done', 1]]);
    assert.deepEqual(ran(id).map((d) => [d.openid, d.trigger]), [['o1', 'async']]);
  }
});

test('client/mpcloud.js says it, too, now and later', async () => {
  const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));
  globalThis.wx = { request: ({ url: to, method, header, data, success, fail }) => {
    fetch(to, { method, headers: header, body: data }).then(async (a) => success({ statusCode: a.status,
      header: Object.fromEntries(a.headers), data: JSON.parse(await a.text()) }), fail);
  }, login: async ({ success }) => {
    const { code } = await (await fetch(`${stack.sandbox}/sandbox/code`, { method: 'POST', body: '{}',
      headers: { 'content-type': 'application/json' } })).json();
    success({ code });
  } };
  const cloud = new Cloud({ url: stack.url });
  const { result } = await cloud.callFunction({ name: 'job', data: { id: 'client' }, async: true });
  assert.equal((await ended(result.id)).state, 'done');
  const at = new Date(Date.now() + 3600000);
  const later = (await cloud.callFunction({ name: 'job', data: { id: 'later' }, runAt: at })).result;
  assert.equal(show(later.id).runAt, at.getTime());
  assert.equal(show(later.id).state, 'waiting');
  delete globalThis.wx;
});

test('functions ask for calls with keys and delays, and in SCF\'s words', async () => {
  const ask = async (event) => {
    const { status, body } = await callFunction(stack, 'asker', event, user);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const first = await ask({ id: 'k', options: { key: 'once', delay: '1s' } });
  assert.equal(first.existed, false);
  const again = await ask({ id: 'k', options: { key: 'once' } });
  assert.deepEqual([again.id, again.existed], [first.id, true]);
  assert.equal((await ended(first.id)).state, 'done');
  assert.deepEqual(ran('k').map((d) => d.openid), ['o1'], 'as the user the function runs for, once');
  const scf = await ask({ id: 'scf' });
  assert.equal((await ended(JSON.parse(scf.data.response_data).id)).state, 'done');
  assert.equal(ran('scf').length, 1);
  const c = await callFunction(stack, 'asker-c', { id: 'c' }, user);
  assert.equal(c.status, 200, JSON.stringify(c.body));
  assert.equal((await ended(c.body.id)).state, 'done');
  assert.deepEqual(ran('c').map((d) => d.openid), ['o1']);
});

test('what users may not ask for is refused and says why', async () => {
  const refused = async (query, event, status, words) => {
    const answer = await callFunction(stack, `job?async=true${query}`, event, user);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.message, words);
  };
  await refused('&key=x', {}, 403, /key: only functions/);
  await refused('&retries=5', {}, 403, /retries: only functions/);
  await refused('&runAt=yesterday', {}, 400, /runAt: a time like/);
  await refused('&delay=10', { big: 'x'.repeat(200000) }, 413, /functions.queue_event_size/);
  await refused(`&runAt=${Date.now() + 31 * 86400000}`, {}, 400, /at most 30 days/);
  const missing = await callFunction(stack, 'nobody?async=true', {}, user);
  assert.equal(missing.status, 404);
  const busy = stack.token('o-busy');
  const answers = [];
  for (let i = 0; i < 7; i++) answers.push(await callFunction(stack, 'job?delay=1h', { id: i }, busy));
  assert.deepEqual(answers.map((a) => a.status), [202, 202, 202, 202, 202, 429, 429]);
  assert.match(answers[5].body.message, /functions.queue_user/);
});

test('a call that fails is tried again, is dead in the end, and is replayed', async () => {
  const queued = stack.cli('fn', 'invoke', 'job', '--async', '--retries', '1', '--data', '{"id":"bad","how":"throw"}');
  assert.equal(queued.status, 0, queued.stderr);
  const id = /queued as (\d+)/.exec(queued.stdout)[1];
  const call = await ended(id);
  assert.equal(call.state, 'dead');
  assert.deepEqual(call.tries.map((t) => t.outcome), ['failed', 'failed']);
  assert.match(call.error, /told to throw: bad/);
  assert.equal(ran('bad').length, 2);
  const text = stack.cli('queue', 'show', id).stdout;
  assert.match(text, /mpcloud queue replay/);
  assert.match(text, /told to throw: bad/);
  assert.match(stack.cli('queue', 'list', '--state', 'dead').stdout, new RegExp(`${id} +job +async +dead +2`));
  assert.match(stack.cli('queue', 'replay', id).stdout, /1 call replayed/);
  await until(() => show(id).attempts === 4 && show(id).state === 'dead', 'it was tried twice more');
  assert.deepEqual(stack.cliJson('queue', 'replay', '--dead', '--function', 'other'), { replayed: 0 });
  assert.equal(stack.cli('queue', 'drop', id).status, 0);
  assert.equal(stack.cli('queue', 'show', id).status, 1);
  assert.equal(stack.cli('queue', 'drop', id).status, 1);
});

test('what a user says with a call does not command the operator\'s terminal', async () => {
  const says = encodeURIComponent('\x1b[2Jno\u009bsuch');
  const { status, body } = await callFunction(stack, `job?async=true&qualifier=${says}`, { text: '\u009b1m' }, stack.token('o-bell'));
  assert.equal(status, 202);
  await until(() => /no live version or alias/.test(show(body.id).error), 'it is tried');
  const seen = stack.cli('queue', 'show', body.id).stdout + stack.cli('queue', 'list', '--function', 'job').stdout;
  assert.match(seen, /qualifier +\?\[2Jno\?such/);
  assert.doesNotMatch(seen, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  assert.equal(stack.cli('queue', 'drop', body.id).status, 0);
});

test('changes of documents and logins set functions off', async () => {
  await operator('database.addDocument', { collectionName: 'things', data: [{ _id: 'a', n: 1 }] });
  await operator('database.updateDocument', { collectionName: 'things', query: { _id: 'a' }, data: { $set: { n: 2 } }, merge: true });
  await operator('database.deleteDocument', { collectionName: 'things', query: { _id: 'a' }, multi: false });
  const heard = () => docs('heard').map((d) => d.event);
  const of = (type) => heard().filter((e) => e.type === type);
  await until(() => of('document').length === 3, 'three changes are heard');
  const by = Object.fromEntries(of('document').map((e) => [e.operation, e]));
  assert.deepEqual([by.create.doc, by.create.before], [{ _id: 'a', n: 1 }, undefined]);
  assert.deepEqual([by.update.doc, by.update.before], [{ _id: 'a', n: 2 }, { _id: 'a', n: 1 }]);
  assert.deepEqual([by.delete.doc, by.delete.before], [null, { _id: 'a', n: 2 }]);
  for (const e of Object.values(by)) {
    assert.deepEqual([e.trigger, e.collection, e.id], ['on-things', 'things', 'a']);
    assert.ok(Math.abs(Date.parse(e.time) - Date.now()) < 60000);
  }
  const logins = of('login').length;
  stack.token('o-new');
  stack.token('o-new');
  await until(() => of('login').length === logins + 2, 'two logins are heard');
  assert.deepEqual(of('login').filter((e) => e.openid === 'o-new').map((e) => e.event).sort(), ['again', 'first']);
});

async function isCut(name, collectionName) {
  await operator('database.addCollection', { collectionName });
  await operator('database.addDocument', { collectionName, data: [{ n: 0 }] });
  const dead = () => stack.cliJson('queue', 'list', '--function', name, '--state', 'dead');
  await until(() => dead().length === 1, 'the loop is cut');
  assert.match(dead()[0].error, /functions.trigger_depth/);
  assert.deepEqual(docs(collectionName).map((d) => d.n).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

test('a function that sets itself off ends', () => isCut('loop', 'rings'));

test('so does one that speaks by HTTP, as SDKs do', () => isCut('loop-http', 'echoes'));

// Everything that can die, of both daemons.
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const kill9 = (pid) => process.kill(pid, 'SIGKILL');
const processes = (of, pattern) => descendants(of.pid ?? of.child.pid).filter((p) => pattern.test(p.args));

test('kill -9 of anything: what was accepted runs, and ends done or dead', async (t) => {
  const options = { project, gateways: 1, set: { ...set, 'database.url': url } };
  let two = await startStack(options), stopped = false;
  t.after(() => { stopped = true; return two?.stop(); });
  const killings = {
    gateway: () => kill9(pick(processes(stack, /mpcloud-gateway/)).pid),
    worker: () => kill9(pick(processes(stack, /runner\.mjs/)).pid),
    host: () => kill9(pick(processes(stack, /mpcloud-host/)).pid),
    backend: () => kill9(Number(sql("select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1")[0])),
    server: () => kill9(Number(readFileSync(join(stack.home, 'pg/postmaster.pid'), 'utf8').split('\n')[0])),
    // A whole daemon with all that is its own; another takes its place.
    daemon: async () => {
      const old = two;
      two = null;
      for (const { pid } of processes(old, /mpcloudd/)) kill9(pid);
      await old.stop();
      two = await startStack(options);
    },
  };
  const accepted = [];
  const client = async (name) => {
    for (let n = 0; !stopped; n++) {
      const at = two && n % 3 === 0 ? two : stack;
      const how = n % 10 === 9 ? 'throw' : n % 4 ? '' : 'slow';
      const id = `${name}-${n}`;
      try {
        const answer = await opsCall(at, 'functions.enqueue', { function_name: 'job', retries: 1,
          request_data: { id, how } });
        if (!answer.code) accepted.push({ id, call: answer.data.id, how });
      } catch { /* nothing was promised */ }
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  const clients = ['a', 'b', 'c', 'd'].map(client);
  for (let round = 0; round < ROUNDS; round++)
    for (const what of ['gateway', 'worker', 'server', 'host', 'backend', 'gateway', 'daemon']) {
      const before = accepted.length;
      await until(() => accepted.length >= before + 40, 'calls are accepted', 12000);
      await until(async () => { try { await killings[what](); return true; } catch { return false; } }, `${what} is killed`);
    }
  const before = accepted.length;
  await until(() => accepted.length >= before + 40, 'calls are accepted again', 12000);
  stopped = true;
  await Promise.all(clients);

  const ids = accepted.map((a) => a.call);
  const open = `select count(*) from mpcloud.queue where id in (${ids}) and state not in ('done', 'dead')`;
  await until(async () => (await patient(open))[0] === '0', 'all have ended', 12000);
  const rows = new Map((await patient(`select json_build_object('id', id::text, 'state', state, 'attempts', attempts, 'tries',
    (select coalesce(json_agg(json_build_object('n', n, 'outcome', outcome) order by n), '[]') from mpcloud.attempts where queue = id))
    from mpcloud.queue where id in (${ids})`)).map((l) => JSON.parse(l)).map((r) => [r.id, r]));
  const ranIds = new Set(docs('ran').map((d) => d.job));
  assert.deepEqual(ids.filter((id) => !rows.has(id)), [], 'every accepted call is in the queue');
  for (const { id, call, how } of accepted) {
    const { state, attempts, tries } = rows.get(call);
    assert.ok(ranIds.has(id) || state === 'dead', `${id} ran: ${state} ${JSON.stringify(tries)}`);
    if (how === 'throw') assert.equal(state, 'dead', `${id} fails always`);
    assert.deepEqual(tries.map((t) => t.n), Array.from({ length: attempts }, (_, i) => i + 1), `${id}: attempts are there to see`);
    assert.ok(tries.length && tries.every((t) => t.outcome), `${id}: each attempt ended`);
    assert.equal(tries.at(-1).outcome === 'done', state === 'done', `${id}: its end is its last attempt's`);
  }
  const sum = (f) => [...rows.values()].filter(f).length;
  console.log(`# ${accepted.length} accepted: ${sum((r) => r.state === 'done')} done, ${sum((r) => r.state === 'dead')} dead, ` +
    `${sum((r) => r.tries.some((t) => t.outcome === 'lost'))} were lost with their gateway at least once`);
});
