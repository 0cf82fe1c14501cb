// State of the module: there as long as the worker is, and a cache on disk.
const fs = require('fs');

let calls = 0;
const seen = new Map();
const file = `/tmp/state-${process.pid || 0}.json`;

exports.main = async ({ key, forget }) => {
  calls++;
  if (forget) { seen.clear(); calls = 1; }
  seen.set(key, (seen.get(key) || 0) + 1);
  fs.writeFileSync(file, JSON.stringify([...seen]));
  const kept = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { calls, of: seen.get(key), kept };
};
