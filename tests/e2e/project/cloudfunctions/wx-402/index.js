// The steps a cloud function of a real mini program takes, with an unmodified
// wx-server-sdk: each one's result or error, in order.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();

const steps = {
  async context() {
    const { OPENID, APPID, ENV, SOURCE } = cloud.getWXContext();
    return { OPENID, APPID, ENV, SOURCE };
  },
  async add({ mark }) {
    return db.collection('items').add({ data: {
      mark, n: 3, f: 1.5, big: 5000000000, when: new Date(1577836800000),
      at: db.serverDate(), list: [1, 'x', null], deep: { k: true, name: '名' } } });
  },
  get: ({ id }) => db.collection('items').doc(id).get(),
  where: ({ mark }) => db.collection('items').where({ mark, deep: { k: true } }).get(),
  count: ({ mark }) => db.collection('items').where({ mark }).count(),
  update: ({ id }) => db.collection('items').doc(id)
    .update({ data: { n: db.command.inc(2), 'deep.name': 'new' } }),
  set: ({ id }) => db.collection('items').doc(id).set({ data: { mark: 'set', n: 1 } }),
  updateWhere: ({ mark }) => db.collection('items').where({ mark }).update({ data: { seen: true } }),
  remove: ({ id }) => db.collection('items').doc(id).remove(),
  missing: ({ id }) => db.collection('items').doc(id).get(),
  noCollection: () => db.collection('nowhere').get(),
  call: ({ data }) => cloud.callFunction({ name: 'echo', data }),
  callMissing: () => cloud.callFunction({ name: 'nothing' }),
  // From one account to another; `disturb` times somebody else gets in between.
  async transfer({ from, to, amount, disturb = 0 }) {
    let tries = 0;
    const acc = db.collection('acc');
    return db.runTransaction(async (tx) => {
      const [a, b] = [tx.collection('acc').doc(from), tx.collection('acc').doc(to)];
      const has = (await a.get()).data.n;
      const had = (await b.get()).data.n;
      if (tries++ < disturb) await acc.doc(from).update({ data: { seen: tries } });
      if (has < amount) return tx.rollback({ refused: 'too little' });
      await a.update({ data: { n: db.command.inc(-amount) } });
      await b.update({ data: { n: db.command.inc(amount) } });
      return { sum: has + had, tries };
    }).catch((reason) => { if (reason?.refused) return reason; throw reason; });
  },
  nearNothing: () => db.collection('items').where({ at: db.command.geoNear({
    geometry: new db.Geo.Point(113, 23), maxDistance: 10 }) }).get(),
};

exports.main = async (event) => {
  try {
    return { ok: await steps[event.step](event) };
  } catch (error) {
    return { errCode: error.errCode, errMsg: error.errMsg, message: error.message };
  }
};
