// Programs that give the same list of values in Node and in the script runtime.
// rnd(n) follows a seed; attempt(fn) gives what was thrown.

import { ATTEMPT, RND } from './both.mjs';

export const programs = {
  "values are shown as Node's console shows them": `const {inspect, format} = require('util');
class A { constructor(){ this.x=1 } } class B extends A { get y(){return 1} }
const o = {a:1}; o.self=o;
const f = function foo(){}; f.p=1;
return [inspect(1),inspect('a\\'b'),inspect([1,2,3]),inspect({a:{b:{c:{d:1}}}}),inspect(new A),inspect(new B),inspect(A),inspect(B),inspect(f),inspect(()=>{}),inspect(async()=>{}),inspect(function*x(){}),
inspect(new Map([[1,{a:2}],['x',[1]]])), inspect(new Set([1,'a'])), inspect(o), inspect(new Date(0)), inspect(/x/g), inspect(Symbol('x')),
  inspect(10n), inspect(-0), inspect([,1,,,2]), inspect([undefined,null]),
inspect(Object.create(null)), inspect(Object.assign(Object.create(null),{a:1})), inspect(new Uint8Array(3)), inspect(Buffer.from('hi')),
  inspect(new ArrayBuffer(4)), inspect('x'.repeat(200)), inspect({s:'x'.repeat(200)}),
inspect(Array.from({length:120},(_, i)=>i)), inspect(Array.from({length:30},(_, i)=>'item'+i)),
  inspect({a:'multi\\nline text that is quite long '.repeat(5)}), inspect(new Number(3)), inspect(new String('abc')), inspect({get a(){return 1},
  set b(v){}, get c(){return 1}, set c(v){}}),
inspect({[Symbol('k')]:1, 'a-b':2, 3:4}), inspect(new WeakMap), inspect((function(){return arguments})(1,2)),
  inspect({a:1,b:'x',c:[1,2,{d:[1,[2,[3]]]}]},{depth:0}), inspect({a:{b:{c:{}}}},{depth:null}), inspect([[[[[]]]]]), inspect({a:[[[1]]]}), 
inspect({ name:'long object', list: Array.from({length:10},(_, i)=>({id:i,name:'name'+i})),
  nested:{a:'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',b:'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy', c:'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'}}),
inspect(new Map([[{a:1},new Set([1])]]).entries ? 1:0), inspect(class {}), inspect(new (class extends Map{})([[1,2]])),
  inspect(new (class Foo extends Array{})(3)), inspect({a:function(){} , b:class Q{}}), inspect(new Proxy({a:1},{})), inspect(globalThis === global),
  inspect([1.5,-2,3e21]), inspect({a:true,b:null,c:undefined}),
format('%s %d %i %f %j %o %O %%', 'a', '42', '42.7', '1.5', {a:1}, {x:[1]}, {y:{z:1}}), format('%s', {a:1}), format('%s', [1,[2,[3]]]),
  format('a','b',{c:1}), format('%s',null,undefined), format('%d', 5n), format('%s', -0), format('%s', Symbol('q')), format(1,2,'3'), format('%s',
  class A{}), format('%s', ()=>1), format('%x', 1), format('100%', 1), format('%s', new Date(0)), format('%s'), format('%j', o), format('%s',
  {toString(){return 'mine'}}), format('%c x','css'),
inspect('a"b\\'c'), inspect('\\x00\\x1f\\u{1F600}\\ud800'), inspect(new Set([[1,2]]),{showHidden:true}), inspect({a:1n,b:Symbol('x')}),
  inspect([ 'a'.repeat(70), 'b'.repeat(70) ]), inspect(Array.from({length:101},()=>({}))).length, inspect({ 'key with space': 1, valid_1: 2,
  ünï: 3}),inspect([1,2,3,4,5,6,7]), inspect(['a','b','c','d','e','f','g','h']), inspect(Array.from({length:27},(_,
  i)=>i*1000)),inspect({a:Array.from({length:27},(_, i)=>'x'.repeat(i%7))}), inspect([{a:1,b:{c:1}},{a:2}]), inspect(Object.create({inherited:1})),
  inspect(new (function Foo(){this.a=1})), inspect(Object.create(A.prototype)), inspect(new Date(NaN)), inspect([new Date(0)]), inspect(Math),
  inspect(JSON), inspect(new Boolean(false)), inspect([,'a',,]), inspect({a:[,]}), inspect(Object(Symbol('b'))), inspect(Object(1n)),
  inspect(new Float32Array([1.5,2])), inspect(new BigInt64Array(2)), inspect(new DataView(new ArrayBuffer(2)))];`,
  "errors are shown with their members": `const e = new Error('bad'); e.code='X'; e.stack='Error: bad\\n    at foo (a.js:1:2)'; const {inspect}=require('util'); const c = new Error('c');
  c.stack='Error: c\\n    at q'; const w = new Error('w',{cause:c}); w.stack='Error: w\\n    at r'; const n = new Error('n'); n.stack='Error: n';
  class My extends Error {}; const m = new My('mm'); m.name='My'; m.stack='My: mm\\n    at z';
return [inspect(e), inspect({e}), inspect([e]), inspect(w), inspect(n), inspect(m), inspect({a:{b:{e}}})]`,
  "a thousand buffers: texts, searches, copies, fills, comparisons": `
let seed = 7; ${RND}
const encs = ['utf8','hex','base64','base64url','latin1','ascii','ucs2','utf16le','binary','UTF-8'];
const chars = 'abc\\u00e9\\u4e2d=-_+/ 0fF\\n';
const out = [];
const attempt = (f) => { try { const v = f(); return Buffer.isBuffer(v) ? v.toString('hex') : v } catch (e) { return [e.name, e.code, e.message] } };
for (let i = 0; i < 800; i++) {
  let s = ''; for (let k = rnd(12); k > 0; k--) s += chars[rnd(chars.length)];
  const e = encs[rnd(encs.length)], e2 = encs[rnd(encs.length)];
  if (/base64/.test(e)) s = s.replace(/[^\\x00-\\xff]/g, ''); if (/ud8|udc/.test(escape(s))) s = s.toWellFormed(); const b = Buffer.from(s, e);
  const bytes = Buffer.from(Array.from({length:rnd(20)}, () => rnd(256)));
  out.push([b.toString('hex'), bytes.toString(e), b.toString(e2, rnd(5)-2, rnd(10)), Buffer.byteLength(s, e), bytes.slice(rnd(10)-5,
  rnd(10)-5).toString('hex'),
   attempt(() => bytes.indexOf(rnd(256), rnd(20)-10)), attempt(() => bytes.indexOf(bytes.subarray(rnd(5), rnd(8)), rnd(20)-10)),
  attempt(() => bytes.lastIndexOf(bytes.subarray(rnd(5), rnd(8)), rnd(20)-10)), attempt(()=>b.includes(s.slice(rnd(3),rnd(6)).toWellFormed(), rnd(4),
  e)),
   attempt(() => Buffer.from(bytes).fill(s, rnd(10), rnd(20), e)), attempt(() => Buffer.from(bytes).write(s, rnd(8), rnd(8), e)),
  attempt(() => { const c = Buffer.from(bytes); c.write(s, rnd(8), rnd(8), e); return c }), bytes.equals(b), Buffer.compare(bytes, b),
   attempt(() => Buffer.from(bytes).swap16()), attempt(() => Buffer.from(bytes).swap32()), attempt(()=>bytes.compare(b, rnd(5), rnd(9), rnd(5),
  rnd(9))), attempt(() => { const t = Buffer.alloc(6); const n = bytes.copy(t, rnd(9)-1, rnd(9)-1, rnd(12)); return [n, t.toString('hex')] }),
  JSON.stringify(b), attempt(()=>Buffer.concat([b, bytes], rnd(20)))]);
}
return out;`,
  "every read and write of a number, in and out of range": `
let seed = 9; ${RND}
const names = Object.getOwnPropertyNames(Buffer.prototype).filter(n => /^(read|write)(U?I|Big|Fl|Do)/.test(n)).sort();
const out = [names.length, names];
const values = [0, 1, -1, 127, 128, 255, 256, -128, -129, 32767, 65535, 65536, 8388607, 8388608, 16777216, 2**31-1, 2**31, 2**32, -(2**31),
  -(2**31)-1, 1.5, NaN, Infinity, '12', 2**47, 2**48-1, 2**40, 549755813888];
const bigs = [0n, -1n, 2n**63n, 2n**63n-1n, 2n**64n, -(2n**63n), 2n**70n];
for (const n of names) for (let i = 0; i < 40; i++) {
  const b = Buffer.from(Array.from({length:12}, () => rnd(256)));
  const long = /Int(LE|BE)$/.test(n);
  const off = [0,1,4,8,11,12,-1,1.5,undefined,'0',7][rnd(11)];
  const args = n.startsWith('read') ? [off] : [n.includes('Big') ? bigs[rnd(bigs.length)] : values[rnd(values.length)], off];
  if (long) args.push([1,2,3,4,5,6,7,0,undefined][rnd(9)]);
  try { const v = b[n](...args); out.push([n, String(v), b.toString('hex')]) } catch (e) { out.push([n, args.map(String), e.name, e.code,
  e.message]) }
}
return out;`,
  "what Buffer takes and refuses": `const attempt = (f) => { try { const v = f(); return v } catch (e) { return [e.name, e.code, e.message] } };
return [()=>Buffer.from(5), ()=>Buffer.from(null), ()=>Buffer.from(undefined), ()=>Buffer.from({}), ()=>Buffer.from({length:2,0:1,1:2}),
  ()=>Buffer.from(Buffer.from('x').toJSON()), ()=>Buffer.from(new String('abc')), ()=>Buffer.alloc('5'), ()=>Buffer.alloc(-1),
  ()=>Buffer.alloc(3,'ab'), ()=>Buffer.alloc(3, 300), ()=>Buffer.from('x','nope'), ()=>Buffer.concat('x'), ()=>Buffer.concat([1]),
  ()=>Buffer.isEncoding('HEX'), ()=>Buffer.isEncoding('x'), ()=>Buffer.byteLength(5), ()=>Buffer.compare('a','b'), ()=>Buffer.from('a').equals('a'),
  ()=>Buffer.from(new Uint16Array([1,258])), ()=>Buffer.from(new ArrayBuffer(8), 2, 3).length, ()=>Buffer.from(new ArrayBuffer(8), 9),
  ()=>Buffer.from([1,2,3]).map(x=>x*2) instanceof Buffer, ()=>Buffer.from('abc').slice(1).toString(), ()=>Buffer.from('abc')+'',
  ()=>Buffer.from('abc').toString('nope'), ()=>Buffer.from('abc').indexOf({}), ()=>Buffer.from('abc').indexOf(''), ()=>Buffer.from('abc').fill(''),
  ()=>Buffer.from('abc').fill('xy','nope'), ()=>Buffer.from('abc').readInt8(), ()=>Buffer.from([]).readInt8(),
  ()=>Buffer.from('aé中').toString('latin1'), ()=>Buffer.from('ff','hex')[0], ()=>Buffer.of(1,2).toString('hex'),
  ()=>Buffer.from('abc').subarray(1,2) instanceof Buffer, ()=>Object.prototype.toString.call(Buffer.from('')), ()=>Buffer(3).length,
  ()=>new Buffer('abc').toString(), ()=>Buffer.from('abc').at(-1), ()=>[...Buffer.from('ab').entries()], ()=>Buffer.from('abc').toLocaleString(),
  ()=>Buffer.name, ()=>Buffer.from('\\ufeffabc').toString().length, ()=>typeof Buffer.from('abc').parent, ()=>Buffer.from('abc').write('zz',1),
  ()=>Buffer.from('abc').write(5)].map(attempt)`,
  "atob and btoa": `const a = []; for (const f of [()=>atob('aGk='),()=>atob(' aG k '),()=>atob('a'),()=>atob('*'),()=>atob(''),()=>btoa('hi'),()=>btoa('é'),()=>btoa('中'),()=>btoa(),()=>btoa(null), ()=>atob('aGk'), ()=>atob('aGk=='), ()=>atob('a===')]) try { a.push(f()) } catch (e) { a.push([e.name, e.code, e instanceof Error]) } return a`,
  "TextDecoder: streams, marks, faults in four encodings": `const out=[]; let seed = 3; ${RND}
const pool=[0x41,0xc3,0xa9,0xe4,0xb8,0xad,0xf0,0x9f,0x98,0x80,0xed,0xa0,0x80,0xef,0xbb,0xbf,0xff,0xfe,0xd8,0x00,0xdc,0xe0,0xc0,0xf4,0x90,0xc2];
for (const label of ['utf-8','utf-16le','latin1','utf-16be']) for (let i=0;i<700;i++) { const bytes = Uint8Array.from({length:rnd(9)},()=>pool[rnd(pool.length)]); const opts={fatal:rnd(2)===0,ignoreBOM:rnd(2)===0};
 if (label==='latin1') opts.fatal=false;
 try { const d = new TextDecoder(label,opts); const cut=rnd(9); out.push([d.encoding, [...bytes], opts,
  d.decode(bytes.subarray(0,cut),{stream:true}), d.decode(bytes.subarray(cut)), d.decode(bytes)]) } catch(e) { out.push([[...bytes], opts, e.name,
  e.code, e.message]) } }
out.push([...new TextEncoder().encode('a\\ud800é')], new TextEncoder().encodeInto('aé中😀', new Uint8Array(7)), new TextDecoder().encoding);
  try { new TextDecoder('nope') } catch (e) { out.push(e.name, e.code, e.message)} return out`,
  // Left out: "#…" with text before it on a base without slashes, and "x:y" within
  // a file's path, where Node's own parser departs from the standard.
  "twelve thousand texts are read as Node reads them": `let seed = 5; ${RND}
const pieces = ['http:', 'https:', 'file:', 'ftp:', 'ws:', 'mailto:', 'data:', 'foo:', 'HTTP:', '//', '/', '\\\\\\\\', '\\\\', 'a', 'example.com',
  'EXAMPLE.com', '127.1', '0x7f.1', '256.256.256.256', '[::1]', '[1:2::3:4]', '[::ffff:1.2.3.4]', '[1::2::3]', ':80', ':443', ':99999', ':', '@',
  'user', 'u:p@', '?', 'q=1', '&', '#', 'frag', ' ', '\\t', '%20', '%zz', '..', '.', '/../', '/./', '%2e%2E', 'C:', 'C|', '/C:/x', 'é', '中文',
  'xn--fiq228c', '%41', '"', '<', '>', '\\'', '{', '}', '|', '^', '\`', 'bücher.de', 'ａ.com', 'a_b', 'a b', '*', '\\u0000', '\\u007f', '\\u{1F600}',
  '[', ']', 'localhost', '1.2.3', '0', '09', 'x:y', ';', ',', '$', '!', '~', '+', '='];
const bases = [undefined, undefined, 'http://u:p@host:8080/a/b/c?x=1#f', 'file:///C:/a/b', 'file://srv/x', 'mailto:x@y', 'foo://h/p/q', 'foo:/a/b',
  'https://e.com', 'data:text/plain,hi', 'ftp://f/'];
const out = [];
for (let i = 0; i < 14000; i++) { let s = ''; for (let k = 1 + rnd(7); k > 0; k--) s += pieces[rnd(pieces.length)];
  const base = bases[rnd(bases.length)];
 if ((/^(mailto|data)/.test(base) && s.includes('#')) || s.includes('x:y')) continue;
 let r; try { const u = new URL(s, base); r = [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname,
  u.search, u.hash, [...u.searchParams].join('|')].join(' ') } catch (e) { r = e.code }
 out.push([s, base ?? null, r]); }
return out;`,
  "path is Node's": `${ATTEMPT} const path = require('path'); const out = []; const parts = ['', '.', '..', 'a', '/a', 'a/', '/a/b/../c', 'x.tar.gz', '.bashrc', 'a//b',
  '/', '../../x', 'foo.', 'a.b/', '/a/b.c', './x', '..a', 'a/..', 'index.js'];
for (const f of ['normalize','dirname','basename','extname','parse','isAbsolute']) for (const p of parts) out.push([f, p, path[f](p)]);
for (const a of parts) for (const b of parts) { out.push(['join', a, b, path.join(a,b)]); if (path.isAbsolute(a)) out.push(['resolve', a, b,
  path.resolve(a,b), path.relative('/'+a, '/'+b)]); out.push(path.basename(a, b.replace(/^[/.]*|[/.]*$/g, ''))); out.push(path.format({dir:a, base:b}),
  path.format({root:a,name:b,ext:'x'})) }
out.push(await attempt(()=>path.join(1)), path.sep, path.delimiter); return out;`,
  "querystring is Node's": `${ATTEMPT} const qs = require('querystring'); return [qs.parse('a=1&b=2&a=3&c&=d&e=%zz&f=%E4%B8%AD+x&&'), qs.parse('a:1;b:2',';',':'),
  qs.stringify({a:1,b:[1,'x y'],c:true,d:null,e:undefined,f:NaN,g:10n,h:'中 &='}), qs.escape('a b&中'), qs.unescape('%41%zz'),
  qs.parse('a=1&b=2&c=3',null,null,{maxKeys:2}), qs.stringify('x'), qs.parse('a=b=c')]`,
  "the old url.parse, format and resolve are Node's": `const url = require('url'); const strip = (u) => ({...u}); return ['http://user:pass@sub.host.com:8080/p/a/t/h?query=string#hash', '/a/b?x=1',
  '//host/path', 'mailto:a@b.c', 'http://HOST', 'HTTP://example.com:80/a b?c=d e#f g', 'x', '', '?a', '#b', 'http://a.com\\\\b', 'http://[::1]:80/x',
  'file:///etc/x', 'javascript:alert(1)', 'http://例え.jp/x', 'http://a.com?x', '/path;p?q'].map(t => [t, strip(url.parse(t)), strip(url.parse(t,
  true)), url.format(url.parse(t))]).concat([[url.format({protocol:'http',host:'a.com',pathname:'x',query:{a:1,b:[1,2]}}),
  url.resolve('/one/two/three','four'), url.resolve('http://e.com/','/one'), url.resolve('http://e.com/one','/two'),
  url.fileURLToPath('file:///a%20b'), url.pathToFileURL('/a b#c?d%').href,
  url.format(new URL('http://u:p@a.com/x?y#z'),{auth:false,fragment:false,search:false}),
  url.urlToHttpOptions(new URL('https://a:b@[::1]:8/x?y#z'))]])`,
  "EventEmitter does what Node's does": `${ATTEMPT} const EventEmitter = require('events'); const out = []; const e = new EventEmitter(); e.on('newListener', (n) => out.push(['new', n]));
  const f = () => out.push('f'); e.on('a', f); e.once('a', () => out.push('once')); e.prependListener('a', () => out.push('first')); e.emit('a', 1);
  e.emit('a'); out.push(e.listenerCount('a'), e.eventNames(), e.listeners('a').length, e.rawListeners('a').length); e.off('a', f);
  out.push(e.emit('a'), e.emit('nobody')); out.push(await attempt(() => e.emit('error', new Error('boo'))));
  out.push(await attempt(() => e.emit('error', {a:1}))); out.push(await attempt(() => e.on('x', 5))); const p = EventEmitter.once(e, 'later');
  e.emit('later', 1, 2); out.push(await p); const it = EventEmitter.on(e, 'it'); e.emit('it', 1); e.emit('it', 2); out.push((await it.next()).value,
  (await it.next()).value); class My extends EventEmitter {}; const m = new My; out.push(m instanceof EventEmitter, m.getMaxListeners());
  m.removeAllListeners(); let depth=0; const g=()=>{ if(depth++<3) m.emit('r'); m.off('r', g)}; m.on('r', g); m.emit('r'); out.push(depth,
  await attempt(() => m.setMaxListeners(-1)), await attempt(()=>EventEmitter.defaultMaxListeners)); return out`,
  "util's helpers": `${ATTEMPT} const util = require('util'); const out = []; out.push(await util.promisify((a,cb)=>cb(null,a+1))(1),
  await attempt(()=>util.promisify((cb)=>cb(new Error('no')))()), await util.promisify(setTimeout)(1,'v'),
  await new Promise(r=>util.callbackify(async(x)=>x*2)(4,(e,v)=>r([e,v]))),
  await new Promise(r=>util.callbackify(async()=>{throw null})((e)=>r([e.code,e.message])))); function A(){}; function B(){}; util.inherits(B,A);
  out.push(new B instanceof A, B.super_===A, util.types.isDate(new Date), util.types.isRegExp(/x/), util.types.isPromise(Promise.resolve()),
  util.types.isAsyncFunction(async()=>{}), util.types.isGeneratorFunction(function*(){}), util.types.isTypedArray(new Uint8Array),
  util.types.isMap(new Map), util.types.isNativeError(new Error), util.isArray([]), await attempt(()=>util.promisify(1)),
  util.stripVTControlCharacters('\\x1b[31mx\\x1b[0m'), util.toUSVString('a\\ud800')); return out`,
  "timers, ticks and microtasks come in Node's order": `${ATTEMPT} const order=[]; await new Promise((r) => setTimeout(r, 1)); const p = new Promise(r => { setTimeout(() => { order.push('timeout');
  Promise.resolve().then(()=>order.push('micro')); process.nextTick(()=>order.push('tick')); setTimeout(()=>r(),5) }, 1); });
  Promise.resolve().then(()=>order.push('micro0')); queueMicrotask(()=>order.push('micro1')); order.push('sync'); await p;
  const i = setInterval(()=>order.push('i'), 1); await new Promise(r=>setTimeout(r,30)); clearInterval(i); const n = order.filter(x=>x==='i').length;
  const t = setTimeout(()=>order.push('never'),1); clearTimeout(t); order.push(t.hasRef(), t.unref()===t, t.hasRef());
  const tp=require('timers/promises'); order.push(await tp.setTimeout(1,'v'), await tp.setImmediate('w'));
  const num = +setTimeout(()=>order.push('num'),1); clearTimeout(num); await tp.setTimeout(5); return [n > 2, order.filter(x=>x!=='i'),
  await attempt(()=>setTimeout('x'))]`,
  "files: own ones are read, /tmp is written": `${ATTEMPT} const fs=require('fs'); const out=[]; const dir=fs.mkdtempSync('/tmp/mpcs-'); fs.writeFileSync(dir+'/a.txt','hé');
  fs.appendFileSync(dir+'/a.txt','!'); out.push(fs.readFileSync(dir+'/a.txt','utf8'), fs.existsSync(dir+'/a.txt'), fs.existsSync('/nope'),
  fs.statSync(dir).isDirectory(), fs.statSync(dir+'/a.txt').size, fs.readdirSync(dir)); fs.mkdirSync(dir+'/x/y',{recursive:true});
  out.push(fs.readdirSync(dir)); const strip=(r)=>Array.isArray(r)&&typeof r[2]==='string'?[r[0],r[1],r[2].replaceAll(dir,'DIR')]:r;
  for (const f of [()=>fs.readFileSync(dir+'/no'),()=>fs.readFileSync(dir),()=>fs.statSync(dir+'/no'),()=>fs.readdirSync(dir+'/a.txt'),()=>fs.mkdirSync(dir),()=>fs.unlinkSync(dir+'/no'),()=>fs.writeFileSync(dir+'/q/z','x'),()=>fs.readFileSync(5.5),()=>fs.accessSync(dir+'/no'),()=>fs.promises.readFile(dir+'/no')]) out.push(strip(await attempt(f))); out.push(await fs.promises.readFile(dir+'/a.txt','utf8'), await new Promise(r=>fs.readFile(dir+'/a.txt','utf8',(e,d)=>r(d))), await new Promise(r=>fs.readFile(dir+'/no',(e)=>r(e.code)))); fs.copyFileSync(dir+'/a.txt',dir+'/b.txt'); fs.renameSync(dir+'/b.txt',dir+'/c.txt'); fs.unlinkSync(dir+'/a.txt'); out.push(fs.readdirSync(dir)); const parts=[]; for await (const c of fs.createReadStream(dir+'/c.txt')) parts.push(c.toString()); out.push(parts);
  out.push(strip(await attempt(()=>fs.rmdirSync(dir))), (await attempt(()=>fs.rmSync(dir)))[1]); fs.rmdirSync(dir+'/x/y'); fs.rmSync(dir,{recursive:true});
  out.push(fs.existsSync(dir), await attempt(()=>fs.rmSync(dir,{force:true}))); return out`,
  "StringDecoder keeps characters whole": `const { StringDecoder } = require('string_decoder'); const out=[];
  for (const e of ['utf8','utf16le','base64','hex','latin1']) for (let cut=0;cut<12;cut++) { const d = new StringDecoder(e);
  const b = Buffer.from('aé中😀z','utf8'); out.push([e, cut, d.write(b.subarray(0,cut)), d.write(b.subarray(cut)), d.end()]);
  const d2 = new StringDecoder(e); out.push(d2.write(b.subarray(0,cut)) + '|' + d2.end()) } return out`,
  "assert finds and says the same": `${ATTEMPT} const assert = require('assert'); const t = (f) => { try { f(); return 'ok' } catch (e) { return [e.name, e.code, e.generatedMessage] } };
  const cases = [[1,1],[1,'1'],[NaN,NaN],[0,-0],[{a:1},{a:1}],[{a:1},{a:'1'}],[[1,2],[1,2]],[[1,2],[2,1]],[new Map([[1,2]]),new Map([[1,2]])],[new Map([[{a:1},2]]),new Map([[{a:1},2]])],[new Set([1,{a:1}]),new Set([{a:1},1])],[new Set([1,2]),new Set([1,3])],[new Date(0),new Date(0)],[new Date(0),new Date(1)],[/a/g,/a/g],[/a/g,/a/i],[new Error('a'),new Error('a')],[new Error('a'),new TypeError('a')],[Buffer.from('a'),Buffer.from('a')],[new Uint8Array([1]),Buffer.from([1])],[null,undefined],[{a:undefined},{}],[[,1],[undefined,1]],[Object.create(null),{}],[new Number(1),new Number(1)],[new Number(1),1],[{[Symbol.for('a')]:1},{}],['a',Object('a')],[1n,1n],[1n,1],[[1,[2,{b:[3]}]],[1,[2,{b:[3]}]]],[{a:1,b:2},{b:2,a:1}],[new Set([[1]]),new Set([['1']])],[new Map([['a',1]]),new Map([['a','1']])],[Symbol.iterator,Symbol.iterator],[()=>1,()=>1]];
const circ = () => { const o = {a:1}; o.o = o; return o }; cases.push([circ(), circ()]);
const out = []; for (const [a,b] of cases) for (const m of ['equal','notEqual','strictEqual','notStrictEqual','deepEqual','notDeepEqual','deepStrictEqual','notDeepStrictEqual']) out.push(t(() => assert[m](a,b)));
out.push(t(()=>assert(0)),t(()=>assert(1)),t(()=>assert.ok(false,'msg')),t(()=>assert.throws(()=>{throw new TypeError('bad')},TypeError)),t(()=>assert.throws(()=>{throw new TypeError('bad')},/bad/)),t(()=>assert.throws(()=>{throw new TypeError('bad')},{name:'TypeError',message:'bad'})),t(()=>assert.throws(()=>{throw new TypeError('bad')},{message:/x/})),t(()=>assert.throws(()=>{})),t(()=>assert.doesNotThrow(()=>{throw 1})),t(()=>assert.match('abc',/b/)),t(()=>assert.match('abc',/z/)),t(()=>assert.ifError(null)),t(()=>assert.ifError(new Error('x'))),t(()=>assert.fail('f')),t(()=>assert.strict.equal(1,'1')), await attempt(()=>assert.rejects(Promise.reject(new Error('x')),/x/)), (await attempt(()=>assert.rejects(Promise.resolve(1))))[1], await attempt(()=>assert.strictEqual(1)), await attempt(()=>assert.fail('boom')), await attempt(()=>assert.equal(1,2)), await attempt(()=>assert.throws(()=>{throw new Error('e')}, RangeError)), require('util').isDeepStrictEqual({a:[1]},{a:[1]})); return out`,
  "hashes, HMAC and random values": `${ATTEMPT} const crypto = require('crypto'); const out = [];
  for (const h of ['md5','sha1','sha256','sha512','SHA256','RSA-SHA1']) out.push(crypto.createHash(h).update('a').update(Buffer.from('b')).digest('hex'), crypto.createHmac(h,'key').update('x').digest('base64')); out.push(await attempt(()=>crypto.createHash('sha1').update(5)), (await attempt(()=>crypto.createHash('nope')))[2], (await attempt(()=>crypto.createHmac('nope','k')))[1], crypto.randomBytes(5).length, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.timingSafeEqual(Buffer.from('a'),Buffer.from('a')), (await attempt(()=>crypto.timingSafeEqual(Buffer.from('a'),Buffer.from('ab'))))[1], crypto.pbkdf2Sync('p','s',10,40,'sha256').toString('hex'), Array.from({length:200},()=>crypto.randomInt(3,7)).every(n=>n>=3&&n<7)); const h = crypto.createHash('md5').update('a'); const c = h.copy(); out.push(c.update('b').digest('hex'), h.digest('hex'), (await attempt(()=>h.digest()))[1], globalThis.crypto.getRandomValues(new Uint8Array(3)).length, Buffer.from(await globalThis.crypto.subtle.digest('SHA-256', Buffer.from('a'))).toString('hex')); return out`,
  "structuredClone copies, keeps circles and refuses": `${ATTEMPT} const out = []; const m = new Map([[{a:1}, new Set([1])]]); const o = {d:new Date(5), r:/x/gi, m, u:new Uint8Array([1,2]),
  e:new RangeError('bad'), n:null, un:undefined, b:10n, arr:[1,,3], box:new Number(4), nested:{x:[{}]}}; o.self=o; const c = structuredClone(o);
  out.push(c.self===c, c.d.getTime(), String(c.r), [...c.m.keys()][0].a, [...c.m.values()][0].has(1), [...c.u], c.e instanceof RangeError,
  c.e.message, 'un' in c, String(c.b), 1 in c.arr, c.arr.length, c.box.valueOf(), c!==o, typeof structuredClone('x'));
  class Q { constructor(){this.v=1} get g(){return 1} m(){} } const q = structuredClone(new Q); out.push(q.constructor===Object, q);
  for (const bad of [()=>1, Symbol('s'), {f(){}}, Promise.resolve(), new WeakMap]) out.push((await attempt(()=>structuredClone(bad))).slice(0,2));
  const ab = new ArrayBuffer(4); const v1 = new Uint8Array(ab), v2 = new Uint8Array(ab,1); const [x,y] = structuredClone([v1,v2]);
  out.push(x.buffer===y.buffer, y.byteOffset); return out`,
  "Headers, Request, Response, FormData, Blob, signals and events": `${ATTEMPT} const out = []; const h = new Headers({'B':'1','a':'2'}); h.append('a','3'); h.append('Set-Cookie','x=1'); h.append('set-cookie','y=2');
  out.push([...h], h.get('A'), h.has('b'), h.getSetCookie(), (await attempt(()=>new Headers([['a']])))[0],
  (await attempt(()=>h.append('bad name','x')))[0], (await attempt(()=>h.append('x','bad\\nvalue')))[0]); const r = new Response('hé', {status:201,
  headers:{x:'y'}}); out.push(r.status, r.ok, r.headers.get('content-type'), await r.clone().text(), (await r.arrayBuffer()).byteLength, r.bodyUsed,
  (await attempt(()=>r.text()))[0]); out.push(await Response.json({a:1}).json(), Response.json({a:1}).headers.get('content-type'));
  const q = new Request('http://a.com/x?y#z', {method:'post', body:new URLSearchParams({a:'b c'})}); out.push(q.url, q.method,
  q.headers.get('content-type'), await q.clone().text(), [...(await q.formData())]);
  out.push((await attempt(()=>new Request('http://a.com',{body:'x'})))[0], (await attempt(()=>new Request('/rel')))[0]); const fd = new FormData;
  fd.append('a','1'); fd.append('f', new Blob(['xyz'],{type:'text/plain'}), 'f.txt'); fd.append('a','2'); fd.set('b','3');
  const back = await new Response(fd).formData(); out.push([...back].map(([k,v])=>[k, typeof v==='string'?v:[v.name,v.type,v.size]]),
  await back.get('f').text(), back.getAll('a')); const b = new Blob(['ab',new Uint8Array([99]),new Blob(['d'])],{type:'T/x'});
  out.push(b.size,b.type,await b.text(),await b.slice(1,3).text(),await b.slice(-1).text()); const ac = new AbortController; let n=0;
  ac.signal.addEventListener('abort',()=>n++); ac.signal.onabort=()=>n++; ac.abort(); ac.abort(); out.push(n, ac.signal.aborted,
  ac.signal.reason.name, (await attempt(()=>ac.signal.throwIfAborted()))[0], AbortSignal.abort('r').reason); const alive = setTimeout(() => {},
  1000); await new Promise(r=>AbortSignal.timeout(5).addEventListener('abort',e=>{out.push(e.target.reason.name); r()})); clearTimeout(alive);
  const et = new EventTarget; const seen=[]; const fn=e=>seen.push(e.type+e.defaultPrevented); et.addEventListener('x',fn);
  et.addEventListener('x',fn); et.addEventListener('x',{handleEvent(e){e.preventDefault();seen.push('h')}},{once:true});
  out.push(et.dispatchEvent(new Event('x',{cancelable:true})), et.dispatchEvent(new Event('x',{cancelable:true})), seen); const parts=[];
  for await (const p of new Response('stream').body) parts.push(Buffer.from(p).toString()); out.push(parts, new DOMException('m','AbortError').code,
  new DOMException('m').name, typeof performance.now()); out.push(await (await fetch('data:text/plain;base64,aGk=')).text(),
  (await attempt(()=>fetch('nope://x')))[2]); return out`,
  "URLSearchParams and the setters of URL": `const out=[]; let s=1; const p = new URLSearchParams('?a=1&b=2&a=3+4&c=%41&d'); p.append('é','中 &'); out.push(String(p), p.get('a'), p.getAll('a'),
  p.has('z'), p.size, [...p.keys()]); p.set('a','9'); p.delete('b'); p.sort(); out.push(String(p), [...p]);
  out.push(String(new URLSearchParams({x:1,y:[1,2]})), String(new URLSearchParams([['a','b'],['c','d']])),
  String(new URLSearchParams(new Map([['q','w']])))); const u = new URL('http://a.com/?x=1#h'); u.searchParams.append('y','2 3'); out.push(u.href);
  u.search='?z=%20'; out.push([...u.searchParams], u.href); u.searchParams.delete('z'); out.push(u.href);
  for (const [k,v] of [['protocol','https'],['host','b.com:81'],['hostname','C.com'],['port','443'],['pathname','/a b/../c'],['hash','q r'],['username','u@'],['password',':p'],['port','x'],['host',''],['protocol','foo'],['href','http://z.com/q'],['search',''],['hash',''],['pathname',''],['port','99999'],['hostname','a:b']]) { try { u[k]=v } catch (e) { out.push(e.code) } out.push([k,v,u.href]) } const o=new URL('foo:bar'); for (const [k,v] of [['pathname','x'],['host','h'],['search','q'],['hash','h'],['username','u']]) { o[k]=v; out.push([k,o.href]) } return out`,
};
