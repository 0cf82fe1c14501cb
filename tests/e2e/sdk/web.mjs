// @cloudbase/js-sdk in Node, pointed at a stack: an unmodified package with the
// least adapter that its documentation asks for (requests by fetch, storage in
// memory), logged in as a visitor or as `signIn(auth)` does it.
import { createRequire } from 'node:module';
import { join } from 'node:path';

class Storage {
  map = new Map();
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { this.map.set(key, value); }
  removeItem(key) { this.map.delete(key); }
  clear() { this.map.clear(); }
}

async function send(method, { url, data, headers = {} }) {
  const answer = await fetch(url.startsWith('//') ? `http:${url}` : url,
    { method, headers, body: method === 'GET' ? undefined : JSON.stringify(data ?? {}) });
  const text = await answer.text();
  const header = Object.fromEntries(answer.headers);
  try {
    return { statusCode: answer.status, header, data: JSON.parse(text) };
  } catch {
    return { statusCode: answer.status, header, data: text };
  }
}

class Requests {
  get(options) { return send('GET', options); }
  post(options) { return send('POST', options); }
  patch(options) { return send('PATCH', options); }
  delete(options) { return send('DELETE', options); }
  // As the SDK's own adapter for pages does it: a form, or since 2.x PUT.
  async upload({ url, file, name, data = {}, method, headers }) {
    const isForm = (method ?? 'post').toLowerCase() === 'post';
    const form = new FormData();
    for (const [key, value] of Object.entries(data)) form.append(key, value);
    form.append('key', name);
    form.append('file', file);
    const answer = await fetch(url, isForm ? { method: 'POST', body: form } : { method: 'PUT', headers, body: file });
    return { statusCode: answer.status, data: await answer.text() };
  }
  async download({ url }) {
    const answer = await fetch(url);
    return { statusCode: answer.status, data: Buffer.from(await answer.arrayBuffer()) };
  }
  async fetch({ url, ...options }) {
    const answer = await fetch(url, options);
    const type = answer.headers.get('content-type') ?? '';
    if (!answer.ok) throw await answer.json();
    return { data: type.includes('application/json') ? answer.json() : answer.text(),
      statusCode: answer.status, header: answer.headers };
  }
}

const adapterOf = (storage, wsClass) => ({
  runtime: 'web',
  isMatch: () => true,
  genAdapter: () => ({ root: globalThis, reqClass: Requests, wsClass,
    localStorage: storage, sessionStorage: storage, primaryStorage: 'local' }),
});

// {app, auth, db}.  mode: CLOUD_API or GATEWAY; wsClass: for watch().
export async function openWeb(folder, { url, env, mode, signIn, wsClass = class {} }) {
  const load = createRequire(join(folder, 'package.json'));
  const module = load('@cloudbase/js-sdk');
  const cloudbase = module.default ?? module;
  const storage = new Storage();
  const host = new URL(url).host;
  globalThis.localStorage ??= storage;

  cloudbase.useAdapters([adapterOf(storage, wsClass)]);
  if (cloudbase.registerEndPoint && !cloudbase.registerHost)
    try { cloudbase.registerEndPoint(`//${host}/web`, 'http:'); } catch { /* 2.x takes it from the app */ }
  const app = cloudbase.init({ env, timeout: 15000, ...(mode && { endPointMode: mode }) });
  if (app.registerHost) app.registerHost(host, 'http');
  else if (app.registerEndPointWithKey) {
    app.registerEndPointWithKey({ key: 'CLOUD_API', url: `//${host}/web`, protocol: 'http' });
    app.registerEndPointWithKey({ key: 'GATEWAY', url: `//${host}/v1`, protocol: 'http' });
  }
  const auth = app.auth({ persistence: 'none' });
  if (signIn) await signIn(auth);
  else if (auth.signInAnonymously) await auth.signInAnonymously();
  else await auth.anonymousAuthProvider().signIn();
  return { app, auth, db: app.database() };
}
