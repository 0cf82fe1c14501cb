// As the documentation of CloudBase has it: the event is the message.
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  const context = cloud.getWXContext();
  await cloud.database().collection('kefu').add({ data: { event,
    openid: context.OPENID, appid: context.APPID, unionid: context.UNIONID ?? '', source: context.SOURCE } });
  return 'success';
};
