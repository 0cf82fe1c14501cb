#pragma once

/*
 * What runs inside of Valkey.
 *
 * Times are µs since VALKEY_EPOCH (numbers there are doubles: so small, a
 * hundredth of a µs is still told).  KEYS are two for each rule: its TAT, its
 * places (a sorted set of leases by their end).
 */

#define VALKEY_EPOCH "1700000000000000"

#define VALKEY_NOW \
	"local now = tonumber(ARGV[1])\n" \
	"if now == 0 then\n" \
	" local t = redis.call('TIME')\n" \
	" now = (tonumber(t[1]) * 1000000 - " VALKEY_EPOCH \
	") + tonumber(t[2])\n" \
	"else now = now - " VALKEY_EPOCH " end\n"

/* ARGV: now (0: yours), ms of a lease, its name; then of each rule: interval
 * in µs (0: no rate), burst, cost, places (0: any).  Answer: the number of the
 * rule that refused or 0, 1 when it was for want of a place; then of each rule
 * what remains, µs until all of it does, µs until this would be let in. */
static const char valkey_take_script[] = VALKEY_NOW
	"local lease = tonumber(ARGV[2])\n"
	"local n = #KEYS / 2\n"
	"local next, out, refused, place = {}, {0, 0}, 0, 0\n"
	"for i = 1, n do\n"
	" local a = 3 + (i - 1) * 4\n"
	" local step, burst = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])\n"
	" local cost, top = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])\n"
	" local left, reset, retry = 0, 0, 0\n"
	" if step > 0 then\n"
	"  local full = step * burst\n"
	"  local tat = tonumber(redis.call('GET', KEYS[2 * i - 1]) or now)\n"
	"  local from = math.min(math.max(tat, now), now + full)\n"
	"  next[i] = from + step * cost\n"
	"  if next[i] - now > full + 0.5 then\n"
	"   retry = next[i] - now - full\n"
	"   if refused == 0 then refused = i end\n"
	"   next[i] = from\n"
	"  end\n"
	"  reset = next[i] - now\n"
	"  left = math.max(0, math.floor((full - reset) / step + 0.0001))\n"
	" end\n"
	" if top > 0 and refused == 0 then\n"
	"  redis.call('ZREMRANGEBYSCORE', KEYS[2 * i], '-inf', now)\n"
	"  if redis.call('ZCARD', KEYS[2 * i]) >= top then\n"
	"   refused = i\n"
	"   place = 1\n"
	"  end\n"
	" end\n"
	" out[3 * i] = left\n"
	" out[3 * i + 1] = math.ceil(reset)\n"
	" out[3 * i + 2] = math.ceil(retry)\n"
	"end\n"
	"out[1], out[2] = refused, place\n"
	"if refused > 0 then return out end\n"
	"for i = 1, n do\n"
	" if next[i] then\n"
	"  redis.call('SET', KEYS[2 * i - 1], string.format('%.17g', "
	"next[i]),\n"
	"   'PX', math.ceil((next[i] - now) / 1000) + 10000)\n"
	" end\n"
	" if tonumber(ARGV[3 + i * 4]) > 0 then\n"
	"  redis.call('ZADD', KEYS[2 * i], now + lease * 1000, ARGV[3])\n"
	"  redis.call('PEXPIRE', KEYS[2 * i], lease * 2)\n"
	" end\n"
	"end\n"
	"return out\n";

/* The same ARGV[1 … 3]; KEYS are places. */
static const char valkey_renew_script[] =
	VALKEY_NOW "for i = 1, #KEYS do\n"
		   " redis.call('ZADD', KEYS[i], now + tonumber(ARGV[2]) * "
		   "1000, ARGV[3])\n"
		   " redis.call('PEXPIRE', KEYS[i], tonumber(ARGV[2]) * 2)\n"
		   "end\n"
		   "return 1\n";
