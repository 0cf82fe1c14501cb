/* ---- watch -------------------------------------------------------------------- */

/*
 * One socket for all of a session's watches.  A watch is told what the server
 * saw in numbered events; a gap in the numbers, or a lost socket, and it asks
 * to be told again from the last number it has.  So nothing is lost or doubled
 * as long as the server remembers; when it does not, the watch gets all
 * documents anew.
 */
const WATCH = { login: 5000, answer: 10000, ping: 10000, pong: 5000,
	behind: 5000, backoff: 500, backoffTop: 10000, tries: 12, again: 2 };
/* The server's words for a signature or login that is good no more. */
const UNSIGNED = ['CHECK_LOGIN_FAILED', 'SIGN_EXPIRED_ERROR',
	'SIGN_INVALID_ERROR', 'SIGN_PARAM_INVALID', 'ACCESS_TOKEN_EXPIRED'];

let watchCount = 0;
const watchWord = (prefix) => `${prefix}${Date.now()}_${watchCount++}_${
	Math.random()}`;

function watchFailure(code, text, more) {
	return failure('collection.watch', code, text, more);
}

/* "a.b.0.c" of a document. */
function setPath(doc, path, value) {
	const names = path.split('.');
	const last = names.pop();
	let at = doc;

	for (const [i, name] of names.entries()) {
		if (at[name] === null || typeof at[name] !== 'object')
			at[name] = /^\d+$/.test(names[i + 1] || last) ? [] : {};
		at = at[name];
	}
	if (value === undefined)
		delete at[last];
	else
		at[last] = value;
}

function copied(v) {
	if (Array.isArray(v))
		return v.map(copied);
	if (!isPlain(v))
		return v;
	const out = {};
	for (const key of Object.keys(v))
		out[key] = copied(v[key]);
	return out;
}

/* That nothing is left is told by a document without a name, come and gone. */
const isDocument = (e) => e.DocID !== '';

/* An event of the wire as a page sees it. */
function docChange(e) {
	const removed = e.removedFields || e.RemovedFields;
	const change = { id: e.ID, dataType: e.DataType, queueType: e.QueueType,
		docId: e.DocID,
		doc: e.Doc && e.Doc !== '{}' ? decode(JSON.parse(e.Doc)) :
			undefined };

	if (e.DataType === 'update' && e.UpdatedFields)
		change.updatedFields = decode(JSON.parse(e.UpdatedFields));
	if (e.DataType === 'update' && removed)
		change.removedFields = JSON.parse(removed);
	return change;
}

/* One watch: what it asks for, where it stands, what it holds. */
class Watcher {
	constructor(realtime, asked, { onChange, onError }) {
		this.realtime = realtime;
		this.asked = asked; /* {collName, query, limit?, orderBy?} */
		this.onChange = onChange;
		this.onError = onError;
		this.id = watchWord('watchid_');
		this.queryID = null;
		this.seq = 0; /* of the last event that was told */
		this.docs = [];
		this.isActive = false;
		this.isClosed = false;
		this.behind = null; /* timer: the server knows of later events */
	}

	/* INIT_WATCH, or REBUILD_WATCH when it stood before. */
	begin(tries) {
		const n = tries || 0;
		const isNew = this.queryID === null;
		const { realtime } = this;
		const { collName } = this.asked;

		this.isActive = false;
		realtime.request(this.id, isNew ? 'INIT_WATCH' : 'REBUILD_WATCH',
			Object.assign({ envId: realtime.envId }, isNew ? this.asked :
				{ collName, queryID: this.queryID,
					eventID: this.seq }), WATCH.answer)
			.then((msg) => this.begun(msg, isNew),
				(err) => this.refused(err, isNew, n));
	}

	begun(msg, isNew) {
		if (this.isClosed)
			return;
		this.isActive = true;
		if (isNew) {
			const { queryID, currEvent, events } = msg.msgData;

			this.queryID = queryID;
			this.tellAll(events, currEvent);
		} else {
			this.take(msg.msgData);
		}
	}

	refused(err, isNew, n) {
		const { realtime } = this;
		const code = isNew ? 'WATCH_INIT' : 'WATCH_REBUILD';

		if (this.isClosed || err.isLost)
			return; /* begins again with the next socket */
		if (err.isTimeout) {
			if (n < WATCH.again)
				this.begin(n + 1);
			else
				realtime.lost('no answer');
		} else if (UNSIGNED.includes(err.code)) {
			realtime.lost(err.code);
		} else if (!isNew && err.code === 'QUERYID_INVALID_ERROR') {
			this.queryID = null; /* forgotten: all anew */
			this.begin(0);
		} else {
			this.fail(watchFailure(code, `${err.code} - ${err.said}`,
				{ said: err.said, serverCode: err.code }));
		}
	}

	/* All documents: the first snapshot, and one after a lost state. */
	tellAll(events, seq) {
		const docChanges = events.map((e) => docChange(
			Object.assign({}, e, { ID: seq })));

		this.docs = docChanges.map((change) => change.doc);
		this.tell(seq, docChanges, 'init');
	}

	tell(seq, docChanges, type) {
		this.seq = seq;
		if (this.behind && seq >= this.expected)
			this.caughtUp();
		const snapshot = { id: seq, docChanges, docs: copied(this.docs) };
		if (type)
			snapshot.type = type;
		try {
			this.onChange(snapshot);
		} catch (err) {
			/* A page's mistake must not stop the watch. */
			setTimeout(() => {
				throw err;
			});
		}
	}

	/* NEXT_EVENT: events of one number belong together. */
	take({ events }) {
		for (let i = 0; i < events.length && !this.isClosed;) {
			const { ID: seq } = events[i];
			let end = i;

			while (end < events.length && events[end].ID === seq)
				end += 1;
			const group = events.slice(i, end);
			i = end;
			if (group[0].QueueType === 'init')
				this.tellAll(group.filter(isDocument), seq);
			else if (seq > this.seq + 1)
				return this.begin(0); /* a gap */
			else if (seq === this.seq + 1)
				this.tell(seq, group.map((e) => this.apply(e)));
		}
		return undefined;
	}

	apply(e) {
		const change = docChange(e);
		const at = this.docs.findIndex((doc) => doc._id === change.docId);
		const old = at < 0 ? undefined : this.docs[at];

		if (!change.doc && old) {
			change.doc = copied(old);
			if (change.dataType === 'update')
				this.change(change);
		}
		if (change.queueType === 'dequeue') {
			if (at >= 0)
				this.docs.splice(at, 1);
		} else if (at >= 0) {
			this.docs[at] = change.doc;
		} else if (change.doc) {
			this.docs.push(change.doc);
		}
		return Object.assign(change, { doc: copied(change.doc) });
	}

	change({ doc, updatedFields, removedFields }) {
		for (const path of Object.keys(updatedFields || {}))
			setPath(doc, path, updatedFields[path]);
		for (const path of removedFields || [])
			setPath(doc, path, undefined);
	}

	/* What the server says besides answers. */
	hear(msg) {
		if (msg.msgType === 'ERROR') {
			const { code, message } = msg.msgData;

			if (UNSIGNED.includes(code))
				this.realtime.lost(code);
			else
				this.fail(watchFailure('WATCH_SERVER',
					`${code} - ${message}`,
					{ said: message, serverCode: code }));
		} else if (!this.isActive) {
			return; /* comes again with the answer to begin() */
		} else if (msg.msgType === 'NEXT_EVENT') {
			this.take(msg.msgData);
		} else if (msg.msgType === 'CHECK_EVENT' &&
			msg.msgData.currEvent > this.seq && !this.behind) {
			this.expected = msg.msgData.currEvent;
			this.behind = setTimeout(() => {
				this.behind = null;
				if (this.isActive && this.seq < this.expected)
					this.begin(0);
			}, WATCH.behind);
		}
	}

	caughtUp() {
		clearTimeout(this.behind);
		this.behind = null;
	}

	fail(err) {
		this.end();
		if (this.onError)
			this.onError(err);
	}

	end() {
		this.isClosed = true;
		this.isActive = false;
		this.caughtUp();
		this.realtime.drop(this);
	}

	close() {
		if (!this.isClosed) {
			if (this.isActive)
				this.realtime.say(this.id, 'CLOSE_WATCH', null);
			this.end();
		}
		return Promise.resolve();
	}
}

/* The socket.  state: idle (none, none wanted), opening, ready, waiting (for
 * another try). */
class Realtime {
	constructor(session) {
		this.session = session;
		this.watchers = {};
		this.waiting = {}; /* by requestId: {resolve, reject, timer} */
		this.state = 'idle';
		this.turn = 0; /* which socket: those before are not listened to */
		this.tries = 0;
		this.envId = '';
	}

	add(asked, options) {
		const watcher = new Watcher(this, asked, options);

		this.watchers[watcher.id] = watcher;
		if (this.state === 'ready')
			watcher.begin(0);
		else if (this.state === 'idle')
			this.open();
		return { close: () => watcher.close() };
	}

	drop(watcher) {
		delete this.watchers[watcher.id];
		if (!Object.keys(this.watchers).length)
			this.hangUp(3001, 'no watches');
	}

	each(act) {
		for (const id of Object.keys(this.watchers))
			act(this.watchers[id]);
	}

	/* -- a socket's life -- */

	open() {
		const turn = this.turn += 1;
		const still = () => this.turn === turn;

		this.state = 'opening';
		this.session.act('auth.wsWebSign', { runtime: 'web' }, true)
			.then((sign) => still() && this.connect(sign, turn),
				(err) => still() && this.unsigned(err));
	}

	/* No signature: the server's no is final, silence is not. */
	unsigned(err) {
		const isNo = err.isAnswer && err.code !== 'NETWORK' &&
			err.statusCode < 500 && err.statusCode !== 429;

		if (!isNo && err.isAnswer)
			this.lost(err.message);
		else
			this.failAll(watchFailure('WATCH_INIT', err.message));
	}

	connect(sign, turn) {
		const still = () => this.turn === turn;
		let socket = null;

		try {
			socket = this.session.host.connectSocket({ url: sign.wsUrl,
				header: {}, fail: () => still() &&
					this.lost('no connection') });
		} catch (err) {
			this.failAll(watchFailure('WATCH_INIT', err.message));
			return;
		}
		this.socket = socket;
		socket.onOpen(() => still() && this.login(sign));
		socket.onMessage(({ data }) => still() && this.hear(data));
		socket.onClose(({ code, reason }) => still() &&
			this.lost(`closed ${code} ${reason || ''}`));
		socket.onError(({ errMsg }) => still() && this.lost(errMsg));
		this.clock = setTimeout(() => this.lost('no connection'),
			WATCH.login * 2);
	}

	login(sign) {
		this.request(undefined, 'LOGIN', { envId: sign.envId || '',
			accessToken: '', referrer: 'web', sdkVersion: 'mpcloud',
			dataVersion: '2020-01-10' }, WATCH.login,
		{ runtime: 'web', signStr: sign.signStr,
			secretVersion: sign.secretVersion })
			.then((msg) => this.ready(msg), (err) => err.isLost ||
				this.lost(err.said || err.message));
	}

	ready(msg) {
		const { code, message, envId } = msg.msgData || {};

		if (code) {
			this.lost(`${code} ${message}`);
			return;
		}
		this.envId = envId;
		this.state = 'ready';
		this.tries = 0;
		this.each((watcher) => watcher.begin(0));
		this.listen();
	}

	/* Silence is asked about; silence after that is the end. */
	listen() {
		clearTimeout(this.clock);
		if (this.state !== 'ready')
			return;
		this.clock = setTimeout(() => {
			this.clock = setTimeout(() => this.lost('no PONG'),
				WATCH.pong);
			this.say(undefined, 'PING', null);
			this.each((watcher) => watcher.isActive &&
				this.say(watcher.id, 'CHECK_LAST',
					{ queryID: watcher.queryID,
						eventID: watcher.seq }));
		}, WATCH.ping);
	}

	/* The socket is gone or of no use: another one, later and later. */
	lost(why) {
		this.hangUp(3000, 'again');
		if (!Object.keys(this.watchers).length)
			return;
		if (this.tries >= WATCH.tries) {
			this.failAll(watchFailure('WATCH_RECONNECT', why));
			return;
		}
		this.state = 'waiting';
		this.clock = setTimeout(() => this.open(), jitter(Math.min(
			WATCH.backoff << this.tries, WATCH.backoffTop)));
		this.tries += 1;
	}

	hangUp(code, reason) {
		const { socket, waiting } = this;

		this.turn += 1;
		this.state = 'idle';
		this.socket = null;
		this.waiting = {};
		clearTimeout(this.clock);
		for (const id of Object.keys(waiting)) {
			clearTimeout(waiting[id].timer);
			waiting[id].reject(Object.assign(new Error('lost'),
				{ isLost: true }));
		}
		this.each((watcher) => {
			watcher.isActive = false;
		});
		try {
			if (socket)
				socket.close({ code, reason });
		} catch (err) {
			/* It is closed already. */
		}
	}

	failAll(err) {
		this.each((watcher) => watcher.fail(err));
		this.tries = 0;
	}

	/* -- messages -- */

	say(watchId, msgType, msgData, exMsgData, id) {
		const requestId = id || watchWord('');

		try {
			this.socket.send({ data: JSON.stringify({ watchId, requestId,
				msgType, msgData, exMsgData }) });
		} catch (err) {
			/* onClose comes. */
		}
	}

	request(watchId, msgType, msgData, ms, exMsgData) {
		const { waiting } = this;

		return new Promise((resolve, reject) => {
			const id = watchWord('');

			waiting[id] = { resolve, reject, timer: setTimeout(() => {
				delete waiting[id];
				reject(Object.assign(new Error(`${msgType}: no answer`),
					{ isTimeout: true }));
			}, ms) };
			this.say(watchId, msgType, msgData, exMsgData, id);
		});
	}

	hear(text) {
		const msg = parsed(text);

		if (!msg)
			return;
		this.listen();
		const waits = this.waiting[msg.requestId];
		const watcher = this.watchers[msg.watchId];

		if (waits) {
			delete this.waiting[msg.requestId];
			clearTimeout(waits.timer);
			if (msg.msgType === 'ERROR')
				waits.reject(Object.assign(new Error('refused'),
					{ code: msg.msgData.code,
						said: msg.msgData.message }));
			else
				waits.resolve(msg);
		} else if (watcher) {
			watcher.hear(msg);
		} else if (msg.msgType === 'ERROR') {
			this.lost(msg.msgData && msg.msgData.code);
		}
	}
}

function checkWatch({ onChange, onError }) {
	if (typeof onChange !== 'function' || typeof onError !== 'function')
		throw failure('collection.watch', 'PARAM',
			'onChange and onError: two functions');
}

