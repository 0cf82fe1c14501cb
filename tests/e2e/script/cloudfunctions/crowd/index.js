'use strict';
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

const cups = cloud.database().collection('cups');
const who = () => cloud.getWXContext().OPENID;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

let at = 0;
let most = 0;

const kinds = {
  // Who it is, asked after everything that can be waited for.
  async walk({ n }) {
    most = Math.max(most, ++at);
    const said = [who()];
    await wait(n % 3);
    const { _id } = await cups.add({ data: { leaf: 'crowd', n, _openid: who() } });
    said.push(who());
    await wait(n % 7);
    said.push(process.env.WX_OPENID);
    const { data } = await cups.doc(_id).get();
    said.push(data._openid, who());
    const { result } = await cloud.callFunction({ name: 'chain', data: { do: 'who' } });
    said.push(result);
    await new Promise((resolve) => { setImmediate(() => process.nextTick(resolve)); });
    console.log(`walk ${n} ${who()}`);
    said.push(who());
    at--;
    return { n, read: data.n, said };
  },
  most: () => most,
  // Nobody catches these: one in a timer, one as a rejection.
  fall: ({ n }) => new Promise(() => {
    if (n % 2) setTimeout(() => { throw new Error(`fell ${n}`); }, 5);
    else wait(5).then(() => { throw new Error(`fell ${n}`); });
  }),
  stand: async ({ n }) => {
    await wait(20);
    return n;
  },
  pid: () => (globalThis.born ??= Math.random()),
};

exports.main = (event) => kinds[event.do](event);
