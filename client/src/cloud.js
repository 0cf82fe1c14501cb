/* ---- the surface --------------------------------------------------------------- */

const TIMEOUT_MS = 60000;

/* The server's words for data that was encrypted with a key it has not got. */
const DISPLACED = ['SESSION_KEY_EXPIRED', 'SESSION_KEY_MISSING'];

/* A call that nobody waits for: {async, runAt: Date | ms | text, delay: '10s'}.
 * Its result is {id, requestId}. */
function laterQuery({ async: isAsync, runAt, delay }) {
	const at = tag(runAt) === 'Date' ? runAt.getTime() : runAt;
	const said = [isAsync && 'async=true',
		at !== undefined && `runAt=${encodeURIComponent(at)}`,
		delay !== undefined && `delay=${encodeURIComponent(delay)}`]
		.filter(Boolean);

	return said.length ? `?${said.join('&')}` : '';
}

const member = (o, name, what) => {
	if (!o || !o[name] || typeof o[name] !== 'string')
		throw new TypeError(`cloud.init: ${name}: ${what}`);
	return o[name];
};

/* env may be one for each service, as in wx.cloud: here they are one. */
const envOf = (env) => (isPlain(env) ?
	env.database || env.functions || env.storage || '' : env || '');

class Cloud {
	constructor(conf) {
		this.command = makeCommand();
		this.session = null;
		this.realtime = null;
		this.wanted = conf && conf.resourceEnv ? conf : null;
		const session = () => this.ready();
		this.services = { Gateway: function MakeGateway() {
			return new Gateway(session);
		} };
		this.extend = { AI };
		this.CDN = function MakeCDN(target) {
			return new CDN(target);
		};
		if (conf && !this.wanted)
			this.init(conf);
	}

	/* {url, env?, traceUser?, timeout?, retries?, login?, wx?, WebSocket?, ca?}.
	 * traceUser changes nothing: the server knows its users anyway.  An
	 * instance for another environment (new cloud.Cloud({resourceEnv})) takes
	 * what is not said from the first one. */
	init(conf) {
		const o = Object.assign({}, this.wanted && main.session &&
			main.session.conf, this.wanted && { env:
			this.wanted.resourceEnv, url: this.wanted.url ||
				(main.session && main.session.conf.url) }, conf);
		const url = member(o, 'url', 'the server\'s address is needed, ' +
			'cloud.init({ url: "https://cloud.example.com" })');
		const host = o.host || hostFor(o);

		if (!host)
			throw new TypeError('cloud.init: wx: this is neither a ' +
				'mini program nor a browser nor Node.js: give ' +
				'what has request()');
		if (this.realtime)
			this.realtime.failAll(watchFailure('WATCH_INIT',
				'cloud.init was called again'));
		this.session = new Session({ url: url.replace(/\/+$/, ''),
			env: envOf(o.env), timeout: o.timeout || TIMEOUT_MS,
			retries: o.retries === undefined ? RETRIES : o.retries,
			host, login: o.login });
		this.realtime = new Realtime(this.session);
		return this.wanted ? Promise.resolve() : undefined;
	}

	/* init(), and this in the place of wx.cloud: pages stay as they are. */
	install(conf) {
		/* eslint-disable no-undef */
		const place = typeof wx === 'undefined' ?
			(globalThis.wx = {}) : wx;
		/* eslint-enable no-undef */

		this.init(Object.assign({}, conf));
		try {
			place.cloud = this;
		} catch (err) {
			/* Read only; perhaps it may be defined anew. */
		}
		if (place.cloud !== this)
			try {
				Object.defineProperty(place, 'cloud', {
					value: this, configurable: true,
					writable: true, enumerable: true });
			} catch (err) {
				/* The message below. */
			}
		if (place.cloud !== this)
			throw new Error('cloud.install: this WeChat does not let ' +
				'wx.cloud be replaced: in each file that uses it, ' +
				'const cloud = require(\'./mpcloud.js\') and cloud ' +
				'instead of wx.cloud');
		return this;
	}

	ready() {
		if (!this.session)
			throw new Error('cloud.init comes first');
		return this.session;
	}

	get tokens() {
		return this.session && this.session.tokens;
	}

	get renewing() {
		return this.session && this.session.renewing;
	}

	/* -- who -- */

	/* Silent: wx.login's code for tokens; or {ticket}, or {username, password}.
	 * Resolves to {uid, accessToken, refreshToken, expiresIn}. */
	login(options) {
		const o = options || {};
		const by = o.ticket !== undefined || o.username !== undefined;

		return settle('cloud.login', options, () => {
			const session = this.ready();

			return by ? session.renewNext(() => session.loginBy(o)) :
				session.renew(session.freshLogin);
		});
	}

	/* {all: true}: on all of the user's devices.  Watches end first: one that
	 * came back would log in again. */
	logout(options) {
		return settle('cloud.logout', options, ({ all }) => {
			const session = this.ready();

			this.realtime.failAll(watchFailure('WATCH_SERVER',
				'cloud.logout was called'));
			return session.logout(Boolean(all))
				.then(() => ({ errMsg: 'cloud.logout:ok' }));
		});
	}

	/* The user's devices that are logged in: {devices: [{sid, device, kind,
	 * createdAt, usedAt, current}]}. */
	devices(options) {
		return settle('cloud.devices', options, () => this.ready().ask({
			path: '/v1/session/devices', method: 'GET', isSafe: true,
		}).then(({ data }) => Object.assign(data,
			{ errMsg: 'cloud.devices:ok' })));
	}

	/* Logs one of them out. */
	endDevice(options) {
		return settle('cloud.endDevice', options, (o) => this.ready().ask({
			method: 'DELETE', isSafe: true, path:
				`/v1/session/devices/${encodeURIComponent(o.sid)}`,
		}).then(() => ({ errMsg: 'cloud.endDevice:ok' })));
	}

	/* -- functions -- */

	callFunction(options) {
		return settle('cloud.callFunction', options, (o) => {
			const { name, data, idempotencyKey } = o;
			const session = this.ready();

			if (!name || typeof name !== 'string')
				throw failure('cloud.callFunction', 'INVALID_PARAM',
					'name: the function to call');
			return Promise.resolve(withCDN(session, data))
				.then((event) => session.ask({
					path: `/v1/functions/${
						encodeURIComponent(name)}` +
						laterQuery(o),
					more: idempotencyKey && { 'idempotency-key':
						idempotencyKey },
					isSafe: Boolean(idempotencyKey),
					body: eventText(event) }))
				.then((answer) => ({
					errMsg: 'cloud.callFunction:ok',
					result: answer.data,
					requestID: answer.requestID }));
		});
	}

	/* What WeChat says of the user in an encrypted form: `from` asks it for that
	 * (() => wx.getWeRunData(), say; a promise or the answer itself), the
	 * server opens it and gives a cloudID, for CloudID() in a function's data.
	 * The order is kept: login, `from`, server.  When the key was displaced all
	 * the same (another device of the user's), it is done once more. */
	getOpenData(options) {
		return settle('cloud.getOpenData', options, ({ from }) => {
			const session = this.ready();

			if (typeof from !== 'function')
				throw failure('cloud.getOpenData',
					'INVALID_PARAM',
					'from: a function that asks WeChat');
			return this.openOnce(from).catch((err) => {
				const again = () => this.openOnce(from);

				if (DISPLACED.includes(err.code) &&
					session.canLogin())
					return session.renew(session.freshLogin)
						.then(again);
				if (!STALE.includes(err.code))
					throw err;
				return session.another(err.token, err.code)
					.then((isNew) => {
						if (!isNew)
							throw err;
						return again();
					});
			});
		});
	}

	openOnce(from) {
		const { session } = this;

		return session.token().then((token) => session.alone(() =>
			Promise.resolve(from()).then(({ encryptedData, iv, rawData,
				signature }) => session.send({ token,
				path: '/v1/wechat/open-data',
				body: JSON.stringify({ encryptedData, iv, rawData,
					signature }) }))
				.then(({ data }) => Object.assign(data || {},
					{ errMsg: 'cloud.getOpenData:ok' }),
				(err) => {
					throw Object.assign(err, { token });
				})));
	}

	/* Members of a function's data, with or without `new`: the server puts
	 * there {cloudID, data}, or {cloudID, errCode, errMsg, code}.  An id is
	 * that of getOpenData, or WeChat's own. */
	get CloudID() {
		return function CloudID(id) {
			return { $cloudID: id };
		};
	}

	/* The same for what a page has at hand (e.detail of a button). */
	get OpenData() {
		return function OpenData(detail) {
			const { encryptedData, iv, rawData, signature } =
				detail || {};

			if (!encryptedData || !iv)
				throw new TypeError('cloud.OpenData: encryptedData ' +
					'and iv needed, as e.detail has them');
			return { $openData: { encryptedData, iv, rawData,
				signature } };
		};
	}

	/* -- files -- */

	uploadFile(options) {
		return settleTask('cloud.uploadFile', options, (o, task) =>
			uploadFile(this.ready(), o, task));
	}

	downloadFile(options) {
		return settleTask('cloud.downloadFile', options, (o, task) =>
			downloadFile(this.ready(), o, task));
	}

	getTempFileURL(options) {
		return settle('cloud.getTempFileURL', options, (o) =>
			getTempFileURL(this.ready(), o));
	}

	deleteFile(options) {
		return settle('cloud.deleteFile', options, (o) =>
			deleteFile(this.ready(), o));
	}

	/* -- what else the server answers -- */

	callContainer(options) {
		return settle('cloud.callContainer', options, (o) =>
			callContainer(this.ready(), o));
	}

	connectContainer(options) {
		return settle('cloud.connectContainer', options, (o) =>
			connectContainer(this.ready(), o));
	}

	/* Any other path of the server, as the logged-in user. */
	request(options) {
		return settle('cloud.request', options, (o) => {
			const { data } = o;
			const path = pathOf('cloud.request', o.path);
			const method = o.method ||
				(data === undefined ? 'GET' : 'POST');

			return this.ready().ask({ path, method,
				isSafe: method === 'GET', more: o.header,
				body: data === undefined ? undefined :
					JSON.stringify(data) })
				.then((answer) => Object.assign(answer,
					{ errMsg: 'cloud.request:ok' }));
		});
	}

	database(options) {
		const session = this.ready();
		const { realtime } = this;
		const env = (options && options.env) || session.conf.env ||
			undefined;
		const ask = (action, more, isSafe) => session.act(
			`database.${action}`, Object.assign({ env }, more), isSafe);

		ask.watch = (asked, wanted) => {
			checkWatch(wanted || {});
			return realtime.add(asked, wanted);
		};
		return {
			config: { env },
			command: this.command,
			Geo: GEO,
			collection: (name) => new Collection(ask, name),
			serverDate: (o) => new ServerDate((o && o.offset) || 0),
			RegExp: function MakePattern(o) {
				return new Pattern(o.regexp, o.options || '');
			},
		};
	}

	/* Another login or another server, beside this one. */
	createNewInstance(conf) {
		return new Cloud(conf);
	}
}

const main = new Cloud();
main.Cloud = Cloud;
