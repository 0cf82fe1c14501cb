// Notes what it heard.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const { userInfo, ...message } = event;
  await mpcloud.call('database.addDocument', { collectionName: 'all',
    data: [{ message, openid: userInfo?.openId ?? '', trigger: process.env.TRIGGER_SRC ?? '' }] });
  return 'success';
};
