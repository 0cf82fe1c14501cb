// A client of watch() that does what js-sdk's does, and notes what is wrong: numbers
// that do not rise by one, changes that come twice, errors.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { source, until } from './stack.mjs';

const load = createRequire(join(source, 'tests/package.json'));
let count = 0;

export async function sign(url, token) {
  const answer = await fetch(`${url}/web?env=test`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'auth.wsWebSign', dataVersion: '2020-01-10', env: 'test', runtime: 'web', access_token: token }) });
  return (await answer.json()).data;
}

export class Watcher {
  constructor({ url, token, collection, query = {}, orderBy = {}, limit, onEvent = () => {} }) {
    Object.assign(this, { url, token, collection, query, orderBy, limit, onEvent });
    this.watchId = `watch${++count}`;
    this.docs = null;
    Object.assign(this, { inits: 0, anew: 0, rebuilds: 0, opened: 0, doubled: 0, gaps: 0, errors: [], frames: null, open: true });
    this.connect();
  }

  async connect() {
    const WebSocket = load('ws');
    let data;
    try { data = await sign(this.url, this.token); } catch { data = null; }
    if (!this.open) return;
    if (!data) { this.later(); return; }
    const ws = this.ws = new WebSocket(data.wsUrl);
    ws.on('open', () => { this.opened++; this.send({ msgType: 'LOGIN', msgData: { envId: data.envId, accessToken: '', referrer: 'web', sdkVersion: '', dataVersion: '' },
      exMsgData: { runtime: 'web', signStr: data.signStr, secretVersion: data.secretVersion } }); });
    ws.on('message', (text) => this.hear(JSON.parse(text)));
    ws.on('error', () => {});
    ws.on('close', (code) => { this.code = code; this.live = false; if (this.open && code !== 3050) this.later(); });
  }

  later() {
    setTimeout(() => this.open && this.connect(), 20 + Math.random() * 100);
  }

  send(message) {
    const whole = { requestId: `r${++count}`, ...message };
    this.frames?.push({ dir: 'c2s', msg: whole });
    if (this.ws.readyState === 1) this.ws.send(JSON.stringify(whole));
    return whole.requestId;
  }

  begin() {
    const { watchId } = this;
    if (!this.queryID)
      this.send({ watchId, msgType: 'INIT_WATCH', msgData: { envId: 'test', collName: this.collection,
        query: JSON.stringify(this.query), limit: this.limit, orderBy: this.orderBy } });
    else {
      this.rebuilds++;
      this.awaited = this.send({ watchId, msgType: 'REBUILD_WATCH', msgData: { envId: 'test', collName: this.collection,
        queryID: this.queryID, eventID: this.event } });
    }
  }

  hear(msg) {
    this.frames?.push({ dir: 's2c', msg });
    switch (msg.msgType) {
      case 'LOGIN_RES': this.begin(); break;
      case 'INIT_EVENT':
        this.inits++;
        this.queryID = msg.msgData.queryID;
        this.event = msg.msgData.currEvent - 1;
        this.docs = new Map();
        if (msg.msgData.events.length) this.take(msg.msgData.events.map((e) => ({ ...e, ID: msg.msgData.currEvent })));
        else this.event = msg.msgData.currEvent;
        this.live = true;
        break;
      case 'NEXT_EVENT':
        // The SDK passes over all but the answer while it rebuilds.
        if (this.awaited && msg.requestId !== this.awaited) { this.early = (this.early ?? 0) + 1; return; }
        this.awaited = null;
        this.live = true;
        this.take(msg.msgData.events);
        if (this.event !== msg.msgData.currEvent) this.gaps++;
        break;
      case 'CHECK_EVENT': this.checked = msg.msgData.currEvent; break;
      case 'ERROR': this.errors.push(msg.msgData); break;
      default:
    }
  }

  take(events) {
    let fresh = false;
    for (const [i, e] of events.entries()) {
      const begins = !events[i - 1] || events[i - 1].ID !== e.ID;
      if (begins && e.ID <= this.event) { this.doubled++; continue; }
      if (begins && e.ID !== this.event + 1) { this.gaps++; continue; }
      if (e.QueueType === 'init' && begins) { this.docs = new Map(); fresh = true; this.anew++; }
      this.apply(e, fresh);
      if (!events[i + 1] || events[i + 1].ID !== e.ID) this.event = e.ID;
    }
  }

  apply(e, fresh) {
    const before = this.docs.get(e.DocID);
    let doc = e.Doc ? JSON.parse(e.Doc) : before && structuredClone(before);
    if (!e.Doc && e.DataType === 'update' && doc) {
      for (const [path, value] of Object.entries(e.UpdatedFields ? JSON.parse(e.UpdatedFields) : {})) set(doc, path.split('.'), value);
      for (const path of e.removedFields ? JSON.parse(e.removedFields) : []) set(doc, path.split('.'), undefined);
    }
    if (e.QueueType === 'dequeue') this.docs.delete(e.DocID);
    else this.docs.set(e.DocID, doc);
    this.onEvent(e, doc, before, fresh);
  }

  check() {
    this.send({ watchId: this.watchId, msgType: 'CHECK_LAST', msgData: { queryID: this.queryID, eventID: this.event } });
  }

  ready() { return until(() => this.live || this.errors.length, 'a watch begins'); }

  close() { this.open = false; this.ws?.terminate(); }
}

function set(doc, [name, ...rest], value) {
  if (rest.length) set(doc[name] ??= {}, rest, value);
  else if (value === undefined) delete doc[name];
  else doc[name] = value;
}
