// Compiled, not run: what page code typed for wx.cloud (miniprogram-api-typings)
// may do with mpcloud.js in its place.
/// <reference path="../node_modules/miniprogram-api-typings/index.d.ts" />
import mpcloud = require('../../client/mpcloud');

// The whole of it, and each part of it.
const cloud: WxCloud = mpcloud;
wx.cloud = mpcloud;
const database: DB.Database = mpcloud.database();
const command: DB.DatabaseCommand = mpcloud.database().command;
const geo: DB.IGeo = mpcloud.database().Geo;
const collection: DB.CollectionReference = mpcloud.database().collection('a');
const doc: DB.DocumentReference = mpcloud.database().collection('a').doc('b');
const query: DB.Query = mpcloud.database().collection('a').where({});

// Page code as it stands, for both.
async function page(c: WxCloud | typeof mpcloud) {
	const db = wx.cloud.database();
	const _ = db.command;
	const $ = _.aggregate;

	mpcloud.install({ url: 'https://cloud.example.com', env: 'shop', traceUser: true });
	const { result } = await mpcloud.callFunction({ name: 'sum', data: { a: 1 } });
	const nothing: void = mpcloud.callFunction({ name: 'sum', success: (res) => res.result, fail: (err) => err.errMsg });
	const task: WechatMiniprogram.UploadTask = mpcloud.uploadFile({ cloudPath: 'a', filePath: 'b', success() {} });
	const down: WechatMiniprogram.DownloadTask = mpcloud.downloadFile({ fileID: 'a', complete() {} });
	const { fileID }: { fileID: string } = await mpcloud.uploadFile({ cloudPath: 'a', filePath: 'b' });
	const { fileList } = await mpcloud.getTempFileURL({ fileList: [fileID, { fileID, maxAge: 60 }] });
	const url: string = fileList[0].tempFileURL;
	const { data }: DB.IQueryResult = await mpcloud.database().collection('a').where({ n: mpcloud.database().command.gt(1).and(
		mpcloud.database().command.lt(3)) }).orderBy('n', 'desc').limit(1).get();
	const one: DB.IQuerySingleResult = await mpcloud.database().collection('a').doc('b').get();
	const added: DB.IAddResult = await mpcloud.database().collection('a').add({ data: { a: 1, at: mpcloud.database().serverDate() } });
	const listener: DB.RealtimeListener = mpcloud.database().collection('a').watch({
		onChange: (snapshot: DB.ISnapshot) => { const t: 'init' | undefined = snapshot.type; }, onError: (err) => err.errCode });
	await listener.close();
	const who: ICloud.CloudID = new mpcloud.CloudID('a');
	const big: ICloud.CDN = mpcloud.CDN(new ArrayBuffer(1));
	const answer: ICloud.CallContainerResult = await mpcloud.callContainer({ path: '/a', data: {} });
	const gateway: ICloud.GatewayInstance = mpcloud.services.Gateway({ id: 'a' });
	$.sum('$n');
	return [result, nothing, task, down, url, data, one, added, who, big, answer, gateway];
}

// What is wrong is an error.
// @ts-expect-error: the name is missing
mpcloud.callFunction({ data: {} });
// @ts-expect-error: onError is missing
mpcloud.database().collection('a').watch({ onChange() {} });
// @ts-expect-error: no such function
mpcloud.callFunctions({ name: 'a' });

export { cloud, database, command, geo, collection, doc, query, page };
