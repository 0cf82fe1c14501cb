const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const goods = cloud.database().collection('goods');

exports.main = async () => (await goods.doc('g500').get()).data;
