// A function folder under plain node, nothing of ours: what its main answers to
// each event of standard input (a JSON array), one after the other.  The
// reference that deployed functions are compared with.
//
//   node plain.cjs FOLDER HANDLER < events.json
'use strict';
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { format } = require('node:util');

const [folder, handler] = process.argv.slice(2);
const dot = handler.lastIndexOf('.');
const base = path.resolve(folder, handler.slice(0, dot));
let failed = () => {};
process.on('uncaughtException', (err) => failed(err));

async function load() {
  for (const end of ['.js', '.cjs', '.mjs']) {
    try {
      return await import(pathToFileURL(base + end).href);
    } catch (err) {
      if (err.code !== 'ERR_MODULE_NOT_FOUND' || end === '.mjs') throw err;
    }
  }
  return null;
}

function ask(main, event) {
  const context = { request_id: 'reference', callbackWaitsForEmptyEventLoop: false };
  return new Promise((resolve, reject) => {
    failed = reject;
    const answer = main(event, context, (err, value) => (err ? reject(err) : resolve(value)));
    if (typeof answer?.then === 'function') answer.then(resolve, reject);
    else if (answer !== undefined || main.length < 3) resolve(answer);
  });
}

const told = (err) => {
  const known = err instanceof Error || (err && typeof err === 'object' && 'message' in err);
  return known ? { errorMessage: String(err.message), errorType: String(err.name) }
    : { errorMessage: format(err), errorType: typeof err };
};

async function run() {
  const module = await load();
  const name = handler.slice(dot + 1);
  const main = module[name] ?? module.default[name];
  process.chdir(folder);
  const answers = [];
  for (const event of JSON.parse(readFileSync(0, 'utf8'))) {
    try {
      answers.push({ value: (await ask(main, event)) ?? null });
    } catch (err) {
      answers.push({ error: told(err) });
    }
  }
  process.stdout.write(JSON.stringify(answers), () => process.exit(0));
}

run();
