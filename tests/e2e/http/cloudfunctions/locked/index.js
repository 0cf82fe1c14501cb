exports.main = async () => ({ openid: process.env.WX_OPENID, uid: Boolean(process.env.TCB_UUID) });
