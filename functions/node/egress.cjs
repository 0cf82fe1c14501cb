'use strict';
// The network of a function's code.  The process has none: it sees an empty
// network namespace and, when its setting `network` gives it a way out, a unix
// socket where mpcloud-host resolves, checks and connects (functions/egress.h).
//
// Packages do not know that.  All of node's clients (net, tls, http, https,
// http2, fetch) come to net.Socket's connect, which is replaced here: it asks
// for the far side as it would ask DNS, and then connects its own native handle
// to a unix socket instead of an address.  So TLS, half-close, timeouts and
// streams stay node's own.
const dns = require('node:dns');
const net = require('node:net');
const os = require('node:os');
const tls = require('node:tls');
const { domainToASCII } = require('node:url');

const PATH = process.env.MPCLOUD_EGRESS;
const CLAIM = `${PATH}.claim`;
const TARGET = Symbol('mpcloud.target');
const RESOLVE = 0xf0;
const PARK = 0xf1;
const NAME_TOP = 253; // RFC 1035, 2.3.4, as text

const HOW = 'set "network" in cloudbaserc.json, in the function\'s "mpcloud"';
const connectSocket = net.Socket.prototype.connect;

function makeError(message, fields) {
  return Object.assign(new Error(message), fields);
}

function dnsError(syscall, code, hostname, why = '') {
  const errno = { ENOTFOUND: -3008, EAI_AGAIN: -3001 }[code];
  return makeError(`${syscall} ${code} ${hostname}${why}`,
    { errno: errno ?? code, code, syscall, hostname });
}

function connectError(code, address, port, why = '') {
  const where = net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  return makeError(`connect ${code} ${where}${why}`,
    { errno: -(os.constants.errno[code] ?? 1), code, syscall: 'connect', address, port });
}

// RFC 1928, section 6, as node names what happened.
function replyError(reply, command, host, port, address) {
  const isName = !net.isIP(host);
  if ((reply === 4 && isName) || reply === 1)
    return dnsError('getaddrinfo', reply === 4 ? 'ENOTFOUND' : 'EAI_AGAIN', host);
  const code = { 2: 'EACCES', 3: 'ENETUNREACH', 4: 'EHOSTUNREACH', 5: 'ECONNREFUSED', 6: 'ETIMEDOUT' }[reply]
    ?? 'ECONNABORTED';
  const at = address && isName && address !== '0.0.0.0' ? ` (${address})` : '';
  const why = code === 'EACCES' ? `${at}: not allowed by this function's setting "network"; its log says more` : at;
  return command === RESOLVE ? dnsError('getaddrinfo', code, host, why) : connectError(code, host, port, why);
}

function noNetwork(host, port) {
  return connectError('EACCES', host, port, `: this function has no network; ${HOW}`);
}

function question(command, host, port) {
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([5, 1, 0, 5, command, 0, 3, name.length]), name,
    Buffer.from([port >> 8, port & 255])]);
}

// { reply, address, family } once all of the answer is there.
function parse(bytes) {
  if (bytes.length >= 2 && bytes[1] === 0xff) return { full: true };
  if (bytes.length < 6) return null;
  const size = bytes[5] === 4 ? 16 : 4;
  if (bytes.length < 2 + 4 + size + 2) return null;
  const raw = bytes.subarray(6, 6 + size);
  const words = [];
  for (let i = 0; i < size; i += 2) words.push(raw.readUInt16BE(i).toString(16));
  return { reply: bytes[3], family: size === 4 ? 4 : 6, address: size === 4 ? raw.join('.') : words.join(':') };
}

// One question; `done(error, answer)` once.  Returns what to destroy to give up.
function ask(command, host, port, done) {
  const control = new net.Socket();
  // Its length is one byte there: more would be read as another name.
  if (Buffer.byteLength(host) > NAME_TOP) {
    process.nextTick(done, dnsError('getaddrinfo', 'ENOTFOUND', host));
    return control;
  }
  let bytes = Buffer.alloc(0);
  let told = false;
  const tell = (error, answer) => {
    if (told) return;
    told = true;
    done(error, answer);
  };
  control.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    const answer = parse(bytes);
    if (!answer) return;
    if (answer.full)
      tell(connectError('EAGAIN', host, port, ': this function has too many connections open'));
    else if (answer.reply !== 0)
      tell(replyError(answer.reply, command, host, port, answer.address));
    else
      tell(null, answer);
    if (command === RESOLVE) control.destroy();
  });
  control.on('error', (error) => tell(connectError(error.code ?? 'ECONNRESET', host, port)));
  control.on('close', () => tell(connectError('ECONNRESET', host, port)));
  connectSocket.call(control, { path: PATH });
  control.write(question(command, host, port));
  return control;
}

function isPort(port) {
  return (typeof port === 'number' || (typeof port === 'string' && port.trim() !== ''))
    && +port === (+port >>> 0) && port <= 0xffff;
}

function nameOf(host) {
  return net.isIP(host) ? host : domainToASCII(host) || host;
}

// A handle that is made only now must not make the socket forget that its user
// has ended it meanwhile.
function connectNow(socket) {
  socket._undestroy = () => {};
  try { connectSocket.call(socket, { path: CLAIM }); } finally { delete socket._undestroy; }
}

// As the lookup of a name goes before the connect in node itself.
function reach(socket, target, callback) {
  const host = String(target.host || 'localhost');
  const port = +target.port;
  if (socket.destroyed && socket._undestroy) socket._undestroy();
  if (callback) socket.once('connect', callback);
  socket.connecting = true;
  const fail = (error) => {
    if (socket.connecting && !socket.destroyed) socket.destroy(error);
  };
  if (!PATH) {
    process.nextTick(fail, noNetwork(host, port));
    return socket;
  }
  const go = (to) => {
    if (!socket.connecting || socket.destroyed) return;
    const control = ask(PARK, nameOf(to), port, (error, answer) => {
      if (error) return fail(error);
      if (!socket.connecting || socket.destroyed) return control.destroy();
      const { address, family } = answer;
      if (!net.isIP(host)) socket.emit('lookup', null, address, family, host);
      connectNow(socket);
      socket._peername = { address, family: `IPv${family}`, port };
    });
    socket.once('close', () => control.destroy());
    socket.once('connect', () => control.unref());
  };
  const { lookup } = target;
  if (typeof lookup === 'function' && lookup !== dns.lookup && !net.isIP(host))
    lookup(host, { family: target.family || 0, hints: target.hints || 0, all: false },
      (error, address) => (error ? fail(error) : go(address)));
  else
    go(host);
  return socket;
}

net.Socket.prototype.connect = function connect(...args) {
  const [options, callback] = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args);
  const target = options[TARGET] ?? options;
  if ((options.path && !options[TARGET]) || !isPort(target.port))
    return Reflect.apply(connectSocket, this, args);
  return reach(this, target, callback);
};

// A TLS socket chooses its native handle when it is made: a path makes it one
// for unix sockets.
const connectTls = tls.connect;
tls.connect = function connect(...args) {
  const normalized = net._normalizeArgs(args);
  const more = args.slice(1, 3).find((a) => a !== null && typeof a === 'object');
  const options = { ...normalized[0], ...more };
  if (options.socket || options.path || !isPort(options.port))
    return Reflect.apply(connectTls, this, args);
  const { host, port, lookup, family, hints } = options;
  options[TARGET] = { host, port, lookup, family, hints };
  options.path = CLAIM;
  return connectTls.call(this, options, normalized[1] ?? undefined);
};

// Names.  The egress answers with addresses that may be connected to.

function resolve(hostname, family, done) {
  if (!PATH) process.nextTick(done, dnsError('getaddrinfo', 'ENOTFOUND', hostname, `: this function has no network; ${HOW}`));
  else ask(RESOLVE, nameOf(hostname), family, done);
}

function copySymbols(to, from) {
  for (const symbol of Object.getOwnPropertySymbols(from))
    Object.defineProperty(to, symbol, Object.getOwnPropertyDescriptor(from, symbol));
  return to;
}

const LOCAL = { 4: '127.0.0.1', 6: '::1' };

function answerLookup(hostname, family, done) {
  const is = net.isIP(hostname);
  if (is) process.nextTick(done, null, { address: hostname, family: is });
  else if (hostname.toLowerCase() === 'localhost')
    process.nextTick(done, null, { address: LOCAL[family || 4], family: family || 4 });
  else resolve(hostname, family, done);
}

function familyOf(options) {
  const family = typeof options === 'number' ? options : options?.family;
  return { IPv4: 4, IPv6: 6 }[family] ?? (family === 4 || family === 6 ? family : 0);
}

const lookupHost = dns.lookup;
dns.lookup = copySymbols(function lookup(hostname, options, callback) {
  const done = typeof options === 'function' ? options : callback;
  if (typeof hostname !== 'string' || hostname === '' || typeof done !== 'function')
    return Reflect.apply(lookupHost, this, arguments);
  answerLookup(hostname, familyOf(options), (error, answer) => {
    if (error) return done(error);
    const { address, family } = answer;
    return options?.all ? done(null, [{ address, family }]) : done(null, address, family);
  });
  return {};
}, lookupHost);

const lookupPromise = dns.promises.lookup;
dns.promises.lookup = function lookup(hostname, options) {
  if (typeof hostname !== 'string' || hostname === '')
    return Reflect.apply(lookupPromise, this, arguments);
  return new Promise((done, fail) => {
    answerLookup(hostname, familyOf(options), (error, { address, family } = {}) => {
      if (error) fail(error);
      else done(options?.all ? [{ address, family }] : { address, family });
    });
  });
};

// Records other than addresses cannot be asked for.
const RECORDS = ['Any', 'Caa', 'Cname', 'Mx', 'Naptr', 'Ns', 'Ptr', 'Soa', 'Srv', 'Txt', 'Tlsa'];

function query(hostname, kind, ttl, done) {
  const family = { A: 4, AAAA: 6 }[kind];
  const syscall = `query${kind}`;
  if (!family) {
    process.nextTick(done, dnsError(syscall, 'ENOTIMP', hostname, ': functions can look up addresses only'));
    return;
  }
  resolve(hostname, family, (error, answer) => {
    if (error) done(dnsError(syscall, error.code === 'EACCES' ? 'EREFUSED' : error.code, hostname));
    else done(null, [ttl ? { address: answer.address, ttl: 60 } : answer.address]);
  });
}

function replaceQueries(object, promised) {
  const put = (name, kindOf) => {
    if (typeof object[name] !== 'function') return;
    object[name] = function (hostname, ...rest) {
      const callback = promised ? null : rest.pop();
      const [kind, options] = kindOf(rest);
      if (!promised) return query(hostname, kind, options?.ttl, callback);
      return new Promise((done, fail) => {
        query(hostname, kind, options?.ttl, (error, list) => (error ? fail(error) : done(list)));
      });
    };
  };
  put('resolve', ([kind]) => [typeof kind === 'string' ? kind.toUpperCase() : 'A']);
  put('resolve4', ([options]) => ['A', options]);
  put('resolve6', ([options]) => ['AAAA', options]);
  for (const record of RECORDS) put(`resolve${record}`, () => [record.toUpperCase()]);
  put('reverse', () => ['PTR']);
}

replaceQueries(dns, false);
replaceQueries(dns.Resolver.prototype, false);
replaceQueries(dns.promises, true);
replaceQueries(dns.promises.Resolver.prototype, true);

// Asks the kernel by a kind of socket that functions do not have.
const interfaces = os.networkInterfaces;
os.networkInterfaces = function networkInterfaces() {
  try { return interfaces(); } catch { return {}; }
};
