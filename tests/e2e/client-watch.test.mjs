// watch() of client/mpcloud.js against a played server: what it says, what it
// makes of events, how it goes on after a gap and after a lost socket.  The
// frames are those that @cloudbase/js-sdk 3.7.0 exchanges.
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdTimers } from '../lib/timers.mjs';
import { source } from '../lib/stack.mjs';

const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));

/* A server's side: sockets in their order, each with what it was told. */
class Server {
	constructor() {
		this.sockets = [];
		this.signs = 0;
		this.refuseSign = null;
		this.cloud = new Cloud({ url: 'https://h.example', env: 'e', wx: {
			request: ({ data, success, fail }) => {
				this.signs += JSON.parse(data).action === 'auth.wsWebSign' ? 1 : 0;
				if (this.refuseSign === 'lost') setImmediate(fail, { errMsg: 'request:fail' });
				else setImmediate(success, { statusCode: 200, header: { 'Content-Type': 'application/json' },
					data: JSON.stringify(this.refuseSign ?? { data: { signStr: 'SIGN', wsUrl: 'wss://h.example/ws', secretVersion: '1', envId: 'e' } }) });
			},
			connectSocket: ({ url }) => this.connect(url),
		} });
	}

	connect(url) {
		const socket = { url, told: [], closed: null, on: {} };
		for (const event of ['Open', 'Message', 'Close', 'Error'])
			socket[`on${event}`] = (fn) => { socket.on[event] = fn; };
		socket.send = ({ data }) => {
			const msg = JSON.parse(data);
			socket.told.push(msg);
			if (msg.msgType === 'LOGIN' && !this.silent) this.say(msg, 'LOGIN_RES', { envId: 'e' }, socket);
			if (msg.msgType === 'PING' && !this.mute) this.say(msg, 'PONG', null, socket);
		};
		socket.close = (o) => { socket.closed = o; };
		this.sockets.push(socket);
		setImmediate(() => socket.on.Open({}));
		return socket;
	}

	get socket() { return this.sockets[this.sockets.length - 1]; }

	/* The last message of this type. */
	last(type) { return this.socket.told.filter((msg) => msg.msgType === type).pop(); }

	say(to, msgType, msgData, socket = this.socket) {
		socket.on.Message({ data: JSON.stringify({ watchId: to.watchId, requestId: to.requestId, msgType, msgData }) });
	}

	event(type, seq, events, to = this.last('INIT_WATCH') ?? this.last('REBUILD_WATCH')) {
		this.say(type === 'NEXT_EVENT' ? { watchId: to.watchId, requestId: 'srv' } : to, type, { queryID: 'q1', currEvent: seq, events });
	}

	watch(make = (db) => db.collection('t').where({ a: 1 })) {
		const seen = { shots: [], errors: [] };
		seen.watcher = make(this.cloud.database()).watch({ onChange: (s) => seen.shots.push(s), onError: (e) => seen.errors.push(e) });
		return seen;
	}
}
const init = (id, doc) => ({ ID: 0, DataType: 'init', QueueType: 'init', DocID: id, Doc: JSON.stringify({ _id: id, ...doc }), UpdatedFields: '', removedFields: '' });
const event = (ID, DataType, QueueType, DocID, more) => ({ ID, DataType, QueueType, DocID, Doc: '', UpdatedFields: '', removedFields: '', ...more });

function watching(name, work) {
	test(name, async () => {
		const timers = holdTimers();
		const server = new Server();
		try {
			await work(server, timers);
		} finally {
			timers.restore();
		}
	});
}

watching('it signs, connects, logs in, asks, and tells all documents once', async (server, timers) => {
	const seen = server.watch((db) => db.collection('t').where({ a: db.command.gt(1) }).orderBy('n', 'desc').limit(3));
	await timers.settle();
	const [login, ask] = server.socket.told;

	assert.equal(server.socket.url, 'wss://h.example/ws');
	assert.deepEqual([login.msgType, login.msgData.envId, login.msgData.accessToken, login.msgData.referrer, login.exMsgData],
		['LOGIN', 'e', '', 'web', { runtime: 'web', signStr: 'SIGN', secretVersion: '1' }]);
	assert.deepEqual([ask.msgType, ask.msgData], ['INIT_WATCH',
		{ envId: 'e', collName: 't', query: '{"a":{"$gt":1}}', limit: 3, orderBy: { n: 'desc' } }]);
	server.event('INIT_EVENT', 7, [init('d1', { n: 1, at: { $date: 5 } }), init('d2', { n: 2 })]);
	await timers.settle();
	assert.deepEqual(seen.shots, [{ id: 7, type: 'init', docs: [{ _id: 'd1', n: 1, at: new Date(5) }, { _id: 'd2', n: 2 }], docChanges: [
		{ id: 7, dataType: 'init', queueType: 'init', docId: 'd1', doc: { _id: 'd1', n: 1, at: new Date(5) } },
		{ id: 7, dataType: 'init', queueType: 'init', docId: 'd2', doc: { _id: 'd2', n: 2 } }] }].map((s) => ({ ...s, docChanges: s.docChanges })));
});

watching('events change, add and remove; a snapshot once given stays as it was', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 1, [init('d1', { n: 1, x: 1, o: { z: 1 }, list: [1, 2] }), init('d2')]);
	await timers.settle();
	server.event('NEXT_EVENT', 2, [event(2, 'update', 'update', 'd1', { UpdatedFields: '{"n":9,"o.k":true,"list.1":5}', removedFields: '["x"]' })]);
	server.event('NEXT_EVENT', 3, [event(3, 'add', 'enqueue', 'd3', { Doc: '{"_id":"d3"}' })]);
	server.event('NEXT_EVENT', 4, [event(4, 'remove', 'dequeue', 'd2')]);
	server.event('NEXT_EVENT', 5, [event(5, 'replace', 'update', 'd3', { Doc: '{"_id":"d3","y":1}' }), event(5, 'limit', 'dequeue', 'd1')]);

	assert.deepEqual(seen.shots.map((s) => s.docs.map((d) => d._id).join()), ['d1,d2', 'd1,d2', 'd1,d2,d3', 'd1,d3', 'd3']);
	assert.deepEqual(seen.shots.map((s) => [s.id, s.type, s.docChanges.length]), [[1, 'init', 2], [2, undefined, 1], [3, undefined, 1], [4, undefined, 1], [5, undefined, 2]]);
	assert.deepEqual(seen.shots[0].docs[0], { _id: 'd1', n: 1, x: 1, o: { z: 1 }, list: [1, 2] });
	assert.deepEqual(seen.shots[1].docChanges[0], { id: 2, dataType: 'update', queueType: 'update', docId: 'd1',
		doc: { _id: 'd1', n: 9, o: { z: 1, k: true }, list: [1, 5] }, updatedFields: { n: 9, 'o.k': true, 'list.1': 5 }, removedFields: ['x'] });
	assert.deepEqual(seen.shots[3].docChanges[0].doc, { _id: 'd2' }, 'what was removed is told as it was');
	assert.deepEqual(seen.shots[4].docs, [{ _id: 'd3', y: 1 }]);
	seen.shots[4].docs[0].y = 'mine';
	server.event('NEXT_EVENT', 6, [event(6, 'update', 'update', 'd3', { UpdatedFields: '{"q":1}' })]);
	assert.deepEqual(seen.shots[5].docs, [{ _id: 'd3', y: 1, q: 1 }]);
});

watching('a gap is asked about, and what came before is not told twice', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 1, []);
	await timers.settle();
	assert.deepEqual(seen.shots, [{ id: 1, type: 'init', docs: [], docChanges: [] }]);
	server.event('NEXT_EVENT', 3, [event(3, 'add', 'enqueue', 'd3', { Doc: '{"_id":"d3"}' })]);
	const asked = server.last('REBUILD_WATCH');
	assert.deepEqual(asked.msgData, { envId: 'e', collName: 't', queryID: 'q1', eventID: 1 });
	server.event('NEXT_EVENT', 3, [event(3, 'add', 'enqueue', 'd3', { Doc: '{"_id":"d3"}' })], asked);
	server.say(asked, 'NEXT_EVENT', { queryID: 'q1', currEvent: 3, events: [event(2, 'add', 'enqueue', 'd2', { Doc: '{"_id":"d2"}' }),
		event(3, 'add', 'enqueue', 'd3', { Doc: '{"_id":"d3"}' })] });
	await timers.settle();
	server.event('NEXT_EVENT', 3, [event(3, 'add', 'enqueue', 'd3', { Doc: '{"_id":"d3"}' })], asked);
	assert.deepEqual(seen.shots.map((s) => [s.id, s.docs.length]), [[1, 0], [2, 1], [3, 2]]);
});

watching('a lost socket is replaced, with a new signature, from the last event on', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 4, [init('d1')]);
	await timers.settle();
	server.socket.on.Close({ code: 1006, reason: '' });
	await timers.tick(600);
	assert.deepEqual([server.sockets.length, server.signs], [2, 2]);
	const asked = server.last('REBUILD_WATCH');
	assert.deepEqual(asked.msgData, { envId: 'e', collName: 't', queryID: 'q1', eventID: 4 });
	server.say(asked, 'NEXT_EVENT', { queryID: 'q1', currEvent: 5, events: [event(5, 'add', 'enqueue', 'd2', { Doc: '{"_id":"d2"}' })] });
	await timers.settle();
	assert.deepEqual(seen.shots.map((s) => s.docs.length), [1, 2]);

	server.socket.on.Error({ errMsg: 'gone' });
	await timers.tick(600);
	server.say(server.last('REBUILD_WATCH'), 'ERROR', { code: 'QUERYID_INVALID_ERROR', message: 'forgotten' });
	await timers.settle();
	server.event('INIT_EVENT', 90, [init('d2')]);
	await timers.settle();
	assert.deepEqual(seen.shots.map((s) => [s.id, s.type, s.docs.length]), [[4, 'init', 1], [5, undefined, 2], [90, 'init', 1]]);
	assert.deepEqual(seen.errors, []);
});

watching('a state that the server lost comes as all documents anew', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 4, [init('d1'), init('d2')]);
	await timers.settle();
	server.event('NEXT_EVENT', 5, [{ ...init('d9'), ID: 5 }]);
	assert.deepEqual(seen.shots.map((s) => [s.id, s.type, s.docs.map((d) => d._id).join()]), [[4, 'init', 'd1,d2'], [5, 'init', 'd9']]);
});

watching('a state that was lost while the last document went comes as an empty result', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 1, [init('d1')]);
	await timers.settle();
	server.event('NEXT_EVENT', 2, [{ ...init('', {}), ID: 2 }, event(2, 'remove', 'dequeue', '')]);
	assert.deepEqual(seen.shots[1], { id: 2, type: 'init', docs: [], docChanges: [] });
	server.event('NEXT_EVENT', 3, [event(3, 'add', 'enqueue', 'd2', { Doc: '{"_id":"d2"}' })]);
	assert.deepEqual(seen.shots[2].docs, [{ _id: 'd2' }]);
});

watching('silence is asked about; silence after that is a lost socket', async (server, timers) => {
	server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 4, [init('d1')]);
	await timers.tick(10000);
	assert.deepEqual(server.last('CHECK_LAST').msgData, { queryID: 'q1', eventID: 4 });
	assert.equal(server.socket.told.filter((msg) => msg.msgType === 'PING').length, 1);
	server.mute = true;
	await timers.tick(16000);
	assert.equal(server.sockets.length, 2);
	assert.equal(server.sockets[0].closed.code, 3000);
});

watching('a server that is ahead and does not tell is asked after five seconds', async (server, timers) => {
	server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 4, [init('d1')]);
	await timers.settle();
	server.say(server.last('INIT_WATCH'), 'CHECK_EVENT', { queryID: 'q1', currEvent: 6 });
	await timers.tick(4900);
	assert.equal(server.last('REBUILD_WATCH'), undefined);
	await timers.tick(200);
	assert.equal(server.last('REBUILD_WATCH').msgData.eventID, 4);
});

watching('what may not be watched is an error with its number, and the socket goes', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.say(server.last('INIT_WATCH'), 'ERROR', { code: 'COLLECTION_PERMISSION_DENIED', message: 'no' });
	await timers.settle();
	assert.deepEqual(seen.errors.map((e) => [e.errCode, e.errMsg, e.serverCode]),
		[[-402002, 'collection.watch:fail -402002 watch could not begin. COLLECTION_PERMISSION_DENIED - no', 'COLLECTION_PERMISSION_DENIED']]);
	assert.deepEqual([server.socket.closed.code, timers.pending()], [3001, 0]);
});

watching('a server that says no to the signature ends it; one that says nothing is asked again', async (server, timers) => {
	server.refuseSign = { code: 'INVALID_PARAM', message: 'no watch here' };
	const no = server.watch();
	await timers.tick(60000);
	assert.deepEqual([no.errors.length, no.errors[0].errCode, server.signs], [1, -402002, 1]);

	server.refuseSign = 'lost';
	const lost = server.watch();
	await timers.tick(600000);
	assert.deepEqual([lost.errors.length, lost.errors[0].errCode, server.sockets.length], [1, -402003, 0]);
	server.refuseSign = null;
	const again = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 1, []);
	await timers.settle();
	assert.equal(again.shots.length, 1);
});

watching('close() says so, once; nothing is told after it', async (server, timers) => {
	const seen = server.watch();
	const other = server.watch();
	await timers.settle();
	for (const msg of server.socket.told.filter((m) => m.msgType === 'INIT_WATCH'))
		server.say(msg, 'INIT_EVENT', { queryID: msg.watchId, currEvent: 1, events: [] });
	await timers.settle();
	assert.equal(server.sockets.length, 1, 'both in one socket');
	const mine = server.socket.told.find((m) => m.msgType === 'INIT_WATCH').watchId;
	assert.equal(await seen.watcher.close(), undefined);
	await seen.watcher.close();
	assert.deepEqual(server.socket.told.filter((m) => m.msgType === 'CLOSE_WATCH').map((m) => m.watchId), [mine]);
	assert.equal(server.socket.closed, null, 'the other goes on');
	server.say({ watchId: mine }, 'NEXT_EVENT', { queryID: mine, currEvent: 2, events: [event(2, 'add', 'enqueue', 'd', { Doc: '{"_id":"d"}' })] });
	assert.equal(seen.shots.length, 1);
	await other.watcher.close();
	assert.deepEqual([server.socket.closed.code, timers.pending()], [3001, 0]);
});

watching('a logout ends the watches, and nothing comes back to log in again', async (server, timers) => {
	const seen = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 1, []);
	await timers.settle();
	const { signs } = server;
	await server.cloud.logout();
	assert.deepEqual(seen.errors.map((e) => [e.errCode, e.errMsg]),
		[[-402006, 'collection.watch:fail -402006 watch was ended by the server. cloud.logout was called']]);
	server.sockets[0].on.Close({ code: 3050, reason: '' });
	await timers.settle();
	assert.deepEqual([timers.pending(), server.signs, server.sockets.length], [0, signs, 1]);
	const again = server.watch();
	await timers.settle();
	server.event('INIT_EVENT', 2, []);
	await timers.settle();
	assert.equal(again.shots.length, 1, 'a new watch begins as ever');
	await again.watcher.close();
});

watching('one document is watched by its id, and both functions are needed', async (server, timers) => {
	server.watch((db) => db.collection('t').doc('d1'));
	await timers.settle();
	assert.deepEqual(server.last('INIT_WATCH').msgData, { envId: 'e', collName: 't', query: '{"_id":"d1"}' });
	assert.throws(() => server.cloud.database().collection('t').watch({ onChange() {} }), { errCode: -401002 });
});
