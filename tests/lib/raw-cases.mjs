// HTTP/1.1 as it should not be, and as it may be: bytes, and what a server makes
// of them.  A small request of ours stands behind most bad ones: it must not run.

const CRLF = '\r\n';
export const head = (...lines) => lines.join(CRLF) + CRLF + CRLF;
export const good = head('GET /next HTTP/1.1', 'Host: a');
export const get = (...lines) => head('GET /x HTTP/1.1', 'Host: a', ...lines);
export const post = (...lines) => head('POST /x HTTP/1.1', 'Host: a', ...lines);
const chunks = '3\r\nabc\r\n0\r\n\r\n';

// name, bytes, statuses, requests that ran, what the last one saw
export const cases = [
	// what is fine
	['a plain request', get(), [200], 1, { method: 'GET', path: '/x' }],
	['three requests in one packet', good + good + good, [200, 200, 200], 3],
	['HTTP/1.0 without Host', head('GET /x HTTP/1.0'), [200], 1],
	['a body by its length', post('Content-Length: 3') + 'abc' + good,
		[200, 200], 2],
	['a body in chunks', post('Transfer-Encoding: chunked') + chunks,
		[200], 1, { bodyLength: 3, body: 'abc' }],
	['chunks, in capitals', post('TRANSFER-ENCODING: Chunked') + chunks,
		[200], 1, { bodyLength: 3 }],
	['chunks, then another request',
		post('Transfer-Encoding: chunked') + chunks + good, [200, 200], 2],
	['a chunk extension', post('Transfer-Encoding: chunked') +
		'3;a=b\r\nabc\r\n0\r\n\r\n', [200], 1, { bodyLength: 3 }],
	['trailers', post('Transfer-Encoding: chunked') +
		'3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n', [200], 1, { bodyLength: 3 }],
	['an empty trailer name, then a request',
		post('Transfer-Encoding: chunked') +
		'3\r\nabc\r\n0\r\nX-A: 1\r\n: 1\r\n' + good, [200], 1],
	['a GET with a body', get('Content-Length: 3') + 'abc', [200], 1,
		{ method: 'GET', bodyLength: 3 }],
	['a length of nought', post('Content-Length: 0') + good, [200, 200], 2],
	['Expect: 100-continue', post('Expect: 100-continue',
		'Content-Length: 3') + 'abc', [100, 200], 1, { bodyLength: 3 }],
	['HEAD', head('HEAD /x HTTP/1.1', 'Host: a'), 'head', 1],
	['a path with escapes', head('GET /a%20b%2Fc?q=1%202 HTTP/1.1',
		'Host: a'), [200], 1, { path: '/a b/c', q: '1 2' }],
	['an absolute target', head('GET http://a/x?q=1 HTTP/1.1', 'Host: a'),
		[200], 1, { path: '/x', q: '1' }],
	['OPTIONS *', head('OPTIONS * HTTP/1.1', 'Host: a'), [200], 1,
		{ path: '*' }],
	['Connection: close', get('Connection: close') + good, [200], 1],

	// Host
	['no Host', head('GET /x HTTP/1.1') + good, [400], 0],
	['two Hosts', head('GET /x HTTP/1.1', 'Host: a', 'Host: b') + good,
		[400], 0],
	['the same Host twice', get('Host: a') + good, [400], 0],
	['two Hosts, one in capitals', get('HOST: b') + good, [400], 0],
	['an empty Host', head('GET /x HTTP/1.1', 'Host:') + good, [400], 0],
	['a Host with a path', head('GET /x HTTP/1.1', 'Host: a/b') + good,
		[400], 0],
	['a Host with a user', head('GET /x HTTP/1.1', 'Host: u@a') + good,
		[400], 0],
	['a Host list', head('GET /x HTTP/1.1', 'Host: a, b') + good, [400], 0],
	['two Hosts in HTTP/1.0', head('GET /x HTTP/1.0', 'Host: a',
		'Host: b') + good, [400], 0],
	['an absolute target of another host',
		head('GET http://b/x HTTP/1.1', 'Host: a') + good, [400], 0],

	// framing
	['two lengths', post('Content-Length: 3', 'Content-Length: 3') + 'abc' +
		good, [400], 0],
	['two different lengths', post('Content-Length: 3',
		'Content-Length: 30') + 'abc' + good, [400], 0],
	['a length list', post('Content-Length: 3, 3') + 'abc' + good, [400], 0],
	['a signed length', post('Content-Length: +3') + 'abc' + good, [400], 0],
	['a negative length', post('Content-Length: -3') + 'abc' + good,
		[400], 0],
	['a hexadecimal length', post('Content-Length: 0x3') + 'abc' + good,
		[400], 0],
	['an empty length', post('Content-Length:') + good, [400], 0],
	['a length past 64 bits', post('Content-Length: 99999999999999999999') +
		good, 'any 4xx', 0],
	['length and chunks', post('Content-Length: 3',
		'Transfer-Encoding: chunked') + chunks + good, [400], 0],
	['chunks and length', post('Transfer-Encoding: chunked',
		'Content-Length: 3') + chunks + good, [400], 0],
	['gzip', post('Transfer-Encoding: gzip') + good, [400], 0],
	['gzip, chunked', post('Transfer-Encoding: gzip, chunked') + chunks +
		good, [400], 0],
	['chunked twice', post('Transfer-Encoding: chunked',
		'Transfer-Encoding: chunked') + chunks + good, [400], 0],
	['chunked, chunked', post('Transfer-Encoding: chunked, chunked') +
		chunks + good, [400], 0],
	['xchunked', post('Transfer-Encoding: xchunked') + good, [400], 0],
	['identity', post('Transfer-Encoding: identity') + good, [400], 0],
	['an empty coding', post('Transfer-Encoding:') + good, [400], 0],
	['chunks in HTTP/1.0', head('POST /x HTTP/1.0', 'Host: a',
		'Transfer-Encoding: chunked') + chunks + good, [400], 0],
	['a chunk size that is none', post('Transfer-Encoding: chunked') +
		'zz\r\nabc\r\n0\r\n\r\n' + good, 'any 4xx', 0],
	['a chunk longer than said', post('Transfer-Encoding: chunked') +
		'3\r\nabcdef\r\n0\r\n\r\n' + good, 'any 4xx', 0],
	['a chunk size past 64 bits', post('Transfer-Encoding: chunked') +
		'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n' + good, 'any 4xx', 0],
	['another expectation', post('Expect: more', 'Content-Length: 3') +
		'abc' + good, [417], 0],

	// names and values
	['a space before the colon', get('X-A : 1') + good, [400], 0],
	['a space in a name', get('X A: 1') + good, [400], 0],
	['a space in Content-Length\'s name',
		post('Content-Length : 3') + 'abc' + good, [400], 0],
	['a bracket in a name', get('X(A): 1') + good, [400], 0],
	['a byte beyond ASCII in a name', get('X-\xe9: 1') + good, [400], 0],
	['a line without a colon', get('nonsense') + good, [400], 0],
	['a control character in a value', get('X-A: a\x01b') + good, [400], 0],
	['DEL in a value', get('X-A: a\x7fb') + good, [400], 0],
	// values are looked through sixteen bytes at once
	...[1, 15, 16, 17, 32, 33].flatMap((n) => [0, n - 1].flatMap((at) =>
		['\x01', '\x1f', '\x7f'].map((c) => [
			`${JSON.stringify(c)} at ${at} of ${n} bytes`,
			get(`X-A: ${'a'.repeat(at)}${c}${'a'.repeat(n - 1 - at)}`) +
				good, [400], 0]))),
	['a tab among many bytes', get(`X-A: ${'a'.repeat(20)}\tb`), [200], 1,
		{ headers: { 'x-a': `${'a'.repeat(20)}\tb` } }],
	['names of any case, the first of two, behind forty others',
		get(...Array.from({ length: 40 }, (_, i) => `a${i}: ${i}`),
			'x-A: 1', 'X-B: 3', 'X-a: 2'), [200], 1,
		{ headers: { 'x-a': '1', 'x-b': '3' } }],
	['too many headers', get(...Array.from({ length: 101 },
		(_, i) => `a${i}: 1`)) + good, [431], 0],

	// request lines
	['HTTP/1.2', head('GET /x HTTP/1.2', 'Host: a') + good, [400], 0],
	['HTTP/1.10', head('GET /x HTTP/1.10', 'Host: a') + good, [400], 0],
	['HTTP/2.0', head('GET /x HTTP/2.0', 'Host: a') + good, [505], 0],
	['HTTP/0.9', head('GET /x HTTP/0.9', 'Host: a') + good, [505], 0],
	['http/1.1 in small letters', head('GET /x http/1.1', 'Host: a') + good,
		[400], 0],
	['no version', head('GET /x', 'Host: a') + good, [400], 0],
	['a version that is none', head('GET /x HTTP', 'Host: a') + good,
		[400], 0],
	['only a word', head('nonsense') + good, 'any 4xx', 0],
	['a method that is no token', head('G(T /x HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['a space in the target', head('GET /a b HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['a tab in the target', head('GET /a\tb HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['a target without a slash', head('GET x HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['a bad escape', head('GET /%zz HTTP/1.1', 'Host: a') + good, [400], 0],
	['half an escape', head('GET /% HTTP/1.1', 'Host: a') + good, [400], 0],
	['an escaped NUL', head('GET /a%00b HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['a fragment', head('GET /a#b HTTP/1.1', 'Host: a') + good, [400], 0],
	['bytes beyond ASCII in the target',
		head('GET /\xc3\xa9 HTTP/1.1', 'Host: a') + good, [400], 0],
	['CONNECT', head('CONNECT a:443 HTTP/1.1', 'Host: a') + good, [400], 0],
	['an authority for GET', head('GET a:443 HTTP/1.1', 'Host: a') + good,
		[400], 0],
	['* for GET', head('GET * HTTP/1.1', 'Host: a') + good, [400], 0],
	['another scheme', head('GET ftp://a/ HTTP/1.1', 'Host: a') + good,
		[400], 0],

	// what the library puts right before we see it: one request, one form
	['an empty line first', CRLF + get(), [200], 1, { path: '/x' }],
	['bare LF for CRLF', 'GET /x HTTP/1.1\nHost: a\nX-A: 1\n\n', [200], 1,
		{ path: '/x', headers: { host: 'a', 'x-a': '1' } }],
	['a folded line', get('X-A: 1', ' 2', 'X-B: 3') + good, [200], 1,
		{ headers: { host: 'a', 'x-a': '1 2', 'x-b': '3' } }],
	['two folded lines at the end', get('X-B: 3', 'X-A: 1', ' \t 2 ', '\t3') +
		good, [200], 1, { headers: { 'x-a': '1 2 3', 'x-b': '3' } }],
	['an empty folded line', get('X-A: 1', ' ', 'X-B: 3') + good,
		[200], 1, { headers: { 'x-a': '1', 'x-b': '3' } }],
	['a folded value without a first line', get('X-A:', ' 2') + good,
		[200], 1, { headers: { 'x-a': '2' } }],
	['a folded length', post('Content-Length:', ' 3') + 'abc' + good,
		[400], 0],
	['a length folded into another', post('Content-Length: 3', ' 0') + 'abc' +
		good, [400], 0],
	['a folded coding', post('Transfer-Encoding:', ' chunked') + chunks +
		good, [400], 0],
	['a folded Host', head('GET /x HTTP/1.1', 'Host:', ' a') + good,
		[400], 0],
	['a fold before the first header',
		head('GET /x HTTP/1.1', ' X-A: 1', 'Host: a') + good, [400], 0],
	['spaces around a value', get('X-A:  \t 1 \t '), [200], 1,
		{ headers: { 'x-a': '1' } }],
	['an empty name, then a request', 'GET /x HTTP/1.1\r\nHost: a\r\n: 1\r\n' +
		good, [200], 1, { path: '/x' }],
	['an empty name and value, then a request',
		'GET /x HTTP/1.1\r\nHost: a\r\n:\r\n' + good, [200], 1,
		{ path: '/x' }],
	['an empty name first', head('GET /x HTTP/1.1', ': 1', 'Host: a') + good,
		[400], 0],
	['a line that begins with NUL',
		'GET /x HTTP/1.1\r\nHost: a\r\n\0X: 1\r\n' + good, [200], 1,
		{ path: '/x' }],
	['NUL in a value', get('X-A: a\0b', 'X-B: 3'), 'one or refused', 1],
	['NUL in a name', get('X-\0A: 1', 'X-B: 3'), 'one or refused', 1],
	['NUL in the target', head('GET /a\0b HTTP/1.1', 'Host: a'),
		'one or refused', 1],
	['a bare CR in a value', get('X-A: a\rX-B: 3'), 'one or refused', 1],
	['a bare CR before a header', get('X-A: 1\rHost: b'), 'one or refused',
		1, { headers: { host: 'a' } }],
	['a bare CR in the target', head('GET /a\rb HTTP/1.1', 'Host: a'),
		'one or refused', 1],
	['many spaces in the request line',
		head('GET   /x   HTTP/1.1', 'Host: a'), 'one or refused', 1],
];
