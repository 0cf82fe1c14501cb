// Who the function thinks calls, and with what.
exports.main = async (event) => ({ method: event.httpMethod, path: event.path, body: event.body,
  userInfo: event.userInfo ?? null, headers: event.headers });
