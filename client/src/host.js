/* ---- hosts ------------------------------------------------------------------- */

/*
 * What this file needs of the world, in the shape that a mini program's wx has
 * it: request, uploadFile, downloadFile, connectSocket, and where there are
 * any login, getStorageSync and setStorageSync.  A mini program is its own
 * host; the others imitate that much of it.
 */

/* Node's own modules; not by a plain require, which a mini program's
 * compiler would go looking for. */
function nodeModule(name) {
	/* eslint-disable no-undef */
	return process.getBuiltinModule ? process.getBuiltinModule(name) :
		module.require(name);
	/* eslint-enable no-undef */
}

/* A task with the listeners that wx's tasks have. */
function hostTask(abort) {
	const listeners = { ProgressUpdate: [], HeadersReceived: [] };
	const task = { abort, tell: (event, what) => listeners[event]
		.forEach((each) => each(what)) };

	for (const event of TASK_EVENTS) {
		task[`on${event}`] = (fn) => listeners[event].push(fn);
		task[`off${event}`] = (fn) => {
			listeners[event] = listeners[event].filter((each) =>
				fn && each !== fn);
		};
	}
	return task;
}

/* What WHATWG's WebSocket tells, as wx's SocketTask tells it. */
const SOCKET_EVENTS = {
	Open: () => ({ header: {} }),
	Message: ({ data }) => ({ data }),
	Close: ({ code, reason }) => ({ code, reason }),
	Error: (err) => ({ errMsg: (err && err.message) || 'error' }),
};

/* One in the shape of the other.  All events have a listener from the start:
 * npm's ws ends the process over an error that nobody listens for. */
function socketTask(socket) {
	const task = {};
	const attempt = (name, o, act) => {
		let res = { errMsg: `${name}:ok` };
		let tell = 'success';

		try {
			act();
		} catch (err) {
			res = { errMsg: `${name}:fail ${err.message}` };
			tell = 'fail';
		}
		Promise.resolve().then(() => [tell, 'complete'].forEach((each) =>
			o && o[each] && o[each](res)));
	};

	socket.binaryType = 'arraybuffer';
	for (const event of Object.keys(SOCKET_EVENTS)) {
		const listeners = [];

		socket[`on${event.toLowerCase()}`] = (e) => listeners
			.forEach((fn) => fn(SOCKET_EVENTS[event](e)));
		task[`on${event}`] = (fn) => listeners.push(fn);
	}
	task.send = (o) => attempt('sendSocketMessage', o, () =>
		socket.send(o.data));
	task.close = (o) => attempt('closeSocket', o, () => socket.close(
		(o && o.code) || 1000, (o && o.reason) || ''));
	return task;
}

/* The token of a socket whose header cannot be set goes as a subprotocol. */
function plainSocket(WebSocket, { url, protocols, token }) {
	const offered = (protocols || []).concat(token ?
		['mpcloud', `mpcloud.token.${token}`] : []);

	return socketTask(offered.length ? new WebSocket(url, offered) :
		new WebSocket(url));
}

const progress = (name, done, all) => ({
	progress: all ? Math.floor(done * 100 / all) : 100,
	[`totalBytes${name}`]: done, [`totalBytesExpectedTo${
		name === 'Sent' ? 'Send' : 'Write'}`]: all });

/* -- browsers: XMLHttpRequest has progress in both directions -- */

function browserHost(conf) {
	/* eslint-disable no-undef */
	const headersOf = (xhr) => {
		const out = {};

		for (const line of xhr.getAllResponseHeaders().split('\r\n'))
			if (line)
				out[line.split(':', 1)[0]] =
					line.slice(line.indexOf(':') + 1).trim();
		return out;
	};
	const exchange = (o, body, answered) => {
		const xhr = new XMLHttpRequest();
		const task = hostTask(() => xhr.abort());
		const failed = (why) => () =>
			o.fail({ errMsg: `request:fail ${why}` });

		xhr.open(o.method || 'GET', o.url);
		xhr.timeout = o.timeout;
		xhr.responseType = o.responseType;
		for (const name of Object.keys(o.header || {}))
			xhr.setRequestHeader(name, o.header[name]);
		xhr.onreadystatechange = () => {
			if (xhr.readyState === 2)
				task.tell('HeadersReceived',
					{ header: headersOf(xhr) });
		};
		xhr.onload = () => answered({ data: xhr.response,
			statusCode: xhr.status, header: headersOf(xhr) });
		xhr.onerror = failed('no answer (is the server up, and does it ' +
			'let this origin in?)');
		xhr.ontimeout = failed('timeout');
		xhr.onabort = failed('abort');
		xhr.upload.onprogress = (e) => task.tell('ProgressUpdate',
			progress('Sent', e.loaded, e.total));
		xhr.onprogress = (e) => o.isDownload &&
			task.tell('ProgressUpdate',
				progress('Written', e.loaded, e.total));
		xhr.send(body);
		return task;
	};
	/* A File, a Blob, bytes, or the URL that createObjectURL made. */
	const blobOf = (file) => (typeof file === 'string' ?
		fetch(file).then((res) => res.blob()) :
		Promise.resolve(file instanceof Blob ? file :
			new Blob([file])));

	return {
		request: (o) => exchange(Object.assign({}, o,
			{ responseType: o.responseType === 'arraybuffer' ?
				'arraybuffer' : 'text' }), o.data, o.success),
		uploadFile(o) {
			let inner = null;
			const task = new Task('uploadFile');

			blobOf(o.filePath).then((blob) => {
				const form = new FormData();

				for (const key of Object.keys(o.formData || {}))
					form.append(key, o.formData[key]);
				form.append(o.name, blob, blob.name || 'file');
				inner = exchange(Object.assign({}, o,
					{ method: 'POST', responseType: 'text' }),
				form, o.success);
				task.follow(inner);
			}).catch((err) => o.fail({ errMsg:
				`uploadFile:fail ${err.message}` }));
			return task;
		},
		downloadFile: (o) => exchange(Object.assign({}, o,
			{ responseType: 'blob', isDownload: true }), undefined,
		(res) => o.success(Object.assign(res, { tempFilePath:
			URL.createObjectURL(res.data) }))),
		connectSocket: (o) => plainSocket(conf.WebSocket || WebSocket, o),
		getStorageSync: (key) => {
			try {
				return JSON.parse(localStorage.getItem(key));
			} catch (err) {
				return null; /* none, or forbidden */
			}
		},
		setStorageSync: (key, value) =>
			localStorage.setItem(key, JSON.stringify(value)),
		isHeaderless: true,
		asFile: (bytes) => Promise.resolve({ filePath: new Blob([bytes]),
			drop: () => {} }),
	};
	/* eslint-enable no-undef */
}

/* -- Node.js -- */

/* RFC 7578: the head of each part, and the end. */
function formParts(o, fileName) {
	const boundary = `----mpcloud${Math.random().toString(16).slice(2)}${
		Date.now().toString(16)}`;
	const field = (name, more) => `--${boundary}\r\nContent-Disposition: ` +
		`form-data; name="${name}"${more || ''}\r\n`;
	const fields = Object.keys(o.formData || {}).map((name) =>
		`${field(name)}\r\n${o.formData[name]}\r\n`);

	return { boundary, end: `\r\n--${boundary}--\r\n`,
		head: `${fields.join('')}${field(o.name, `; filename="${
			fileName.replace(/["\\\r\n]/g, '_')}"`)
		}Content-Type: application/octet-stream\r\n\r\n` };
}

function nodeHost(conf) {
	/* eslint-disable no-undef */
	const fs = nodeModule('fs');
	const os = nodeModule('os');
	const path = nodeModule('path');
	const REDIRECTS = 5;
	const begin = (o, url, hops, task, answered) => {
		const far = new URL(url);
		const http = nodeModule(far.protocol.slice(0, -1));
		const headers = Object.assign({}, o.header, o.length === undefined ?
			{} : { 'content-length': o.length });
		const req = http.request(far, { method: o.method || 'GET', headers,
			ca: conf.ca });
		/* Not by destroy(err) alone: once the answer has begun, a
		 * connection that breaks is told to the answer only. */
		const failed = (err) => {
			req.destroy();
			o.fail({ errMsg: `request:fail ${err.message ||
				err.code}` });
		};
		const timer = setTimeout(() =>
			failed(new Error('timeout')), o.timeout);

		task.abort = () => failed(new Error('abort'));
		req.on('error', failed);
		req.on('close', () => clearTimeout(timer));
		req.on('response', (res) => {
			const { location } = res.headers;

			if (location && res.statusCode > 300 && !o.write &&
				o.followRedirect !== false &&
				(o.method || 'GET') === 'GET' && hops < REDIRECTS) {
				res.resume();
				begin(o, new URL(location, url).href, hops + 1,
					task, answered);
				return;
			}
			task.tell('HeadersReceived', { header: res.headers });
			answered(res, failed);
		});
		if (o.write)
			o.write(req);
		else
			req.end(o.data === undefined ? undefined :
				isBytes(o.data) ? Buffer.from(o.data) : o.data);
	};
	const exchange = (o, answered) => {
		const task = hostTask(() => {});

		begin(o, o.url, 0, task, answered);
		return task;
	};
	const whole = (o, success) => (res, failed) => {
		const chunks = [];

		res.on('data', (chunk) => chunks.push(chunk));
		res.on('error', failed);
		res.on('end', () => {
			const bytes = Buffer.concat(chunks);

			success({ statusCode: res.statusCode, header: res.headers,
				data: o.responseType === 'arraybuffer' ?
					bytes.buffer.slice(bytes.byteOffset,
						bytes.byteOffset + bytes.length) :
					bytes.toString('utf8') });
		});
	};
	/* A path, or bytes. */
	const sourceOf = (file) => (typeof file === 'string' ?
		{ size: fs.statSync(file).size, name: path.basename(file),
			stream: () => fs.createReadStream(file) } :
		{ size: file.byteLength, name: 'file', stream: () =>
			nodeModule('stream').Readable.from([Buffer.from(file)]) });

	return {
		request: (o) => exchange(o, whole(o, o.success)),
		uploadFile(o) {
			let source = null;

			try {
				source = sourceOf(o.filePath);
			} catch (err) {
				o.fail({ errMsg: `uploadFile:fail ${err.message}` });
				return hostTask(() => {});
			}
			const { boundary, head, end } = formParts(o, source.name);
			let sent = 0;
			const task = exchange(Object.assign({}, o, { method: 'POST',
				header: Object.assign({}, o.header, { 'content-type':
					`multipart/form-data; boundary=${boundary}` }),
				length: Buffer.byteLength(head) + source.size +
					Buffer.byteLength(end),
				write: (req) => {
					const stream = source.stream();

					req.write(head);
					stream.on('data', (chunk) => {
						sent += chunk.length;
						setImmediate(() => task.tell(
							'ProgressUpdate', progress('Sent',
								sent, source.size)));
					});
					stream.on('error', (err) => req.destroy(err));
					stream.on('end', () => req.end(end));
					stream.pipe(req, { end: false });
				} }), whole(o, o.success));
			return task;
		},
		downloadFile(o) {
			const to = o.filePath || path.join(os.tmpdir(),
				`mpcloud-${process.pid}-${Date.now()}-${
					Math.random().toString(16).slice(2)}`);
			const task = exchange(o, (res, failed) => {
				const all = Number(res.headers['content-length']) || 0;
				const out = fs.createWriteStream(to, { flags: 'wx',
					mode: 0o600 });
				let got = 0;

				res.on('data', (chunk) => {
					got += chunk.length;
					task.tell('ProgressUpdate',
						progress('Written', got, all));
				});
				/* Half a file is none. */
				const gone = (err) => {
					out.on('close', () =>
						fs.unlink(to, () => {}));
					out.destroy();
					failed(err);
				};

				res.on('error', gone);
				out.on('error', gone);
				out.on('finish', () => o.success({ tempFilePath: to,
					statusCode: res.statusCode,
					header: res.headers }));
				res.pipe(out);
			});
			return task;
		},
		connectSocket(o) {
			const WebSocket = conf.WebSocket || globalThis.WebSocket;

			if (!WebSocket)
				throw new Error('this Node.js has no WebSocket (22 ' +
					'has): npm install ws, and cloud.init({ ' +
					'WebSocket: require(\'ws\').WebSocket, … })');
			return plainSocket(WebSocket, o);
		},
		isHeaderless: true,
		asFile: (bytes) => Promise.resolve({ filePath:
			typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
		drop: () => {} }),
	};
	/* eslint-enable no-undef */
}

/* -- mini programs -- */

/* Bytes as a file that wx.uploadFile takes. */
function miniFile(host, bytes) {
	const fs = host.getFileSystemManager();
	const filePath = `${host.env.USER_DATA_PATH}/mpcloud-${Date.now()}-${
		Math.random().toString(16).slice(2)}`;

	return new Promise((resolve, reject) => {
		fs.writeFile({ filePath, data: bytes,
			encoding: typeof bytes === 'string' ? 'utf8' : undefined,
			success: () => resolve({ filePath, drop: () =>
				fs.unlink({ filePath, fail: () => {} }) }),
			fail: (err) => reject(failure('cloud.CDN', '',
				err && err.errMsg)) });
	});
}

/* eslint-disable no-undef */
const HOSTS = [
	{ name: 'mini program', make: () => wx,
		isHere: () => typeof wx !== 'undefined' && Boolean(wx.request) },
	{ name: 'browser', make: browserHost,
		isHere: () => typeof XMLHttpRequest === 'function' },
	{ name: 'Node.js', make: nodeHost,
		isHere: () => typeof process === 'object' &&
			Boolean(process.versions && process.versions.node) },
];
/* eslint-enable no-undef */

function hostFor(conf) {
	const found = HOSTS.find((each) => each.isHere());

	return conf.wx || (found ? found.make(conf) : null);
}

