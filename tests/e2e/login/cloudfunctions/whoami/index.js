// Who calls, as SDKs would be told; and makes a user when it is asked to.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  const made = event.createUser && await mpcloud.call('mpc.createUser', event.createUser);
  return {
    uid: process.env.TCB_UUID ?? '',
    customId: process.env.TCB_CUSTOM_USER_ID ?? '',
    anonymous: process.env.TCB_ISANONYMOUS_USER ?? '',
    openid: process.env.WX_OPENID ?? '',
    appid: process.env.WX_APPID ?? '',
    unionid: process.env.WX_UNIONID ?? '',
    created: made?.data,
  };
};
