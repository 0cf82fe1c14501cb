// Requests of a list, each once, over so many connections that are kept: what
// wrk cannot do (it ends by time).  As little per request as node allows.

import { connect } from 'node:net';
import { percentile } from './measure.mjs';

// One connection: takes the next request when the last was answered in full.
function worker(port, next, answered) {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1');
    let text = '', began;
    const send = () => {
      const request = next();
      if (!request) return socket.end(done());
      began = performance.now();
      return socket.write(request);
    };
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('connect', send);
    socket.on('error', fail);
    socket.on('close', () => done());
    socket.on('data', (data) => {
      text += data;
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < head + 4 + length) return;
      answered(Number(text.slice(9, 12)), performance.now() - began, text);
      text = '';
      send();
    });
  });
}

// `list`: {path, headers, body}.  Rate and latency (µs), how many were no 2xx.
export async function askAll({ url, list, token, connections = 64 }) {
  const { port, host } = new URL(url);
  const requests = list.map(({ path, headers = {}, body }) => {
    const all = { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers,
      ...(token && { authorization: `Bearer ${token}` }) };
    return Buffer.from(`POST ${path} HTTP/1.1\r\n${Object.entries(all).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`);
  });
  const times = [];
  let at = 0, bad = 0;
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, () => worker(Number(port), () => requests[at++], (status, ms, text) => {
    times.push(ms * 1000);
    if (status < 200 || status > 299) {
      if (bad++ < 3) console.error(text);
    }
  })));
  return { requests: times.length, seconds: (performance.now() - began) / 1000, bad, p50: percentile(times, 50), p99: percentile(times, 99) };
}
