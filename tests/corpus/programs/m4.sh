# m4, patch, diff, file, unzip, procps: small tools.
# limit: 30
# quick
printf "define(\`loop', \`ifelse(\$1, 0, , \`eval(\$1 * \$1) loop(decr(\$1))')')loop(25)\nifelse(eval(7 %% 3), 1, yes, no) len(\`text') translit(abc, a-c, x-z) index(hello, l)\n" | m4
seq 1 200 >a; sed '50d;100s/.*/changed/;150i new' a >b; diff -u a b | tail -n +3 >p; cksum <p; cp a c; patch -s c p && cmp b c && diff -y --suppress-common-lines a b | tr -s ' \t' ' '
printf '\177ELF' >elf; printf '#!/bin/sh\n' >script; printf 'PNG' >other; file -b script; zip -qX z.zip a b && unzip -p z.zip b | cmp - b && unzip -t z.zip | tail -n 1
find . -type f | sort | xargs wc -c | tail -n 1; echo 3 1 2 | xargs -n 1 | sort | xargs; cmp a b | head -n 1
