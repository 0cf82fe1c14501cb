-- One request, again and again: METHOD PATH [BODY [TOKEN]] after "--".  The
-- result is one JSON line.
local method, path, body, token

function init(args)
	method, path, body, token = args[1], args[2], args[3], args[4]
	wrk.method = method
	if body and #body > 0 then
		wrk.body = body
		wrk.headers["Content-Type"] = "application/json"
	end
	if token and #token > 0 then
		wrk.headers["Authorization"] = "Bearer " .. token
	end
	request_bytes = wrk.format(method, path)
end

function request()
	return request_bytes
end

function done(summary, latency, requests)
	io.write(string.format(
		'{"requests":%d,"seconds":%.6f,"bad":%d,"p50":%.1f,"p99":%.1f}\n',
		summary.requests, summary.duration / 1e6,
		summary.errors.status + summary.errors.connect +
			summary.errors.read + summary.errors.write +
			summary.errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
