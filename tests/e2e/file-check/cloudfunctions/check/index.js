// docs/storage.md's example, but for what stands before `check.main`: a gate that
// the test opens, and answers that are no verdict.
const { get } = require('node:http');
const cloud = require('wx-server-sdk');
const check = require('./check.js');

exports.main = async (event, context) => {
  if (event.path.startsWith('bad/')) return { pass: 'yes' };
  if (event.path.startsWith('fetched/')) {
    const bytes = await new Promise((done, failed) => get(event.url, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; }).on('end', () => done(text));
    }).on('error', failed));
    return { pass: bytes === 'by link', reason: bytes };
  }
  if (event.path.startsWith('gate/')) {
    const gates = cloud.database().collection('gates');
    await gates.add({ data: { begun: event.path } });
    while (!(await gates.where({ open: event.path }).count()).total)
      await new Promise((done) => setTimeout(done, 50));
  }
  return check.main(event, context);
};
