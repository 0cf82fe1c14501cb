'use strict';
// One way to say the same to every SDK.  A dialect turns an SDK's own results
// and errors into plain values; what an SDK's raw shapes look like is checked
// by the steps named "the SDK's own shape".

const isError = (r) => r && typeof r === 'object' && r.code && r.message !== undefined;
const orThrow = (r) => {
  if (isError(r)) throw Object.assign(new Error(r.message), { code: r.code });
  return r;
};

// An error as {code, message}; wx-server-sdk has numbers for the codes it knows.
function fault(error) {
  if (error === undefined || error === null) return { code: 'NOTHING', message: String(error) };
  if (error.errCode !== undefined)
    return { errCode: error.errCode, code: error.code, message: String(error.errMsg ?? error.message),
      text: String(error.message) };
  const message = String(error.message ?? error.msg ?? error);
  // js-sdk 1.x throws JSON text: {"code":"OPERATION_FAIL","msg":"[CODE] words"}.
  const inner = /\[([A-Z_]+)\] (.*)/s.exec(message);
  if (inner && (!error.code || error.code === 'OPERATION_FAIL' || error.name === 'Error'))
    return { code: inner[1], message: inner[2] };
  return { code: error.code, message };
}

const base = {
  async fails(promise) {
    try {
      const value = orThrow(await promise);
      return { unexpected: value };
    } catch (error) {
      return fault(error);
    }
  },
};

// wx-server-sdk: options with `data`, results with errMsg.
const wx = {
  ...base,
  kind: 'wx',
  add: async (c, data) => (await c.add({ data }))._id,
  addMany: async (c, data) => (await c.add({ data }))._ids,
  list: async (q) => (await q.get()).data,
  one: async (doc) => (await doc.get()).data,
  count: async (q) => (await q.count()).total,
  update: async (ref, data) => (await ref.update({ data })).stats.updated,
  set: async (doc, data) => (await doc.set({ data })).stats,
  remove: async (ref) => (await ref.remove()).stats.removed,
  aggregate: async (a) => (await a.end()).list,
  // Here a document that is not there is an error by default.
  txOne: async (doc) => {
    try {
      return (await doc.get()).data;
    } catch (error) {
      if (/does not exist/.test(error.errMsg)) return null;
      throw error;
    }
  },
  txAdd: async (c, data) => (await c.add({ data }))._id,
  txUpdate: async (doc, data) => (await doc.update({ data })).stats.updated,
  txSet: async (doc, data) => (await doc.set({ data })).stats.updated,
  txRemove: async (doc) => (await (doc.remove ?? doc.delete).call(doc)).stats.removed,
};

// node-sdk, tcb-admin-node and js-sdk: data themselves, numbers beside it.
const plain = {
  ...base,
  kind: 'plain',
  add: async (c, data) => {
    const r = orThrow(await c.add(data));
    return r.id ?? r._id;
  },
  addMany: async (c, data) => orThrow(await c.add(data)).ids,
  list: async (q) => orThrow(await q.get()).data,
  one: async (doc) => orThrow(await doc.get()).data[0] ?? null,
  count: async (q) => orThrow(await q.count()).total,
  update: async (ref, data) => orThrow(await ref.update(data)).updated,
  set: async (doc, data) => {
    const r = orThrow(await doc.set(data));
    return { updated: r.updated, created: r.upsertedId ? 1 : 0 };
  },
  remove: async (ref) => orThrow(await ref.remove()).deleted,
  aggregate: async (a) => orThrow(await a.end()).data,
  txOne: async (doc) => {
    const { data } = orThrow(await doc.get());
    // js-sdk 3.7.0 in GATEWAY mode hands out the list it made of the answer.
    return data && Array.isArray(data.list) ? data.list[0] : data;
  },
  txAdd: async (c, data) => {
    const r = orThrow(await c.add(data));
    return r.id ?? r.insertedId ?? r._id;
  },
  txUpdate: async (doc, data) => orThrow(await doc.update(data)).updated,
  txSet: async (doc, data) => orThrow(await doc.set(data)).updated,
  txRemove: async (doc) => orThrow(await (doc.remove ?? doc.delete).call(doc)).deleted,
};

// What JSON cannot say, said: dates, NaN, Geo objects, undefined.
function told(v) {
  if (v instanceof Date) return { $date: v.getTime() };
  if (typeof v === 'number' && !Number.isFinite(v)) return { $number: String(v) };
  if (typeof v === 'bigint') return Number(v);
  if (v === undefined) return null;
  if (Array.isArray(v)) return v.map(told);
  if (v === null || typeof v !== 'object') return v;
  if (typeof v.toJSON === 'function' && v.type !== 'Buffer') return told(v.toJSON());
  if (v._bsontype === 'Long' || v._bsontype === 'Int32' || v._bsontype === 'Double')
    return Number(v);
  return Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined)
    .map(([key, x]) => [key, told(x)]));
}

module.exports = { wx, plain, told };
