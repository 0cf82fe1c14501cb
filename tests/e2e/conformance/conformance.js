/*
 * What a wx.cloud user writes, in every host the same.  The hosts differ in the
 * one line that begins (init) and in how a page comes to a file, which in a mini
 * program is wx.chooseMedia: `files` is that.
 *
 * conformance(files) resolves to [{name, error?}], in the order of the steps.
 */
async function conformance(files) {
	const db = wx.cloud.database();
	const _ = db.command;
	const $ = _.aggregate;
	const notes = db.collection('notes');
	const mark = 'm' + Date.now() + Math.floor(Math.random() * 1e6);
	const mine = (more) => Object.assign({ mark }, more);
	const report = [];
	const same = (got, wanted, what) => {
		const plain = (v) => JSON.stringify(v, (key, each) => (
			each && each.constructor && each.constructor.name === 'Object' ?
				Object.keys(each).sort().reduce((o, k) => Object.assign(o, { [k]: each[k] }), {}) : each));
		if (plain(got) !== plain(wanted))
			throw new Error(`${what || ''} got ${plain(got)}, not ${plain(wanted)}`);
	};
	const step = async (name, work) => {
		try {
			await work();
			report.push({ name });
		} catch (err) {
			report.push({ name, error: `${err && (err.errMsg || err.message)} ${String(err && err.stack).split('\n')[1] || ''}` });
		}
	};
	const fails = async (promise) => {
		try {
			await promise;
		} catch (err) {
			return err;
		}
		throw new Error('it did not fail');
	};
	const byCallbacks = (call, options) => new Promise((resolve) => {
		const told = [];
		const task = call(Object.assign({
			success: (res) => told.push('success', res.errMsg),
			fail: (err) => told.push('fail', err.errMsg, err.errCode),
			complete: () => resolve({ told, task }) }, options));
	});
	const names = async (where, order) => (await notes.where(Object.assign({ mark }, where))
		.orderBy('n', order || 'asc').get()).data.map((d) => d.n);

	await step('a function gets its event and gives its result', async () => {
		const res = await wx.cloud.callFunction({ name: 'echo', data: { a: [1, 'ä', null], when: { deep: true } } });
		same(res.errMsg, 'cloud.callFunction:ok');
		same([res.result.a, res.result.when], [[1, 'ä', null], { deep: true }]);
		same(typeof res.requestID, 'string');
		same(typeof res.result.userInfo.openId, 'string');
	});
	await step('a function that throws is an error with its number', async () => {
		const err = await fails(wx.cloud.callFunction({ name: 'fail' }));
		same(err.errCode, -504002);
		same(/^cloud\.callFunction:fail -504002 functions execute fail/.test(err.errMsg), true, err.errMsg);
		same(/on purpose/.test(err.errMsg), true, err.errMsg);
	});
	await step('callbacks come instead of a promise', async () => {
		const good = await byCallbacks((o) => wx.cloud.callFunction(o), { name: 'echo' });
		same([good.told, typeof good.task], [['success', 'cloud.callFunction:ok'], 'undefined']);
		const bad = await byCallbacks((o) => wx.cloud.callFunction(o), { name: 'nothing-of-this-name' });
		same(bad.told[0], 'fail');
		same(/^cloud\.callFunction:fail/.test(bad.told[1]), true);
	});
	await step('documents are added, with dates and places', async () => {
		const at = new Date(1577836800000);
		for (let n = 1; n <= 5; n++) {
			const res = await notes.add({ data: mine({ n, tags: ['t' + n, 'all'], o: { k: n, z: 1 }, at,
				place: db.Geo.Point(113 + n / 100, 23), items: [{ p: n, q: 1 }] }) });
			same([typeof res._id, res.errMsg], ['string', 'collection.add:ok']);
		}
		const { data, errMsg } = await notes.where(mine({ n: 1 })).get();
		same(errMsg, 'collection.get:ok');
		same([data.length, data[0].at instanceof Date, data[0].at.getTime()], [1, true, 1577836800000]);
		same([data[0].place.longitude, data[0].place.latitude], [113.01, 23]);
	});
	await step('conditions: comparison', async () => {
		same(await names({ n: _.eq(2) }), [2]);
		same(await names({ n: _.neq(2) }), [1, 3, 4, 5]);
		same(await names({ n: _.gt(1).and(_.lt(4)) }), [2, 3]);
		same(await names({ n: _.gte(2).lte(3) }), [2, 3]);
		same(await names({ n: _.in([1, 5]) }), [1, 5]);
		same(await names({ n: _.nin([1, 5]) }), [2, 3, 4]);
	});
	await step('conditions: logic', async () => {
		same((await notes.where(_.or([{ n: 1 }, { n: 5 }]).and({ mark })).count()).total, 2);
		same((await notes.where(_.and([{ mark }, _.or([{ n: 1 }, { n: 5 }])])).count()).total, 2);
		same((await notes.where(_.and([{ mark }, _.nor([{ n: 1 }, { n: 5 }])])).count()).total, 3);
		same(await names({ n: _.not(_.gt(1)) }), [1]);
	});
	await step('conditions: fields, elements, patterns', async () => {
		same(await names({ nothing: _.exists(false), n: _.mod(2, 1) }), [1, 3, 5]);
		same(await names({ 'o.k': 3 }), [3]);
		same(await names({ o: { k: 4 } }), [4]);
		same(await names({ tags: _.all(['t2', 'all']) }), [2]);
		same(await names({ tags: _.size(2), n: 1 }), [1]);
		same(await names({ items: _.elemMatch({ p: 5, q: 1 }) }), [5]);
		same(await names({ tags: db.RegExp({ regexp: '^T[12]$', options: 'i' }) }), [1, 2]);
		same(await names({ tags: /^t3$/ }), [3]);
		same(await names({ at: _.lt(new Date()) }), [1, 2, 3, 4, 5]);
	});
	await step('orderBy, skip, limit, field, count', async () => {
		same(await names({}, 'desc'), [5, 4, 3, 2, 1]);
		const { data } = await notes.where({ mark }).orderBy('n', 'desc').skip(1).limit(2).field({ n: true, _id: false }).get();
		same(data, [{ n: 4 }, { n: 3 }]);
		same((await notes.where({ mark }).count()), { total: 5, errMsg: 'collection.count:ok' });
	});
	await step('one document: set, get, update, remove', async () => {
		const id = `${mark}-one`;
		const doc = notes.doc(id);
		const made = await doc.set({ data: mine({ n: 100, at: db.serverDate(), list: [1] }) });
		same(made, { _id: id, stats: { created: 1, updated: 0 }, errMsg: 'document.set:ok' });
		const { data } = await doc.get();
		same([data._id, data.n, Math.abs(data.at.getTime() - Date.now()) < 600000], [id, 100, true]);
		same(await doc.update({ data: { n: _.inc(1) } }), { stats: { updated: 1 }, errMsg: 'document.update:ok' });
		same((await doc.get()).data.n, 101);
		same(await doc.remove(), { stats: { removed: 1 }, errMsg: 'document.remove:ok' });
		const err = await fails(doc.get());
		same(/^document\.get:fail document with _id .* does not exist/.test(err.errMsg), true, err.errMsg);
	});
	await step('changes of every kind', async () => {
		const id = `${mark}-changes`;
		const doc = notes.doc(id);
		await doc.set({ data: mine({ n: 200, a: 4, b: 3, low: 5, high: 5, gone: 1, old: 1, bits: 5, o: { k: 1, z: 1 },
			list: [2], queue: [1, 2, 3], set: ['x'], pull: [1, 2, 3], pulls: [1, 2, 3], whole: { x: 1, y: 2 } }) });
		await doc.update({ data: { a: _.inc(2), b: _.mul(3), low: _.min(1), high: _.max(9), gone: _.remove(), old: _.rename('fresh'),
			bits: _.bit({ and: 4 }), o: { k: 7 }, list: _.push({ each: [9, 1], position: 0, sort: 1, slice: 3 }),
			queue: _.pop(), set: _.addToSet('y'), pull: _.pull(_.gt(1)), pulls: _.pullAll([1, 3]), whole: _.set({ y: 3 }) } });
		const { data } = await doc.get();
		same([data.a, data.b, data.low, data.high, data.gone, data.old, data.fresh, data.bits], [6, 9, 1, 9, undefined, undefined, 1, 4]);
		same([data.o, data.list, data.queue, data.set, data.pull, data.pulls, data.whole],
			[{ k: 7, z: 1 }, [1, 2, 9], [1, 2], ['x', 'y'], [1], [2], { y: 3 }]);
		await doc.update({ data: { queue: _.shift(), list: _.unshift([0]) } });
		const after = (await doc.get()).data;
		same([after.queue, after.list], [[2], [0, 1, 2, 9]]);
		await doc.remove();
	});
	await step('several documents are changed and removed', async () => {
		same(await notes.where(mine({ n: _.lte(2) })).update({ data: { seen: true } }), { stats: { updated: 2 }, errMsg: 'collection.update:ok' });
		await notes.add({ data: mine({ n: 999 }) });
		same(await notes.where(mine({ n: 999 })).remove(), { stats: { removed: 1 }, errMsg: 'collection.remove:ok' });
	});
	await step('aggregation', async () => {
		const { list, errMsg } = await notes.aggregate().match({ mark }).addFields({ odd: $.mod(['$n', 2]) })
			.group({ _id: '$odd', sum: $.sum('$n'), all: $.push('$n'), top: $.max('$n') }).sort({ _id: 1 }).end();
		same(errMsg, 'collection.aggregate:ok');
		same(list.map((g) => [g._id, g.sum, g.top]), [[0, 6, 4], [1, 9, 5]]);
		const buckets = await notes.aggregate().match({ mark }).bucket({ groupBy: '$n', boundaries: [0, 3, 9], default: 'x',
			output: { count: $.sum(1) } }).end();
		same(buckets.list, [{ _id: 0, count: 2 }, { _id: 3, count: 3 }]);
		const wide = await notes.aggregate().match({ mark, n: 1 }).unwind('$tags').project({ _id: false,
			word: $.concat([$.toUpper('$tags'), '!']), day: $.dayOfMonth('$at'), kind: $.cond({ if: $.gt(['$n', 3]), then: 'big', else: 'small' }),
			list: $.map({ input: '$items', as: 'i', in: $.add(['$$i.p', 1]) }), none: $.ifNull(['$no', 'none']) }).end();
		same(wide.list, [{ word: 'T1!', day: 1, kind: 'small', list: [2], none: 'none' }, { word: 'ALL!', day: 1, kind: 'small', list: [2], none: 'none' }]);
		same((await notes.aggregate().match({ mark }).sortByCount('$o.z').end()).list, [{ _id: 1, count: 5 }]);
		same((await notes.aggregate().match({ mark }).skip(1).limit(3).count('n').end()).list, [{ n: 3 }]);
	});
	await step('what a collection does not allow is refused with its number', async () => {
		const err = await fails(db.collection('secrets').get());
		same(err.errCode, -502003);
		same(/^collection\.get:fail -502003 database permission denied/.test(err.errMsg), true, err.errMsg);
		const none = await fails(db.collection('there-is-no-such').where({}).get());
		same(none.errCode, -502005);
	});
	await step('a file goes up, with its progress, and comes down whole', async () => {
		const text = 'ü'.repeat(40000) + mark;
		const events = [];
		const up = await new Promise((success, fail) => {
			wx.cloud.uploadFile({ cloudPath: `conformance/${mark}/a b.txt`, filePath: files.make(text), success, fail })
				.onProgressUpdate((e) => events.push(e));
		});
		same([up.errMsg, /^cloud:\/\/[^/]+\/conformance\/.*\/a b\.txt$/.test(up.fileID), up.statusCode >= 200 && up.statusCode < 300],
			['cloud.uploadFile:ok', true, true], up.fileID);
		same([events.length > 0, events.every((e) => e.progress >= 0 && e.progress <= 100 && e.totalBytesSent <= e.totalBytesExpectedToSend)], [true, true]);
		const down = await wx.cloud.downloadFile({ fileID: up.fileID });
		same([down.errMsg, down.statusCode], ['cloud.downloadFile:ok', 200]);
		same(await files.read(down.tempFilePath) === text, true);
		const urls = await wx.cloud.getTempFileURL({ fileList: [up.fileID, { fileID: `${up.fileID}.none`, maxAge: 60 }] });
		same([urls.errMsg, urls.fileList.length], ['cloud.getTempFileURL:ok', 2]);
		same([urls.fileList[0].fileID, urls.fileList[0].status, urls.fileList[0].errMsg], [up.fileID, 0, 'ok']);
		/* Of what one may not read it is not told whether it is there. */
		same([/^https?:/.test(urls.fileList[0].tempFileURL), urls.fileList[1].tempFileURL, -503002 >= urls.fileList[1].status], [true, '', true]);
		const gone = await wx.cloud.deleteFile({ fileList: [up.fileID] });
		same(gone, { errMsg: 'cloud.deleteFile:ok', fileList: [{ fileID: up.fileID, status: 0, errMsg: 'ok' }] });
		const err = await fails(wx.cloud.downloadFile({ fileID: up.fileID }));
		same(-503002 >= err.errCode, true, err.errMsg);
	});
	await step('an upload is stopped', async () => {
		const err = await new Promise((resolve, reject) => {
			const task = wx.cloud.uploadFile({ cloudPath: `conformance/${mark}/stopped`, filePath: files.make('x'.repeat(3000000)),
				success: () => reject(new Error('it went up')), fail: resolve });
			task.abort();
		});
		same(/abort/.test(err.errMsg), true, err.errMsg);
	});
	await step('large members of an event go as files', async () => {
		const { result } = await wx.cloud.callFunction({ name: 'fetch', data: { text: wx.cloud.CDN('a long text'),
			bytes: new wx.cloud.CDN(new Uint8Array([1, 2, 3]).buffer), file: wx.cloud.CDN({ type: 'filePath', filePath: files.make('f') }) } });
		same(result, [true, true, true]);
	});
	await step('a watch sees what is there and what changes', async () => {
		const seen = [];
		let wake = null;
		const until = async (look) => {
			while (!look())
				await new Promise((resolve) => { wake = resolve; });
		};
		let failed = null;
		const watcher = notes.where(mine({ kind: 'watched' })).watch({
			onChange: (snapshot) => { seen.push(snapshot); if (wake) wake(); },
			onError: (err) => { failed = err; if (wake) wake(); } });
		await until(() => seen.length === 1 || failed);
		if (failed) throw failed;
		same([seen[0].type, seen[0].docs, seen[0].docChanges, typeof seen[0].id], ['init', [], [], 'number']);
		const { _id } = await notes.add({ data: mine({ kind: 'watched', n: 1, list: [1], at: new Date(5) }) });
		await until(() => seen.length === 2 || failed);
		await notes.doc(_id).update({ data: { n: _.inc(1), 'o.k': true, list: _.push(2) } });
		await until(() => seen.length === 3 || failed);
		await notes.doc(_id).update({ data: { kind: 'other' } });
		await until(() => seen.length === 4 || failed);
		if (failed) throw failed;
		await watcher.close();
		same(seen.map((s) => s.docs.map((d) => d.n)), [[], [1], [2], []]);
		same(seen.slice(1).map((s) => s.docChanges.map((c) => [c.dataType, c.queueType, c.docId === _id])),
			[[['add', 'enqueue', true]], [['update', 'update', true]], [['update', 'dequeue', true]]]);
		same([seen[1].docs[0].at instanceof Date, seen[2].docs[0].o, seen[2].docs[0].list], [true, { k: true }, [1, 2]]);
		same(seen.map((s) => s.id - seen[0].id), [0, 1, 2, 3]);
	});
	await step('a service answers requests, whatever its status', async () => {
		const res = await wx.cloud.callContainer({ service: 'room', path: '/lists/7', method: 'POST', data: { a: 'ä' }, header: { 'x-a': '1' } });
		same([res.statusCode, res.errMsg, typeof res.callID], [201, 'cloud.callContainer:ok', 'string']);
		same(res.data, { path: '/lists/7', method: 'POST', body: { a: 'ä' }, q: {} });
		const got = await wx.cloud.callContainer({ service: 'room', path: '/lists', data: { q: 'ä b' } });
		same([got.data.method, got.data.q], ['GET', { q: 'ä b' }]);
	});
	await step('a service takes a socket', async () => {
		const { socketTask, errMsg } = await wx.cloud.connectContainer({ service: 'room', path: '/chat' });
		same(errMsg, 'cloud.connectContainer:ok');
		const heard = await new Promise((resolve, reject) => {
			socketTask.onOpen(() => socketTask.send({ data: 'hello' }));
			socketTask.onMessage(({ data }) => resolve(data));
			socketTask.onError((err) => reject(new Error(err.errMsg)));
			socketTask.onClose(({ code }) => reject(new Error(`closed ${code}`)));
		});
		same(heard, 'heard hello');
		const closed = new Promise((resolve) => socketTask.onClose(({ code }) => resolve(code)));
		socketTask.close({ code: 3456, reason: 'bye' });
		same(await closed, 3456);
	});
	await step('what is wrong in itself is told before anything is sent', async () => {
		same((await fails(wx.cloud.uploadFile({ filePath: 'x' }))).errCode, -401002);
		same((await fails(wx.cloud.callFunction({}))).errMsg.includes('name'), true);
		same((await fails(wx.cloud.getTempFileURL({ fileList: [] }))).errMsg.includes('1 to 50'), true);
	});
	await step('a second instance has a login of its own kind', async () => {
		const other = new wx.cloud.Cloud({ resourceEnv: 'test' });
		await other.init();
		same((await other.callFunction({ name: 'echo', data: { other: 1 } })).result.other, 1);
	});
	await step('the rest is removed', async () => {
		same((await notes.where({ mark }).remove()).stats.removed > 0, true);
	});
	return report;
}
