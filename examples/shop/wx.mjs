// A telephone in thirty lines: what mpcloud.js needs of `wx`, over Node's own
// http and https.  wx.login asks the WeChat sandbox for a code.
import http from 'node:http';
import https from 'node:https';

/** `openid`: who holds the telephone.  `ca`: PEM text of a certificate to trust.
 *  `seen`, when given, gets the text of every answer of the server. */
export function makeWx({ sandbox, openid, ca, seen }) {
	const storage = new Map();
	const exchange = ({ url, method = 'GET', data, header = {}, timeout,
		success, fail }) => {
		const { request } = url.startsWith('https:') ? https : http;
		const req = request(url, { method, headers: header, ca, timeout },
			(res) => {
				const parts = [];
				res.on('data', (part) => parts.push(part));
				res.on('error', (err) => fail({ errMsg: `request:fail ${err.message}` }));
				res.on('end', () => {
					const text = Buffer.concat(parts).toString();
					if (seen && !url.startsWith(sandbox)) // WeChat's own answers do not count
						seen.push(text);
					success({ statusCode: res.statusCode, header: res.headers, data: text });
				});
			});
		req.on('timeout', () => req.destroy(new Error('timeout')));
		req.on('error', (err) => fail({ errMsg: `request:fail ${err.message}` }));
		req.end(data);
	};
	return {
		request: exchange,
		login: ({ success, fail }) => exchange({ fail, method: 'POST',
			url: `${sandbox}/sandbox/code`, data: JSON.stringify({ openid }),
			success: (res) => success({ code: JSON.parse(res.data).code, errMsg: 'login:ok' }) }),
		getStorageSync: (key) => (storage.has(key) ? storage.get(key) : ''),
		setStorageSync: (key, value) => storage.set(key, value),
	};
}
