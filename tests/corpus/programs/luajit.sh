# luajit, which makes code of its own while it runs: with its compiler and without.
# limit: 60
# quick
luajit "$SOURCES/core.lua" && luajit -joff "$SOURCES/core.lua" | cksum
luajit -Ohotloop=2 -Ohotexit=2 -e 'local bit, ffi = require "bit", require "ffi" local h = 1 for i = 1, 200000 do h = bit.bxor(bit.rol(h, 5), bit.band(i * 2654435761 % 4294967296, -1)) end print(h)
ffi.cdef "typedef struct { int32_t a; double b; uint8_t c[6]; } record;" local r = ffi.new("record[50]") for i = 0, 49 do r[i].a = i * 70000 r[i].b = i / 3 r[i].c[i % 6] = i * 9 end
local s = 0 for n = 1, 300 do for i = 0, 49 do s = s + r[i].a % 13 + r[i].b * r[i].c[n % 6] end end print(string.format("%.6f", s)) local w = 0ULL for i = 1, 40000 do w = w * 31ULL + i end print(tostring(w))'
