'use strict';
// What the author reads of an error: his own files, named from the function's
// folder, at the lines he wrote (source maps are applied by node), without the
// frames of node itself and of this runner.
const { realpathSync } = require('node:fs');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { format } = require('node:util');

const setup = globalThis[Symbol.for('mpcloud.setup')];
// As node names files: without links and dots.
const CODE = `${realpathSync(setup.codeDir).replace(/\/$/, '')}/`;
const CODE_URL = pathToFileURL(CODE).href;
const OURS = [`${__dirname}/`, pathToFileURL(`${__dirname}/`).href];
const STACK_TOP = 16 * 1024;
const CAUSES = 3;

function isForeign(line) {
  return /\(?node:[\w/]+:\d+/.test(line) || /\(native\)$/.test(line)
    || OURS.some((folder) => line.includes(folder));
}

function shorten(text) {
  return text.replaceAll(CODE_URL, '').replaceAll(CODE, '');
}

// A frame begins with "    at "; what stands before the first is the message,
// of which nothing is dropped.
function clean(stack) {
  const lines = String(stack).slice(0, STACK_TOP).split('\n');
  return lines.filter((line) => !/^\s+at /.test(line) || !isForeign(line))
    .map(shorten).join('\n');
}

function isError(err) {
  return err instanceof Error
    || (typeof err === 'object' && err !== null && 'message' in err);
}

// The stack, with those of its causes; '' when there is none.
function stackOf(err) {
  if (!isError(err) || !err.stack) return '';
  let text = clean(err.stack);
  let cause = err.cause;
  for (let i = 0; i < CAUSES && isError(cause) && cause.stack; i++) {
    const more = clean(cause.stack);
    if (!text.includes(more)) text += `\ncaused by ${more}`; // some say it
    cause = cause.cause;
  }
  return text;
}

// The body of an ERROR frame, as SCF words what an author threw.
function describe(err) {
  const known = isError(err);
  return {
    code: 'FUNCTIONS_EXECUTE_FAIL',
    message: JSON.stringify({
      errorMessage: known ? String(err.message) : format(err),
      errorType: known ? String(err.name ?? 'Error') : typeof err,
    }),
    stack: stackOf(err) || undefined,
  };
}

// A module that is not there is the commonest reason why code does not load.
const MISSING = /^Cannot find (?:module|package) '([^']+)'/;

function nameOf(file) {
  const name = file.startsWith('file:') ? fileURLToPath(file) : file;
  return name.startsWith(CODE) ? name.slice(CODE.length) : name;
}

// Who asked: the first of the require stack, or "imported from".
function askerOf(err) {
  if (Array.isArray(err.requireStack) && err.requireStack[0])
    return nameOf(err.requireStack[0]);
  const from = / imported from (\S+)/.exec(String(err.message));
  return from ? nameOf(from[1]) : null;
}

function isPath(name) {
  return name.startsWith('.') || path.isAbsolute(name)
    || name.startsWith('file:');
}

function missingText(err) {
  const name = MISSING.exec(String(err.message))?.[1];
  if (!name) return null;
  const asker = askerOf(err);
  const by = asker ? ` that ${asker} asks for` : '';
  if (isPath(name))
    return `the file "${nameOf(name)}"${by} is not in the function's folder: `
      + 'is it in the project, is its name written with the same capitals, '
      + 'is it listed under "ignore"?';
  const pack = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
  return `the package "${pack}"${by} is not installed: add it to the `
    + '"dependencies" of the function\'s package.json, then run npm install '
    + 'there, or set "installDependency": true in cloudbaserc.json';
}

// Why the code could not be loaded: a sentence where we have one, then what
// node says.
function loadText(err) {
  const missing = isError(err) && /^(ERR_)?MODULE_NOT_FOUND$/.test(err.code)
    ? missingText(err) : null;
  const own = stackOf(err) || format(err);
  if (!missing) return own;
  const frames = own.split('\n').filter((line) => /^\s+at /.test(line));
  return [missing, ...frames].join('\n');
}

module.exports = { clean, describe, loadText, stackOf };
