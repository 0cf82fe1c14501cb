// Everything that can go wrong in a cloud function.
const ways = {
  fine: (event) => event,
  throws: () => { throw new Error('thrown on purpose'); },
  rejects: () => Promise.reject(new TypeError('rejected on purpose')),
  exits: () => process.exit(3),
  loops: () => { for (;;); },
  sleeps: () => new Promise(() => {}),
  waits: ({ ms }) => {
    console.log('waiting');
    return new Promise((done) => setTimeout(done, ms, 'waited'));
  },
  circular: () => { const a = {}; a.a = a; return a; },
  bigint: () => ({ msgid: 2075049253462261761n, list: [-1n] }),
  nothing: () => undefined,
  logs: ({ mark }) => {
    console.log(`log ${mark}`);
    console.error(`error ${mark}`);
    process.stdout.write(`stdout ${mark}\n`);
    return 'logged';
  },
  hog: () => { const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1)); },
  big: () => 'x'.repeat(7 << 20),
  identity: async () => {
    const before = process.env.WX_OPENID;
    await new Promise((done) => setImmediate(done));
    return [before, process.env.WX_OPENID];
  },
  secrets: () => {
    const fs = require('fs');
    const tried = {};
    for (const path of ['/etc/shadow', '/root', '/proc/1/environ', '/home', '/var/lib'])
      try { tried[path] = fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path, 'utf8').length; }
      catch (error) { tried[path] = error.code; }
    return { tried, env: process.env, uid: process.getuid(), pids: fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n)).length };
  },
};

exports.main = (event) => ways[event.how](event);
