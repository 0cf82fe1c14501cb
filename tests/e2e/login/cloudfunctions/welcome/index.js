// Notes each login that it is told of.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const { trigger, event: what, uid, appid, openid, unionid } = event;
  await mpcloud.call('database.addDocument', { collectionName: 'welcomes',
    data: { trigger, what, uid, appid, openid, unionid } });
};
