import array, ast, bisect, bz2, collections, csv, dataclasses, datetime, decimal, difflib, fractions, functools, hashlib, heapq
import io, itertools, json, lzma, math, operator, pickle, random, re, sqlite3, statistics, string, struct, textwrap, zlib


def mark(value):
    data = value if isinstance(value, bytes) else repr(value).encode()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


random.seed(2024)
sample = [random.random() for _ in range(5000)]
print(mark(sample), mark([random.randrange(10**25) for _ in range(500)]), mark(random.sample(range(10**5), 300)))
print(mark([random.gauss(0, 1) for _ in range(500)]), statistics.fmean(sample), statistics.stdev(sample), math.fsum(sample))

tree = {f"key{i}": [i, i / 7, None, i % 2 == 0, {"text": "ü" * (i % 4), "deep": [[i]]}] for i in range(600)}
text = json.dumps(tree, sort_keys=True)
print(mark(text), json.loads(text) == tree, mark(json.dumps(tree, indent=1)), pickle.loads(pickle.dumps(tree)) == tree)
words = " ".join(f"{chr(97 + i % 26) * (i % 3 + 1)}{i * i % 997}" for i in range(2500))
print(len(re.findall(r"\b([a-z])\1+\d+", words)), mark(re.sub(r"\d+", lambda m: hex(int(m[0])), words)), len(re.split(r"[aeiou]+\d", words)))

decimal.getcontext().prec = 90
two = decimal.Decimal(2)
print(two.sqrt(), two.ln().exp(), decimal.Decimal(10) / 7)
total = sum(fractions.Fraction(1, n) for n in range(1, 200))
print(mark(total), total.limit_denominator(500))
big = 7**2500
print(mark(str(big)), pow(5, 10**30, 10**35 + 69), math.isqrt(big) % 10**18, big // 3**1000 % 10**15, math.gcd(big, 7**40 * 6))
mersenne = 2**521 - 1
print(pow(3, mersenne - 1, mersenne) == 1, pow(17, -1, mersenne) % 10**16, math.comb(300, 137) % (10**9 + 7))

base = sqlite3.connect(":memory:")
base.execute("create table item(kind integer, name text, price real)")
base.executemany("insert into item values(?, ?, ?)", ((i % 37, f"n{i * 13 % 500}", i / 9) for i in range(3000)))
print(base.execute("select kind, count(*), round(avg(price), 4) from item group by kind order by 3 desc limit 3").fetchall())
data = text.encode()
for name, pack, unpack in (("zlib", zlib.compress, zlib.decompress), ("bz2", bz2.compress, bz2.decompress), ("lzma", lzma.compress, lzma.decompress)):
    print(name, unpack(pack(data)) == data, mark(pack(data)))
for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2s"):
    print(name, hashlib.new(name, data).hexdigest()[:32])
print(zlib.crc32(data), zlib.adler32(data), struct.pack(">bHiqfd3s?", -1, 2, -3, 4, 0.5, -0.25, b"abc", True).hex())
print(mark(array.array("d", sample).tobytes()), mark(list(itertools.permutations("abcdef"))), collections.Counter(words).most_common(3))
print([repr(v) for v in (0.1 + 0.2, 1e23, 5e-324, -0.0, 1 / 3, 2.0**70)], float.fromhex("0x1.8p3"), round(0.5), round(2.675, 2), divmod(-17, 5), -17 // 5.0)

heap = []
for i, value in enumerate(sample):
    heapq.heappush(heap, (value, i))
print(mark([heapq.heappop(heap) for _ in range(1000)]), bisect.bisect([i * i for i in range(100)], 5000))


@functools.lru_cache(None)
def distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))


print(distance("intention", "execution"), difflib.SequenceMatcher(None, "abcdefgh" * 5, "abxdefh" * 5).ratio())
print(mark(textwrap.fill(words, 60)), datetime.date(2023, 12, 31) + datetime.timedelta(days=60), mark(ast.dump(ast.parse(open(__file__).read()))))


@dataclasses.dataclass(order=True, frozen=True)
class Point:
    x: int
    y: int = 0

    def __add__(self, other):
        return Point(self.x + other.x, self.y ^ other.y)


print(functools.reduce(operator.add, (Point(i, i * i) for i in range(5000))), max(Point(i * 7 % 11, i) for i in range(50)))


def ping():
    got = 0
    for i in range(8000):
        got += (yield i * got % 97) or 0
    return got


def through():
    result = yield from ping()
    yield ("end", result)


machine = through()
value = next(machine)
while not isinstance(value, tuple):
    value = machine.send(value % 5)
print(value)
caught = collections.Counter()
for i in range(6000):
    try:
        if i % 3 == 0:
            raise KeyError(i)
        if i % 5 == 0:
            raise ValueError("five")
        [][i]
    except (KeyError, ValueError) as error:
        caught[type(error).__name__] += 1
    except IndexError:
        caught["index"] += i % 2
    finally:
        caught["all"] += 1
print(sorted(caught.items()))
sieve = bytearray([1]) * 50000
for n in range(2, 224):
    if sieve[n]:
        sieve[n * n :: n] = bytes(len(range(n * n, 50000, n)))
print(sum(sieve) - 2, sum(i for i in range(50000) if sieve[i]))
matrix = [[(i * j) % 5 + 0.25 for j in range(24)] for i in range(24)]
print(sum(map(sum, ([sum(a * b for a, b in zip(row, column)) for column in zip(*matrix)] for row in matrix))))
rows = io.StringIO()
csv.writer(rows).writerows([[i, f'quote"{i}', i / 4] for i in range(200)])
print(mark(rows.getvalue()), "{:>10,.3f}|{:<8}|{:^+9d}|{:#x}".format(1234567.891, "left", 42, 255), string.Template("$a-${b}").substitute(a=1, b=2))
match (3, {"kind": "pair", "values": [1, 2, 3]}):
    case (n, {"kind": "pair", "values": [first, *rest]}) if n > 2:
        print(first, rest)
