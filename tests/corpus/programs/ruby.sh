# ruby: blocks, bignums, strings, hashes.
# limit: 60
cat >program.rb <<'R'
def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
puts fib(18), 3**200 % (10**30 + 57)
h = Hash.new(0); 6000.times { |i| h["k#{i * 31 % 211}"] += i }; p h.size, h.max_by { |k, v| [v, k] }, (1..50).each_slice(7).map(&:sum)
t = (1..1500).map { |i| (97 + i % 26).chr * (i % 3 + 1) + (i * i % 997).to_s }.join(' '); p t.scan(/\b([a-z])\1+\d+/).size, t.gsub(/\d+/) { |d| d.to_i.to_s(16) }.sum, t.hash == t.dup.hash
Point = Struct.new(:x, :y) { def +(o) = Point.new(x + o.x, y ^ o.y) }
p (0...4000).reduce(Point.new(0, 0)) { |s, i| s + Point.new(i, i * i) }, Rational(3, 4) + 1, Complex(1, 2)**3, 10.0 / 3, [3, 1, 2].sort.reverse
e = Enumerator.new { |y| a, b = 0, 1; loop { y << a; a, b = b, a + b } }; p e.lazy.select(&:even?).first(10), (begin Integer('x') rescue $!.class end)
case { name: 'n', list: [1, 2, 3] }
in { name: String => n, list: [first, *] } then puts "#{n} #{first}"
end
R
ruby program.rb
