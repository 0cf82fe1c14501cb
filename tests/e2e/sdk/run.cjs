'use strict';
// Runs one step of the scenario in a deployed function: {step, mark} → its
// value.
const { told } = require('./dialects.cjs');
const steps = require('./scenario.cjs');

module.exports = (dialect, db) => async (event) => {
  const step = steps.find((s) => s.name === event.step);
  try {
    return { value: told(await step.run({ db, d: dialect, mark: event.mark,
      _: db.command, $: db.command.aggregate, c: (name) => db.collection(event.mark + name) })) };
  } catch (error) {
    return { thrown: { code: error?.errCode ?? error?.code, message: String(error?.errMsg ?? error?.message ?? error),
      stack: String(error?.stack).split('\n').slice(0, 6).join('\n') } };
  }
};
