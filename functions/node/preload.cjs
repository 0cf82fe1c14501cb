'use strict';
// Runs before everything else in a worker's node: unmodified SDKs then find
// their cloud at the unix socket, their caller in process.env, and
// require('mpcloud') finds our module.
const http = require('node:http');
const https = require('node:https');
const Module = require('node:module');
const net = require('node:net');
const path = require('node:path');
const threads = require('node:worker_threads');
const tls = require('node:tls');

// Threads of the author's run this file too; their parent tells them.
const KEY = 'mpcloud.setup';
let setup = threads.getEnvironmentData(KEY);
if (threads.isMainThread) {
  setup = JSON.parse(process.argv[2]);
  process.argv.length = 2; // not the author's business
  threads.setEnvironmentData(KEY, setup);
}
globalThis[Symbol.for(KEY)] = setup;

const identity = require('./identity.cjs');
identity.install();

// Tencent's own hosts, which SDKs have built in, and our name for them.
const CLOUD = new RegExp('(^|\\.)(tencentcloudapi\\.com|tencentyun\\.com|'
  + 'tcloudbasegateway\\.com|mpcloud\\.internal)$');
// A worker belongs to one gateway; every invocation names that one's socket.
let socketName = 'cloud-0.sock';
function socketPath() {
  socketName = identity.context()?.cloudSocket || socketName;
  return path.join(setup.cloudDir, path.basename(socketName));
}

function isCloud(options) {
  const host = options && (options.host || options.hostname
    || options.servername);
  return typeof host === 'string' && CLOUD.test(host);
}

// For https the unix socket plays the part of a finished handshake: there is
// nobody between.
function connectCloud(secure) {
  const socket = net.connect({ path: socketPath() });
  if (!secure) return socket;
  socket.encrypted = socket.authorized = true;
  socket.alpnProtocol = false;
  socket.getPeerCertificate = () => ({});
  socket.getSession = () => undefined;
  socket.isSessionReused = () => false;
  process.nextTick(() => socket.emit('secureConnect'));
  return socket;
}

// Core's clients, and what is built on them, get their connections from an
// Agent.
function redirectAgent(Agent, secure) {
  const createConnection = Agent.prototype.createConnection;
  Agent.prototype.createConnection = function (options, callback) {
    return isCloud(options) || options?.[STORED] ? connectCloud(secure)
      : createConnection.call(this, options, callback);
  };
  const { addRequest } = Agent.prototype;
  Agent.prototype.addRequest = function (request, options, ...rest) {
    return addRequest.call(this, request, isStored(request, options, secure)
      ? { ...options, [STORED]: true, socketPath: socketPath() } : options, ...rest);
  };
}

// Signed links to stored files carry the address that pages use, which a
// function need not be able to reach: SDKs download through the socket.
const STORED = Symbol('mpcloud.stored');
function isStored(request, options, secure) {
  const host = identity.context()?.filesHost;
  if (!host || typeof options !== 'object' || options === null) return false;
  const port = Number(options.port) || (secure ? 443 : 80);
  const name = String(options.host || options.hostname || '');
  return (`${name}:${port}` === host || (name === host && port === (secure ? 443 : 80)))
    && /^\/v1\/files\/[^?]*\?(.*&)?sign=/.test(request.path);
}

// What has no Agent (fetch) connects by itself.
function redirectSockets() {
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...args) {
    const [options, callback] = Array.isArray(args[0]) ? args[0]
      : net._normalizeArgs(args);
    if (options.path || !isCloud(options))
      return Reflect.apply(connect, this, args);
    return connect.call(this, { path: socketPath() }, callback);
  };
  const connectTls = tls.connect;
  tls.connect = function (...args) {
    const [options, callback] = net._normalizeArgs(args);
    if (options.path || options.socket || !isCloud(options))
      return Reflect.apply(connectTls, this, args);
    const socket = connectCloud(true);
    if (callback) socket.once('secureConnect', callback);
    return socket;
  };
}

require('./egress.cjs');

if (setup) {
  redirectAgent(http.Agent, false);
  redirectAgent(https.Agent, true);
  redirectSockets();
}

const ours = path.join(__dirname, 'mpcloud.cjs');
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (request === 'mpcloud') return ours;
  return resolveFilename.call(this, request, ...rest);
};

// import { connect } from 'node:net' means ours, too.
Module.syncBuiltinESMExports();
