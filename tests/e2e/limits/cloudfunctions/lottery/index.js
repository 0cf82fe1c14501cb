// No two answers are alike.
let calls = 0;
exports.main = async (event) => {
  if (event.body === 'throw' || event.fail) throw new Error(`lost ${Math.random()}`);
  return { statusCode: 201, headers: { 'x-ticket': `t${++calls}`, 'content-type': 'application/json' },
    body: JSON.stringify({ number: Math.random() }) };
};
