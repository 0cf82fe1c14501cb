// Called by other functions: who is it that they act for?
exports.main = async (event) => ({
  openid: process.env.WX_OPENID,
  userInfo: event.userInfo && event.userInfo.openId,
  source: process.env.TCB_SOURCE,
  x: event.x,
});
