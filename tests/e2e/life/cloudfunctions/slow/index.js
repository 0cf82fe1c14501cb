const { setTimeout: wait } = require('node:timers/promises');

exports.main = async ({ ms }) => {
  await wait(ms);
  return 'done';
};
