// Takes as long as it is told to, or until the test lays a file of this name beside
// it.
const { existsSync } = require('fs');
const { join } = require('path');

exports.main = async (event) => {
  const { ms, until } = event.body ? JSON.parse(event.body) : event;
  if (ms) await new Promise((done) => setTimeout(done, ms));
  while (until && !existsSync(join(__dirname, until))) await new Promise((done) => setTimeout(done, 10));
  return { held: ms };
};
