# sort, shuf, factor, checksums, text tools.
# limit: 60
# quick
seq 1 20000 | shuf --random-source="$SOURCES/containers.cpp" 2>&1 | tail -n 1
seq 1 30000 | awk '{ print $1 * 7919 % 30011, $1 }' | sort -k1,1n -k2,2nr | cksum
seq 999999000 999999040 | factor | md5sum; factor 18446744073709551557 1000000016000000063
seq 1 20000 >numbers
for sum in md5 sha1 sha224 sha256 sha384 sha512 b2; do ${sum}sum numbers; done
cksum -a crc numbers; sum numbers; base64 numbers | md5sum; base32 numbers | tail -n 1
od -An -tx2 -w32 numbers | sed -n '100p'; fold -w 61 numbers | paste -d '|' - - - | expand | md5sum
split -l 900 numbers part. && cat part.* | cmp - numbers && ls part.* | wc -l
seq 1 3 9 >a; seq 1 2 9 >b; join a b; comm -12 numbers numbers | wc -l; tac numbers | head -n 2
printf '%s\n' 10K 9M 1G 500 | sort -h | tr '\n' ' '; numfmt --to=iec 123456789 1023 1048576
tr -cd 1-3 <numbers | fold -w 3 | sort | uniq -c | sort -k1,1rn -k2 | head -n 3; cut -c 2-3 numbers | sort -u | wc -l
date -u -d @1700000000 '+%F %T %j %V'; expr 123456789123 '*' 1000 / 7; seq -f %.3f 0 0.25 1 | tr '\n' ' '
