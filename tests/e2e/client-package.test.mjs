// client/ as a package: what is in it, what syntax it has, what its types say.
import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import vm from 'node:vm';
import { lacksPackages, source } from '../lib/stack.mjs';

const require = createRequire(join(source, 'tests/package.json'));
const client = join(source, 'client');
const text = readFileSync(join(client, 'mpcloud.js'), 'utf8');
const skip = lacksPackages('tests');

// Loads a text as a module of a bare world, as a mini program would.
function load(js, wx) {
	const module = { exports: {} };
	vm.runInNewContext(`(function (module, exports) {${js}\n})`, { wx, setTimeout, clearTimeout })(module, module.exports);
	return module.exports;
}

test('mpcloud.js is what its parts make (make client)', () => {
	assert.equal(execFileSync('sh', [join(client, 'join')], { encoding: 'utf8' }) === text, true,
		'client/src was changed: make client');
});

test('its syntax is ES2015: a compiler for that changes nothing', { skip }, () => {
	const ts = require('typescript');
	const to = (target) => ts.transpileModule(text, { compilerOptions: { target, removeComments: false } }).outputText;

	assert.equal(to(ts.ScriptTarget.ES2015), to(ts.ScriptTarget.ESNext));
});

test('compiled to ES5, as WeChat\'s tools do, it works the same', { skip }, async () => {
	const ts = require('typescript');
	const es5 = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES5, downlevelIteration: true } }).outputText;
	const wx = { request: ({ url, data, success }) => setImmediate(success, { statusCode: 200, data: JSON.stringify({ url, got: JSON.parse(data) }),
		header: { 'Content-Type': 'application/json' } }) };

	for (const js of [text, es5]) {
		const cloud = load(js, wx);
		cloud.init({ url: 'https://h.example' });
		const { result } = await cloud.callFunction({ name: 'f', data: { a: 1 } });
		assert.deepEqual(JSON.parse(JSON.stringify(result)), { url: 'https://h.example/v1/functions/f', got: { a: 1 } });
		const _ = cloud.database().command;
		assert.equal(JSON.stringify(_.gt(1).and(_.lt(3)).op), '"and"');
	}
});

test('it asks for nothing that a mini program\'s compiler would look for', () => {
	assert.deepEqual(text.match(/\b(require|import)\s*\(\s*['"][^.]/g), null);
	assert.equal(/\beval\b|new Function/.test(text), false);
});

test('types: page code typed for wx.cloud compiles with it', { skip }, () => {
	const { status, stdout } = spawnSync(process.execPath, [require.resolve('typescript/lib/tsc.js'), '-p', join(source, 'tests/types')],
		{ encoding: 'utf8' });

	assert.equal(stdout, '');
	assert.equal(status, 0);
});

test('types: what they name is there, and nothing else', () => {
	const cloud = require(join(client, 'mpcloud.js'));
	const types = readFileSync(join(client, 'mpcloud.d.ts'), 'utf8');
	const body = (name) => new RegExp(`\\n\\tinterface ${name} (?:extends \\w+ )?\\{\\n([\\s\\S]*?)\\n\\t\\}`).exec(types)[1];
	const members = (name) => [...body(name).matchAll(/^\t\t(?:readonly )?(\w+)\??[(:]/gm)].map(([, word]) => word)
		.filter((word, i, all) => all.indexOf(word) === i && word !== 'new').sort();
	const instance = new cloud.Cloud({ url: 'https://h.example', wx: { request() {} } });
	const db = instance.database();
	const methods = (o) => {
		const found = new Set(Object.keys(o));
		for (let p = Object.getPrototypeOf(o); p && p !== Object.prototype; p = Object.getPrototypeOf(p))
			Object.getOwnPropertyNames(p).forEach((word) => found.add(word));
		return found;
	};

	for (const [name, o] of [['Cloud', cloud], ['Database', db], ['Command', db.command], ['Collection', db.collection('a')],
		['Query_', db.collection('a')], ['Document', db.collection('a').doc('b')], ['Aggregate', db.collection('a').aggregate()],
		['Query', db.command.gt(1)], ['Geo', db.Geo], ['Watching', { close() {} }]])
		assert.deepEqual(members(name).filter((word) => !methods(o).has(word)), [], name);
	const operators = /type Operator =\n([\s\S]*?);/.exec(types)[1].match(/\w+/g);
	assert.deepEqual([...operators, 'pipeline'].sort(), Object.keys(db.command.aggregate).sort());
	assert.deepEqual(Object.keys(db.command).filter((word) => !members('Command').concat(members('Query')).includes(word)), []);
});

test('the package holds four files, and require and import find the same thing', () => {
	const folder = mkdtempSync(join(tmpdir(), 'mpc-client-'));
	const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
		env: { ...process.env, npm_config_cache: join(folder, 'cache') } });

	try {
		const [packed] = JSON.parse(npm('pack', client, '--json'));
		assert.deepEqual(packed.files.map((f) => f.path).sort(), ['README.md', 'mpcloud.d.ts', 'mpcloud.js', 'package.json']);
		writeFileSync(join(folder, 'package.json'), '{"private":true}');
		npm('install', '--offline', '--no-audit', '--no-fund', join(folder, packed.filename));
		writeFileSync(join(folder, 'a.mjs'), `import cloud from 'mpcloud-client'; import { createRequire } from 'node:module';
			const required = createRequire(import.meta.url)('mpcloud-client');
			console.log(cloud === required, typeof cloud.callFunction);`);
		assert.equal(execFileSync(process.execPath, ['a.mjs'], { cwd: folder, encoding: 'utf8' }), 'true function\n');
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});
