-- One request again and again at a fixed pace of each connection: METHOD PATH
-- BODY TOKEN DELAY_MS after "--".  Answers are counted by their status: what is
-- refused must be refused on purpose.
local wait = 0
local bytes

function init(args)
	wrk.method = args[1]
	wrk.body = args[3]
	wrk.headers["Content-Type"] = "application/json"
	wrk.headers["Authorization"] = "Bearer " .. args[4]
	wait = tonumber(args[5])
	math.randomseed(os.time())
	bytes = wrk.format(args[1], args[2])
	counts = {}
end

local first = true

function delay()
	if first then
		first = false
		return math.random(0, math.floor(wait)) -- not all at once
	end
	return wait
end

function request()
	return bytes
end

function response(status)
	counts[status] = (counts[status] or 0) + 1
end

local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function done(summary, latency)
	local parts = {}
	for _, thread in ipairs(threads) do
		for status, n in pairs(thread:get("counts")) do
			table.insert(parts, string.format('"%d":%d', status, n))
		end
	end
	io.write(string.format(
		'{"requests":%d,"seconds":%.6f,"broken":%d,"p50":%.1f,"p99":%.1f,"status":{%s}}\n',
		summary.requests, summary.duration / 1e6,
		summary.errors.connect + summary.errors.read +
			summary.errors.write + summary.errors.timeout,
		latency:percentile(50), latency:percentile(99),
		table.concat(parts, ",")))
end
