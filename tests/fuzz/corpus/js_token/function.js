const cloud = require('wx-server-sdk');
const axios = require('axios');
const { createHash } = require('node:crypto');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const log = cloud.logger();

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext();
  log.info({ OPENID });
  await cloud.openapi.subscribeMessage.send({ touser: OPENID });
  await cloud.openapi({ appid: 'wx1' }).wxacode.getUnlimited({ scene: 'a' });
  await cloud.openapi.nobody.knowsThis({});
  await cloud.cloudPay.unifiedOrder({ totalFee: 1 });
  await cloud.cloudPay.profitSharing({});
  await cloud.getOpenData({ list: event.ids });
  await db.createCollection('logs');
  return db.runTransaction(async (transaction) => transaction.collection('orders').doc(event.id).remove());
};
