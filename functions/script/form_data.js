'use strict';
// FormData, and its multipart/form-data text both ways.

const { Blob, File } = require('./blob');
const bytes = require('./bytes');

function entry(name, value, file) {
  if (!(value instanceof Blob)) return [`${name}`.toWellFormed(), `${value}`.toWellFormed()];
  const named = value instanceof File && file === undefined ? value
    : new File([value], file ?? 'blob', { type: value.type });
  return [`${name}`.toWellFormed(), named];
}

class FormData {
  #list = [];

  constructor(form = undefined) {
    if (form !== undefined)
      throw new TypeError('FormData constructor: there are no forms here');
  }

  append(name, value, file) {
    if (file !== undefined && !(value instanceof Blob))
      throw new TypeError('FormData.append: value is not a Blob');
    this.#list.push(entry(name, value, file));
  }

  set(name, value, file) {
    const made = entry(name, value, file);
    const at = this.#list.findIndex(([n]) => n === made[0]);
    if (at < 0) {
      this.#list.push(made);
      return;
    }
    this.#list[at] = made;
    this.#list = this.#list.filter(([n], i) => n !== made[0] || i === at);
  }

  delete(name) {
    this.#list = this.#list.filter(([n]) => n !== `${name}`);
  }

  get(name) {
    return this.#list.find(([n]) => n === `${name}`)?.[1] ?? null;
  }

  getAll(name) {
    return this.#list.filter(([n]) => n === `${name}`).map(([, v]) => v);
  }

  has(name) {
    return this.#list.some(([n]) => n === `${name}`);
  }

  forEach(fn, self) {
    for (const [name, value] of this.#list) fn.call(self, value, name, this);
  }

  * entries() {
    yield* this.#list.map((each) => [...each]);
  }

  * keys() {
    for (const [name] of this.#list) yield name;
  }

  * values() {
    for (const [, value] of this.#list) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag]() {
    return 'FormData';
  }
}

// ---- multipart

const quoted = (text) => text.replace(/\r\n|\r|\n/g, '%0D%0A').replaceAll('"', '%22');

function encode(form) {
  const boundary = `----formdata-mpcloud-${Array.from(host.random(8),
    (b) => b.toString(16).padStart(2, '0')).join('')}`;
  const parts = [];
  for (const [name, value] of form) {
    const isFile = value instanceof Blob;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${
      quoted(name)}"${isFile ? `; filename="${quoted(value.name)}"\r\nContent-Type: ${
      value.type || 'application/octet-stream'}` : ''}\r\n\r\n`;
    parts.push(host.utf8(head), isFile ? Blob._bytes(value)
      : host.utf8(value.replace(/\r\n|\r|\n/g, '\r\n')), host.utf8('\r\n'));
  }
  parts.push(host.utf8(`--${boundary}--\r\n`));
  return { body: bytes.concat(parts),
    type: `multipart/form-data; boundary=${boundary}` };
}

function decode(data, boundary) {
  const { Buffer } = require('./buffer');
  const all = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const line = Buffer.from(`--${boundary}`);
  const form = new FormData();
  let at = all.indexOf(line);
  while (at >= 0) {
    const from = at + line.length;
    if (all[from] === 45 && all[from + 1] === 45) return form;
    const next = all.indexOf(line, from);
    const gap = all.indexOf('\r\n\r\n', from);
    if (next < 0 || gap < 0) break;
    const head = all.toString('utf8', from, gap);
    const body = all.subarray(gap + 4, next - 2);
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? '';
    const file = /filename="([^"]*)"/.exec(head)?.[1];
    const plain = (text) => text.replaceAll('%22', '"').replaceAll('%0D%0A', '\r\n');
    if (file === undefined) form.append(plain(name), body.toString());
    else form.append(plain(name), new File([body], plain(file),
      { type: /content-type:\s*(.*)/i.exec(head)?.[1].trim() ?? '' }));
    at = next;
  }
  throw new TypeError('Failed to parse body as FormData.');
}

module.exports = { FormData, encode, decode };
