// Notes what it heard.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const { userInfo, ...message } = event;
  await mpcloud.call('database.addDocument', { collectionName: 'other',
    data: [{ message, openid: userInfo?.openId ?? '', trigger: process.env.TRIGGER_SRC ?? '' }] });
  return 'success';
};
