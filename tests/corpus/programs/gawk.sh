# gawk: associative arrays, sorting, regular expressions, big numbers, text.
# limit: 40
# quick
gawk 'BEGIN {
    for (i = 0; i < 60000; i++) { bucket[i % 523] += i * i % 8191; s = s * 0.9999 + cos(i) }
    n = asorti(bucket, order, "@val_num_desc")
    printf "%d %s %.9f\n", n, order[1], s
    for (i = 0; i < 2500; i++) line = line sprintf("%c%d", 97 + i * 7 % 26, i % 10)
    print gsub(/[aeiou][0-4]/, "(&)", line), length(line), substr(line, 500, 30)
    print gensub(/([a-z])([0-9])/, "\\2\\1", "g", "a1b2c3"), toupper("mixed Case"), index("haystack", "st"), match("xxabc", /ab+/)
    printf "%x %o %e %g %7.3f|%-5s|%05d|%c\n", 3735928559, 511, 98765.4321, 1e-7, -2.0005, "ab", 42, 65
    print and(60, 13), or(60, 13), xor(60, 13), lshift(1, 33), rshift(2^40, 7), int(-7.9), -7 % 3, 2^53 + 1
    print strftime("%Y-%m-%dT%H:%M:%S", 1700000000, 1), split("a:b::c", part, ":"), part[4], "10" < "9", 10 < 9
}'
gawk -M 'BEGIN { PREC = 240; f = 1; for (i = 1; i <= 120; i++) f *= i; print f; printf "%.60f\n", exp(1); print 2 ^ 400 % 10 ^ 20 }'
seq 1 4000 | gawk '{ w[$1 % 97] = w[$1 % 97] $1 } END { for (k in w) t += length(w[k]); print NR, t; print w[5] | "cksum"; close("cksum"); while (("echo a; echo b" | getline x) > 0) print x }'
gawk 'function sift(a, lo, hi,   r, c, t) { for (r = lo; (c = 2 * r + 1) <= hi; r = c) { if (c < hi && a[c] < a[c + 1]) c++; if (a[r] >= a[c]) return; t = a[r]; a[r] = a[c]; a[c] = t } }
BEGIN { n = 3000; for (i = 0; i < n; i++) a[i] = i * 6151 % 9973; for (i = int(n / 2); i >= 0; i--) sift(a, i, n - 1)
for (i = n - 1; i > 0; i--) { t = a[0]; a[0] = a[i]; a[i] = t; sift(a, 0, i - 1) } for (i = 1; i < n; i++) bad += a[i] < a[i - 1]; print bad + 0, a[0], a[n - 1] }'
