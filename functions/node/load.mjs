// The author's module and the function in it that answers.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import Module, { createRequire, register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const setup = globalThis[Symbol.for('mpcloud.setup')];
const FILES = 500;

const OURS = pathToFileURL(require.resolve('./mpcloud.cjs')).href;
const RESOLVE = `export function resolve(name, context, next) {
  if (name === 'mpcloud') return { url: ${JSON.stringify(OURS)}, shortCircuit: true };
  return next(name, context);
}`;

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules'
      && !entry.name.startsWith('.')) yield* sources(file);
    else if (entry.isFile() && /\.[mc]?js$/.test(entry.name)) yield file;
  }
}

// `import 'mpcloud'` needs a hook, and in node before 22 a hook is a thread of
// its own with a heap of its own: only those who use it pay for it.
function usesOurs() {
  let n = 0;
  for (const file of sources(setup.codeDir)) {
    if (++n > FILES) return true;
    if (/['"]mpcloud['"]/.test(readFileSync(file, 'utf8'))) return true;
  }
  return false;
}

let hooked = false;

function hook() {
  if (hooked) return;
  hooked = true;
  if (Module.registerHooks)
    Module.registerHooks({
      resolve: (name, context, next) => (name === 'mpcloud'
        ? { url: OURS, shortCircuit: true } : next(name, context)),
    });
  else if (usesOurs())
    register(`data:text/javascript,${encodeURIComponent(RESOLVE)}`);
}

function importModule(file) {
  hook();
  return import(pathToFileURL(file).href);
}

// Only of the file itself: when one of its own require()s is an ES module, that
// is the author's error, to be told as it is.
function isModule(err, file) {
  if (err?.code === 'ERR_REQUIRE_ESM' || err?.code === 'ERR_REQUIRE_ASYNC_MODULE')
    return err.code !== 'ERR_REQUIRE_ESM' || String(err.message).includes(`ES Module ${file} `);
  return false;
}

async function loadModule(base) {
  const own = createRequire(`${setup.codeDir}/`);
  let file;
  try {
    file = own.resolve(base);
  } catch (err) {
    if (!existsSync(`${base}.mjs`)) throw err;
    return importModule(`${base}.mjs`);
  }
  try {
    return own(file);
  } catch (err) {
    if (!isModule(err, file)) throw err;
    return importModule(file);
  }
}

function noFunction(handler, file, name, module) {
  const names = Object.keys(module ?? {}).filter((key) =>
    typeof module[key] === 'function');
  const has = names.length ? `it exports ${names.slice(0, 5).join(', ')}`
    : typeof module === 'function' ? 'its export is itself a function: write '
      + `exports.${name} = …` : 'it exports no function';
  return new TypeError(`${file}: no function is exported as "${name}", which `
    + `the handler ${handler} names; ${has}`);
}

export async function load() {
  const { handler } = setup;
  const dot = handler.lastIndexOf('.');
  const file = handler.slice(0, dot);
  const name = handler.slice(dot + 1);
  const module = await loadModule(path.join(setup.codeDir, file));
  for (const one of [module, module?.default, module?.default?.default])
    if (typeof one?.[name] === 'function') return one[name];
  throw noFunction(handler, file, name, module?.default ?? module);
}
