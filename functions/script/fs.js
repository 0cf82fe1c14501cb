'use strict';
// require('fs'): the code's own files to read, /tmp to read and write.

const { Buffer } = require('./buffer');
const EventEmitter = require('./events');
const path = require('./path');
const { argType, coded } = require('./errors');

const ERRNO = { ENOENT: [2, 'no such file or directory'],
  EACCES: [13, 'permission denied'], EEXIST: [17, 'file already exists'],
  ENOTDIR: [20, 'not a directory'], EISDIR: [21, 'illegal operation on a directory'],
  EROFS: [30, 'read-only file system'],
  ENOTEMPTY: [39, 'directory not empty'] };

function fault(code, call, file) {
  const [number, words] = ERRNO[code];
  const err = new Error(`${code}: ${words}, ${call} '${file}'`);
  return Object.assign(err, { errno: -number, code, syscall: call, path: file });
}

function place(file) {
  if (typeof file === 'string') {
    if (file.includes('\0'))
      throw require('./errors').argValue('path', file,
        'must be a string, Uint8Array, or URL without null bytes');
    return path.resolve(file);
  }
  if (file instanceof Uint8Array) return path.resolve(host.text(file));
  if (file && typeof file.href === 'string')
    return require('./url_module').fileURLToPath(file);
  throw argType('path', 'of type string or an instance of Buffer or URL', file);
}

function encodingOf(options) {
  return typeof options === 'string' ? options : options?.encoding;
}

// The host's own errors have Node's codes; a name for those that have none.
function asked(call, file, work) {
  try {
    return work();
  } catch (err) {
    if (err.code && err.path) throw err;
    throw Object.prototype.hasOwnProperty.call(ERRNO, err.code ?? '')
      ? fault(err.code, call, file) : err;
  }
}

function readFileSync(file, options) {
  const at = place(file);
  const kind = host.stat(at);
  if (kind === 0) throw fault('ENOENT', 'open', file);
  if (kind === 2)
    throw Object.assign(fault('EISDIR', 'read', file), { path: undefined,
      message: 'EISDIR: illegal operation on a directory, read' });
  const bytes = asked('open', file, () => host.readFile(at));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = encodingOf(options);
  return encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
}

function checkWritable(at, file, call) {
  if (!at.startsWith('/tmp/')) throw fault('EROFS', call, file);
}

function writeFileSync(file, data, options) {
  const at = place(file);
  checkWritable(at, file, 'open');
  if (host.stat(path.dirname(at)) !== 2) throw fault('ENOENT', 'open', file);
  if (options?.flag?.startsWith('a')) {
    appendFileSync(file, data, { ...options, flag: undefined });
    return;
  }
  if (options?.flag === 'wx' && host.stat(at) !== 0)
    throw fault('EEXIST', 'open', file);
  if (typeof data !== 'string' && !ArrayBuffer.isView(data))
    throw argType('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data);
  const bytes = typeof data === 'string'
    ? Buffer.from(data, encodingOf(options) ?? 'utf8')
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  asked('open', file, () => host.writeFile(at, bytes));
}

function appendFileSync(file, data, options) {
  const at = place(file);
  const before = host.stat(at) === 1 ? readFileSync(at) : Buffer.alloc(0);
  const bytes = typeof data === 'string'
    ? Buffer.from(data, encodingOf(options) ?? 'utf8') : data;
  writeFileSync(file, Buffer.concat([before, bytes]));
}

class Stats {
  constructor(kind, size) {
    this.size = size;
    this.mode = kind === 2 ? 0o40755 : 0o100644;
    this.mtime = this.ctime = this.atime = this.birthtime = new Date(0);
    this.mtimeMs = this.ctimeMs = this.atimeMs = this.birthtimeMs = 0;
  }

  isFile() {
    return (this.mode & 0o170000) === 0o100000;
  }

  isDirectory() {
    return (this.mode & 0o170000) === 0o40000;
  }

  isSymbolicLink() {
    return false;
  }

  isSocket() {
    return false;
  }

  isFIFO() {
    return false;
  }

  isBlockDevice() {
    return false;
  }

  isCharacterDevice() {
    return false;
  }
}

function statSync(file, options) {
  const at = place(file);
  const kind = host.stat(at);
  if (kind === 0) {
    if (options?.throwIfNoEntry === false) return undefined;
    throw fault('ENOENT', 'stat', file);
  }
  return new Stats(kind, kind === 1 ? host.readFile(at).length : 4096);
}

function mkdirSync(file, options) {
  const at = place(file);
  const isDeep = options?.recursive;
  if (host.stat(at) !== 0) {
    if (isDeep && host.stat(at) === 2) return undefined;
    throw fault('EEXIST', 'mkdir', file);
  }
  checkWritable(at, file, 'mkdir');
  const parent = path.dirname(at);
  const first = isDeep && host.stat(parent) === 0
    ? mkdirSync(parent, options) : undefined;
  if (host.stat(parent) !== 2) throw fault('ENOENT', 'mkdir', file);
  asked('mkdir', file, () => host.mkdir(at));
  return isDeep ? first ?? at : undefined;
}

function unlinkSync(file) {
  const at = place(file);
  const kind = host.stat(at);
  if (kind === 0) throw fault('ENOENT', 'unlink', file);
  if (kind === 2) throw fault('EISDIR', 'unlink', file);
  checkWritable(at, file, 'unlink');
  asked('unlink', file, () => host.unlink(at));
}

function readdirSync(file, options) {
  const at = place(file);
  const kind = host.stat(at);
  if (kind === 0) throw fault('ENOENT', 'scandir', file);
  if (kind === 1) throw fault('ENOTDIR', 'scandir', file);
  const names = [...asked('scandir', file, () => host.readdir(at))].sort();
  if (!options?.withFileTypes) return names;
  return names.map((name) => Object.assign(
    new Stats(host.stat(`${at}/${name}`), 0),
    { name, path: String(file), parentPath: String(file) }));
}

function rmSync(file, options) {
  const at = place(file);
  const kind = host.stat(at);
  if (kind === 0) {
    if (options?.force) return;
    throw fault('ENOENT', 'rm', file);
  }
  checkWritable(at, file, 'rm');
  if (kind === 2) {
    if (!options?.recursive)
      throw coded(Error, 'ERR_FS_EISDIR', `Path is a directory: rm returned EISDIR (is a directory) ${file}`);
    for (const name of host.readdir(at)) rmSync(`${at}/${name}`, options);
  }
  asked('rm', file, () => host.unlink(at));
}

function accessSync(file) {
  if (host.stat(place(file)) === 0) throw fault('ENOENT', 'access', file);
}

function copyFileSync(from, to) {
  writeFileSync(to, readFileSync(from));
}

const sync = {
  readFileSync, writeFileSync, appendFileSync, statSync, mkdirSync, unlinkSync,
  readdirSync, rmSync, accessSync, copyFileSync,
  lstatSync: statSync,
  renameSync(from, to) {
    copyFileSync(from, to);
    unlinkSync(from);
  },
  mkdtempSync(prefix) {
    const name = prefix + require('./crypto').randomBytes(3).toString('hex');
    mkdirSync(name);
    return name;
  },
  realpathSync(file) {
    accessSync(file);
    return place(file);
  },
  rmdirSync(file, options) {
    const at = place(file);
    const kind = host.stat(at);
    if (options?.recursive && kind === 2) {
      rmSync(file, options);
      return;
    }
    if (kind !== 2) throw fault(kind === 0 ? 'ENOENT' : 'ENOTDIR', 'rmdir', file);
    if (host.readdir(at).length > 0) throw fault('ENOTEMPTY', 'rmdir', file);
    checkWritable(at, file, 'rmdir');
    asked('rmdir', file, () => host.unlink(at));
  },
};

// ---- callbacks, promises, streams: the same work, told later

const fs = {
  ...sync,
  existsSync(file) {
    try {
      return host.stat(place(file)) !== 0;
    } catch {
      return false;
    }
  },
  exists(file, callback) {
    require('./tick').later(callback, fs.existsSync(file));
  },
  promises: {},
  constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1 },
};
fs.promises.constants = fs.constants;

for (const [name, work] of Object.entries(sync)) {
  const plain = name.slice(0, -4);
  fs[plain] = (...args) => {
    const callback = args.pop();
    if (typeof callback !== 'function')
      throw argType('cb', 'of type function', callback);
    let answer;
    try {
      answer = [null, work(...args)];
    } catch (err) {
      answer = [err];
    }
    require('./tick').later(callback, ...answer);
  };
  fs.promises[plain] = async (...args) => work(...args);
}

// A whole file, said in one piece.
class ReadStream extends EventEmitter {
  constructor(file, options) {
    super();
    this.path = file;
    this.readable = true;
    this.encoding = encodingOf(options);
    require('./tick').later(() => this.#flow());
  }

  readAll() {
    return readFileSync(this.path);
  }

  #flow() {
    if (this.listenerCount('data') === 0 && this.listenerCount('end') === 0)
      return;
    try {
      const data = readFileSync(this.path, this.encoding);
      this.emit('open', 3);
      this.emit('data', data);
      this.emit('end');
    } catch (err) {
      this.emit('error', err);
    }
    this.emit('close');
  }

  async* [Symbol.asyncIterator]() {
    yield readFileSync(this.path, this.encoding);
  }

  pipe(target) {
    this.on('data', (data) => target.write(data));
    this.on('end', () => target.end());
    return target;
  }

  setEncoding(encoding) {
    this.encoding = encoding;
    return this;
  }

  destroy() {
    return this;
  }
}
fs.ReadStream = ReadStream;
fs.createReadStream = (file, options) => new ReadStream(file, options);

class WriteStream extends EventEmitter {
  #parts = [];

  constructor(file) {
    super();
    this.path = file;
    this.writable = true;
    this.bytesWritten = 0;
    writeFileSync(file, '');
  }

  write(data, encoding, done) {
    const part = typeof data === 'string'
      ? Buffer.from(data, typeof encoding === 'string' ? encoding : 'utf8') : data;
    this.#parts.push(part);
    this.bytesWritten += part.length;
    const callback = typeof encoding === 'function' ? encoding : done;
    if (callback) require('./tick').later(callback, null);
    return true;
  }

  end(data, ...rest) {
    if (data !== undefined && typeof data !== 'function') this.write(data);
    const callback = [data, ...rest].find((each) => typeof each === 'function');
    if (callback) this.once('finish', callback);
    require('./tick').later(() => {
      try {
        writeFileSync(this.path, Buffer.concat(this.#parts));
        this.emit('finish');
      } catch (err) {
        this.emit('error', err);
      }
      this.emit('close');
    });
    return this;
  }
}
fs.WriteStream = WriteStream;
fs.createWriteStream = (file) => new WriteStream(file);
fs.Stats = Stats;

module.exports = fs;
