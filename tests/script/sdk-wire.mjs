// A cloud that answers by rote, for two SDKs that are asked the same: what they
// send and what they make of the answers can then be compared.

import { createServer } from 'node:http';

const DOCUMENT = { _id: 'doc', n: { $numberInt: '3' }, big: { $numberLong: '5000000000' }, f: { $numberDouble: '1.5' },
  at: { $date: { $numberLong: '1577836800000' } }, place: { type: 'Point', coordinates: [113.5, 23.25] },
  line: { type: 'LineString', coordinates: [[1, 2], [3, 4]] }, list: [1, { $numberInt: '2' }, 'x', null], o: { k: true },
  relaxed: { $date: '2020-01-01T00:00:00Z' }, number: 4, text: 'x', nil: null };

// {action, …} → the answer's JSON.  `made` keeps what a run has made.
export function makeCloud() {
  const made = new Set();
  return (body) => {
    const requestId = 'r1';
    const failed = (code, message) => ({ requestId, code, message });
    const { action, collectionName: name = '' } = body;
    if (name.endsWith('nowhere'))
      return failed('DATABASE_COLLECTION_NOT_EXIST', `[ResourceNotFound] Db or Table not exist: ${name}.`);
    const text = JSON.stringify(body);
    if (text.includes('conflict')) return failed('DATABASE_TRANSACTION_CONFLICT', 'Transaction is conflict');
    switch (action) {
    case 'database.addCollection':
      if (made.has(name)) return failed('DATABASE_REQUEST_FAILED', `Table exist: ${name}`);
      made.add(name);
      return { requestId };
    case 'database.insertDocument':
      return { requestId, data: { insertedIds: body.data.map((t) => JSON.parse(t)._id ?? 'made') } };
    case 'database.getDocument':
      return { requestId, data: { list: text.includes('no-such') ? [] : [JSON.stringify(DOCUMENT)] } };
    case 'database.calculateDocument':
      return { requestId, data: { total: 5 } };
    case 'database.modifyDocument':
      return { requestId, data: { updated: body.upsert ? 0 : 1, upsert_id: body.upsert ? 'doc' : undefined } };
    case 'database.removeDocument':
      return { requestId, data: { deleted: 1 } };
    case 'database.aggregateDocuments':
      return { requestId, data: { list: [JSON.stringify(DOCUMENT)] } };
    case 'database.startTransaction':
      return { requestId, transactionId: 'tx1' };
    case 'functions.invokeFunction':
      if (body.function_name === 'fails')
        return failed('FUNCTIONS_EXECUTE_FAIL', '{"errorMessage":"boom","errorType":"Error"}');
      return { requestId, data: { response_data: body.function_name === 'text' ? 'plain words' : body.request_data } };
    case 'storage.getUploadMetadata':
      return { requestId, data: { url: 'CLOUD/cos/x', token: 't', authorization: 'a', fileId: 'cloud://e.b/x', cosFileId: 'c' } };
    case 'storage.batchGetDownloadUrl':
      return { requestId, data: { download_list: body.file_list.map(({ fileid, max_age }) => (fileid.includes('missing')
        ? { code: 'STORAGE_FILE_NONEXIST', message: 'no such file', fileID: fileid, tempFileURL: '', maxAge: max_age }
        : { code: 'SUCCESS', fileID: fileid, tempFileURL: 'CLOUD/dl/x', maxAge: max_age })) } };
    case 'storage.batchDeleteFile':
      return { requestId, data: { delete_list: body.fileid_list.map((fileID) => ({ fileID,
        code: fileID.includes('missing') ? 'STORAGE_FILE_NONEXIST' : 'SUCCESS' })) } };
    case 'wx.api':
      return { requestId, data: { responseData: '{"errcode":0,"a":1}' } };
    default:
      return { requestId };
    }
  };
}

// Members that say who asks: here a connection, there a token.
const WHO = ['envName', 'wxCloudApiToken', 'wxCloudbaseAccesstoken', 'tcb_sessionToken', 'sessionToken',
  'crossAuthorizationToken'];

const read = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

// A body with its texts of JSON read, so that the order of members is nothing.
export function plain(body) {
  const out = { ...body };
  for (const name of WHO) delete out[name];
  for (const name of ['query', 'order', 'projection', 'request_data'])
    if (typeof out[name] === 'string') out[name] = read(out[name]);
  if (Array.isArray(out.data)) out.data = out.data.map(read);
  else if (typeof out.data === 'string') out.data = read(out.data);
  if (out.stages) out.stages = out.stages.map((s) => ({ ...s, stageValue: read(s.stageValue) }));
  return out;
}

function parts(bytes, type) {
  const boundary = /boundary=(.*)/.exec(type)[1];
  const text = bytes.toString('latin1');
  return Object.fromEntries(text.split(`--${boundary}`).slice(1, -1).map((part) => {
    const gap = part.indexOf('\r\n\r\n');
    return [/name="([^"]*)"/.exec(part)[1], part.slice(gap + 4, -2)];
  }));
}

// {bodies, url, stop}: the cloud behind a port of this machine, also for the
// multipart calls (`open(parts)` gives bytes) and for files.
export async function serveCloud(cloud, open = () => Buffer.alloc(0)) {
  const bodies = [];
  const server = createServer((req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const type = req.headers['content-type'] ?? '';
      if (!req.url.startsWith('/admin')) {
        bodies.push({ method: req.method, url: req.url, bytes: bytes.toString('latin1'),
          headers: ['signature', 'x-cos-security-token', 'x-cos-meta-fileid', 'authorization', 'key']
            .map((name) => req.headers[name]) });
        res.end(req.method === 'GET' ? Buffer.from([0, 1, 2, 255, 254]) : '');
        return;
      }
      if (type.startsWith('multipart')) {
        const members = parts(bytes, type);
        bodies.push(plain(members));
        const answer = open(members);
        if (!Buffer.isBuffer(answer)) res.setHeader('content-type', 'application/json; charset=utf-8');
        res.end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
        return;
      }
      const body = JSON.parse(bytes);
      bodies.push(plain(body));
      res.setHeader('content-type', 'application/json; charset=utf-8');
      res.end(JSON.stringify(cloud(body)).replaceAll('CLOUD', `http://127.0.0.1:${server.address().port}`));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { bodies, url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    } };
}
