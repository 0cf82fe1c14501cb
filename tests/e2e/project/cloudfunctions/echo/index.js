// Answers what it was called with and by whom.
exports.main = async (event, context) => ({
  event,
  openid: process.env.WX_OPENID ?? null,
  source: process.env.TCB_SOURCE ?? null,
  requestId: context.request_id,
  name: context.function_name,
});
