# grep: basic, extended and Perl's expressions, over text that is made here.
# limit: 40
# quick
awk 'BEGIN { x = 1; for (i = 0; i < 12000; i++) { x = (x * 16807) % 2147483647; s = ""; y = x; while (y > 0) { s = s sprintf("%c", 97 + y % 26); y = int(y / 26) } print s, x % 1000, "Page" (x % 7), s } }' >text
cksum <text
grep -c 'zero\|ab' text; grep -cE '(foo|bar|[xyz]{3})' text; grep -ciE '^[a-f]+ .*PAGE[135]' text
grep -E '([a-z])\1.*\1' text | cksum
grep -oP '\b(\w)\w*\1\b' text | sort | uniq -c | sort -rn | head -n 4
grep -vE '[aeiou]' text | head -n 3; grep -nF 'age3 q' text | head -n 3; grep -cwi 'PAGE2' text
grep -A1 -B2 -m2 -E '[qz]{2}' text | cut -c 1-40
echo 'Straße NAÏVE' | grep -oi 'na.*'
grep -oE '[0-9]+' text | sort -n | uniq -d | wc -l
grep -P '^(?=.*q)(?!.*u)[a-z]{6} ' text | cksum
