// What a timer's run sees of itself.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  const { SOURCE, OPENID } = cloud.getWXContext();
  await cloud.database().collection('seen').add({ data: { event, source: SOURCE, openid: OPENID ?? null,
    trigger: process.env.TRIGGER_SRC } });
  return 'dropped';
};
