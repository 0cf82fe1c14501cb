const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
exports.main = async ({ ids, codes }) =>
  cloud.getOpenData({ list: ids ?? codes.map((units) => String.fromCharCode(...units)) });
