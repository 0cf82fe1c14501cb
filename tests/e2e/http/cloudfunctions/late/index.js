exports.main = ({ path }) => path === '/exit' ? process.exit(3) : new Promise(() => setInterval(() => {}, 1000));
