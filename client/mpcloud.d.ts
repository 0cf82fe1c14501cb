/*
 * Types of mpcloud.js.  They fit those of wx.cloud (miniprogram-api-typings):
 * `const cloud: WxCloud = mpcloud` compiles, and so does page code that was
 * typed for wx.cloud.
 */

declare namespace mpcloud {
	/** What the host must have; a mini program's `wx` fits. */
	interface Host {
		request(options: any): any;
		uploadFile?(options: any): any;
		downloadFile?(options: any): any;
		connectSocket?(options: any): any;
		login?(options: any): any;
		getStorageSync?(key: string): any;
		setStorageSync?(key: string, value: any): any;
		/** For CDN(): where its bytes are written for uploadFile. */
		getFileSystemManager?(): any;
		/** For a server of several mini programs, and for devices(). */
		getAccountInfoSync?(): any;
		getDeviceInfo?(): any;
		getSystemInfoSync?(): any;
	}

	interface Environments {
		database?: string;
		functions?: string;
		storage?: string;
	}

	/** What to log in with: a code of wx.login, a ticket of your own server
	 *  (createTicket), or a name and a password. */
	type Credentials = { code: string } | { ticket: string } |
		{ username: string; password: string };

	interface Conf {
		/** The server, without a path: "https://cloud.example.com".  Needed,
		 *  but for an instance that takes it from the first one. */
		url?: string;
		env?: string | Environments;
		/** Taken, as wx.cloud does; the server knows its users anyway. */
		traceUser?: boolean;
		/** Milliseconds a request may take; 60000. */
		timeout?: number;
		/** How often a request that may be repeated is repeated; 2. */
		retries?: number;
		/** Silent login where there is no wx.login. */
		login?(): Credentials | Promise<Credentials>;
		/** Instead of the global wx. */
		wx?: Host;
		/** Node.js before 22: that of the package ws. */
		WebSocket?: any;
		/** Node.js: a certificate to trust, PEM. */
		ca?: string;
	}

	/** For another environment beside this one. */
	interface SharedConf extends Conf {
		resourceAppid?: string;
		resourceEnv: string;
	}

	interface CallConfig {
		env?: string;
		traceUser?: boolean;
	}

	interface Failure extends Error {
		/** wx.cloud's number; -1 when it has none. */
		errCode: number;
		errMsg: string;
		/** The server's own word: "EXCEED_RATELIMIT", "NETWORK". */
		code: string;
		statusCode?: number;
		requestID?: string;
	}

	interface Callbacks<T> {
		config?: CallConfig;
		success?: (res: T) => void;
		fail?: (err: Failure) => void;
		complete?: (res: T | Failure) => void;
	}

	/** Options with at least one callback: the call gives no promise. */
	type Calling<P, T> = P & { config?: CallConfig } & (
		{ success: (res: T) => void; fail?: (err: Failure) => void;
			complete?: (res: T | Failure) => void } |
		{ success?: (res: T) => void; fail: (err: Failure) => void;
			complete?: (res: T | Failure) => void } |
		{ success?: (res: T) => void; fail?: (err: Failure) => void;
			complete: (res: T | Failure) => void });
	type Promising<P> = P & { config?: CallConfig };

	/** A call with both styles; R: what the callback style gives. */
	interface Call<P, T, R = void> {
		(o: Calling<P, T>): R;
		(o: Promising<P>): Promise<T>;
	}
	/** The same where there need be no options. */
	interface CallBare<P, T> {
		(o: Calling<P, T>): void;
		(o?: Promising<P>): Promise<T>;
	}

	interface LoginResult {
		uid: string;
		accessToken: string;
		refreshToken: string;
		/** Seconds. */
		expiresIn: number;
	}

	interface Device {
		/** What endDevice takes. */
		sid: string;
		/** What the device called itself. */
		device: string;
		kind: 'wechat' | 'anonymous' | 'custom' | 'password' | 'operator';
		appid: string;
		/** ISO 8601. */
		createdAt: string;
		usedAt: string;
		current: boolean;
	}

	interface DevicesResult {
		devices: Device[];
		errMsg: string;
	}

	interface OpenData {
		encryptedData?: string;
		iv?: string;
		rawData?: string;
		signature?: string;
	}

	interface OpenDataResult {
		cloudID: string;
		/** Seconds. */
		expiresIn: number;
		errMsg: string;
	}

	interface Progress {
		progress: number;
	}
	interface UploadProgress extends Progress {
		totalBytesSent: number;
		totalBytesExpectedToSend: number;
	}
	interface DownloadProgress extends Progress {
		totalBytesWritten: number;
		totalBytesExpectedToWrite: number;
	}
	/** As wx's UploadTask and DownloadTask. */
	interface Task<P> {
		abort(): void;
		onProgressUpdate(listener: (res: P) => void): void;
		offProgressUpdate(listener?: (res: P) => void): void;
		onHeadersReceived(listener: (res: any) => void): void;
		offHeadersReceived(listener?: (res: any) => void): void;
	}

	interface UploadFileParam {
		cloudPath: string;
		/** In browsers a File, a Blob or its object URL; in Node.js a path
		 *  or bytes. */
		filePath: any;
		header?: Record<string, any>;
	}
	interface UploadFileResult {
		fileID: string;
		statusCode: number;
		errMsg: string;
	}
	interface DownloadFileResult {
		tempFilePath: string;
		statusCode: number;
		errMsg: string;
	}
	interface FileState {
		fileID: string;
		/** 0, or the number of an error. */
		status: number;
		errMsg: string;
	}
	interface TempFileURL extends FileState {
		tempFileURL: string;
		maxAge: number;
	}

	interface ContainerParam {
		path: string;
		/** Sent as X-WX-SERVICE: a route may choose by it. */
		service?: string;
		method?: string;
		header?: Record<string, any>;
		data?: any;
		dataType?: string;
		responseType?: string;
		timeout?: number;
		verbose?: boolean;
		followRedirect?: boolean;
	}
	interface ContainerResult {
		data: any;
		statusCode: number;
		header: Record<string, any>;
		callID: string;
		errMsg: string;
	}
	interface SocketParam {
		service: string;
		path?: string;
		header?: Record<string, string>;
		protocols?: string[];
		tcpNoDelay?: boolean;
		perMessageDeflate?: boolean;
		timeout?: number;
	}
	interface Gateway {
		call(o: ContainerParam & { data: any; shouldSerialize?: boolean;
			apiVersion?: number }): Promise<ContainerResult>;
		refresh(session?: any): Promise<void>;
	}

	/** In a function's data: it gets {cloudID, data} in its place. */
	interface CloudID {
		readonly $cloudID: string;
	}
	/** In a function's data: it gets a URL in its place. */
	interface CDN {
		target: string | ArrayBuffer | { type: "filePath";
			filePath: string };
	}

	interface DocChange {
		id: number;
		dataType: "init" | "update" | "replace" | "add" | "remove" |
			"limit";
		queueType: "init" | "enqueue" | "dequeue" | "update";
		docId: string;
		doc: Doc;
		updatedFields?: Record<string, any>;
		removedFields?: string[];
	}
	interface Snapshot {
		id: number;
		docs: Doc[];
		docChanges: DocChange[];
		/** Of the first, and of one that begins anew. */
		type?: "init";
	}
	interface WatchParam {
		onChange: (snapshot: Snapshot) => void;
		onError: (error: Failure) => void;
	}
	interface Watching {
		close: () => Promise<void>;
	}

	interface CallFunctionParam {
		name: string;
		data?: any;
		slow?: boolean;
		/** Nobody waits: the result is {id, requestId} of the call to
		 *  come. */
		async?: boolean;
		runAt?: Date | number | string;
		delay?: string | number;
		/** The same key: the same call, repeated; done once only. */
		idempotencyKey?: string;
	}
	interface CallFunctionResult {
		result: any;
		errMsg: string;
		requestID: string;
	}

	interface RequestResult {
		data: any;
		statusCode: number;
		header: Record<string, string>;
		requestID: string;
		errMsg: string;
	}

	type Doc = Record<string, any>;
	type Id = string | number;
	interface StatsOf<K extends string> {
		stats: Record<K, number>;
		errMsg: string;
	}

	/** A condition; further conditions may be chained. */
	interface Query {
		and(...more: any[]): Query;
		or(...more: any[]): Query;
		nor(...more: any[]): Query;
		eq(v: any): Query;
		neq(v: any): Query;
		gt(v: any): Query;
		gte(v: any): Query;
		lt(v: any): Query;
		lte(v: any): Query;
		in(v: any[]): Query;
		nin(v: any[]): Query;
		exists(v: boolean): Query;
		mod(divisor: number, remainder: number): Query;
		mod(both: [number, number]): Query;
		all(v: any[]): Query;
		elemMatch(v: any): Query;
		size(n: number): Query;
		geoNear(o: { geometry: Point; maxDistance?: number;
			minDistance?: number }): Query;
		geoWithin(o: { geometry: Polygon | MultiPolygon } |
			{ centerSphere: [Point | [number, number], number] }): Query;
		geoIntersects(o: { geometry: Geometry }): Query;
		not(v: any): Query;
	}

	type Operator =
		"abs" | "add" | "ceil" | "divide" | "exp" | "floor" | "ln" |
		"log" | "log10" | "mod" | "multiply" | "pow" | "round" | "sqrt"
		| "subtract" | "trunc" | "arrayElemAt" | "arrayToObject" |
		"concatArrays" | "filter" | "in" | "indexOfArray" | "isArray" |
		"map" | "range" | "reduce" | "reverseArray" | "size" | "slice" |
		"zip" | "and" | "not" | "or" | "cmp" | "eq" | "gt" | "gte" |
		"lt" | "lte" | "neq" | "cond" | "ifNull" | "switch" |
		"dateFromParts" | "dateFromString" | "dateToParts" |
		"dateToString" | "dayOfMonth" | "dayOfWeek" | "dayOfYear" |
		"isoDayOfWeek" | "isoWeek" | "isoWeekYear" | "millisecond" |
		"minute" | "month" | "second" | "hour" | "week" | "year" |
		"literal" | "mergeObjects" | "objectToArray" | "allElementsTrue"
		| "anyElementTrue" | "setDifference" | "setEquals" |
		"setIntersection" | "setIsSubset" | "setUnion" | "concat" |
		"indexOfBytes" | "indexOfCP" | "ltrim" | "rtrim" | "trim" |
		"regexFind" | "regexFindAll" | "regexMatch" | "split" |
		"strLenBytes" | "strLenCP" | "strcasecmp" | "substr" |
		"substrBytes" | "substrCP" | "toLower" | "toUpper" | "meta" |
		"addToSet" | "avg" | "first" | "last" | "max" | "min" | "push" |
		"stdDevPop" | "stdDevSamp" | "sum" | "let" | "convert" |
		"toBool" | "toDate" | "toDecimal" | "toDouble" | "toInt" |
		"toLong" | "toObjectId" | "toString" | "type";

	interface Command extends Query {
		nor(...conditions: any[]): Query;
		/** An aggregation's expression as a condition. */
		expr(v: object): Query;
		jsonSchema(v: object): Query;
		/** For where({ $text: _.text({ search: "tea" }) }). */
		text(v: { search: string; language?: string;
			caseSensitive?: boolean;
			diacriticSensitive?: boolean }): object;
		set(v: any): object;
		remove(): object;
		inc(by: number): object;
		mul(by: number): object;
		min(v: any): object;
		max(v: any): object;
		rename(to: string): object;
		bit(v: any): object;
		push(...values: any[]): object;
		push(o: { each: any[]; position?: number; sort?: any;
			slice?: number }): object;
		pop(): object;
		shift(): object;
		unshift(...values: any[]): object;
		addToSet(v: any): object;
		pull(v: any): object;
		pullAll(v: any[]): object;
		project: {
			slice(n: number | [number, number]): object;
			slice(skip: number, n: number): object;
			elemMatch(condition: object): object;
		};
		/** Every aggregation operator by its name: `$.add(["$a", 1])`;
		 *  pipeline() begins the pipeline of a lookup. */
		aggregate: { pipeline(): Aggregate } &
			Record<Operator, (v?: any) => any>;
	}

	/** A pipeline: each stage gives it back; end() asks the server. */
	interface Aggregate {
		addFields(v: object): Aggregate;
		bucket(v: object): Aggregate;
		bucketAuto(v: object): Aggregate;
		count(name: string): Aggregate;
		facet(v: object): Aggregate;
		geoNear(v: { near: Point; distanceField: string;
			[more: string]: any }): Aggregate;
		graphLookup(v: object): Aggregate;
		group(v: object): Aggregate;
		limit(n: number): Aggregate;
		lookup(v: object): Aggregate;
		match(where: Doc | Query): Aggregate;
		project(v: object): Aggregate;
		redact(v: object): Aggregate;
		replaceRoot(v: { newRoot: any }): Aggregate;
		sample(v: number | { size: number }): Aggregate;
		skip(n: number): Aggregate;
		sort(v: Record<string, 1 | -1>): Aggregate;
		sortByCount(v: any): Aggregate;
		unionWith(v: object): Aggregate;
		unwind(v: string | object): Aggregate;
		/** The stages, for a lookup's pipeline. */
		done(): object[];
		end(o?: Callbacks<any>): Promise<{ list: any[]; errMsg: string }>;
	}

	/** Places, with and without `new`; they come back as these. */
	interface Geometry {
		toJSON(): any;
	}
	interface Point extends Geometry {
		longitude: number;
		latitude: number;
	}
	interface LineString extends Geometry {
		points: Point[];
	}
	interface Polygon extends Geometry {
		lines: LineString[];
	}
	interface MultiPoint extends Geometry {
		points: Point[];
	}
	interface MultiLineString extends Geometry {
		lines: LineString[];
	}
	interface MultiPolygon extends Geometry {
		polygons: Polygon[];
	}
	/** GeoJSON is taken, too. */
	type Make<A extends any[], T> = {
		(...args: A | [any]): T;
		new (...args: A | [any]): T;
	};
	interface Geo {
		Point: Make<[longitude: number, latitude: number], Point>;
		LineString: Make<[points: Point[]], LineString>;
		Polygon: Make<[lines: LineString[]], Polygon>;
		MultiPoint: Make<[points: Point[]], MultiPoint>;
		MultiLineString: Make<[lines: LineString[]], MultiLineString>;
		MultiPolygon: Make<[polygons: Polygon[]], MultiPolygon>;
	}

	interface Result<T> {
		data: T;
		errMsg: string;
	}
	interface DocumentResult<K extends string> extends StatsOf<K> {
		_id: Id;
	}

	interface Document {
		field(fields: Record<string, any>): this;
		get: CallBare<{}, Result<Doc>>;
		set: Call<{ data: Doc }, DocumentResult<"updated" | "created">>;
		update: Call<{ data: Doc }, StatsOf<"updated">>;
		remove: CallBare<{}, StatsOf<"removed">>;
		watch(o: WatchParam): Watching;
	}

	interface Add {
		/** Several documents at once. */
		(o: Promising<{ data: Doc[] }>):
			Promise<{ _ids: Id[]; errMsg: string }>;
		(o: Calling<{ data: Doc }, { _id: Id; errMsg: string }>): void;
		(o: Promising<{ data: Doc }>):
			Promise<{ _id: Id; errMsg: string }>;
	}

	interface Query_ {
		where(where: Doc | Query): Collection;
		/** "asc" or "desc". */
		orderBy(field: string, direction: string): Collection;
		/** 20 when not said. */
		limit(n: number): Collection;
		skip(n: number): Collection;
		field(fields: Record<string, any>): Collection;
		get: CallBare<{}, Result<Doc[]>>;
		count: CallBare<{}, { total: number; errMsg: string }>;
		update: Call<{ data: Doc }, StatsOf<"updated">>;
		remove: CallBare<{}, StatsOf<"removed">>;
		watch(o: WatchParam): Watching;
	}

	interface Collection extends Query_ {
		readonly collectionName: string;
		doc(id: Id): Document;
		aggregate(): Aggregate;
		add: Add;
	}

	interface ServerDate {
		readonly options: { offset: number };
	}
	interface Pattern {
		readonly regexp: string;
		readonly options: string;
	}
	interface Database {
		readonly config: CallConfig;
		readonly command: Command;
		readonly Geo: Geo;
		collection(name: string): Collection;
		readonly serverDate: (o?: { offset?: number }) => ServerDate;
		readonly RegExp: {
			new (o: { regexp: string; options?: string }): Pattern;
			(o: { regexp: string; options?: string }): Pattern;
		};
	}

	/** Each of its functions throws, and says what to do instead. */
	interface NoModels {
		createModel(...args: any[]): any;
		bot: Record<"get" | "list" | "create" | "update" | "delete" |
			"getChatRecords" | "sendFeedback" | "getFeedBack" |
			"getRecommendQuestions" | "sendMessage",
			(...args: any[]) => any>;
	}

	/** With success, fail or complete a call answers through them and
	 *  returns nothing, or a task; without, it returns a promise. */
	interface Cloud {
		init(conf?: Conf): any;
		/** init(), and this in the place of wx.cloud. */
		install(conf: Conf): Cloud;
		/** By wx.login; by a ticket of your own server (createTicket); or
		 *  by a name and a password. */
		login(o?: Callbacks<LoginResult> & ({ ticket?: string } |
			{ username: string; password: string })):
			Promise<LoginResult>;
		/** all: on all of the user's devices. */
		logout(o?: Callbacks<{ errMsg: string }> & { all?: boolean }):
			Promise<{ errMsg: string }>;
		devices(o?: Callbacks<DevicesResult>): Promise<DevicesResult>;
		/** Logs one of them out. */
		endDevice(o: Callbacks<{ errMsg: string }> & { sid: string }):
			Promise<{ errMsg: string }>;
		/** `from` asks WeChat for encrypted data (wx.getWeRunData, …); no
		 *  login of this file falls between that and the server. */
		getOpenData(o: Callbacks<OpenDataResult> & {
			from(): OpenData | Promise<OpenData> }):
			Promise<OpenDataResult>;
		CloudID: { new (id: string): CloudID; (id: string): CloudID };
		/** CloudID for e.detail of a button, as it came. */
		OpenData(detail: OpenData): object;
		CDN: {
			new (target: CDN["target"]): CDN;
			(target: CDN["target"]): CDN;
		};
		callFunction: Call<CallFunctionParam, CallFunctionResult>;
		uploadFile: Call<UploadFileParam, UploadFileResult,
			Task<UploadProgress>>;
		downloadFile: Call<{ fileID: string; cloudPath?: string },
			DownloadFileResult, Task<DownloadProgress>>;
		/** 50 at the most. */
		getTempFileURL: Call<{ fileList: (string | { fileID: string;
			maxAge?: number })[] },
			{ fileList: TempFileURL[]; errMsg: string }>;
		/** 50 at the most. */
		deleteFile: Call<{ fileList: string[] },
			{ fileList: FileState[]; errMsg: string }>;
		/** Any path that a route of the server answers. */
		callContainer: Call<ContainerParam, ContainerResult>;
		connectContainer: Call<SocketParam, { socketTask: any;
			errMsg: string }>;
		services: { Gateway: { new (o?: any): Gateway;
			(o?: any): Gateway } };
		extend: { AI: NoModels };
		request(o: { path: string; method?: string; data?: any;
			header?: Record<string, string> } &
			Callbacks<RequestResult>): Promise<RequestResult>;
		database(o?: CallConfig): Database;
		createNewInstance(conf?: Conf): Cloud;
		Cloud: new (conf?: Conf | SharedConf) => Cloud;
	}
}

declare const mpcloud: mpcloud.Cloud;
export = mpcloud;
export as namespace mpcloud;
