# xz, zstd, bzip2, gzip and tar at several levels: what they make, and that it is undone.
# limit: 90
# quick
awk 'BEGIN { for (i = 0; i < 14000; i++) { x = (x * 1103515245 + 12345) % 2147483648; printf "%d %s %x\n", i, substr("abcdefghijklmnopqrstuvwxyz", x % 20 + 1, x % 7 + 1), x } }' >text
cksum <text
for tool in 'xz -1' 'xz -6' 'xz -2 --check=sha256' 'gzip -1n' 'gzip -9n' 'bzip2 -1' 'bzip2 -9' 'zstd -1 -q' 'zstd -9 -q' 'zstd -17 -q'; do
    $tool -c <text >packed && echo "$tool $(wc -c <packed) $(cksum <packed)" && ${tool%% *} -dc <packed | cmp - text
done
mkdir tree && for i in 1 2 3 4 5; do seq $i 300 >tree/f$i; done && ln -s f1 tree/link
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - tree | tee t.tar | cksum && mkdir out && tar -xf t.tar -C out && diff -r tree out/tree && echo same
