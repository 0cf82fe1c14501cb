const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
exports.main = async ({ api, data }) => {
  try {
    return await api.split('.').reduce((at, name) => at[name], cloud.openapi)(data);
  } catch (err) {
    console.error(err);
    return { errCode: err.errCode, message: err.message, stack: err.stack };
  }
};
