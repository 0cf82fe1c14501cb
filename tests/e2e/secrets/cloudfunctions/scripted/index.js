exports.main = async (event) => {
  const said = JSON.stringify({ env: process.env, keys: Object.keys(globalThis) })
    .replaceAll((event.userInfo && event.userInfo.openId) || '\0', 'OPENID');
  console.log(said);
  return said;
};
