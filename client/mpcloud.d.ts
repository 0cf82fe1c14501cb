/* Types of mpcloud.js. */

declare namespace mpcloud {
	/** What the host must have; a mini program's `wx` fits. */
	interface Host {
		request(options: object): unknown;
		login?(options: object): unknown;
		getStorageSync?(key: string): unknown;
		setStorageSync?(key: string, value: unknown): void;
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
	}

	interface Command extends Query {
		set(v: any): object;
		remove(): object;
		inc(by: number): object;
		push(...values: any[]): object;
	}

	interface Document {
		field(fields: Record<string, boolean>): Document;
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
		field(fields: Record<string, boolean>): Collection;
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
		command: Command;
		collection(name: string): Collection;
		serverDate(o?: { offset?: number }): object;
		RegExp(o: { regexp: string; options?: string }): object;
	}

	/** With success, fail or complete a call answers through them and
	 *  returns nothing; without, it returns a promise. */
	interface Cloud {
		init(conf: Conf): void;
		login(o?: Callbacks<LoginResult>): Promise<LoginResult>;
		logout(o?: Callbacks<{ errMsg: string }>): Promise<
			{ errMsg: string }>;
		callFunction(o: { name: string; data?: any } &
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
