-- Sends one body after another from the file that BODIES names; HEADER_* are the headers.
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = os.getenv("METHOD")
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
if wrk.method == "POST" then wrk.headers["Content-Type"] = "application/x-www-form-urlencoded" end
local sent = 0
request = function()
  sent = sent + 1
  return wrk.format(nil, nil, nil, bodies[(sent - 1) % #bodies + 1])
end
