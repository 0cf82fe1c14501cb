// A database handed to other files.
const cloud: WxCloud = wx.cloud;
export const db: DB.Database = cloud.database();
export class Store {
  private orders: DB.CollectionReference = db.collection('orders');
  list() { return this.orders.where({ open: true }).limit(5).get(); }
}
