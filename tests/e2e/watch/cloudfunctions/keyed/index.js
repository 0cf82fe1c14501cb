// Behind a route that wants an API key, so that users cannot call it.
exports.main = async (event) => {
  if (event.type === 'websocket.upgrade') return { allowWebSocket: true };
  return event.type === 'websocket.message' ? `heard ${event.data}` : undefined;
};
