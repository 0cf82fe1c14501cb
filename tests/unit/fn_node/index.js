// A node function that does what its event says, for test_keeper.
const fs = require('fs');
const http = require('http');
const net = require('net');
const mpcloud = require('mpcloud');

const tryTo = (fn) => {
  try {
    fn();
    return '';
  } catch (err) {
    return err.code ?? String(err);
  }
};

const acts = {
  echo: (event) => event,
  async: async (event) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return event.value;
  },
  nothing: async () => undefined,
  log: async () => {
    console.log('hello %s', 'tea', { a: 1 });
    console.error('bad');
    process.stdout.write('raw\n');
  },
  throw: () => {
    throw new TypeError('out of tea');
  },
  reject: async () => Promise.reject(new RangeError('later')),
  exit: () => process.exit(9),
  late: () => new Promise(() => {
    setTimeout(() => {
      throw new Error('nobody caught me');
    }, 1);
  }),
  quiet: (event, context) => {
    context.callbackWaitsForEmptyEventLoop = event.wait;
    setTimeout(() => console.log('the last work'), 10);
    return 'done';
  },
  trigger: () => [process.env.TRIGGER_SRC, process.env.TCB_ROUTE_KEY],
  caused: () => {
    throw new Error('outer', { cause: new TypeError('inner') });
  },
  bigint: () => 1n,
  circular: () => {
    const o = {};
    o.o = o;
    return o;
  },
  context: (event, context) => ({
    ...context,
    environment: JSON.parse(context.environment),
    left: context.getRemainingTimeInMillis() > 0,
  }),
  env: () => ({
    openid: process.env.WX_OPENID,
    token: process.env.TENCENTCLOUD_SESSIONTOKEN,
    keys: process.env.WX_CONTEXT_KEYS,
    cloud: process.env.TCB_CONTEXT_CNFG,
    mine: process.env.MY_VARIABLE,
    all: Object.keys(process.env).sort(),
    inIt: 'WX_OPENID' in process.env,
  }),
  callback: (event, context, callback) => {
    setImmediate(() => callback(null, 'by callback'));
  },
  call: async (event) => {
    const answer = await mpcloud.call('test.action', { n: event.n });
    return [answer.data, process.env.WX_OPENID];
  },
  hang: () => {
    for (;;);
  },
  eat: () => {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(1 << 20, 1));
  },
  heap: () => {
    const kept = [];
    for (;;) kept.push({ a: kept.length, b: String(kept.length) });
  },
  look: () => ({
    shadow: tryTo(() => fs.readFileSync('/etc/shadow')),
    etc: tryTo(() => fs.writeFileSync('/etc/mine', '')),
    tmp: tryTo(() => fs.writeFileSync('/tmp/mine', '')),
    code: tryTo(() => fs.writeFileSync(`${__dirname}/mine`, '')),
    others: fs.readdirSync('/proc').filter((n) => +n && +n !== process.pid)
      .length,
    uid: process.getuid(),
  }),
  inet: () => new Promise((resolve) => {
    net.connect(9, '127.0.0.1').on('error', (err) => resolve(err.code))
      .on('connect', () => resolve('connected'));
  }),
  fetch: async (event) => (await fetch(event.url)).text(),
  cloud: () => new Promise((resolve, reject) => {
    http.get('http://mpcloud.internal/admin', (res) => {
      let text = '';
      res.on('data', (d) => (text += d)).on('end', () => resolve(text));
    }).on('error', reject);
  }),
};

console.log('loaded');
exports.main = (event, context, callback) =>
  acts[event.do](event, context, callback);
