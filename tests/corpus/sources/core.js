// For node: code that gets hot and is compiled, shapes that change under it, and what V8 has of its own.
'use strict';
const crypto = require('crypto');
const zlib = require('zlib');
const mark = (value) => crypto.createHash('sha256').update(typeof value === 'string' ? value : JSON.stringify(value)).digest('hex').slice(0, 16);

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
console.log(fib(22));

let x = 1;
const values = Array.from({ length: 20000 }, () => (x = (x * 48271) % 2147483647));
console.log(mark(values.slice().sort((a, b) => a - b)), values.reduce((h, v) => (Math.imul(h, 31) + v) | 0, 0));

class Point { constructor(a, b) { this.a = a; this.b = b; } add(o) { return new Point(this.a + o.a, this.b ^ o.b); } }
class Named extends Point { #name; constructor(a, b, name) { super(a, b); this.#name = name; } get name() { return this.#name; } add(o) { return super.add(o); } }
let p = new Point(0, 0);
for (let i = 0; i < 30000; i++) p = p.add(i % 50 === 0 ? new Named(i, i * 3, `n${i}`) : new Point(i, i >> 1));
console.log(p.a, p.b, new Named(1, 2, 'name').name);

// A function that is compiled for integers, then sees floats, strings and objects.
function mixed(a, b) { return a + b; }
let sum = 0;
for (let i = 0; i < 20000; i++) sum += mixed(i, 1);
for (let i = 0; i < 2000; i++) sum += mixed(i / 3, 0.5);
console.log(sum.toFixed(6), mixed('a', 1), mixed({ toString: () => 'o' }, [1, [2]]));

const words = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat((i % 3) + 1) + ((i * i) % 997)).join(' ');
console.log((words.match(/\b([a-z])\1+\d+/g) || []).length, mark(words.replace(/\d+/g, (d) => Number(d).toString(16))), /(?<year>\d{4})-(?<month>\d\d)/u.exec('on 2024-05').groups.month);

const counts = new Map();
for (const v of values) counts.set(v % 311, (counts.get(v % 311) || 0) + 1);
console.log(counts.size, [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 3).join(' '));
console.log((3n ** 300n % (10n ** 40n + 7n)).toString(), BigInt.asIntN(64, 2n ** 63n + 5n), (12345678901234567890n * 98765432109876543210n) >> 17n);

const floats = new Float64Array(5000);
for (let i = 0; i < floats.length; i++) floats[i] = Math.sin(i) * Math.sqrt(i) + Math.atan2(i, 7) ** 1.5;
const view = new DataView(floats.buffer);
let h = 0;
for (let i = 0; i < floats.byteLength; i += 4) h = (Math.imul(h, 16777619) ^ (view.getUint32(i, true) >>> 16)) >>> 0;
console.log(floats.reduce((a, b) => a + b).toFixed(6), h > 0, 0.1 + 0.2, 1e21, -0 === 0, (255).toString(36), parseFloat('1e-7'), Number.MAX_SAFE_INTEGER + 2);

const tree = JSON.parse(JSON.stringify(Array.from({ length: 400 }, (_, i) => ({ id: i, list: [i, i / 8, null, true], text: 'ü'.repeat(i % 4) }))));
const packed = zlib.deflateSync(JSON.stringify(tree));
console.log(mark(tree), zlib.inflateSync(packed).toString() === JSON.stringify(tree), zlib.gunzipSync(zlib.gzipSync(words)).length);

function* walk(n) { if (n > 0) { yield* walk(n - 1); yield n; yield* walk(n - 2); } }
console.log([...walk(15)].reduce((a, b) => (a * 7 + b) % 1000003, 0));
let caught = 0;
for (let i = 0; i < 5000; i++) {
  try { if (i % 3) throw new RangeError(String(i)); else null.x; } catch (e) { caught += e instanceof TypeError ? 1 : e.message.length; } finally { caught += 1; }
}
console.log(caught);

// WebAssembly: sum of squares below n, by a loop.
const wasm = new WebAssembly.Module(Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 126, 3, 2, 1, 0, 7, 5, 1, 1, 115, 0, 0, 10, 44, 1, 42, 2, 1, 127, 1, 126, 2, 64, 3, 64,
  32, 1, 32, 0, 79, 13, 1, 32, 2, 32, 1, 173, 32, 1, 173, 126, 124, 33, 2, 32, 1, 65, 1, 106, 33, 1, 12, 0, 11, 11, 32, 2, 11]));
const squares = new WebAssembly.Instance(wasm).exports.s;
console.log(squares(10), squares(30000));

const proxy = new Proxy({}, { get: (_, key) => (typeof key === 'string' ? key.length : 0) });
console.log(proxy.hello, Reflect.ownKeys({ b: 1, a: 2, 1: 3 }).join(), [1, [2, [3]]].flat(Infinity).join(), structuredClone(new Set([1, 2])).size);
(async () => {
  let order = '';
  await Promise.all([1, 2, 3].map(async (n) => { for (let i = 0; i < n; i++) { await null; order += n; } }));
  setImmediate(() => console.log(order, crypto.pbkdf2Sync('p', 's', 500, 16, 'sha256').toString('hex')));
})();
