/* ---- containers: whatever else the server routes ------------------------------ */

/* The service's name goes as a header, as in wx.cloud; which route answers is
 * the server's to say (routes.json). */
function containerHeader({ service, header: more }) {
	return Object.assign(service ? { 'x-wx-service': service } : {}, more);
}

function pathOf(api, path) {
	if (typeof path !== 'string' || path[0] !== '/')
		throw failure(api, 'PARAM', 'path: begins with "/"');
	return path;
}

/* Where a header may be lost, of a socket or in a browser's preflight, the path
 * names the service. */
function containerPath(api, session, { path, service }) {
	pathOf(api, path);
	return session.host.isHeaderless && service ?
		`/v1/cloudrun/${encodeURIComponent(service)}${path}` : path;
}

/* The body: what JSON is not goes as it is; a GET's data becomes its query. */
function containerBody(method, path, data) {
	if (data === undefined || data === null)
		return { path };
	if (method !== 'GET' && method !== 'HEAD')
		return { path, body: typeof data === 'string' || isBytes(data) ?
			data : JSON.stringify(data) };
	const query = Object.keys(data).map((key) => `${encodeURIComponent(key)}=${
		encodeURIComponent(data[key])}`).join('&');
	return { path: query ? path + (path.includes('?') ? '&' : '?') + query :
		path };
}

function callContainer(session, options) {
	const api = 'cloud.callContainer';
	const method = (options.method || 'GET').toUpperCase();
	const isJson = options.dataType === undefined ||
		options.dataType === 'json';

	return session.ask(Object.assign({ method, isRaw: true,
		isSafe: method === 'GET' || method === 'HEAD',
		more: containerHeader(options), timeout: options.timeout,
		type: options.responseType },
	containerBody(method, containerPath(api, session, options),
		options.data)))
		.then((res) => {
			const value = isJson && typeof res.data === 'string' ?
				parsed(res.data) : res.data;

			return { data: value === undefined ? res.data : value,
				statusCode: res.statusCode, header: res.header,
				callID: header(res.header, 'X-Request-Id'),
				errMsg: 'cloud.callContainer:ok' };
		});
}

function connectContainer(session, options) {
	const api = 'cloud.connectContainer';
	const { url } = session.conf;
	const path = containerPath(api, session,
		Object.assign({}, options, { path: options.path || '/' }));

	return session.token().then((token) => ({ errMsg: `${api}:ok`,
		socketTask: session.host.connectSocket({
			url: url.replace(/^http/, 'ws') + path,
			header: Object.assign(token ?
				{ authorization: `Bearer ${token}` } : {},
			containerHeader(options)),
			protocols: options.protocols, token,
			tcpNoDelay: options.tcpNoDelay,
			perMessageDeflate: options.perMessageDeflate,
			timeout: options.timeout }) }));
}

/* wx.cloud.services.Gateway: the same calls by another name. */
class Gateway {
	constructor(session) {
		this.session = session; /* () => the session, once there is one */
	}

	call(options) {
		const o = Object.assign({ method: 'POST' }, options);

		return settle('cloud.services.Gateway', o, () =>
			callContainer(this.session(), o));
	}

	/* Nothing to warm up: the next call logs in if it must. */
	refresh() {
		return Promise.resolve(this.session().token()).then(() => {});
	}
}

/* wx.cloud.extend.AI is Tencent's own service: a server of one's own has none.
 * Each of its functions says what to do instead. */
function noModels(name) {
	return () => {
		throw failure(`cloud.extend.AI.${name}`, 'PARAM', 'there are no ' +
			'models here: call your provider from a function, and ' +
			'that function from here');
	};
}

const AI = { createModel: noModels('createModel'), bot: {} };
for (const name of ['get', 'list', 'create', 'update', 'delete',
	'getChatRecords', 'sendFeedback', 'getFeedBack',
	'getRecommendQuestions', 'sendMessage'])
	AI.bot[name] = noModels(`bot.${name}`);

