// Notes what it heard.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const { userInfo, ...message } = event;
  await mpcloud.call('database.addDocument', { collectionName: 'slow',
    data: [{ message, openid: userInfo?.openId ?? '', trigger: process.env.TRIGGER_SRC ?? '' }] });
  await new Promise((done) => setTimeout(done, 8000)); // longer than WeChat waits
  return 'success';
};
