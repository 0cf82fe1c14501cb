/* ---- files -------------------------------------------------------------------- */

const FILES_TOP = 50; /* of one getTempFileURL or deleteFile */

/* What a store says when it refuses: our JSON, or XML as COS and S3 have it. */
function refusedFile(api, session, res) {
	const text = typeof res.data === 'string' ? res.data : '';
	const xml = (name) => (new RegExp(`<${name}>([^<]*)</${name}>`)
		.exec(text) || [])[1];
	const said = parsed(text) || { code: xml('Code'), message: xml('Message') };

	return renamed(api, session.refused(said, res, ''));
}

/* One call of the host's that has a task. */
function hosted(api, session, task, name, options) {
	return new Promise((resolve, reject) => {
		if (!session.host[name])
			throw failure(api, 'PARAM', `this host has no ${name}`);
		task.follow(session.host[name](Object.assign({
			timeout: session.conf.timeout,
			success: resolve,
			/* A lost connection may be called an aborted one, too. */
			fail: (err) => reject(task.isAborted ?
				failure(api, '', 'abort') :
				failure(api, 'NETWORK', err && err.errMsg)),
		}, options)));
	}).then((res) => {
		if (res.statusCode < 200 || res.statusCode >= 300)
			throw refusedFile(api, session, res);
		return res;
	});
}

function cloudPathOf(api, cloudPath) {
	if (typeof cloudPath !== 'string' || !cloudPath)
		throw failure(api, 'PARAM', 'cloudPath: where the file goes, ' +
			'such as "images/a.png"');
	return cloudPath.replace(/^\/+/, '');
}

/* One form for all hosts, that of js-sdk 1.x: wx.uploadFile knows no other. */
function uploadFile(session, { cloudPath, filePath, header: more }, task) {
	const api = 'cloud.uploadFile';
	const path = cloudPathOf(api, cloudPath);

	if (!filePath)
		throw failure(api, 'PARAM', 'filePath: the file to send');
	return session.act('storage.getUploadMetadata', { path }).then((meta) => {
		task.check();
		return hosted(api, session, task, 'uploadFile', {
			url: meta.url, filePath, name: 'file',
			header: Object.assign({ accept: 'application/json' },
				more),
			formData: { key: path, signature: meta.authorization,
				'x-cos-security-token': meta.token,
				'x-cos-meta-fileid': meta.cosFileId } })
			.then((res) => ({ fileID: meta.fileId,
				statusCode: res.statusCode,
				errMsg: 'cloud.uploadFile:ok' }));
	});
}

function fileList(api, list) {
	if (!Array.isArray(list) || !list.length || list.length > FILES_TOP)
		throw failure(api, 'INVALID_PARAM',
			`fileList: an array of 1 to ${FILES_TOP} fileIDs`);
	return list;
}

/* {fileID, status, errMsg}: 0 and "ok", or the number and words of an error. */
function fileState(api, each) {
	const code = each.code || 'SUCCESS';

	if (code === 'SUCCESS')
		return { fileID: each.fileID || each.fileid, status: 0,
			errMsg: 'ok' };
	const { errCode, errMsg } = failure(api, code, each.message);
	return { fileID: each.fileID || each.fileid, status: errCode, errMsg };
}

function tempURLs(session, api, list) {
	return session.act('storage.batchGetDownloadUrl', {
		file_list: fileList(api, list).map((each) =>
			(typeof each === 'string' ? { fileid: each } :
				{ fileid: each.fileID, max_age: each.maxAge })),
	}, true).then((data) => (data.download_list || []).map((each, i) => {
		const asked = typeof list[i] === 'string' ? {} : list[i];
		const url = each.tempFileURL || each.download_url || '';

		return Object.assign(fileState(api, each), { tempFileURL: url,
			maxAge: each.maxAge || asked.maxAge || 0 });
	}));
}

const getTempFileURL = (session, { fileList: list }) =>
	tempURLs(session, 'cloud.getTempFileURL', list).then((found) =>
		({ fileList: found, errMsg: 'cloud.getTempFileURL:ok' }));

const deleteFile = (session, { fileList: list }) =>
	session.act('storage.batchDeleteFile',
		{ fileid_list: fileList('cloud.deleteFile', list) })
		.then((data) => ({ errMsg: 'cloud.deleteFile:ok',
			fileList: (data.delete_list || []).map((each) =>
				fileState('cloud.deleteFile', each)) }));

function downloadFile(session, { fileID }, task) {
	const api = 'cloud.downloadFile';

	if (typeof fileID !== 'string' || !fileID)
		throw failure(api, 'PARAM', 'fileID: the file to fetch');
	return tempURLs(session, api, [fileID]).then(([found]) => {
		if (!found || found.status !== 0)
			throw Object.assign(new Error(found ? found.errMsg :
				`${api}:fail`), { errCode: found ? found.status : -1,
				errMsg: found ? found.errMsg : `${api}:fail` });
		task.check();
		return hosted(api, session, task, 'downloadFile',
			{ url: found.tempFileURL });
	}).then((res) => ({ tempFilePath: res.tempFilePath,
		statusCode: res.statusCode, errMsg: 'cloud.downloadFile:ok' }));
}

/* -- CDN: what is too large for a function's event goes as a file -- */

class CDN {
	constructor(target) {
		this.target = target;
	}
}

/* The URL that stands in the event. */
function cdnURL(session, { target }) {
	const { host } = session;
	const api = 'cloud.callFunction';
	const isFile = isPlain(target) && target.type === 'filePath';
	const cloudPath = `tmp/cdn/${Date.now().toString(36)}-${
		Math.random().toString(36).slice(2)}`;

	if (!isFile && typeof target !== 'string' && !isBytes(target))
		throw failure(api, 'PARAM', 'CDN: a string, an ArrayBuffer or ' +
			'{type: "filePath", filePath}');
	return Promise.resolve(isFile ?
		{ filePath: target.filePath, drop: () => {} } :
		(host.asFile ? host.asFile(target) : miniFile(host, target)))
		.then((file) => uploadFile(session,
			{ cloudPath, filePath: file.filePath }, new Task(api))
			.then((res) => {
				file.drop();
				return tempURLs(session, api, [res.fileID]);
			}, (err) => {
				file.drop();
				throw err;
			}))
		.then(([found]) => {
			if (found.status !== 0)
				throw failure(api, 'STORAGE_REQUEST_FAIL',
					found.errMsg);
			return found.tempFileURL;
		});
}

/* The data with its CDN members, at any depth, become URLs. */
function withCDN(session, data) {
	if (data instanceof CDN)
		return cdnURL(session, data);
	if (!Array.isArray(data) && !isPlain(data))
		return data;
	const keys = Object.keys(data);
	const made = keys.map((key) => withCDN(session, data[key]));
	if (keys.every((key, i) => made[i] === data[key]))
		return data; /* nothing in it: as it was */
	return Promise.all(made).then((values) => {
		const out = Array.isArray(data) ? [] : {};

		keys.forEach((key, i) => {
			out[key] = values[i];
		});
		return out;
	});
}

