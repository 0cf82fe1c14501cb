'use strict';
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

const db = cloud.database();
const cups = db.collection('cups');

const kinds = {
  async write(event) {
    const { _id } = await cups.add({ data: { leaf: event.leaf, n: 1 } });
    await cups.doc(_id).update({ data: { n: db.command.inc(event.by) } });
    const { data } = await cups.where({ leaf: event.leaf, n: db.command.gt(1) }).get();
    return data.map(({ leaf, n }) => ({ leaf, n }));
  },
  async call(event) {
    const { result } = await cloud.callFunction({ name: 'tea', data: { do: 'brew', leaf: event.leaf } });
    return result;
  },
  async fails() {
    try {
      await cloud.callFunction({ name: 'tea', data: { do: 'throw' } });
      return 'no';
    } catch (err) {
      return String(err.errMsg || err.message);
    }
  },
  async many(event) {
    const all = await Promise.all(Array.from({ length: event.n }, (_, i) =>
      cups.add({ data: { leaf: 'many', i } })));
    const { total } = await cups.where({ leaf: 'many' }).count();
    return [new Set(all.map(({ _id }) => _id)).size, total];
  },
  who: () => cloud.getWXContext().OPENID,
};

exports.main = (event) => kinds[event.do](event);
