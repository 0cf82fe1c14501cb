/* ---- errors, callbacks ---------------------------------------------------- */

/* The server's codes, as the numbers and words that wx.cloud gives. */
const ERRORS = {
	SYS_ERR: [-501001, 'resource system error'],
	SERVER_TIMEOUT: [-501002, 'resource server timeout'],
	EXCEED_REQUEST_LIMIT: [-501003, 'exceed request limit'],
	EXCEED_RATELIMIT: [-501003, 'exceed request limit'],
	EXCEED_CONCURRENT_REQUEST_LIMIT:
		[-501004, 'exceed concurrent request limit'],
	INVALIID_ENV: [-501005, 'invalid env'],
	INVALID_ENV: [-501005, 'invalid env'],
	INVALID_COMMON_PARAM: [-501006, 'invalid common parameters'],
	INVALID_PARAM: [-501007, 'invalid parameters'],
	INVALID_REQUEST_SOURCE: [-501008, 'invalid request source'],
	RESOURCE_NOT_INITIAL: [-501009, 'resource not initialized'],
	DATABASE_REQUEST_FAILED: [-502001, 'database request fail'],
	DATABASE_INVALID_OPERRATOR: [-502002, 'database invalid command'],
	DATABASE_PERMISSION_DENIED: [-502003, 'database permission denied'],
	DATABASE_COLLECTION_EXCEED_LIMIT:
		[-502004, 'database exceed collection limit'],
	DATABASE_COLLECTION_NOT_EXIST:
		[-502005, 'database collection not exists'],
	STORAGE_REQUEST_FAIL: [-503001, 'storage request fail'],
	STORAGE_EXCEED_AUTHORITY: [-503002, 'storage permission denied'],
	STORAGE_FILE_NONEXIST: [-503003, 'storage file not exists'],
	STORAGE_SIGN_PARAM_INVALID: [-503004, 'storage invalid sign parameters'],
	FUNCTION_NOT_FOUND: [-501000,
		'FunctionName parameter could not be found'],
	FUNCTIONS_REQUEST_FAIL: [-504001, 'functions request fail'],
	FUNCTIONS_EXECUTE_FAIL: [-504002, 'functions execute fail'],
	/* The host's own: no answer came. */
	NETWORK: [-601003, 'network error'],
	/* A parameter that was refused before anything was sent. */
	PARAM: [-401002, 'invalid parameters'],
	TYPE: [-401003, 'api parameter type error'],
	CIRCULAR: [-402001, 'circular reference'],
	/* Of watch(). */
	WATCH_INIT: [-402002, 'watch could not begin'],
	WATCH_RECONNECT: [-402003, 'watch could not connect again'],
	WATCH_REBUILD: [-402004, 'watch could not be resumed'],
	WATCH_SERVER: [-402006, 'watch was ended by the server'],
};

/* err: {errCode, errMsg, code, statusCode, requestID}. */
function failure(api, code, message, more) {
	const known = ERRORS[code] || [-1, ''];
	const said = [known[1], message].filter(Boolean).join('. ');
	const err = new Error(`${api}:fail ${code ? `${known[0]} ` : ''}${said}`);

	err.errCode = known[0];
	err.errMsg = err.message;
	err.code = code;
	return Object.assign(err, more);
}

/* What went wrong before anything was asked is said as wx.cloud says it, too:
 * pages show err.errMsg. */
function worded(api, err) {
	const isCircle = /circular|call stack/i.test(err.message);
	const code = isCircle ? 'CIRCULAR' : err instanceof TypeError ?
		'TYPE' : 'SAID';
	const { errCode, errMsg } = failure(api, code, isCircle ? '' :
		err.message);

	return Object.assign(err, { errCode, errMsg });
}

/* What went wrong below, said by the API that the page called. */
function renamed(api, err) {
	if (err instanceof Error && !err.errMsg)
		return worded(api, err);
	if (!err || !err.code || !err.isAnswer)
		return err;
	return failure(api, err.code, err.said, { said: err.said,
		isAnswer: true, statusCode: err.statusCode,
		requestID: err.requestID, retryAfter: err.retryAfter });
}

const wantsCallbacks = (o) => Boolean(o && (o.success || o.fail || o.complete));

/* A promise, or the page's callbacks when it gave any.  work(options), which are
 * an object even where the page gave none. */
function settle(api, options, work) {
	const o = options || {};
	const promise = Promise.resolve(o).then(work).catch((err) => {
		throw renamed(api, err);
	});

	if (!wantsCallbacks(o))
		return promise;
	promise.then((res) => {
		if (o.success)
			o.success(res);
		if (o.complete)
			o.complete(res);
	}, (err) => {
		if (o.fail)
			o.fail(err);
		if (o.complete)
			o.complete(err);
	});
	return undefined;
}

/* The same for what has a task, as wx.uploadFile has: with callbacks the page
 * gets the task, without a promise.  work(options, task) begins; the host's own task is
 * given to task.follow once there is one. */
function settleTask(api, options, work) {
	const task = new Task(api);
	const promise = settle(api, options, (o) => work(o, task));

	return promise || task;
}

const TASK_EVENTS = ['ProgressUpdate', 'HeadersReceived'];

class Task {
	constructor(api) {
		this.api = api;
		this.inner = null;
		this.isAborted = false;
		this.listeners = [];
	}

	abort() {
		this.isAborted = true;
		if (this.inner && this.inner.abort)
			this.inner.abort();
	}

	/* To be asked where there is nothing of the host's to abort yet. */
	check() {
		if (this.isAborted)
			throw failure(this.api, '', 'abort');
	}

	follow(inner) {
		this.inner = inner;
		for (const [event, listener] of this.listeners)
			if (inner && inner[`on${event}`])
				inner[`on${event}`](listener);
		if (this.isAborted && inner && inner.abort)
			inner.abort();
	}
}
for (const event of TASK_EVENTS) {
	Task.prototype[`on${event}`] = function on(listener) {
		this.listeners.push([event, listener]);
		if (this.inner && this.inner[`on${event}`])
			this.inner[`on${event}`](listener);
	};
	Task.prototype[`off${event}`] = function off(listener) {
		this.listeners = this.listeners.filter(([which, each]) =>
			which !== event || (listener && each !== listener));
		if (this.inner && this.inner[`off${event}`])
			this.inner[`off${event}`](listener);
	};
}

