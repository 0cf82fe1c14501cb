'use strict';
// require('mpcloud'): what a function asks its cloud for without an SDK.
//
//   const mpcloud = require('mpcloud');
//   const { data } = await mpcloud.call('database.queryDocument', {
//     collectionName: 'goods', query: {} });
//   const { outTradeNo, payment } = await mpcloud.pay.order({
//     description: 'Tea', total: 100 });

const calls = require('./calls');

// The answer's JSON; an answer with a code is thrown as an Error with that code.
async function call(action, body = {}) {
  if (typeof action !== 'string' || !action)
    throw new TypeError('mpcloud.call: an action is needed');
  const error = new Error(); // its stack leads to the caller
  const answer = await calls.send({ ...body, action });
  if (answer.code === undefined) return answer;
  error.message = answer.message ?? answer.code;
  error.code = answer.code;
  error.requestId = answer.requestId;
  throw error;
}

module.exports = {
  call,
  pay: {
    // {outTradeNo?, description, total (fen), attach?} → {outTradeNo, payment};
    // payment is what wx.requestPayment takes.
    order: async (order) => (await call('pay.createOrder', order)).data,
    // → {outTradeNo, total, currency, description, state, createdAt}
    get: async (outTradeNo) =>
      (await call('pay.getOrder', { outTradeNo })).data,
  },
};
