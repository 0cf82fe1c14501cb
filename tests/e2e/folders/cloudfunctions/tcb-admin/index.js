const tcb = require('tcb-admin-node');

const app = tcb.init({ env: tcb.getCurrentEnv && tcb.getCurrentEnv() });
const db = app.database();

exports.main = async (event) => {
  const { openId } = app.auth().getUserInfo();
  const { id } = await db.collection('notes').add({ mark: event.mark, n: [1, { two: 2 }] });
  const { data } = await db.collection('notes').doc(id).get();
  const { deleted } = await db.collection('notes').doc(id).remove();
  const { result } = await app.callFunction({ name: 'whoami', data: { x: event.mark } });
  return { openId, n: data[0].n, deleted, nested: result.openid, x: result.x };
};
