'use strict';
// fetch: a Request to the host, its answer a Response.

const body = require('./body');
const { Request } = require('./request');
const { Response } = require('./response');
const wire = require('./wire');

function failed(err) {
  const out = new TypeError('fetch failed');
  out.cause = err;
  return out;
}

function dataUrl(url) {
  const parts = /^data:([^,]*?)(;base64)?,(.*)$/s.exec(url.replace(/#.*$/, ''));
  if (!parts) throw failed(new Error('invalid data: URL'));
  const [, type, isBase64, data] = parts;
  const { Buffer } = require('./buffer');
  return Response._of({ status: 200, statusText: 'OK', url,
    headers: [['content-type', type || 'text/plain;charset=US-ASCII']],
    body: isBase64 ? Buffer.from(decodeURIComponent(data), 'base64')
      : require('./querystring').unescapeBuffer(data) }, url);
}

async function fetch(input, init = undefined) {
  const request = new Request(input, init ?? {});
  const { url } = request;
  if (url.startsWith('data:')) return dataUrl(url);
  if (!/^https?:/.test(url))
    throw failed(new Error(`unknown scheme: ${url.replace(/:.*$/s, '')}`));
  const signal = init?.signal ?? (input instanceof Request ? input.signal : null);
  signal?.throwIfAborted();
  const content = Request._content(request);
  const bytes = content.stream ? await body.drain(content.stream)
    : content.bytes;
  const headers = [...request.headers];
  const preset = (name, value) => {
    if (!request.headers.has(name)) headers.push([name, value]);
  };
  preset('accept', '*/*');
  preset('accept-language', '*');
  preset('user-agent', 'mpcloud');
  return ask(request, { method: request.method, url: url.replace(/#.*$/, ''),
    headers, body: bytes, redirect: request.redirect }, signal);
}

async function ask(request, sent, signal) {
  let number;
  let onAbort;
  const aborted = new Promise((resolve, reject) => {
    onAbort = () => {
      wire.cancel(number);
      reject(signal.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const answered = wire.send(sent, (n) => {
      number = n;
    }).catch((err) => {
      throw failed(err);
    });
    const answer = await (signal ? Promise.race([answered, aborted])
      : answered);
    return Response._of(answer, request.url);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

module.exports = { fetch };
