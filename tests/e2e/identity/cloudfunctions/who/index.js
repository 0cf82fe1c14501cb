// Says again and again for whom it runs, while others run beside it: at once,
// after every kind of wait, in the functions it calls, and in what it writes.
const { EventEmitter } = require('events');
const fs = require('fs');
const cloud = require('wx-server-sdk');

cloud.init();
const db = cloud.database();
const shared = new EventEmitter();
shared.setMaxListeners(0);

const me = () => cloud.getWXContext().OPENID;

// Each way in which a function waits, asked afterwards.
const waits = {
  promise: () => Promise.resolve().then(me),
  timer: (n) => new Promise((done) => { setTimeout(() => done(me()), n % 7); }),
  immediate: () => new Promise((done) => { setImmediate(() => done(me())); }),
  tick: () => new Promise((done) => { process.nextTick(() => done(me())); }),
  disk: () => new Promise((done) => { fs.stat(__filename, () => done(me())); }),
  emitter: (n) => new Promise((done) => {
    const name = `turn-${n}-${Math.random()}`;
    shared.once(name, () => done(me()));
    setImmediate(() => shared.emit(name));
  }),
};

exports.main = async (event) => {
  const said = { start: me(), info: event.userInfo.openId };
  for (const [name, wait] of Object.entries(waits)) said[name] = await wait(event.n);
  if (event.write) {
    const marks = db.collection('marks');
    const { _id } = await marks.add({ data: { _openid: me(), n: event.n } });
    said.added = me();
    const { data } = await marks.doc(_id).get();
    said.written = data._openid;
    said.got = me();
  }
  if (event.next && event.next.length) {
    const [name, ...next] = event.next;
    const { result } = await cloud.callFunction({ name, data: { n: event.n, next, write: false } });
    said.called = me();
    for (const [key, value] of Object.entries(result.said)) said[`${name}.${key}`] = value;
  }
  said.env = process.env.WX_OPENID;
  return { said, n: event.n, pid: process.pid };
};
