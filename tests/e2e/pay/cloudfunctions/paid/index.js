// The function that an order names: it fulfils the order, once for each number,
// however often it is called.  attach: 'refuse' answers as one that is not done
// the first time, 'silent' answers nothing the first time.
const mpcloud = require('mpcloud');

const add = (collectionName, doc) => mpcloud.call('database.addDocument', { collectionName, data: [doc] });

exports.main = async (event) => {
  const { outTradeNo, attach } = event;
  const tries = await mpcloud.call('database.countDocument', { collectionName: 'tries', query: { outTradeNo } });
  await add('tries', { outTradeNo, event, trigger: process.env.TRIGGER_SRC ?? '' });
  if (tries.data.total === 0 && attach === 'refuse') return { errcode: 1, errmsg: 'not yet' };
  if (tries.data.total === 0 && attach === 'silent') return undefined;
  try {
    await add('fulfilments', { _id: outTradeNo, total: event.totalFee });
  } catch (error) {
    if (!/exists/.test(error.message)) throw error;
  }
  return { errcode: 0, errmsg: 'OK' };
};
