// `make bench`: each path beside its reference in the same run, alternating
// A B A B A B after a warm-up; medians of rate, latency and CPU µs a request,
// their ratio, and the budget.  One JSON line a scenario.
//   BENCH_SECS (3) a turn, BENCH_TURNS (3), BENCH_ONLY=name,name

import { cpus } from 'node:os';
import { callFunction, join, source, startStack } from '../lib/stack.mjs';
import { documents } from './documents.mjs';
import { edge } from './edge.mjs';
import { files } from './files.mjs';
import { functions } from './functions.mjs';
import { compare, median, round, say, SECS, turn, TURNS, wanted } from './measure.mjs';
import { overload } from './overload.mjs';
import { routes } from './routes.mjs';
import { limits } from './limits.mjs';
import { watch } from './watch.mjs';
import { wechat } from './wechat.mjs';
import { pgbench, startFastifyEcho, startFastifyPg, startNginx } from './references.mjs';

const stack = await startStack({
  project: join(source, 'tests/bench/project'),
  tls: true,
  gateways: Number(process.env.BENCH_GATEWAYS ?? 1),
  // The limits are on, and out of reach.
  set: { 'limits.ip_rate': 900000000, 'limits.ip_burst': 1000000, 'limits.user_rate': 900000000, 'limits.user_burst': 1000000 },
});
const stops = [() => stack.stop()];
try {
  const token = stack.token('oBenchUser0123456789abcdef');
  const socket = join(stack.run, 'pg');
  const sql = "select doc from env_project.goods where _id = $1";
  const nginx = await startNginx({ cert: stack.ca, key: stack.ca.replace('cert.pem', 'key.pem'), workers: 1 });
  stops.push(() => nginx.stop());
  const fastify = await startFastifyEcho();
  stops.push(() => fastify.stop());
  const fastifyPg = await startFastifyPg(socket, sql);
  stops.push(() => fastifyPg.stop());

  for (const [name, event] of [['echo-native', { a: 1 }], ['echo-node', { a: 1 }], ['doc-native', {}]]) {
    const { status, body } = await callFunction(stack, name, event, token);
    if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
    if (name === 'doc-native' && body.price !== 600) throw new Error(`doc-native: ${JSON.stringify(body)}`);
  }

  const pids = [stack.pid];
  const body = '{"a":1,"name":"goods","list":[1,2,3]}';
  const session = { url: stack.url, path: '/v1/session', token, pids };
  const call = (name) => ({ url: stack.url, method: 'POST', path: `/v1/functions/${name}`, body, token, pids });
  const n = { name: 'nginx return 200', url: nginx.url, pids: [nginx.pid] };
  const echo = { name: 'Fastify handler in process', url: fastify.url, method: 'POST', body, pids: [fastify.pid] };
  const pg = [stack.postgresPid];

  console.error(`${cpus().length} cores, ${TURNS} × ${SECS} s a side, 64 connections, ${stack.status().gateways.length} gateway(s)`);
  console.error('rate: a second; p50, p99: µs where no unit is said; cpuUs: µs of CPU for each request; ratio: ours / reference, of what "of" says');
  await compare({ name: 'route', ours: session, reference: n, budget: 1.15, by: 'cpuUs' });
  // The same bytes asked and the same line written; still neither token nor limit.
  await compare({ name: 'route-line', ours: session, reference: { ...n, name: 'nginx return 200 with an access line',
    url: nginx.lineUrl, token }, budget: 1.15, by: 'cpuUs' });
  await compare({ name: 'route-tls', ours: { ...session, url: stack.tlsUrl },
    reference: { ...n, name: 'nginx TLS return 200', url: nginx.tlsUrl }, budget: 0.8, by: 'rate' });
  await compare({ name: 'native', ours: call('echo-native'), reference: { ...session, name: 'the gateway-answered route' }, budget: 0.65, by: 'rate' });
  await compare({ name: 'native-nginx', ours: call('echo-native'), reference: n, budget: 0.6, by: 'rate' });
  await compare({ name: 'node', ours: call('echo-node'), reference: echo, budget: 1.0, by: 'rate' });
  await compare({ name: 'document', ours: { ...call('doc-native'), pids: [...pids, ...pg] },
    reference: { name: 'Fastify + pg', url: fastifyPg.url, method: 'POST', body: '{}', pids: [fastifyPg.pid, ...pg] }, budget: 3.0, by: 'rate' });
  if (wanted('pgbench')) {
    const mine = [], theirs = [];
    for (let i = 0; i < TURNS; i++) {
      mine.push((await turn({ ...call('doc-native'), pids })).rate);
      theirs.push(pgbench(socket, sql.replace('$1', "'g500'"), SECS));
    }
    const ratio = round(median(mine) / median(theirs));
    say({ scenario: 'pgbench', ours: { rate: round(median(mine), 0) },
      reference: { name: 'pgbench -M prepared, 16 clients', rate: round(median(theirs), 0) }, ratio, of: 'rate', budget: '>= 0.6', met: ratio >= 0.6 });
  }
  await documents({ stack, token });
} finally {
  for (const stop of stops.reverse()) await stop();
}
// These change what is deployed, and how the daemon is set up: stacks of their own.
await functions();
await overload();
await routes();
await files();
await edge();
await limits();
await wechat();
await watch();
