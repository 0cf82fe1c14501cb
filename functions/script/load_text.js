'use strict';
// Why the code could not be loaded, for whoever deploys it: a sentence with what
// to do where a module is missing, then the stack.

const path = require('./path');
const stack = require('./stack');

const MISSING = /^Cannot find module '([^']+)'/;

function shown(file) {
  return file.startsWith(`${host.codeDir}/`)
    ? path.relative(host.codeDir, file) : file;
}

function sentence(name, asker) {
  const by = asker ? ` that ${shown(asker)} asks for` : '';
  if (/^[./]/.test(name))
    return `the file "${shown(name)}"${by} is not in the function's folder: `
      + 'is it in the project, is its name written with the same capitals, '
      + 'is it listed under "ignore"?';
  const parts = name.split('/');
  const pack = parts.slice(0, name.startsWith('@') ? 2 : 1).join('/');
  return `the package "${pack}"${by} is not installed: add it to the `
    + '"dependencies" of the function\'s package.json, then run npm install '
    + 'there, or set "installDependency": true in cloudbaserc.json';
}

module.exports = {
  of(err) {
    const own = stack.whole(err);
    const name = err.code === 'MODULE_NOT_FOUND'
      && MISSING.exec(String(err.message))?.[1];
    if (!name) return own;
    const frames = own.split('\n').filter((line) => /^\s+at /.test(line));
    return [sentence(name, err.requireStack?.[0]), ...frames].join('\n');
  },
};
