// Notes that it ran, then does as it is told.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const { id, how, userInfo = {} } = event;
  await mpcloud.call('database.addDocument', { collectionName: 'ran',
    data: [{ job: id, openid: userInfo.openId ?? '', trigger: process.env.TRIGGER_SRC ?? '' }] });
  if (how === 'throw') throw new Error(`told to throw: ${id}`);
  if (how === 'slow') await new Promise((done) => setTimeout(done, 200));
  return 'ran';
};
