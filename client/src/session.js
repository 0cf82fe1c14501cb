/* ---- the way out: tokens, requests, retries --------------------------------- */

/* The server's words for a token that is good no more. */
const STALE = ['ACCESS_TOKEN_EXPIRED', 'CHECK_LOGIN_FAILED'];
const EARLY_MS = 30000; /* a token this near its end is renewed first */
/* The server's words for "not now": nothing was done, so anything may be asked
 * again, after Retry-After. */
const REFUSED = ['EXCEED_RATELIMIT', 'EXCEED_REQUEST_LIMIT',
	'EXCEED_CONCURRENT_REQUEST_LIMIT'];
const RETRIES = 2;
const RETRY_MS = 200;      /* the first wait; each further one is doubled */
const RETRY_WAIT_TOP = 5;  /* seconds of Retry-After that are waited for */

const later = (ms) => new Promise((resolve) => {
	setTimeout(resolve, ms);
});
/* Half of it to all of it: many who failed together do not come back so. */
const jitter = (ms) => ms / 2 + Math.random() * ms / 2;

function header(headers, name) {
	const low = name.toLowerCase();
	const key = Object.keys(headers || {})
		.find((each) => each.toLowerCase() === low);

	return key === undefined ? '' : String(headers[key]);
}

/* Retry-After in seconds (RFC 9110, 10.2.3: a number or a date), or undefined. */
function retryAfter(headers) {
	const text = header(headers, 'Retry-After');
	const seconds = /^\d+$/.test(text) ? Number(text) :
		(Date.parse(text) - Date.now()) / 1000;

	return text && seconds === seconds ? Math.max(0, seconds) : undefined;
}

function parsed(text) {
	try {
		return text === '' ? null : JSON.parse(text);
	} catch (err) {
		return undefined;
	}
}

/* One server and one login. */
class Session {
	constructor(conf) {
		this.conf = conf; /* {url, env, timeout, host, retries} */
		this.host = conf.host;
		this.renewing = null; /* the one login or refresh under way */
		this.turn = Promise.resolve(); /* the last of alone()'s */
		this.tokens = this.load(); /* {uid, accessToken, refreshToken,
					      by, endsAt} */
	}

	/* -- tokens -- */

	place() {
		return `mpcloud.login ${this.conf.url} ${this.conf.env}`;
	}

	load() {
		const kept = this.host.getStorageSync &&
			this.host.getStorageSync(this.place());

		return kept && (kept.accessToken || kept.by) ? kept : null;
	}

	/* A full storage must not make a login fail. */
	keep(tokens) {
		this.tokens = tokens;
		try {
			if (this.host.setStorageSync)
				this.host.setStorageSync(this.place(),
					tokens || '');
		} catch (err) {
			/* The next start logs in again. */
		}
	}

	granted(api, answer, by) {
		const d = answer.data;

		if (!d || !d.accessToken)
			throw failure(api, 'SYS_ERR', 'no token in the answer');
		this.keep({ uid: d.uid || (this.tokens && this.tokens.uid),
			accessToken: d.accessToken,
			refreshToken: d.refreshToken, by,
			endsAt: Date.now() + d.expiresIn * 1000 });
		return d;
	}

	/* One after the other: no login while open data is under way. */
	alone(work) {
		const mine = this.turn.then(work);

		this.turn = mine.then(() => {}, () => {});
		return mine;
	}

	/* Which mini program this is, and on what: for a server that serves
	 * several, and for the user's list of devices. */
	self() {
		const { host } = this;
		const about = {};

		try {
			const { miniProgram } = host.getAccountInfoSync();
			if (miniProgram && miniProgram.appId)
				about.appid = miniProgram.appId;
		} catch (err) {
			/* Not a mini program. */
		}
		try {
			const d = (host.getDeviceInfo || host.getSystemInfoSync)
				.call(host);
			const name = [d.brand, d.model].filter(Boolean).join(' ');
			if (name)
				about.device = name.slice(0, 64);
		} catch (err) {
			/* It does not say. */
		}
		return about;
	}

	/* Is there a way to log in without the page's doing? */
	canLogin() {
		return Boolean(this.conf.login || this.host.login);
	}

	code() {
		return new Promise((resolve, reject) => {
			this.host.login({
				success: (res) => resolve(res.code),
				fail: (err) => reject(failure('cloud.login',
					'NETWORK', err && err.errMsg)),
			});
		});
	}

	loginWith(said, by) {
		return this.send({ path: '/v1/login', body: JSON.stringify(
			Object.assign(said, this.self())) })
			.then((answer) => this.granted('cloud.login', answer, by));
	}

	/* conf.login gives what to log in with where there is no wx.login:
	 * {code}, {ticket} or {username, password}, or a promise of it. */
	freshLogin() {
		const { login } = this.conf;

		return this.alone(() => (login ?
			Promise.resolve(login()) :
			this.code().then((code) => ({ code })))
			.then((said) => this.loginWith(Object.assign({}, said))));
	}

	/* By a ticket of the developer's own accounts, or a name and a password. */
	loginBy({ ticket, username, password }) {
		return ticket === undefined ?
			this.loginWith({ username, password }, 'password') :
			this.loginWith({ ticket }, 'ticket');
	}

	/* A refresh token is good once: when it is refused, log in again.  Who
	 * came by a ticket or a password must not become somebody else: the page
	 * logs him in. */
	refresh() {
		const { refreshToken, by } = this.tokens;

		return this.send({ path: '/v1/token/refresh',
			body: JSON.stringify({ refreshToken }) })
			.then((answer) => this.granted('cloud.refresh', answer, by),
				(err) => {
					if (err.statusCode !== 401)
						throw err;
					this.keep(by ? { by } : null);
					if (by)
						throw err;
					return this.canLogin() ?
						this.freshLogin() : null;
				});
	}

	/* Single flight: whoever comes meanwhile waits for the same answer. */
	renew(work) {
		return this.renewing || this.renewed(work.call(this));
	}

	/* A login as somebody in particular is no answer to share: it comes after
	 * what is under way, and whoever comes then waits for it. */
	renewNext(work) {
		return this.renewed(Promise.resolve(this.renewing)
			.then(work, work));
	}

	renewed(promise) {
		const over = () => {
			if (this.renewing === promise)
				this.renewing = null;
		};

		this.renewing = promise;
		promise.then(over, over);
		return promise;
	}

	/* Resolves to the token to send, '' when there is none to be had. */
	token() {
		return Promise.resolve(this.renewing).then(() => {
			const { tokens } = this;

			if (tokens && !tokens.accessToken)
				throw failure('cloud.login', 'CHECK_LOGIN_FAILED',
					'the login has ended: cloud.login again');
			if (!tokens && this.canLogin())
				return this.renew(this.freshLogin);
			if (tokens && tokens.refreshToken &&
				Date.now() > tokens.endsAt - EARLY_MS)
				return this.renew(this.refresh);
			return null;
		}).then(() => (this.tokens ? this.tokens.accessToken : ''));
	}

	/* The server refused `token`.  True when there is another to try. */
	another(token, code) {
		let renewed = Promise.resolve();

		if (this.tokens && this.tokens.accessToken !== token)
			return Promise.resolve(true); /* somebody else did it */
		if (code === 'ACCESS_TOKEN_EXPIRED' && this.tokens) {
			renewed = this.renew(this.refresh);
		} else if (this.tokens && this.tokens.by) {
			this.keep({ by: this.tokens.by });
			return Promise.resolve(false);
		} else if (code === 'CHECK_LOGIN_FAILED' && this.canLogin()) {
			this.keep(null);
			renewed = this.renew(this.freshLogin);
		}
		return renewed.then(() => this.tokens !== null &&
			this.tokens.accessToken !== token);
	}

	/* A session that has ended already is fine; no login for a logout. */
	logout(all) {
		const token = this.tokens && this.tokens.accessToken;

		return Promise.resolve(token && this.send({ path: '/v1/logout',
			body: all ? '{"all":true}' : '{}', token })
			.catch((err) => {
				if (!STALE.includes(err.code))
					throw err;
			})).then(() => this.keep(null));
	}

	/* -- requests -- */

	/* One exchange: resolves to {data, statusCode, header, requestID}.
	 * isCall: the answer may be an error with status 200, as CloudBase's
	 * action protocol has it.  isRaw: whatever comes is an answer. */
	send({ path, method, body, token, more, isCall, isRaw, isLast, type,
		timeout }) {
		const { conf, host } = this;
		const headers = Object.assign({}, more);

		if (body !== undefined && !header(headers, 'content-type'))
			headers['content-type'] = 'application/json';
		if (token)
			headers.authorization = `Bearer ${token}`;
		return new Promise((resolve, reject) => {
			host.request({
				url: conf.url + path, method: method || 'POST',
				data: body, header: headers,
				timeout: timeout || conf.timeout,
				dataType: 'text', responseType: type || 'text',
				success: (res) => {
					try {
						resolve(isRaw ?
							this.raw(res, token && !isLast) :
							this.opened(res, isCall));
					} catch (err) {
						reject(err);
					}
				},
				fail: (err) => reject(failure('cloud.request',
					'NETWORK', err && err.errMsg,
					{ isAnswer: true,
						said: err && err.errMsg })),
			});
		});
	}

	/* Whatever came; but a server that says that the token is good no more is
	 * an error, where a newer one may be tried. */
	raw(res, mayBeStale) {
		const said = mayBeStale && res.statusCode === 401 &&
			parsed(typeof res.data === 'string' ? res.data :
				String.fromCharCode.apply(null,
					new Uint8Array(res.data)
						.subarray(0, 512)));

		if (said && STALE.includes(said.code))
			throw this.refused(said, res,
				header(res.header, 'X-Request-Id'));
		return res;
	}

	/* An answer that is an error becomes one. */
	opened(res, isCall) {
		const requestID = header(res.header, 'X-Request-Id');
		const isJson = /json/.test(header(res.header, 'Content-Type'));
		let { data } = res;

		if (typeof data === 'string' && (isJson || data === '')) {
			data = parsed(data);
			if (data === undefined)
				throw failure('cloud.request', 'SYS_ERR',
					'the answer is not JSON', { requestID,
						statusCode: res.statusCode });
		}
		if (res.statusCode >= 200 && res.statusCode < 300 &&
			!(isCall && (!data || data.code)))
			return { data, statusCode: res.statusCode,
				header: res.header, requestID };
		throw this.refused(data, res, requestID);
	}

	refused(data, res, requestID) {
		const code = (data && data.code) || `HTTP_${res.statusCode}`;
		const said = (data && data.message) || '';

		return failure('cloud.request', code, said, { said,
			statusCode: res.statusCode,
			requestID: requestID || (data && data.requestId) || '',
			retryAfter: retryAfter(res.header), isAnswer: true });
	}

	/* send() as the user: with a token, and once more with a newer one. */
	sendAs(request) {
		const once = (token, isLast) => this.send(Object.assign({},
			request, { token, isLast }));

		return this.token().then((token) => once(token).catch((err) => {
			if (!STALE.includes(err.code))
				throw err;
			return this.another(token, err.code).then((isNew) => {
				if (!isNew)
					throw err;
				return once(this.tokens.accessToken, true);
			});
		}));
	}

	/* The wait before another try, in ms; 0: do not try again. */
	pause(request, err, tries) {
		const refused = err.statusCode === 429 ||
			REFUSED.includes(err.code);
		const lost = err.code === 'NETWORK' || err.statusCode === 502 ||
			err.statusCode === 503 || err.statusCode === 504;

		if (tries >= this.conf.retries || err.retryAfter > RETRY_WAIT_TOP)
			return 0;
		/* A limit that does not say when is the caller's own fault. */
		if (refused)
			return err.retryAfter === undefined ? 0 :
				err.retryAfter * 1000 + jitter(RETRY_MS);
		if (!lost || !request.isSafe)
			return 0;
		return Math.max((err.retryAfter || 0) * 1000,
			jitter(RETRY_MS << tries));
	}

	/* sendAs() and what may be repeated, repeated.  isSafe: asking twice does
	 * no more than asking once, so it is repeated when no answer came. */
	ask(request, tries) {
		const n = tries || 0;

		return this.sendAs(request).catch((err) => {
			const ms = this.pause(request, err, n);

			if (!ms)
				throw err;
			return later(ms).then(() => this.ask(request, n + 1));
		});
	}

	/* One of CloudBase's actions; resolves to what it gives. */
	act(action, more, isSafe) {
		return this.ask({ path: '/web', isCall: true, isSafe,
			body: JSON.stringify(Object.assign({ action,
				dataVersion: '2020-01-10',
				env: this.conf.env || undefined }, more)) })
			.then(({ data }) => data.data || {});
	}
}

