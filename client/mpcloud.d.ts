/* Types of mpcloud.js. */

declare namespace mpcloud {
	/** What the host must have; a mini program's `wx` fits. */
	interface Host {
		request(options: object): unknown;
		login?(options: object): unknown;
		getStorageSync?(key: string): unknown;
		setStorageSync?(key: string, value: unknown): void;
		/** For a server of several mini programs, and for devices(). */
		getAccountInfoSync?(): unknown;
		getDeviceInfo?(): unknown;
		getSystemInfoSync?(): unknown;
	}

	interface Conf {
		/** The server, without a path: "https://cloud.example.com". */
		url: string;
		env?: string;
		/** Milliseconds a request may take; 60000. */
		timeout?: number;
		/** Instead of the global wx. */
		wx?: Host;
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
		success?(res: T): void;
		fail?(err: Failure): void;
		complete?(res: T | Failure): void;
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
	interface Stats<K extends string> {
		stats: Record<K, number>;
		errMsg: string;
	}

	/** A condition; further conditions may be chained. */
	interface Query {
		and(...more: any[]): Query;
		or(...more: any[]): Query;
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
		bit(v: { and?: number; or?: number; xor?: number }): object;
		push(...values: any[]): object;
		push(o: { each: any[]; position?: number; sort?: any;
			slice?: number }): object;
		pop(): object;
		shift(): object;
		unshift(values: any): object;
		addToSet(v: any): object;
		pull(v: any): object;
		pullAll(v: any[]): object;
		project: {
			slice(n: number): object;
			slice(skip: number, n: number): object;
			elemMatch(condition: object): object;
		};
		/** Every aggregation operator by its name: `$.add(["$a", 1])`;
		 *  pipeline() begins the pipeline of a lookup. */
		aggregate: { pipeline(): Aggregate } &
			Record<string, (v?: any) => any>;
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
		sample(v: { size: number }): Aggregate;
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
		toJSON(): { type: string; coordinates: any };
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
	type Make<A extends any[], T> = {
		(...args: A): T;
		new (...args: A): T;
	};
	interface Geo {
		Point: Make<[longitude: number, latitude: number], Point>;
		LineString: Make<[points: Point[]], LineString>;
		Polygon: Make<[lines: LineString[]], Polygon>;
		MultiPoint: Make<[points: Point[]], MultiPoint>;
		MultiLineString: Make<[lines: LineString[]], MultiLineString>;
		MultiPolygon: Make<[polygons: Polygon[]], MultiPolygon>;
	}

	interface Document {
		field(fields: Record<string, boolean | object>): Document;
		get(o?: Callbacks<any>): Promise<{ data: Doc; errMsg: string }>;
		set(o: { data: Doc } & Callbacks<any>): Promise<
			{ _id: Id } & Stats<"updated" | "created">>;
		update(o: { data: Doc } & Callbacks<any>): Promise<
			Stats<"updated">>;
		remove(o?: Callbacks<any>): Promise<Stats<"removed">>;
	}

	interface Collection {
		doc(id: Id): Document;
		where(where: Doc | Query): Collection;
		orderBy(field: string, direction: "asc" | "desc"): Collection;
		/** 20 when not said. */
		limit(n: number): Collection;
		skip(n: number): Collection;
		field(fields: Record<string, boolean | object>): Collection;
		aggregate(): Aggregate;
		/** Several documents at once. */
		add(o: { data: Doc[] } & Callbacks<any>): Promise<
			{ _ids: Id[]; errMsg: string }>;
		add(o: { data: Doc } & Callbacks<any>): Promise<
			{ _id: Id; errMsg: string }>;
		get(o?: Callbacks<any>): Promise<
			{ data: Doc[]; errMsg: string }>;
		count(o?: Callbacks<any>): Promise<
			{ total: number; errMsg: string }>;
		update(o: { data: Doc } & Callbacks<any>): Promise<
			Stats<"updated">>;
		remove(o?: Callbacks<any>): Promise<Stats<"removed">>;
	}

	interface Database {
		config: { env?: string };
		command: Command;
		Geo: Geo;
		collection(name: string): Collection;
		serverDate(o?: { offset?: number }): object;
		RegExp(o: { regexp: string; options?: string }): object;
	}

	/** With success, fail or complete a call answers through them and
	 *  returns nothing; without, it returns a promise. */
	interface Cloud {
		init(conf: Conf): void;
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
		/** For a function's data, which gets {cloudID, data} in its place. */
		CloudID(id: string): object;
		/** The same for e.detail of a button, as it came. */
		OpenData(detail: OpenData): object;
		/** async, runAt or delay: nobody waits; the result is {id, requestId}
		 *  of the call to come. */
		callFunction(o: { name: string; data?: any; async?: boolean;
			runAt?: Date | number | string; delay?: string | number } &
			Callbacks<CallFunctionResult>): Promise<CallFunctionResult>;
		request(o: { path: string; method?: string; data?: any;
			header?: Record<string, string> } &
			Callbacks<RequestResult>): Promise<RequestResult>;
		database(o?: { env?: string }): Database;
		createNewInstance(conf?: Conf): Cloud;
	}
}

declare const mpcloud: mpcloud.Cloud &
	{ Cloud: new (conf?: mpcloud.Conf) => mpcloud.Cloud };
export = mpcloud;
