// The C side of the script runtime, played: `host` over plain Node, with our
// JavaScript in a fresh context that has the language and nothing of Node.
//
// `startScript` gives {api, host, logs, results, run, call…}; what the code
// under test asks for goes to `answer(body, invocation)`.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, rmdirSync, statSync, unlinkSync, writeFileSync }
  from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

export const source = process.env.MPCLOUD_SOURCE ?? join(dirname(fileURLToPath(import.meta.url)), '../..');
export const runtimeDir = join(source, 'functions/script');

// Files of a function in a folder of their own.
export function makeCode(files) {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-script-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const CONTEXT = { env: 'test', function: 'f', version: 1, requestId: 'r-1', source: 'wx_client', appid: 'wxapp',
  openid: 'oUser', clientIp: '127.0.0.1', sessionToken: 'token', memoryMb: 256, timeoutMs: 3000 };

// As the engine has it: what one entry causes is done before the next.
const enter = (fn) => setImmediate(fn);

export function startScript(options = {}) {
  const codeDir = options.codeDir ?? makeCode({ 'index.js': '', ...options.files });
  const context = vm.createContext(Object.create(null));
  const bring = vm.runInContext('(bytes) => Uint8Array.from(bytes)', context);
  const script = { codeDir, logs: [], results: new Map(), calls: [], fetches: [], waiting: [], timers: new Map() };
  const host = {
    codeDir,
    runtimeDir,
    env: { ...options.env },
    setup: { function: 'f', version: 1, memoryMb: 256, timeoutMs: 3000, env: 'test', appid: 'wxapp', concurrency: options.concurrency ?? 1 },
    stat: (path) => (existsSync(path) ? (statSync(path).isDirectory() ? 2 : 1) : 0),
    readFile: (path) => bring(readFileSync(path)),
    readText: (path) => readFileSync(path, 'utf8').replace(/^\ufeff/, ''),
    writeFile: (path, bytes) => writeFileSync(path, bytes),
    unlink: (path) => (statSync(path).isDirectory() ? rmdirSync : unlinkSync)(path),
    mkdir: (path) => mkdirSync(path),
    readdir: (path) => readdirSync(path),
    compile: (text, path, names) => vm.compileFunction(text, names, { filename: path, parsingContext: context }),
    checkSyntax(text) {
      try {
        vm.compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname']);
        return null;
      } catch (err) {
        const line = Number(/^\S*?:(\d+)/.exec(err.stack)?.[1] ?? 1);
        const module = /import|export/.test(err.message);
        return { message: module ? 'this is an ES module (…): script functions are CommonJS; write require() or use the runtime node'
          : err.message, line, module };
      }
    },
    utf8: (text) => bring(Buffer.from(text)),
    text: (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
    random: (n) => bring(randomBytes(n)),
    now: () => Date.now(),
    mono: () => performance.now(),
    hash: (name, key, bytes) => bring((key ? createHmac(name, key) : createHash(name)).update(bytes).digest()),
    log: (id, level, text) => script.logs.push([level, text, id]),
    timer: (id, ms) => script.timers.set(id, setTimeout(() => {
      script.timers.delete(id);
      script.api.onTimer(id);
    }, ms)),
    untimer(id) {
      clearTimeout(script.timers.get(id));
      script.timers.delete(id);
    },
    call(number, invocation, text) {
      const body = JSON.parse(text);
      script.calls.push(body);
      setImmediate(async () => {
        const answer = await (options.answer ?? (() => ({ requestId: 'q', data: {} })))(body, invocation);
        enter(() => script.api.onReply(number, JSON.stringify(answer)));
      });
    },
    fetch(number, request) {
      script.fetches.push(request);
      setImmediate(async () => {
        try {
          const made = await (options.fetch ?? defaultFetch)(request);
          enter(() => script.api.onFetch(number, null, { ...made, body: bring(made.body ?? []) }));
        } catch (err) {
          enter(() => script.api.onFetch(number, { code: err.code ?? 'ECONNREFUSED', message: err.message }, null));
        }
      });
    },
    unfetch() {},
    result(id, json) {
      script.results.get(id)?.({ value: JSON.parse(json) });
    },
    fail(id, json) {
      script.results.get(id)?.({ failed: JSON.parse(json) });
    },
    gc() {},
    leaving() {},
    exit(status) {
      script.exited = status;
    },
  };
  script.host = host;
  script.context = context;
  const main = host.compile(readFileSync(join(runtimeDir, 'main.js'), 'utf8'), join(runtimeDir, 'main.js'), ['host']);
  script.api = main(host);
  let last = 0;
  // One invocation → {value} or {failed: {code, message, stack}}.
  script.invoke = (event = {}, from = {}) => new Promise((resolve) => {
    script.results.set(++last, resolve);
    script.api.invoke(last, JSON.stringify({ ...CONTEXT, ...from }), JSON.stringify(event), 3000);
  });
  script.stop = () => {
    for (const timer of script.timers.values()) clearTimeout(timer);
    if (!options.codeDir) rmSync(codeDir, { recursive: true, force: true });
  };
  return script;
}

async function defaultFetch(request) {
  const res = await fetch(request.url, { method: request.method, headers: request.headers, body: request.body ?? undefined,
    redirect: request.redirect ?? 'follow' });
  return { status: res.status, statusText: res.statusText, url: res.url, headers: [...res.headers],
    body: new Uint8Array(await res.arrayBuffer()) };
}

// The handler of `files`' index.js, loaded.
export function load(files, options = {}) {
  const script = startScript({ ...options, files });
  script.api.load(options.handler ?? 'index.main');
  return script;
}

// A program text's value in our globals: body of a function, `require` there.
export async function evaluate(body, options) {
  const script = load({ 'index.js': `exports.main = async (event) => { ${body} };` }, options);
  try {
    const said = await script.invoke({});
    if (said.failed) throw Object.assign(new Error(JSON.parse(said.failed.message).errorMessage), said.failed);
    return said.value;
  } finally {
    script.stop();
  }
}
