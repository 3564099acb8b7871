-- For lua 5.4 and luajit: numbers stay below 2^53, so that both print the same.
local function ackermann(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ackermann(m - 1, 1) end
  return ackermann(m - 1, ackermann(m, n - 1))
end
print(string.format("%d", ackermann(2, 60)))
local seed, values = 1, {}
for i = 1, 20000 do
  seed = seed * 16807 % 2147483647
  values[i] = seed
end
table.sort(values, function(a, b) return a % 1000 < b % 1000 or (a % 1000 == b % 1000 and a < b) end)
local hash = 0
for _, value in ipairs(values) do hash = (hash * 31 + value) % 1000000007 end
print(string.format("%d", hash))
local parts = {}
for i = 1, 1500 do parts[#parts + 1] = string.format("%04d=%x", i * 37 % 1000, i * i) end
local text, count = table.concat(parts, ";"), 0
for left, right in text:gmatch("(%d+)=(%x+)") do count = count + tonumber(left) + tonumber(right, 16) end
print(string.format("%d %d %s", count, #text, text:gsub("%d%d", function(d) return d == "12" and "[12]" or nil end):sub(1, 60)))
local produce = coroutine.wrap(function() for i = 1, 15000 do coroutine.yield(i, i % 7) end return 0, 0 end)
local sum = 0
for i = 1, 15000 do local a, b = produce() sum = sum + a * b end
print(string.format("%d", sum))
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y - b.y }, Vector) end
Vector.__eq = function(a, b) return a.x == b.x end
Vector.__call = function(self, k) return self.x * k end
local v = setmetatable({ x = 0, y = 0 }, Vector)
for i = 1, 12000 do v = v + setmetatable({ x = i, y = i / 2 }, Vector) end
print(string.format("%d %.1f %s %d", v.x, v.y, tostring(v == setmetatable({ x = v.x }, Vector)), v(2)))
local f = 0
for i = 1, 60000 do f = f + math.sin(i) * math.sqrt(i) / (i % 9 + 1) - math.floor(i / 3) % 2 end
print(string.format("%.7f", f))
local inside = 0
for row = 0, 47 do for column = 0, 63 do
  local cr, ci, zr, zi, n = column / 24 - 2, row / 20 - 1.2, 0, 0, 0
  while n < 60 and zr * zr + zi * zi < 4 do zr, zi, n = zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1 end
  inside = inside + n
end end
print(string.format("%d", inside))
local counters = {}
for i = 1, 50 do local n = 0 counters[i] = function(step) n = n + step return n end end
local last = 0
for round = 1, 300 do for i = 1, 50 do last = last + counters[i](round % 3) % 5 end end
print(string.format("%d", last), select("#", pcall(error, { code = 5 })), tostring(pcall(function() local x = nil; return x.y end)))
