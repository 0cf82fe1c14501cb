// Stored files over HTTP: what is put is what is got, who may, links that are
// signed, forms as browsers and wx.uploadFile send them; and those who try to
// get more than that.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { assertNobodyDied, join, memory, sanitized, startStack, until } from '../lib/stack.mjs';

const FILE_TOP = 8 << 20;
let dir, stack, anna, bert;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-files-'));
  mkdirSync(join(dir, 'cloudfunctions'));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ envId: "project", functions: [] }));
  stack = await startStack({ project: dir, gateways: 2, set: { 'storage.file_size': FILE_TOP, 'limits.body_timeout': '2s' } });
  [anna, bert] = ['o-anna', 'o-bert'].map((openid) => stack.token(openid));
});
after(async () => {
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

const digest = (name, bytes, form) => createHash(name).update(bytes).digest(form);
const encode = (path) => path.split('/').map(encodeURIComponent).join('/');
const at = (path) => `${stack.url}/v1/files/${encode(path)}`;
const as = (token, headers = {}) => ({ ...(token && { authorization: `Bearer ${token}` }), ...headers });
const put = (path, body, token = anna, headers = {}) =>
  fetch(at(path), { method: 'PUT', headers: as(token, headers), body, duplex: 'half' });
const get = (path, token = anna, headers = {}) => fetch(at(path), { headers: as(token, headers) });
const remove = (path, token = anna) => fetch(at(path), { method: 'DELETE', headers: as(token) });
const bytesOf = async (answer) => Buffer.from(await answer.arrayBuffer());
const web = async (action, data, token = anna) => (await fetch(`${stack.url}/web`, { method: 'POST',
  headers: as(token, { 'content-type': 'application/json' }), body: JSON.stringify({ action, ...data }) })).json();
const uploadInfo = async (path, token) => (await web('storage.getUploadMetadata', { path }, token)).data;
const links = async (ids, token) => (await web('storage.batchGetDownloadUrl',
  { file_list: ids.map((id) => (typeof id === 'string' ? { fileid: id } : id)) }, token)).data.download_list;
const idOf = (path) => `cloud://project.files/${path}`;

/* ---- there and back ---- */

test('what is put is what is got, of any size, with its checksums', async () => {
  for (const size of [0, 1, 4095, 65536, 300001, FILE_TOP]) {
    const bytes = randomBytes(size), path = `sizes/${size}.bin`;
    const made = await put(path, bytes, anna, {
      'content-md5': digest('md5', bytes, 'base64'), 'repr-digest': `sha-256=:${digest('sha256', bytes, 'base64')}:` });
    assert.equal(made.status, 201, await made.clone().text());
    const said = await made.json();
    assert.deepEqual([said.path, said.size, said.fileID, said.etag, said.sha256],
      [path, size, idOf(path), `"${digest('md5', bytes, 'hex')}"`, digest('sha256', bytes, 'hex')]);
    const got = await get(path);
    assert.equal(got.status, 200);
    assert.ok(bytes.equals(await bytesOf(got)));
    assert.equal(got.headers.get('etag'), said.etag);
    assert.equal(got.headers.get('repr-digest'), `sha-256=:${digest('sha256', bytes, 'base64')}:`);
    assert.equal(got.headers.get('content-length'), String(size));
    const head = await fetch(at(path), { method: 'HEAD', headers: as(anna) });
    assert.deepEqual([head.status, head.headers.get('content-length'), (await bytesOf(head)).length], [200, String(size), 0]);
  }
});

test('a body in chunks of unknown length comes whole', async () => {
  const bytes = randomBytes(700000);
  const chunks = new ReadableStream({ async start(c) {
    for (let i = 0; i < bytes.length; i += 9973) c.enqueue(bytes.subarray(i, i + 9973));
    c.close();
  } });
  const made = await put('chunks.bin', chunks);
  assert.deepEqual([made.status, (await made.json()).sha256], [201, digest('sha256', bytes, 'hex')]);
});

test('a path may hold any letters', async () => {
  for (const path of ['图片/猫 1.jpg', 'a b/c%20d.txt', 'q?x#y&z=1.txt', "it's (1)+2,3;4.txt", '.hidden/…', 'a/%2e%2e/b']) {
    const made = await put(path, path);
    assert.equal(made.status, 201, path);
    assert.equal((await made.json()).path, path);
    assert.equal(await (await get(path)).text(), path);
    const [link] = await links([idOf(path)]);
    assert.equal(link.code, 'SUCCESS');
    assert.equal(await (await fetch(link.tempFileURL)).text(), path, link.tempFileURL);
    // CloudBase's server SDKs encode a link once more
    assert.equal(await (await fetch(encodeURI(link.tempFileURL))).text(), path);
  }
});

test('a replaced file is another one, a removed one is none', async () => {
  const first = await put('r.txt', 'one', anna, { 'content-type': 'text/plain', 'cache-control': 'max-age=60' });
  assert.equal(first.status, 201);
  const old = await get('r.txt');
  assert.deepEqual([old.headers.get('content-type'), old.headers.get('cache-control')], ['text/plain', 'max-age=60']);
  assert.equal((await put('r.txt', 'two!')).status, 200);
  const now = await get('r.txt', anna, { 'if-none-match': old.headers.get('etag') });
  assert.deepEqual([now.status, await now.text()], [200, 'two!']);
  assert.equal((await get('r.txt', anna, { 'if-none-match': now.headers.get('etag') })).status, 304);
  assert.equal((await put('r.txt', 'x', anna, { 'if-none-match': '*' })).status, 409);
  const [{ tempFileURL }] = await links([idOf('r.txt')]);
  assert.equal((await remove('r.txt')).status, 204);
  const gone = await fetch(tempFileURL);
  assert.deepEqual([gone.status, (await gone.json()).code], [404, 'STORAGE_FILE_NONEXIST']);
  // Nobody's file any more, so nobody's to know of.
  for (const answer of [await get('r.txt'), await remove('r.txt')])
    assert.deepEqual([answer.status, (await answer.json()).code], [403, 'STORAGE_EXCEED_AUTHORITY']);
  assert.equal((await put('r.txt', 'x', anna, { 'if-none-match': '*' })).status, 201);
});

test('bytes that are not those announced are refused, and what was there stays', async () => {
  await put('sum.txt', 'good');
  for (const headers of [{ 'content-md5': digest('md5', 'other', 'base64') },
    { digest: `SHA-256=${digest('sha256', 'other', 'base64')}` },
    { 'repr-digest': `sha-256=:${digest('sha256', 'other', 'base64')}:` }]) {
    const answer = await put('sum.txt', 'bad', anna, headers);
    assert.equal(answer.status, 400, JSON.stringify(headers));
    assert.equal((await answer.json()).code, 'STORAGE_REQUEST_FAIL');
  }
  const broken = await put('sum.txt', 'bad', anna, { 'content-md5': 'AAAA' });
  assert.deepEqual([broken.status, (await broken.json()).code], [400, 'INVALID_PARAM']);
  assert.equal(await (await get('sum.txt')).text(), 'good');
});

test('the list tells its asker of his files, in order, page by page', async () => {
  for (const name of ['b', 'a', 'c/1', 'c/2']) await put(`list/${name}`, name);
  await put('list/of-bert', 'x', bert);
  const list = async (query, token = anna) => (await fetch(`${stack.url}/v1/files/?${query}`, { headers: as(token) })).json();
  const all = await list('prefix=list/');
  assert.deepEqual(all.files.map((f) => f.path), ['list/a', 'list/b', 'list/c/1', 'list/c/2']);
  assert.equal(all.files[0].fileID, idOf('list/a'));
  assert.equal(JSON.stringify(all).includes('o-anna'), false);
  const first = await list('prefix=list/&limit=3');
  assert.deepEqual([first.files.length, typeof first.next], [3, 'string']);
  const rest = await list(`prefix=list/&limit=3&marker=${encodeURIComponent(first.next)}`);
  assert.deepEqual([rest.files.map((f) => f.path), rest.next], [['list/c/2'], undefined]);
  const folders = await list('prefix=list/&delimiter=/');
  assert.deepEqual(folders.files.map((f) => [f.path, f.folder === true]), [['list/a', false], ['list/b', false], ['list/c/', true]]);
  assert.equal((await fetch(`${stack.url}/v1/files/`)).status, 401);
  assert.equal((await fetch(`${stack.url}/v1/files/?limit=0`, { headers: as(anna) })).status, 400);
});

/* ---- who may ---- */

test('a stranger learns nothing: not who, not whether', async () => {
  await put('private/anna.txt', 'mine');
  for (const token of [bert, null]) {
    const answers = [];
    for (const path of ['private/anna.txt', 'private/none.txt'])
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const a = await fetch(at(path), { method, headers: as(token) });
        const { code, message } = method === 'HEAD' ? {} : await a.json();
        answers.push(`${method} ${a.status} ${code} ${message}`);
      }
    assert.deepEqual(answers.slice(0, 3), answers.slice(3));
    assert.ok(answers.every((a) => /40[13]/.test(a)), answers.join());
    const ids = ['private/anna.txt', 'private/none.txt'].map(idOf);
    for (const [action, data, list] of [['storage.batchGetDownloadUrl', { file_list: ids.map((fileid) => ({ fileid })) }, 'download_list'],
      ['storage.batchDeleteFile', { fileid_list: ids }, 'delete_list']]) {
      const said = (await web(action, data, token)).data[list].map(({ code, message }) => `${code} ${message}`);
      assert.equal(said[0], said[1]);
      assert.match(said[0], /^STORAGE_EXCEED_AUTHORITY/);
    }
  }
  assert.equal((await put('private/anna.txt', 'his', bert)).status, 403);
  assert.equal((await web('storage.getUploadMetadata', { path: 'private/anna.txt' }, bert)).code, 'STORAGE_EXCEED_AUTHORITY');
  assert.equal(await (await get('private/anna.txt')).text(), 'mine');
});

/* ---- links ---- */

test('a link reads its file, until it ends, and does nothing else', async () => {
  await put('linked.txt', 'by link');
  const [{ tempFileURL: url, maxAge }] = await links([{ fileid: idOf('linked.txt'), max_age: 60 }]);
  assert.equal(maxAge, 60);
  assert.equal(await (await fetch(url)).text(), 'by link');
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(url, { headers: as('nonsense') })).status, 200, 'a token beside it is not looked at');
  const partial = await fetch(url, { headers: { range: 'bytes=3-6' } });
  assert.deepEqual([partial.status, await partial.text()], [206, 'link']);
  // What refuses is none of the file: no sum of it, no word to a cache.
  for (const [headers, status] of [[{ range: 'bytes=9-' }, 416], [{ 'if-match': '"another"' }, 412]]) {
    const refused = await fetch(url, { headers });
    assert.equal(refused.status, status);
    for (const name of ['repr-digest', 'cache-control', 'content-disposition', 'etag'])
      assert.equal(refused.headers.get(name), null, name);
  }
  for (const method of ['PUT', 'POST', 'DELETE'])
    assert.equal((await fetch(url, { method, body: method === 'DELETE' ? undefined : 'x' })).status, 403, method);
  await put('other.txt', 'other');
  assert.equal((await fetch(url.replace('linked.txt', 'other.txt'))).status, 403);
  const t = /t=([0-9a-f]+)/.exec(url)[1], later = (parseInt(t, 16) + 1000).toString(16);
  const sign = /sign=([^&]+)/.exec(url)[1];
  for (const bad of [url.replace(`t=${t}`, `t=${later}`), url.replace(sign, sign.slice(1)), url.replace(sign, ''),
    url.replace(sign, `A${sign.slice(1)}`), url.replace(/&t=.*/, ''), `${url}&w=AAAA`, `${url}0`, url.replace('sign=', 'sign=x&sign=')]) {
    const answer = await fetch(bad);
    assert.deepEqual([answer.status, (await answer.json()).code], [403, 'STORAGE_SIGN_PARAM_INVALID'], bad);
  }
  assert.equal((await fetch(url)).status, 200);
});

test('an upload by link is its maker\'s, and by the rules that hold then', async () => {
  const info = await uploadInfo('up/by-link.txt', anna);
  assert.equal(info.fileId, idOf('up/by-link.txt'));
  assert.equal(info.url.includes('o-anna'), false);
  const made = await fetch(info.url, { method: 'PUT', headers: { authorization: info.authorization, 'x-cos-security-token': info.token,
    'x-cos-meta-fileid': info.cosFileId, 'content-type': 'text/plain' }, body: 'uploaded' });
  assert.deepEqual([made.status, await made.text()], [200, '']);
  assert.equal(await (await get('up/by-link.txt')).text(), 'uploaded');
  assert.equal((await get('up/by-link.txt', bert)).status, 403);
  assert.equal(await (await fetch(info.download_url)).text(), 'uploaded');
  // both asked while there was no file: who comes second may not replace it
  const [a, b] = [await uploadInfo('up/race.txt', anna), await uploadInfo('up/race.txt', bert)];
  assert.equal((await fetch(a.url, { method: 'PUT', body: 'a' })).status, 200);
  const late = await fetch(b.url, { method: 'PUT', body: 'b' });
  assert.equal(late.status, 403);
  assert.match(await late.text(), /<Error><Code><!\[CDATA\[AccessDenied\]\]><\/Code><Message>/);
  const json = await fetch(b.url, { method: 'PUT', body: 'b', headers: { accept: 'application/json' } });
  assert.deepEqual([json.status, (await json.json()).code], [403, 'STORAGE_EXCEED_AUTHORITY']);
});

test('who may upload to a path may not read what another stores there', async () => {
  // asked while there was no file
  const info = await uploadInfo('bert/diary.txt', anna);
  const objects = await (await fetch(`${stack.url}/v1/storages/get-objects-upload-info`, { method: 'POST',
    headers: as(anna, { 'content-type': 'application/json' }), body: JSON.stringify([{ objectId: 'bert/diary.txt' }]) })).json();
  assert.equal((await put('bert/diary.txt', 'private', bert)).status, 201);
  for (const url of [info.download_url, objects[0].downloadUrl]) {
    const peek = await fetch(url);
    assert.deepEqual([peek.status, (await peek.json()).code], [403, 'STORAGE_EXCEED_AUTHORITY']);
  }
  // a link that bert makes of his file lets whoever has it
  const [{ tempFileURL }] = await links([idOf('bert/diary.txt')], bert);
  assert.equal(await (await fetch(tempFileURL)).text(), 'private');
});

/* ---- forms ---- */

const form = (parts) => parts.reduce((f, [name, value, ...more]) => (f.append(name, value, ...more), f), new FormData());
const blob = (bytes, type) => new Blob([bytes], { type });

test('a form uploads as a bucket of COS would take it', async () => {
  const bytes = randomBytes(200000);
  for (const [status, expected] of [['201', 201], ['200', 200], [null, 204]]) {
    const path = `form/${expected}.png`, info = await uploadInfo(path, anna);
    const answer = await fetch(info.url, { method: 'POST', body: form([['key', path], ['signature', info.authorization],
      ['x-cos-meta-fileid', info.cosFileId], ...(status ? [['success_action_status', status]] : []), ['x-cos-security-token', info.token],
      ['key', path], ['file', blob(bytes, 'image/png'), 'x.png']]) });
    assert.equal(answer.status, expected);
    const text = await answer.text();
    if (expected === 201) assert.match(text, /<PostResponse><Location>.*<ETag>/);
    else assert.equal(text, '');
    const got = await get(path);
    assert.ok(bytes.equals(await bytesOf(got)));
    assert.equal(got.headers.get('content-type'), 'image/png');
  }
});

test('a form with a token is answered in JSON, its part may have any name', async () => {
  const answer = await fetch(at('form/wx.txt'), { method: 'POST', headers: as(anna), body: form([['user', 'x'], ['photo', blob('hi', 'text/plain'), 'p.txt']]) });
  assert.deepEqual([answer.status, (await answer.json()).fileID], [201, idOf('form/wx.txt')]);
});

test('forms that are not what they should be are refused, and nothing is kept', async () => {
  const post = (body, headers = {}) => fetch(at('form/bad.txt'), { method: 'POST', headers: as(anna, headers), body });
  const cases = [
    [await post(form([['key', 'form/bad.txt']])), 'no file'],
    [await post(form([['key', 'other.txt'], ['file', blob('x'), 'x']])), 'another key'],
    [await post(form([['file', blob('x'), 'x'], ['file', blob('y'), 'y']])), 'two files'],
    [await post('{}', { 'content-type': 'application/json' }), 'no form'],
    [await post('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc', { 'content-type': 'multipart/form-data; boundary=x' }), 'cut off'],
    [await post('x', { 'content-type': 'multipart/form-data' }), 'no boundary'],
  ];
  for (const [answer, what] of cases) {
    assert.equal(answer.status, 400, what);
    assert.equal((await answer.json()).code, 'INVALID_PARAM', what);
  }
  const long = await post(form([['a', 'x'.repeat(20000)], ['file', blob('x'), 'x']]));
  assert.deepEqual([long.status, (await long.json()).code], [413, 'EXCEED_REQUEST_SIZE_LIMIT']);
  assert.deepEqual(kept('form/bad'), []);
});

/* ---- those who want more ---- */

// Raw bytes on a connection; the status line's number, or 'closed'.
function raw(lines, { body = '', wait } = {}) {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(stack.url), socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (d) => { text += d; if (!wait) socket.end(); });
    socket.on('error', () => {});
    socket.on('close', () => done({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text }));
    socket.setTimeout(30000, () => { socket.destroy(); fail(new Error('no answer')); });
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (body) socket.write(body);
  });
}
const head = (line, ...more) => [line, 'Host: x', ...more, 'Connection: close'];
const kept = (prefix) => stack.cliJson('files', 'ls', prefix, '--all').map((f) => f.path);
const contents = () => Number(execFileSync('psql', ['-h', join(stack.run, 'pg'), '-U', 'mpcloud', '-d', 'postgres', '-At', '-c',
  'select count(distinct content) from mpcloud.files'], { encoding: 'utf8' }));
const litter = () => readdirSync(join(stack.home, 'state/files'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).length;

test('no spelling of a path leaves the store', async () => {
  await put('t/inside.txt', 'inside');
  const paths = ['../etc/passwd', 't/../../etc/passwd', '%2e%2e/etc/passwd', 't/%2e%2e/%2e%2e/passwd', '..%2f..%2fetc/passwd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    't/./inside.txt', 't//inside.txt', '/etc/passwd', '%2fetc%2fpasswd', 't/inside.txt/', 't%00/x', 't/inside.txt%00.png', 't/%0d%0aX-A:%20b', '%c0%ae%c0%ae/x', '%ff%fe',
    '..', '.', 't/..', 't/.', '%2e', 't/%2e%2e'];
  for (const path of paths)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, text } = await raw(head(`${method} /v1/files/${path} HTTP/1.1`, `Authorization: Bearer ${anna}`, ...(method === 'PUT' ? ['Content-Length: 1'] : [])),
        { body: method === 'PUT' ? 'x' : '' });
      assert.equal(status, 400, `${method} ${path}: ${text}`);
    }
  const backslash = await raw(head('GET /v1/files/..\\..\\etc\\passwd HTTP/1.1', `Authorization: Bearer ${anna}`));
  assert.equal(backslash.status, 400);
  const double = await get('%2e%2e/%2e%2e/etc/passwd');
  assert.equal(double.status, 403, 'what is encoded twice is a name like any other, of no file');
  assert.equal((await put(`${'x'.repeat(1025)}`, 'x')).status, 400);
});

async function runs(type, policy) {
  assert.ok([200, 201].includes((await put('h/type', '<script>1</script>', anna, { 'content-type': type })).status), type);
  const { headers } = await get('h/type');
  assert.deepEqual([headers.get('content-type'), headers.get('content-security-policy'), headers.get('x-content-type-options')], [type, policy, 'nosniff']);
}

test('names and types carry nothing into a header', async () => {
  const evil = 'evil"\'\\;=é.html';
  assert.equal((await put(`h/${evil}`, '<script>alert(1)</script>', anna, { 'content-type': 'text/html' })).status, 201);
  const got = await fetch(`${at(`h/${evil}`)}?download`, { headers: as(anna) });
  assert.equal(got.headers.get('content-disposition'), `attachment; filename*=UTF-8''${encodeURIComponent(evil).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`);
  assert.deepEqual([got.headers.get('x-content-type-options'), got.headers.get('content-security-policy')], ['nosniff', 'sandbox']);
  // Chromium runs the first four as HTML (Fetch, "extract a MIME type", splits at commas)
  for (const type of ['image/png,text/html', 'text/html x', 'text/html(x)', 'text/xsl', 'image/png;,text/html', 'application/javascript',
    'image/svg+xml', 'x', 'multipart/x-mixed-replace;boundary=x', 'application/pdf'])
    await runs(type, 'sandbox');
  for (const type of ['image/png', 'IMAGE/JPEG', 'video/mp4;codecs="avc1"', 'audio/mpeg', 'font/woff2']) await runs(type, null);
  const split = await fetch(`${at(`h/${evil}`)}?download=${encodeURIComponent('a\r\nX-Evil: 1')}`, { headers: as(anna) });
  assert.deepEqual([split.status, split.headers.get('x-evil')], [200, null]);
  const info = await uploadInfo('h/type.txt', anna);
  const bad = await fetch(info.url, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x', accept: 'application/json' },
    body: '--x\r\nContent-Disposition: form-data; name="Content-Type"\r\n\r\ntext/html\r\nX-Evil: 1\r\n--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n1\r\n--x--\r\n' });
  assert.deepEqual([bad.status, (await bad.json()).code], [400, 'INVALID_PARAM']);
  for (const type of ['text/plain\u00e9', 'x'.repeat(300)])
    assert.equal((await put('h/type.txt', 'x', anna, { 'content-type': type })).status, 400, type);
});

test('what is too long is refused before it is read', async () => {
  for (const length of [FILE_TOP + 1, '99999999999999', '18446744073709551615']) {
    const { status } = await raw(head('PUT /v1/files/long.bin HTTP/1.1', `Authorization: Bearer ${anna}`, `Content-Length: ${length}`), { body: 'x' });
    assert.ok(status === 413 || status === 400, `${length}: ${status}`);
  }
  const endless = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1 << 20)); } });
  const answer = await put('long.bin', endless).catch((e) => e);
  assert.ok(answer instanceof Error || answer.status === 413, `${answer.status}`);
  const parts = await raw(head('POST /v1/files/long.bin HTTP/1.1', `Authorization: Bearer ${anna}`, 'Content-Type: multipart/form-data; boundary=x', 'Content-Length: 5000000'),
    { body: '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'.repeat(70) });
  assert.equal(parts.status, 413);
  const headless = await raw(head('POST /v1/files/long.bin HTTP/1.1', `Authorization: Bearer ${anna}`, 'Content-Type: multipart/form-data; boundary=x', 'Content-Length: 5000000'),
    { body: `--x\r\n${'X-A: y\r\n'.repeat(2000)}` });
  assert.equal(headless.status, 413);
  assert.deepEqual(kept('long'), []);
});

test('a body that stops coming ends, and leaves nothing', async () => {
  const slow = await raw(head('PUT /v1/files/slow.bin HTTP/1.1', `Authorization: Bearer ${anna}`, 'Content-Length: 100000'), { body: 'begin', wait: true });
  assert.ok([0, 408].includes(slow.status), slow.text);
  await raw(head('POST /v1/files/slow.bin HTTP/1.1', `Authorization: Bearer ${anna}`, 'Content-Type: multipart/form-data; boundary=x', 'Content-Length: 100000'),
    { body: '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nbegin', wait: true });
  assert.deepEqual(kept('slow'), []);
  await until(() => litter() === contents(), 'what was begun is gone, and what was replaced before');
});

test('many uploads at once cost no memory for their bytes', { skip: sanitized && 'a sanitizer keeps what is freed' }, async () => {
  const bytes = randomBytes(FILE_TOP), sum = digest('sha256', bytes, 'hex');
  const before = memory(stack, 'VmHWM');
  const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => put(`many/${i}.bin`, bytes).then((a) => a.json())));
  assert.deepEqual([...new Set(answers.map((a) => a.sha256))], [sum]);
  const grown = memory(stack, 'VmHWM') - before;
  assert.ok(grown < 96, `${grown} MiB more for 192 MiB of uploads`);
});

// Large files take turns to begin (gateway/http_turn.c): each comes whole, whoever
// else leaves, reads slowly, or asks for something small.
test('large files that many ask for at once come whole, ranges too, beside readers who leave or pause', async () => {
  const bytes = randomBytes(3 << 20), sum = digest('sha256', bytes, 'hex');
  const made = await put('many.bin', bytes);
  assert.equal(made.status, 201);
  await made.arrayBuffer();
  const read = (kind, headers = {}) => new Promise((done, fail) => {
    const hash = createHash('sha256'), r = request(at('many.bin'), { headers: as(anna, headers) }, (answer) => {
      answer.on('error', fail);
      answer.once('data', () => {
        if (kind === 'leaves') { r.destroy(); done('left'); }
        if (kind === 'pauses') { answer.pause(); read('stays').then(() => answer.resume(), fail); }
      });
      answer.on('data', (part) => hash.update(part));
      answer.on('end', () => done(hash.digest('hex')));
    });
    r.on('error', (e) => (kind === 'leaves' ? done('left') : fail(e)));
    r.end();
  });
  const part = digest('sha256', bytes.subarray(1000, 2500000), 'hex');
  for (let round = 0; round < 2; round++) {
    const all = Array.from({ length: 48 }, (_, i) => [
      () => read('stays'), () => read('leaves'), () => read('pauses'), () => read('stays', { range: 'bytes=1000-2499999' })][i % 4]());
    const small = await Promise.all(Array.from({ length: 20 }, () => get('sizes/4095.bin')));
    for (const answer of small) assert.equal((await bytesOf(answer)).length, 4095);
    assert.deepEqual(await Promise.all(all), Array.from({ length: 48 }, (_, i) => [sum, 'left', sum, part][i % 4]));
  }
  // the next request of a connection is answered after a large file
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 5; i++) {
    const got = await new Promise((done, fail) => request(at('many.bin'), { agent, headers: as(anna) }, (answer) => {
      const hash = createHash('sha256');
      answer.on('data', (p) => hash.update(p)).on('end', () => done(hash.digest('hex')));
    }).on('error', fail).end());
    assert.equal(got, sum);
  }
  agent.destroy();
});

test('after all this both gateways are those of the beginning', () => {
  assertNobodyDied(stack);
});
