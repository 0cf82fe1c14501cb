'use strict';
// What a cloud function does with files, in the words of wx-server-sdk ('wx') or of
// CloudBase's own server SDKs ('plain'): every result and error as the developer
// sees it.
const { createReadStream, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const told = async (work) => {
  try {
    return { value: await work() };
  } catch (error) {
    return { thrown: { code: error?.errCode ?? error?.code, message: String(error?.errMsg ?? error?.message ?? error) } };
  }
};
const seen = (buffer) => ({ length: buffer.length, hex: Buffer.from(buffer).subarray(0, 8).toString('hex') });
const outcomes = ({ fileList }) => fileList.map(({ requestId, tempFileURL, ...rest }) => ({ ...rest, url: Boolean(tempFileURL) }));

module.exports = (cloud) => async ({ folder, missing }) => {
  const upload = (cloudPath, fileContent) => cloud.uploadFile({ cloudPath, fileContent });
  const up = {}, ids = {};
  for (const [name, bytes] of [['a b.txt', Buffer.from('hello world')], ['图.bin', Buffer.from([0, 1, 2, 255, 254, 13, 10])],
    ['empty.txt', Buffer.alloc(0)], ['large.bin', Buffer.alloc(700001, 7)]]) {
    up[name] = await told(() => upload(`${folder}/${name}`, bytes));
    ids[name] = up[name].value?.fileID;
  }
  const file = join(tmpdir(), 'up.bin');
  writeFileSync(file, Buffer.alloc(90000, 9));
  up.stream = await told(() => upload(`${folder}/stream.bin`, createReadStream(file)));
  ids['stream.bin'] = up.stream.value?.fileID;
  up.bad = await told(() => upload('../out.txt', Buffer.from('x')));
  const down = {};
  for (const name of Object.keys(ids))
    down[name] = await told(async () => seen((await cloud.downloadFile({ fileID: ids[name] })).fileContent));
  down.missing = await told(async () => {
    const got = await cloud.downloadFile({ fileID: missing });
    return got.code ? { code: got.code } : seen(got.fileContent);
  });
  const list = [ids['a b.txt'], { fileID: ids['图.bin'], maxAge: 60 }, missing];
  const links = await told(() => cloud.getTempFileURL({ fileList: list }));
  const removed = await told(() => cloud.deleteFile({ fileList: [ids['a b.txt'], missing] }));
  const many = await told(async () => {
    const got = await cloud.deleteFile({ fileList: Array(51).fill(missing) });
    return got.code ? { code: got.code } : got;
  });
  return { up, down, links: links.value ? { list: outcomes(links.value), urls: links.value.fileList.map((f) => f.tempFileURL) } : links,
    removed: removed.value ? outcomes(removed.value) : removed, many };
};
