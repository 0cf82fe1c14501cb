'use strict';
// Who called, as SDKs read it: from process.env, at the time of the read.
//
// process.env is a proxy that lays the variables of the invocation whose code
// runs over the function's own.  They are made from the invocation's context when one of them
// is first asked for; functions that do not use an SDK never ask.

const WX = [
  ['WX_OPENID', (c) => c.openid],
  ['WX_APPID', (c) => c.appid],
  ['WX_UNIONID', (c) => c.unionid],
  ['WX_CLIENTIP', (c) => (isV6(c.clientIp) ? '' : c.clientIp)],
  ['WX_CLIENTIPV6', (c) => (!c.clientIp || isV6(c.clientIp)
    ? c.clientIp : `::ffff:${c.clientIp}`)],
];

const TCB = [
  ['TCB_ENV', (c) => c.env],
  ['TCB_SEQID', (c) => c.requestId],
  ['TCB_SOURCE', (c) => c.source],
  ['TCB_UUID', (c) => c.uid],
  ['TCB_SOURCE_IP', (c) => c.clientIp],
  ['TCB_CUSTOM_USER_ID', (c) => c.customId],
  ['TCB_ISANONYMOUS_USER', (c) => String(c.kind ? c.kind === 'anonymous'
    : Boolean(c.uid && !c.openid))],
  ['TCB_ROUTE_KEY', (c) => c.routeKey], // nested calls stay on one version
];

const OTHERS = [
  ['TENCENTCLOUD_SESSIONTOKEN', (c) => c.sessionToken],
  ['SCF_NAMESPACE', (c) => c.env],
  ['TRACEPARENT', (c) => c.traceparent], // W3C Trace Context
  ['TRIGGER_SRC', (c) => c.trigger
    || (c.source === 'wx_trigger' ? 'timer' : '')],
];

// Names that exist only for the time of an invocation.
const NAMES = new Set([...WX, ...TCB, ...OTHERS].map(([name]) => name)
  .concat('WX_CONTEXT_KEYS', 'TCB_CONTEXT_KEYS'));

function isV6(ip) {
  return ip !== undefined && ip.includes(':');
}

function add(vars, rows, context) {
  const names = [];
  for (const [name, value] of rows) {
    const text = value(context);
    if (text) {
      vars[name] = String(text);
      names.push(name);
    }
  }
  return names;
}

function build(context) {
  const vars = Object.create(null);
  vars.WX_CONTEXT_KEYS = add(vars, WX, context).join(',');
  vars.TCB_CONTEXT_KEYS = add(vars, TCB, context)
    .concat('TCB_CONTEXT_CNFG').join(',');
  add(vars, OTHERS, context);
  return vars;
}

let now = null;

function varsOf(invocation) {
  return (invocation.vars ??= build(invocation.from));
}

function overlay(name) {
  if (now === null || typeof name !== 'string' || !NAMES.has(name))
    return undefined;
  return varsOf(now)[name];
}

const own = Object.assign(Object.create(null), host.env);

const env = new Proxy(own, {
  get: (target, name) => overlay(name) ?? target[name],
  has: (target, name) => overlay(name) !== undefined || name in target,
  set(target, name, value) {
    const text = String(value);
    if (now && NAMES.has(name)) varsOf(now)[name] = text;
    else target[name] = text;
    return true;
  },
  deleteProperty(target, name) {
    if (now && NAMES.has(name)) delete varsOf(now)[name];
    return delete target[name];
  },
  ownKeys(target) {
    if (!now) return Reflect.ownKeys(target);
    return [...new Set([...Reflect.ownKeys(target),
      ...Object.keys(varsOf(now))])];
  },
  getOwnPropertyDescriptor(target, name) {
    const value = overlay(name) ?? target[name];
    if (value === undefined) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  },
  defineProperty(target, name, descriptor) {
    target[name] = String(descriptor.value);
    return true;
  },
});

module.exports = {
  env,
  enter(invocation) {
    now = invocation;
  },
  // One variable, without the proxy's detour.
  get: (name) => overlay(name) ?? own[name],
  // The running invocation's context, as the gateway sent it; null outside.
  context: () => (now ? now.from : null),
  // All variables of an invocation, for context.environment.
  variables: (invocation) => ({ ...own, ...varsOf(invocation) }),
};
