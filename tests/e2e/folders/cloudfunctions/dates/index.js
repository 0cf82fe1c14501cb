const moment = require('moment');
const dayjs = require('dayjs');
const utc = require('dayjs/plugin/utc');
require('moment/locale/zh-cn');

dayjs.extend(utc);

exports.main = async ({ at, days }) => {
  const m = moment.utc(at).locale('zh-cn');
  const d = dayjs.utc(at);
  return {
    moment: m.clone().add(days, 'days').format('YYYY-MM-DD HH:mm:ss'),
    chinese: m.format('LL dddd'),
    week: m.isoWeek(),
    valid: m.isValid(),
    dayjs: d.add(days, 'day').endOf('month').toISOString(),
    same: m.isSame(d.toDate()),
  };
};
