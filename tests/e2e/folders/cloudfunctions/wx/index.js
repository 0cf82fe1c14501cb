// What most cloud functions are: wx-server-sdk, a collection, another function.
const cloud = require('wx-server-sdk');

cloud.init();
const db = cloud.database();
const _ = db.command;

const steps = {
  context: async () => cloud.getWXContext(),
  write: async ({ mark }) => {
    const { OPENID } = cloud.getWXContext();
    const notes = db.collection('notes');
    const { _id } = await notes.add({
      data: { _openid: OPENID, mark, n: 1, at: db.serverDate(), list: [1] },
    });
    await notes.doc(_id).update({ data: { n: _.inc(4), list: _.push([2]) } });
    const { data } = await notes.where({ mark, n: _.gt(2) }).get();
    const { total } = await notes.where({ mark }).count();
    const { stats } = await notes.doc(_id).remove();
    const [{ _openid, n, list, at }] = data;
    return { mine: _openid === OPENID, n, list, dated: at instanceof Date, total, stats };
  },
  call: async ({ data }) => {
    const { result, errMsg } = await cloud.callFunction({ name: 'whoami', data });
    return { ...result, errMsg };
  },
};

exports.main = async (event) => steps[event.step](event);
