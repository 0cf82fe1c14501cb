// What became of a check that takes longer (wxa_media_check).
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

exports.main = async (event) => {
  await cloud.database().collection('checks')
    .add({ data: { _id: event.trace_id, suggest: event.result.suggest } });
  return 'success';
};
