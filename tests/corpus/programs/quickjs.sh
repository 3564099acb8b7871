# quickjs: another JavaScript, without code of its own.
# limit: 60
qjs --std -e 'function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } print(fib(18)); let m = new Map(); for (let i = 0; i < 9000; i++) m.set(i * 31 % 211, (m.get(i * 31 % 211) || 0) + i);
print(m.size, [...m.values()].reduce((a, b) => (a * 31 + b) % 1000003, 0), (3n ** 200n % (10n ** 30n + 57n)).toString(), 0.1 + 0.2, [3, 1, 2].sort().join(), "a1b2".replace(/\d/g, (d) => d * 2), JSON.stringify({ a: [1, { b: null }] }), Math.hypot(3, 4), parseInt("zz", 36))'
