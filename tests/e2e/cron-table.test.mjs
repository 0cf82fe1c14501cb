// Cron expressions: their next ten times beside those of croner (npm), for a
// thousand generated expressions in zones with clock changes.
//
// Where the two differ on purpose, the expression is written in croner's own
// words first (see `theirs`):
//   ?      croner takes it for a restriction to 1-31, and "1 or ?" for each
//          day; for Tencent's page it says "no matter which": *
//   5L     is 5#L there; L alone in the week field does not exist there
//   LW     does not exist there: it is asked for working days, and the last of
//          a month is taken
//   3/10   wants the option sloppyRanges
// "*/1" for day or week means every day here; there it is a restriction, and
// is left out.  At a clock change croner 10 lists times twice and out of order,
// so there it only says which wall clock times match, Node's Intl says which of
// them there are, and the rule of functions/cron.h is written down here again.
import assert from 'node:assert/strict';
import test from 'node:test';
import {spawnSync} from 'node:child_process';
import path from 'node:path';
import {Cron} from 'croner';

const DRIVER = path.join(process.env.MPCLOUD_BUILD ?? '.',
	'tests/lib/cron-driver');

function ours(cases) {
	const input = cases.map(([zone, after, expression, count = 10]) =>
		`${zone}\t${after}\t${count}\t${expression}\n`).join('');
	const {stdout, status} = spawnSync(DRIVER, {input, encoding: 'utf8'});

	assert.equal(status, 0);
	const lines = stdout.split('\n').slice(0, -1);
	assert.equal(lines.length, cases.length);
	return lines.map((line) => line.startsWith('!') ? line :
		line.trim().split(' ').filter(Boolean).map(Number));
}

function theirs(zone, after, expression, count = 10) {
	const field = expression.replaceAll('?', '*').split(' ');

	field[5] = field[5].replace(/(\w+)L\b/g, '$1#L');
	return new Cron(field.join(' '),
		{timezone: zone, paused: true, sloppyRanges: true})
		.nextRuns(count, new Date(after * 1000)).map((d) => d / 1000);
}

// Numbers that are the same in each run.
function generator(seed) {
	const below = (n) => {
		seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
		return (seed >> 8) % n;
	};
	return {below, pick: (list) => list[below(list.length)]};
}

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

function expressions(count, seed) {
	const {below, pick} = generator(seed);
	const name = (n, low, names) =>
		names && below(3) === 0 ? names[n - low] : String(n);
	const number = (low, top, names) =>
		name(low + below(top - low + 1), low, names);
	const range = (low, top, names) => {
		const a = low + below(top - low), b = a + 1 + below(top - a);
		return `${name(a, low, names)}-${name(b, low, names)}`;
	};
	const step = (top) => 2 + below(Math.min(top, 20) - 1);
	const field = (low, top, names) => pick([
		() => '*',
		() => '*',
		() => number(low, top, names),
		() => range(low, top, names),
		() => `*/${step(top)}`,
		() => `${low + below(top - low)}/${step(top)}`,
		() => `${range(low, top)}/${step(top)}`,
		() => [number(low, top, names), range(low, top, names),
			number(low, top, names)].join(','),
	])();
	const day = () => pick([
		() => 'L', () => '?', () => `${1 + below(31)}W`,
		() => `${1 + below(28)},L`, () => `${1 + below(9)}W,2${below(9)}W`,
		() => field(1, 31), () => field(1, 31), () => field(1, 31),
	])();
	const week = () => pick([
		() => `${number(0, 6, DAYS)}#${1 + below(5)}`,
		() => `${number(0, 6, DAYS)}L`, () => '?',
		() => field(0, 6, DAYS), () => field(0, 6, DAYS),
	])();
	const year = () => below(5) ? '*' :
		pick(['2027-2030', '2028', '2027/3', '2096-2099', '2029,2031']);
	const list = [];

	while (list.length < count)
		list.push([field(0, 59), field(0, 59), field(0, 23), day(),
			field(1, 12, MONTHS), week(), year()].join(' '));
	return list;
}

const ZONES = ['Asia/Shanghai', 'UTC', 'America/New_York', 'Europe/Berlin',
	'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Sao_Paulo',
	'Pacific/Auckland'];
// Instants that are not beside a clock change.
const STARTS = [1772900000, 1780000000, 1795000000, 1804000000, 1825400000];

const show = (list) => Array.isArray(list) ?
	list.map((t) => new Date(t * 1000).toISOString()).join(' ') : list;

test('the next ten times of 1,500 expressions are those of croner', () => {
	const {pick} = generator(11);
	const cases = expressions(1500, 7)
		.map((e) => [pick(ZONES), pick(STARTS), e]);
	const answers = ours(cases);
	let compared = 0, empty = 0;

	cases.forEach(([zone, after, expression], i) => {
		const want = theirs(zone, after, expression);
		// Near a clock change: the next test's business.
		const all = [...want, ...Array.isArray(answers[i]) ? answers[i] : []];
		if (all.some((t) => nearChange(zone, t)))
			return;
		compared++;
		empty += want.length === 0;
		assert.equal(show(answers[i]), show(want),
			`${expression} in ${zone} after ${show([after])}`);
	});
	assert.ok(compared > 1400, `${compared} compared`);
	assert.ok(empty < 150, `${empty} never run`);
});

// Wall clock of an instant as the seconds it would be in UTC.
const zones = new Map();
function wall(zone, t) {
	if (!zones.has(zone))
		zones.set(zone, {known: new Map(),
			format: new Intl.DateTimeFormat('sv', {timeZone: zone,
				dateStyle: 'short', timeStyle: 'medium'})});
	const {known, format} = zones.get(zone);

	// Asked once for each expression, and slow.
	if (!known.has(t))
		known.set(t, Date.parse(
			`${format.format(t * 1000).replace(' ', 'T')}Z`) / 1000);
	return known.get(t);
}
const offset = (zone, t) => wall(zone, t) - t;
const nearChange = (zone, t) =>
	offset(zone, t - 7200) !== offset(zone, t + 7200);

const CHANGES = [
	['America/New_York', '2027-03-14T07:00Z'],
	['America/New_York', '2027-11-07T06:00Z'],
	['Europe/Berlin', '2027-03-28T01:00Z'],
	['Europe/Berlin', '2027-10-31T01:00Z'],
	['Europe/Berlin', '2031-03-30T01:00Z'],
	['Australia/Lord_Howe', '2027-04-03T15:00Z'],
	['Australia/Lord_Howe', '2027-10-02T15:30Z'],
	['Pacific/Auckland', '2027-04-03T14:00Z'],
	['Pacific/Auckland', '2027-09-25T14:00Z'],
	['America/Sao_Paulo', '2018-11-04T03:00Z'],
	['Africa/Cairo', '2027-04-29T22:00Z'],
];

// What functions/cron.h promises, minute by minute.
function expected(zone, change, expression, from, to) {
	const utc = new Cron(expression, {timezone: 'UTC', paused: true});
	const marks = new Set(), last = to + 14 * 3600;

	for (let at = utc.nextRun(new Date((from - 14 * 3600) * 1000));
		at && at / 1000 <= last; at = utc.nextRun(at))
		marks.add(at / 1000);
	const matches = (w) => marks.has(w);
	const rhythm = expression.split(' ')[2] === '*';
	const before = wall(zone, change - 60) + 60, then = wall(zone, change);
	const list = [];

	for (let t = from + 60; t <= to; t += 60) {
		const w = wall(zone, t);
		let runs = matches(w);

		if (!rhythm && t >= change && w < before)
			runs = false;
		if (!rhythm && t === change)
			for (let gap = before; gap < then; gap += 60)
				runs ||= matches(gap);
		if (runs)
			list.push(t);
	}
	return list;
}

test('what a clock change skips runs after it, what it repeats runs once, ' +
	'and a rhythm goes on', () => {
	const patterns = ['0 30 * * * * *', '0 */20 * * * * *',
		'0 15,45 0-4 * * * *', '0 0 2 * * * *', '0 30 2 * * * *',
		'0 15 1,2,3 * * * *', '0 0 3 * * * *', '0 10 0 * * * *',
		'0 */7 */2 * * * *', '0 45 1 * * * *', '0 59 0,1,2 * * * *'];
	const cases = [], wants = [];
	let skipped = 0, repeated = 0;

	for (const [zone, time] of CHANGES) {
		const change = Date.parse(time) / 1000;
		const jump = offset(zone, change) - offset(zone, change - 1);

		assert.notEqual(jump, 0, `${zone} has no change at ${time}`);
		skipped += jump > 0;
		repeated += jump < 0;
		for (const expression of patterns) {
			const from = change - 6 * 3600, to = change + 30 * 3600;

			cases.push([zone, from, expression, 400]);
			wants.push(expected(zone, change, expression, from, to));
		}
	}
	assert.ok(skipped >= 5 && repeated >= 4);
	ours(cases).forEach((times, i) => {
		const [zone, from, expression] = cases[i];
		const within = times.filter((t) => t <= from + 36 * 3600);

		assert.equal(show(within), show(wants[i]), `${expression} ${zone}`);
	});
});

test('LW is the last working day of each month, L in the week is Saturday',
	() => {
		const after = Date.parse('2026-11-21T00:00Z') / 1000;
		const month = (t) => new Date(t * 1000).toISOString().slice(0, 7);
		const working = theirs('UTC', after, '0 0 9 * * 1-5 *', 1500);
		const last = working.filter((t, i) =>
			i + 1 < working.length && month(working[i + 1]) !== month(t));
		const [lw, l] = ours([['UTC', after, '0 0 9 LW * ? *', 48],
			['UTC', after, '0 0 9 ? * L *', 48]]);

		assert.equal(show(lw), show(last.slice(0, 48)));
		assert.equal(show(l),
			show(theirs('UTC', after, '0 0 9 * * 6 *', 48)));
	});

test('a week may end with its Sunday', () => {
	const after = Date.parse('2026-11-21T00:00Z') / 1000;
	const list = ['0 0 9 ? * FRI-SUN *', '0 0 9 ? * mon-sun/3 *',
		'0 0 9 ? * TUE-SUN/2 *'];

	ours(list.map((e) => ['UTC', after, e])).forEach((times, i) =>
		assert.equal(show(times), show(theirs('UTC', after, list[i]))));
});

test('the command line explains an expression without a daemon', () => {
	const run = (...words) => spawnSync(path.join(process.env.MPCLOUD_BUILD ??
		'.', 'mpcloud'), ['cron', 'next', ...words], {encoding: 'utf8'});
	const {next} = JSON.parse(run('0 0 2 29 2 ? *', '--zone', 'Europe/Berlin',
		'--times', '3', '--json').stdout);
	const after = Math.floor(Date.now() / 1000);

	assert.equal(show(next.map((t) => Date.parse(t) / 1000)),
		show(theirs('Europe/Berlin', after, '0 0 2 29 2 ? *', 3)));
	const {stdout} = run('0 0 2 ? * MON#1,5L *');
	assert.match(stdout, /^ {2}hour +2$/m);
	assert.match(stdout, /^ {2}week +the first Mon of the month, the last Fri of the month$/m);
	assert.match(stdout, /^next +20\d\d-\d\d-\d\d (Mon|Fri) 02:00:00 \+08:00$/m);
	const wrong = run('*/5 * * * *');
	assert.equal(wrong.status, 2);
	assert.match(wrong.stderr, /the second is missing.*write "0 \*\/5 \* \* \* \* \*"/);
});

test('both refuse what is out of range, and five fields are refused here',
	() => {
		const bad = ['60 * * * * * *', '* 60 * * * * *', '* * 24 * * * *',
			'* * * 32 * * *', '* * * * 13 * *', '* * * * FOO * *',
			'* * * * * 8 *', '* * * * * MON#6 *', '5-1 * * * * * *',
			'*/0 * * * * * *', '1,,2 * * * * * *', '1-2-3 * * * * * *',
			'a * * * * * *', '* * * * * * * *'];

		for (const answer of ours(bad.map((e) => ['UTC', 0, e])))
			assert.match(answer, /^!cron/);
		for (const expression of bad)
			assert.throws(() => theirs('UTC', 0, expression), expression);
		assert.match(ours([['UTC', 0, '*/5 * * * *']])[0],
			/^!cron .*the second is missing/);
	});
