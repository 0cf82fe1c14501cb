-- Requests that differ by a random number: PATH TEMPLATE TOKEN LOW HIGH after
-- "--".  Each "@N@" of the template becomes the number, which lies between LOW
-- and HIGH.  The result is one JSON line.
local path, before, token, low, high
local parts = {}

function init(args)
	path, token = args[1], args[3]
	low, high = tonumber(args[4]), tonumber(args[5])
	for part in (args[2] .. "@N@"):gmatch("(.-)@N@") do
		parts[#parts + 1] = part
	end
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
	if token and #token > 0 then
		wrk.headers["Authorization"] = "Bearer " .. token
	end
	math.randomseed(os.time())
end

function request()
	local n = string.format("%d", math.random(low, high))
	return wrk.format("POST", path, nil, table.concat(parts, n))
end

-- An error of the action protocol is answered with 200.
function response(status, headers, body)
	if body:find('"code":"', 1, true) then
		bad = (bad or 0) + 1
	end
end

local threads = {}

function setup(thread)
	threads[#threads + 1] = thread
end

function done(summary, latency, requests)
	local errors = summary.errors.status + summary.errors.connect +
		summary.errors.read + summary.errors.write +
		summary.errors.timeout
	for _, thread in ipairs(threads) do
		errors = errors + (thread:get("bad") or 0)
	end
	io.write(string.format(
		'{"requests":%d,"seconds":%.6f,"bad":%d,"p50":%.1f,"p99":%.1f}\n',
		summary.requests, summary.duration / 1e6, errors,
		latency:percentile(50), latency:percentile(99)))
end
