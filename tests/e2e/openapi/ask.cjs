// The function of every client: does what the event says with cloud.openapi,
// and tells what came of it in plain JSON.
module.exports = (cloud) => async (event) => {
  const plain = (value) => {
    if (Buffer.isBuffer(value) || value instanceof Uint8Array)
      return { bytes: Buffer.from(value).toString('base64') };
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
    return value;
  };
  const files = (data) => Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) =>
    [key, value?.base64 ? { contentType: value.contentType, value: Buffer.from(value.base64, 'base64'),
      ...(value.fileName && { fileName: value.fileName }) } : value]));
  const call = async ({ api, data, appid, of }) => {
    if (of) return cloud[of](data);
    const root = appid ? cloud.openapi({ appid }) : cloud.openapi;
    const names = api.includes('/') ? [api] : api.split('.');
    return names.reduce((at, name) => at[name], root)(files(data));
  };
  const one = async (step) => {
    try {
      return { ok: plain(await call(step)) };
    } catch (err) {
      return { errCode: err.errCode, errMsg: err.errMsg, message: err.message };
    }
  };
  if (!event.times) return one(event);
  return Promise.all(Array.from({ length: event.times }, () => one(event)));
};
