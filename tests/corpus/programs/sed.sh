# sed: substitution, hold space, branches, a calculator of Fibonacci numbers in unary.
# limit: 30
# quick
seq 1 3000 | sed -nE '/7/{s/([0-9])7/<\1>/g;p}' | cksum
seq 1 400 | sed -n '1!G;h;$p' | sed 's/^/  /;3q'
echo 'one two three' | sed -E 's/(\w+) (\w+)/\2 \1/; y/abcdefgh/ABCDEFGH/; s/./&&/5; s/t/T/2g'
printf '%s\n' a b c d e f | sed '$!N;s/\n/-/;P;D'
echo 1,1 | sed -E ':more; s/^(1+),(1+)(.*)$/\2,\1\2,\1\3/; /.{400}/!b more; s/1+/#/g' | cksum
for i in $(seq 1 60); do echo "key$i = value $((i * i))"; done | sed -E '/key[0-9]*5/,+2d; s/^(\w+) = (.*)$/\2:\1/; /^value 1/!s/value/V/' | cksum
