-- Requests with the cookies of a file in turn, the file named after `--`; the outcome is printed as a line of JSON.

local requests, last = {}, 0

function init(arguments)
  for cookie in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, { Cookie = cookie })
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"failed":%d,"p99_micros":%d}\n',
    summary.requests,
    summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(99)
  ))
end
