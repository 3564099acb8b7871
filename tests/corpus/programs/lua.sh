# lua: closures, tables, strings, coroutines, integers and floats.
# limit: 40
# quick
lua5.4 "$SOURCES/core.lua"
lua5.4 -e 'local h = 0 for i = 1, 100000 do h = (h << 7 ~ h >> 3) + i * 0x9E3779B97F4A7C15 end print(h, h // 11, h % 1000, -7 // 2, 7.5 // 2, math.mininteger - 1, 3 | 8)
print(string.pack("<i4z>d", -2, "text", 1.5):byte(1, -1)) print(utf8.len("añ€😀"), #utf8.char(8364, 128512), math.type(2^53), 1e100 // 1)'
