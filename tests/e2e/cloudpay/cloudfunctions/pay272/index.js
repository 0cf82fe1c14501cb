const cloud = require('wx-server-sdk');
cloud.init();

exports.main = ({ api, data }) => cloud.cloudPay[api](data).catch((e) => ({ thrown: e.message, errCode: e.errCode }));
