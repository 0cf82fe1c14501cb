/* wx.cloud.notThis() in a comment; 'wx.cloud.norThis()' in a string. */
import { db } from '../../utils/db';
const { callFunction, uploadFile: send } = wx.cloud;
const c = wx.cloud;
const _ = c.database().command, $ = _.aggregate;
const pattern = /wx\.cloud\.inRegExp("|')/;
const text = `wx.cloud.inTemplate ${c.getTempFileURL({ fileList: ['cloud://shop-1a2b.7368-shop/a.png'] })} ${`${c.deleteFile}`}`;

Page({
  data: { n: 4 / 2 / 1 },
  async onLoad() {
    await callFunction({ name: 'orders', data: { photo: new wx.cloud.CDN('x'), who: wx.cloud.CloudID('y') } });
    send({ cloudPath: 'a.png', filePath: 'wxfile://a' }).onProgressUpdate(() => {});
    c?.downloadFile({ fileID: 'cloud://x' });
    await c['callContainer']({ path: '/x', config: {} });
    const { socketTask } = await c.connectContainer({ service: 's' });
    this.watcher = db.collection('orders').where({
      n: _.gt(1).and(_.lt(9)), at: c.database().serverDate(), where: c.database().Geo.Point(1, 2),
    }).orderBy('n', 'desc').limit(3).watch({ onChange() {}, onError() {} });
    const sums = await db.collection('orders').aggregate()
      .match({ open: _.exists(true) })
      .group({ _id: '$who', n: $.sum('$n'), odd: $.notAnOperator('$n') })
      .out('sums')
      .end();
    (await getDb()).collection('orders').doc('a').update({ data: { n: _.inc(1), tags: _.push(['x']) } });
    await c.database().runTransaction(async (t) => t.collection('orders').doc('a').get());
    wx.cloud.extend.AI.createModel('hunyuan').streamText({});
    const gateway = new wx.cloud.services.Gateway({ id: 'g' });
    gateway.call({ path: '/' });
    const other = new c.Cloud({ resourceAppid: 'wx1', resourceEnv: 'other' });
    await other.init();
    await other.callFunction({ name: 'old' });
    wx.cloud.somethingNew();
    wx.getWeRunData({ success(res) { c.callFunction({ name: 'orders', data: { run: wx.cloud.CloudID(res.cloudID) } }); } });
  },
});
