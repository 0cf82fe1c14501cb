exports.main = async ({ path, httpMethod, body }) => ({ who: 'shop', path, httpMethod, body });
