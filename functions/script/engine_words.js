'use strict';
// What this engine raises, in the words of Node's: those that authors know, look
// up and compare with.  Only where an error is told; `err.message` itself stays.

// The member that an expression of the engine's reads last: "a.b['c']" → "c".
function lastMember(expression) {
  const [, dotted, quoted, index]
    = /(?:\.([\w$]+)|\[(?:'([^']*)'|"[^"]*"|([^\]]*))\])$/.exec(expression) ?? [];
  // `a[i]`: which one it was is not told.
  return dotted ?? quoted ?? (index && (/^\d+$/.test(index) ? index : `[${index}]`));
}

function access(base, expression) {
  const set = /^(.*[^=!<>])=(?!=)/.exec(expression);
  const name = lastMember((set ? set[1] : expression).replace(/[+\-*/%&|^?]$/, ''));
  if (name === undefined) return null;
  return set ? `Cannot set properties of ${base} (setting '${name}')`
    : `Cannot read properties of ${base} (reading '${name}')`;
}

// [the engine's words, Node's words of what matched or null].
const ROWS = [
  [/^Can't find variable: (.+)$/, ([, name]) => `${name} is not defined`],
  [/^(undefined|null) is not an object \(evaluating '(.*)'\)$/s,
    ([, base, expression]) => access(base, expression)],
  [/^(.+) is not a function\. \(In '.*$/s, ([, name]) => `${name} is not a function`],
  [/^.+ is not a constructor \(evaluating 'new ([^(]*).*$/s,
    ([, name]) => `${name} is not a constructor`],
  [/^(?:undefined|.+) is not a function \(near '\.\.\.(?:.* (?:of|in) )?(.*)\.\.\.'\)$/s,
    ([, name]) => `${name} is not iterable`],
  [/^JSON Parse error: Unexpected EOF$/, () => 'Unexpected end of JSON input'],
  [/^JSON Parse error: (.*)$/s, ([, what]) => `${what} in JSON`],
  [/^JSON\.stringify cannot serialize cyclic structures\.$/,
    () => 'Converting circular structure to JSON'],
  [/^JSON\.stringify cannot serialize BigInt\.$/,
    () => 'Do not know how to serialize a BigInt'],
  [/^Invalid mix of BigInt and other type in .*$/,
    () => 'Cannot mix BigInt and other types, use explicit conversions'],
  [/^Maximum call stack size exceeded\.$/, () => 'Maximum call stack size exceeded'],
  [/^Array length must be a positive integer of safe magnitude\.$/,
    () => 'Invalid array length'],
  [/^Invalid Date$/, () => 'Invalid time value'],
  [/^Spread syntax requires \.\.\.iterable not be null or undefined$/,
    () => 'Spread syntax requires ...iterable[Symbol.iterator] to be a function'],
  [/^Cannot access uninitialized variable\.$/,
    () => 'Cannot access a variable before initialization'],
  [/^URI error$/, () => 'URI malformed'],
  [/^Cannot convert a symbol to a string$/,
    () => 'Cannot convert a Symbol value to a string'],
  [/^reduce of empty array with no initial value$/,
    () => 'Reduce of empty array with no initial value'],
  [/^Cannot call a class constructor without \|new\|$/,
    () => "Class constructor cannot be invoked without 'new'"],
  [/^'super\(\)' must be called in derived constructor.*$/s, () =>
    "Must call super constructor in derived class before accessing 'this' or returning from derived constructor"],
];

function message(err, name = err.name) {
  const text = String(err.message);
  if (!/^(Type|Reference|Range|Syntax|URI)Error$/.test(name)) return text;
  for (const [pattern, words] of ROWS) {
    const found = pattern.exec(text);
    if (found) return words(found) ?? text;
  }
  return text;
}

// ---- where a value leads back to itself, as V8 tells it

function findCircle(value, above, keys) {
  if (value === null || typeof value !== 'object') return null;
  const at = above.indexOf(value);
  if (at >= 0) return { objects: above.slice(at), keys: keys.slice(at) };
  above.push(value);
  for (const key of Object.keys(value)) {
    keys.push(Array.isArray(value) ? `index ${key}` : `property '${key}'`);
    const found = findCircle(value[key], above, keys);
    if (found) return found;
    keys.pop();
  }
  above.pop();
  return null;
}

function circle(value) {
  const found = findCircle(value, [], []);
  if (!found) return 'Converting circular structure to JSON';
  const named = (object) => `object with constructor '${
    object.constructor?.name ?? 'Object'}'`;
  const steps = found.objects.slice(1).map((object, i) =>
    `    |     ${found.keys[i]} -> ${named(object)}`);
  if (steps.length > 3) steps.splice(2, steps.length - 3, '    |     ...');
  return ['Converting circular structure to JSON',
    `    --> starting at ${named(found.objects[0])}`, ...steps,
    `    --- ${found.keys[found.keys.length - 1]} closes the circle`].join('\n');
}

module.exports = { message, circle };
