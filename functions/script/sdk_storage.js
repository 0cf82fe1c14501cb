'use strict';
// cloud.uploadFile, downloadFile, getTempFileURL, deleteFile.  Where bytes go
// and come from is what the cloud's answer names.

const bytes = require('./bytes');
const { Refused, WORDS, NUMBERS, numberOf, told, check } = require('./sdk_errors');
const { send } = require('./sdk_wire');

function refused(code, message, requestId) {
  return new Refused({ code, message, requestId });
}

// One file's row in an answer: its number and words.
function status(row) {
  if (!row.code || NUMBERS[row.code] === 0) return { status: 0, errMsg: 'ok' };
  const number = numberOf(row.code);
  return { status: number, errMsg: WORDS[number] };
}

async function tempUrls(fileList) {
  const list = fileList.map((file) => {
    if (typeof file === 'string') return { fileid: file };
    if (file === null || typeof file !== 'object')
      throw refused('INVALID_PARAM', 'fileList的元素如果不是对象，则必须是字符串');
    if (!Object.hasOwn(file, 'fileID') || !Object.hasOwn(file, 'maxAge'))
      throw refused('INVALID_PARAM',
        'fileList 的元素如果是对象，必须是包含 fileID 和 maxAge 的对象');
    return { fileid: file.fileID, max_age: file.maxAge, url_type: file.urlType };
  });
  return send({ action: 'storage.batchGetDownloadUrl', file_list: list });
}

// Bytes of what may be uploaded: a Buffer or fs.createReadStream's stream.
async function contentOf(given) {
  const whole = bytes.of(given);
  if (whole) return whole;
  if (given instanceof require('./fs').ReadStream) return given.readAll();
  throw refused('INVALID_PARAM',
    '[node-sdk] fileContent should be instance of fs.ReadStream or Buffer');
}

async function upload({ cloudPath, fileContent }) {
  const body = await contentOf(fileContent);
  const { data, requestId } = await send({ action: 'storage.getUploadMetadata',
    path: cloudPath, method: 'put' });
  const answer = await require('./wire').send({
    method: 'PUT',
    url: data.url,
    headers: [['Signature', data.authorization],
      ['x-cos-security-token', data.token],
      ['x-cos-meta-fileid', data.cosFileId],
      ['authorization', data.authorization],
      ['key', encodeURIComponent(cloudPath)]],
    body,
  });
  const text = host.text(answer.body);
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1];
  if (code || answer.status >= 300) {
    const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text;
    throw refused(code === 'SignatureDoesNotMatch' ? 'SYS_ERR'
      : 'STORAGE_REQUEST_FAIL', `[${code ?? answer.status}]: ${message}`, requestId);
  }
  return { fileID: data.fileId, statusCode: -1 };
}

async function download({ fileID }) {
  const { data, requestId } = await tempUrls([{ fileID, maxAge: 600 }]);
  const [file] = data.download_list;
  if (file.code !== 'SUCCESS')
    throw refused(file.code, file.message
      ?? `${WORDS[numberOf(file.code)]}: ${fileID}`, requestId);
  const url = encodeURI(file.tempFileURL);
  const answer = await require('./wire').send(
    { method: 'GET', url, headers: [], body: null });
  if (answer.status !== 200)
    throw refused('STORAGE_REQUEST_FAIL',
      `下载文件失败: Status:${answer.status} Url:${url}`, requestId);
  return { fileContent: require('./buffer').Buffer.from(answer.body.buffer,
    answer.body.byteOffset, answer.body.byteLength), statusCode: 200 };
}

async function remove({ fileList }) {
  for (const file of fileList)
    if (!file) throw refused('INVALID_PARAM', 'fileList的元素必须是非空的字符串');
  const { data } = await send({ action: 'storage.batchDeleteFile',
    fileid_list: fileList });
  return { fileList: data.delete_list.filter(Boolean).map((row) =>
    ({ fileID: row.fileID, ...status(row) })) };
}

async function urls({ fileList }) {
  const { data } = await tempUrls(fileList);
  return { fileList: data.download_list.filter(Boolean).map((row) => {
    const said = status(row);
    return { fileID: row.fileID, ...said, maxAge: row.maxAge,
      tempFileURL: said.status === 0 ? row.tempFileURL : '' };
  }) };
}

function checkUpload(options) {
  check(options, { cloudPath: 'string' });
  if (!options.fileContent)
    throw new Error(`Type of fileContent must be fs.ReadStream instead of ${typeof options.fileContent}`);
}

function checkNames(options) {
  check(options, { fileList: 'array' });
  options.fileList.forEach((file, i) => {
    if (typeof file !== 'string')
      throw new Error(`Type of fileList[${i}] must be string instead of ${typeof file}`);
  });
}

const api = (name, verify, work) => async (options) => {
  try {
    if (!options)
      throw { errMsg: `Params for ${name} must be an object instead of ${typeof options}` };
    verify(options);
    return { ...await work(options), errMsg: `${name}:ok` };
  } catch (err) {
    throw told(err, name);
  }
};

module.exports = {
  uploadFile: api('uploadFile', checkUpload, upload),
  downloadFile: api('downloadFile',
    (options) => check(options, { fileID: 'string' }), download),
  getTempFileURL: api('getTempFileURL',
    (options) => check(options, { fileList: 'array' }), urls),
  deleteFile: api('deleteFile', checkNames, remove),
};
