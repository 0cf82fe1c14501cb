// A mini program's world, for what runs in one: JavaScript without a DOM and
// without Node.js, and a `wx` that does what WeChat's documents say of it
// (developers.weixin.qq.com/miniprogram/dev/api: network, storage, file).
// What they do not let a page do is refused here, too.

import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import vm from 'node:vm';
import WebSocket from 'ws';

const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']; // no PATCH
const STORAGE_TOP = 1 << 20;
const CHUNK = 16384;

// One exchange; answered(res, body) once, failed(why) once.
function exchange({ url, method, header, body, timeout, task }, answered, failed) {
  const { request } = url.startsWith('https:') ? https : http;
  const req = request(url, { method, headers: header }, (res) => {
    const parts = [];
    const all = Number(res.headers['content-length']) || 0;
    let got = 0;
    task.tell('HeadersReceived', { header: res.headers, statusCode: res.statusCode, cookies: [] });
    res.on('data', (part) => {
      parts.push(part);
      got += part.length;
      task.tell('Received', { progress: all ? Math.floor(got * 100 / all) : 0, totalBytesWritten: got, totalBytesExpectedToWrite: all });
    });
    res.on('end', () => answered(res, Buffer.concat(parts)));
    res.on('error', (err) => failed(err.message));
  });
  const timer = setTimeout(() => req.destroy(new Error('timeout')), timeout ?? 60000);
  task.abort = () => req.destroy(new Error('abort'));
  req.on('close', () => clearTimeout(timer));
  req.on('error', (err) => failed(err.message || err.code));
  let at = 0;
  const write = () => {
    if (req.destroyed) return;
    if (!body || at >= body.length) {
      req.end();
      return;
    }
    const part = body.subarray(at, at + CHUNK);
    at += part.length;
    req.write(part, () => {
      task.tell('Sent', { progress: Math.floor(at * 100 / body.length), totalBytesSent: at, totalBytesExpectedToSend: body.length });
      setImmediate(write);
    });
  };
  setImmediate(write);
}

// RequestTask, UploadTask and DownloadTask; `progress` is the event that its
// onProgressUpdate means.
function makeTask(progress) {
  const listeners = [];
  const task = { abort() {}, tell: (event, what) => listeners.filter(([e]) => e === event).forEach(([, fn]) => fn(what)) };
  for (const [name, event] of [['ProgressUpdate', progress], ['HeadersReceived', 'HeadersReceived']]) {
    task[`on${name}`] = (fn) => listeners.push([event, fn]);
    task[`off${name}`] = (fn) => listeners.splice(0, listeners.length, ...listeners.filter(([e, f]) => e !== event || (fn && f !== fn)));
  }
  return task;
}

const bytesOf = (data) => (typeof data === 'string' ? Buffer.from(data) : Buffer.from(new Uint8Array(data)));
const isArrayBuffer = (v) => Object.prototype.toString.call(v) === '[object ArrayBuffer]';

// `code`: a promise of what wx.login gives.
export function makeMiniWx({ code, appid = 'wx0123456789abcdef' }) {
  const storage = new Map();
  const disk = new Map();
  const sockets = new Set();
  let files = 0;
  const later = (fn, ...args) => fn && setImmediate(fn, ...args);
  const ended = (o, name, ok, more) => {
    const res = { ...more, errMsg: ok ? `${name}:ok` : `${name}:fail ${more.errMsg}` };
    later(ok ? o.success : o.fail, res);
    later(o.complete, res);
  };
  const needs = (name, o, ...words) => {
    for (const word of words)
      if (o[word] === undefined) throw new TypeError(`${name}: parameter.${word} should be given`);
  };
  const fs = {
    writeFileSync(filePath, data, encoding) {
      if (!filePath.startsWith('wxfile://usr/')) throw new Error(`writeFileSync:fail permission denied, open ${filePath}`);
      disk.set(filePath, typeof data === 'string' ? Buffer.from(data, encoding ?? 'utf8') : bytesOf(data));
    },
    readFileSync(filePath, encoding) {
      if (!disk.has(filePath)) throw new Error(`readFileSync:fail no such file or directory, open ${filePath}`);
      const bytes = disk.get(filePath);
      return encoding ? bytes.toString(encoding) : new Uint8Array(bytes).buffer;
    },
    writeFile(o) {
      try {
        fs.writeFileSync(o.filePath, o.data, o.encoding);
        ended(o, 'writeFile', true, {});
      } catch (err) {
        ended(o, 'writeFile', false, { errMsg: err.message });
      }
    },
    unlink(o) {
      ended(o, 'unlink', disk.delete(o.filePath), { errMsg: 'no such file or directory' });
    },
  };
  const wx = {
    env: { USER_DATA_PATH: 'wxfile://usr' },
    request(o) {
      const method = o.method ?? 'GET';
      const task = makeTask('Received');
      needs('request', o, 'url');
      if (!METHODS.includes(method)) throw new TypeError(`request:fail parameter error: invalid method ${method}`);
      const header = { 'content-type': 'application/json', ...o.header };
      const body = o.data === undefined || method === 'GET' ? undefined :
        isArrayBuffer(o.data) || typeof o.data === 'string' ? bytesOf(o.data) : Buffer.from(JSON.stringify(o.data));
      if (body) header['content-length'] = body.length;
      exchange({ url: o.url, method, header, body, timeout: o.timeout, task }, (res, bytes) => {
        let data = o.responseType === 'arraybuffer' ? new Uint8Array(bytes).buffer : bytes.toString('utf8');
        if ((o.dataType ?? 'json') === 'json' && typeof data === 'string')
          try { data = JSON.parse(data); } catch { /* it stays a text */ }
        ended(o, 'request', true, { data, statusCode: res.statusCode, header: res.headers, cookies: [] });
      }, (why) => ended(o, 'request', false, { errMsg: why, errno: 600000 }));
      return task;
    },
    uploadFile(o) {
      const task = makeTask('Sent');
      needs('uploadFile', o, 'url', 'filePath', 'name');
      if (!disk.has(o.filePath)) {
        ended(o, 'uploadFile', false, { errMsg: 'file not found' });
        return task;
      }
      const boundary = `----WeChat${Math.random().toString(16).slice(2)}`;
      const field = (name, more) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n`;
      const body = Buffer.concat([
        ...Object.entries(o.formData ?? {}).map(([k, v]) => Buffer.from(`${field(k, '')}\r\n${v}\r\n`)),
        Buffer.from(`${field(o.name, `; filename="${posix.basename(o.filePath)}"`)}Content-Type: application/octet-stream\r\n\r\n`),
        disk.get(o.filePath), Buffer.from(`\r\n--${boundary}--\r\n`)]);
      exchange({ url: o.url, method: 'POST', body, timeout: o.timeout, task,
        header: { ...o.header, 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': body.length } },
      (res, bytes) => ended(o, 'uploadFile', true, { data: bytes.toString('utf8'), statusCode: res.statusCode }),
      (why) => ended(o, 'uploadFile', false, { errMsg: why }));
      return task;
    },
    downloadFile(o) {
      const task = makeTask('Received');
      needs('downloadFile', o, 'url');
      exchange({ url: o.url, method: 'GET', header: o.header, timeout: o.timeout, task }, (res, bytes) => {
        const tempFilePath = `wxfile://tmp_${files++}`;
        disk.set(tempFilePath, bytes);
        ended(o, 'downloadFile', true, { tempFilePath, statusCode: res.statusCode, header: res.headers });
      }, (why) => ended(o, 'downloadFile', false, { errMsg: why }));
      return task;
    },
    connectSocket(o) {
      needs('connectSocket', o, 'url');
      const socket = new WebSocket(o.url, o.protocols ?? [], { headers: o.header });
      let wasOpen = false;
      sockets.add(socket);
      page.connections += 1;
      socket.on('close', () => sockets.delete(socket));
      const on = { Open: [], Message: [], Close: [], Error: [] };
      const tell = (event, what) => on[event].forEach((fn) => fn(what));
      socket.on('open', () => { wasOpen = true; tell('Open', { header: {} }); });
      socket.on('message', (data, isBinary) => tell('Message', { data: isBinary ? new Uint8Array(data).buffer : data.toString() }));
      socket.on('close', (closed, reason) => wasOpen && tell('Close', { code: closed, reason: reason.toString() }));
      socket.on('error', (err) => tell('Error', { errMsg: err.message }));
      const task = {
        send({ data, success, fail }) {
          if (socket.readyState !== WebSocket.OPEN) {
            later(fail, { errMsg: 'sendSocketMessage:fail SocketTask.readyState is not OPEN' });
            return;
          }
          socket.send(isArrayBuffer(data) ? bytesOf(data) : data, () => later(success, { errMsg: 'sendSocketMessage:ok' }));
        },
        close({ code: closing = 1000, reason = '' } = {}) {
          if (closing !== 1000 && !(closing >= 3000 && closing <= 4999)) throw new TypeError(`closeSocket:fail invalid code ${closing}`);
          socket.close(closing, reason);
        },
      };
      for (const event of Object.keys(on)) task[`on${event}`] = (fn) => on[event].push(fn);
      ended(o, 'connectSocket', true, {});
      return task;
    },
    login: (o) => code().then((got) => ended(o, 'login', true, { code: got }), (err) => ended(o, 'login', false, { errMsg: err.message })),
    getStorageSync: (key) => (storage.has(key) ? JSON.parse(storage.get(key)) : ''),
    setStorageSync(key, value) {
      const text = JSON.stringify(value);
      if (text.length > STORAGE_TOP) throw new Error('setStorageSync:fail data is too large');
      storage.set(key, text);
    },
    removeStorageSync: (key) => storage.delete(key),
    getFileSystemManager: () => fs,
    getAccountInfoSync: () => ({ miniProgram: { appId: appid, envVersion: 'develop', version: '' } }),
    getDeviceInfo: () => ({ brand: 'devtools', model: 'iPhone 12', platform: 'devtools', system: 'iOS 10' }),
  };
  // WeChat's own, which cannot be assigned to.
  Object.defineProperty(wx, 'cloud', { configurable: true, enumerable: true, writable: false,
    value: { init() { throw new Error('Tencent\'s cloud is not here'); } } });
  // As a page gets them from wx.chooseMedia.
  const page = {
    connections: 0, // sockets that were opened
    make(text) {
      const filePath = `wxfile://tmp_${files++}`;
      disk.set(filePath, Buffer.from(text));
      return filePath;
    },
    read: (filePath) => Promise.resolve(disk.get(filePath).toString()),
    /* The network is gone for a moment: no socket says good-bye. */
    cut: () => sockets.forEach((socket) => socket.terminate()),
    left: () => [...disk.keys()].filter((name) => name.startsWith('wxfile://usr/')),
  };
  return { wx, page };
}

// A context with `wx` and a require() of the files named: {'./mpcloud.js': path}.
export function makeMiniProgram({ wx, modules }) {
  const loaded = new Map();
  const context = vm.createContext({ wx, console, setTimeout, clearTimeout, setInterval, clearInterval },
    { codeGeneration: { strings: false, wasm: false } });
  context.require = (name) => {
    if (!modules[name]) throw new Error(`module '${name}' is not defined`);
    if (!loaded.has(name)) {
      const module = { exports: {} };
      loaded.set(name, module);
      vm.runInContext(`(function (require, module, exports) {${readFileSync(modules[name], 'utf8')}\n})`, context,
        { filename: modules[name] })(context.require, module, module.exports);
    }
    return loaded.get(name).exports;
  };
  return { run: (text, filename) => vm.runInContext(text, context, { filename }), context };
}
