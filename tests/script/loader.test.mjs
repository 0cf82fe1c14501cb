// require() of the script runtime: what Node's documentation says of CommonJS,
// checked against Node itself on the same folders.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { makeCode, startScript } from './fake-host.mjs';

const FILES = {
  'lib/index.js': 'exports.where = __dirname.split("/").pop(); exports.file = __filename.split("/").pop();',
  'lib/data.json': '{"a":[1,{"b":2}]}',
  'lib/both.js': 'module.exports = "file";',
  'lib/both/index.js': 'module.exports = "folder";',
  'lib/cjs.cjs': 'module.exports = "cjs";',
  'lib/fn.js': '#!/usr/bin/env node\nmodule.exports = function () { return 5; };',
  'a.js': 'exports.early = 1; const b = require("./b"); exports.late = b.saw; exports.done = true;',
  'b.js': 'const a = require("./a"); exports.saw = Object.keys(a).join();',
  'once.js': 'global.count = (global.count || 0) + 1; exports.count = global.count;',
  'throws.js': 'throw new RangeError("while loading");',
  'bad.json': '{"a":',
  'main-folder/package.json': '{"main":"./src/entry"}',
  'main-folder/src/entry.js': 'module.exports = "entry";',
  'no-main/package.json': '{"main":"gone.js"}',
  'no-main/index.js': 'module.exports = "fallen back";',
  'deep/er/x.js': 'module.exports = [require("../../lib/both"), require("pack"), require("pack/sub"), require("pack/data.json").v];',
  'node_modules/pack/package.json': '{"name":"pack","main":"main.js"}',
  'node_modules/pack/main.js': 'module.exports = "pack " + require("inner");',
  'node_modules/pack/sub.js': 'module.exports = "sub";',
  'node_modules/pack/data.json': '{"v":7}',
  'node_modules/pack/node_modules/inner/index.js': 'module.exports = "own inner";',
  'node_modules/inner/index.js': 'module.exports = "outer inner";',
  'node_modules/@scope/p/package.json': '{"exports":{".":{"import":"./no.mjs","require":"./yes.cjs"},"./feature/*":"./f/*.js","./closed":null}}',
  'node_modules/@scope/p/yes.cjs': 'module.exports = "required";',
  'node_modules/@scope/p/f/one.js': 'module.exports = "feature one";',
  'node_modules/string-exports/package.json': '{"exports":"./e.js","main":"./m.js"}',
  'node_modules/string-exports/e.js': 'module.exports = "exports win";',
};
const REQUESTS = ['./lib', './lib/', './lib/index', './lib/data', './lib/data.json', './lib/both', './lib/both/', './lib/cjs.cjs', './a', './b', './once', './once.js',
  './throws', './bad.json', './main-folder', './no-main', './deep/er/x', 'pack', 'pack/sub', 'pack/nothing', 'inner', '@scope/p', '@scope/p/feature/one',
  '@scope/p/closed', '@scope/p/secret', 'string-exports', 'string-exports/m.js', 'absent', './absent', '../absent', '/absent', '@absent/x', '', 'node:absent', 'path', 'node:path'];
const PROGRAM = `const out = {};
for (const request of ${JSON.stringify(REQUESTS)}) {
  try { const m = require(request); out[request] = typeof m === 'function' ? 'function ' + m() : request.endsWith('path') ? typeof m.join : m; }
  catch (e) { out[request] = { name: e.name, code: e.code, message: e.message.split('\\n')[0].replaceAll(__dirname, 'DIR').replace(/JSON.*$/, 'JSON'),
    stack: e.requireStack && e.requireStack.map((f) => f.replace(__dirname, 'DIR')) }; }
}
out.same = require('./lib') === require('./lib/index.js');
out.again = require('./once').count;
delete require.cache[require.resolve('./once')];
out.fresh = require('./once').count;
out.main = require.main === module;
out.fn = require('./lib/fn')();
out.resolve = require.resolve('pack').replace(__dirname, 'DIR');
out.paths = [module.paths[0].replace(__dirname, 'DIR'), typeof module.id, module.loaded, module.children.length > 3, Array.isArray(module.paths)];
out.wrapper = [this === module.exports, typeof require, typeof exports, arguments.length, __filename.replace(__dirname, 'DIR')];
try { require(5); } catch (e) { out.five = [e.name, e.code, e.message]; }
`;

test('every kind of module is found, refused and cached as Node does', () => {
  const dir = makeCode({ ...FILES, 'index.js': `${PROGRAM}\nexports.main = () => out;\nexports.out = out;` });
  try {
    const node = JSON.parse(execFileSync(process.execPath, ['-e', `process.argv[1] = '${dir}/index.js';
      const Module = require('module'); Module._load('${dir}/index.js', null, true);
      console.log(JSON.stringify(require('${dir}/index.js').out));`], { encoding: 'utf8' }));
    const script = startScript({ codeDir: dir });
    script.api.load('index.main');
    script.host.log = () => undefined;
    return script.invoke().then(({ value, failed }) => {
      assert.equal(failed, undefined);
      for (const [name, wanted] of Object.entries(node)) assert.deepEqual(value[name], wanted, name);
    }).finally(() => rmSync(dir, { recursive: true, force: true }));
  } catch (err) {
    rmSync(dir, { recursive: true, force: true });
    throw err;
  }
});

// What a deploy says.
function refusal(files, handler = 'index.main') {
  const script = startScript({ files });
  try {
    script.api.load(handler);
  } catch (err) {
    return String(err.stack);
  } finally {
    script.stop();
  }
  return 'it loaded';
}

test('the handler may be in a folder, and its last dot is the one that counts', async () => {
  const script = startScript({ files: { 'lib/my.entry.js': 'exports.go = () => "went";' } });
  script.api.load('lib/my.entry.go');
  assert.deepEqual(await script.invoke(), { value: 'went' });
  script.stop();
});

test('what cannot be loaded is said with the file, the line and what to do', () => {
  assert.match(refusal({ 'index.js': 'exports.other = 1;' }), /no function is exported as "main"/);
  assert.match(refusal({ 'index.js': 'require("express");' }), /the package "express" that index\.js asks for is not installed: add it .*npm install[^]*index\.js:1:1/);
  assert.match(refusal({ 'index.js': 'require("./lib/x");', 'lib/x.js': 'require("./Y");' }), /the file "\.\/Y" that lib\/x\.js asks for is not in the function's folder/);
  assert.match(refusal({ 'index.js': '\n\nimport x from "y";' }), /index\.js:3: this is an ES module.*require.*runtime node/);
  assert.match(refusal({ 'other.mjs': 'export const main = 1;' }, 'other.main'), /^Error: other\.mjs: this is an ES module/);
  assert.match(refusal({ 'a.js': 'const x = ;', 'index.js': 'require("./a")' }), /^a\.js:1\nconst x = ;\n[^]*SyntaxError/);
  assert.match(refusal({ 'index.js': 'require("./x.mjs")', 'x.mjs': '' }), /x\.mjs: this is an ES module/);
  assert.match(refusal({ 'index.js': 'require("./x.node")', 'x.node': '' }), /x\.node: a script function loads no compiled addons.*"runtime": "node"/);
  assert.match(refusal({ 'index.js': 'exports.main = 1;\nthrow new TypeError("at load");' }), /^TypeError: at load\n {4}at .*index\.js:2:7/);
});

test('modules that a script function has not are refused by name, with what to do', () => {
  for (const name of ['http', 'node:net', 'child_process', 'worker_threads', 'stream', 'zlib', 'vm'])
    assert.match(refusal({ 'index.js': `require("${name}");` }),
      new RegExp(`require\\('${name}'\\): a script function has no module "${name.replace('node:', '')}"; give the function "runtime": "node" to use it`));
});

test('a package of a refused name that is installed is used', async () => {
  const script = startScript({ files: { 'node_modules/stream/index.js': 'module.exports = "npm\'s";', 'index.js': 'exports.main = () => require("stream");' } });
  script.api.load('index.main');
  assert.deepEqual(await script.invoke(), { value: 'npm\'s' });
  script.stop();
});

test('the author\'s code sees nothing of the host', async () => {
  const script = startScript({ files: { 'index.js': `exports.main = () => [typeof host, Object.getOwnPropertyNames(globalThis).filter((n) => /host|mpcloud|runner/i.test(n)),
    Object.keys(globalThis), typeof require('wx-server-sdk').host];` } });
  script.api.load('index.main');
  assert.deepEqual(await script.invoke(), { value: ['undefined', [], [], 'undefined'] });
  script.stop();
});
