# cc1 alone on one source, at every level and for size, with its statistics of what it made.
# limit: 120
for level in 0 1 2 3 s g; do
    gcc -E -P -w "$SOURCES/structures.c" >structures.i
    gcc -S "-O$level" -w -fpreprocessed structures.i -o "structures$level.s"
    md5sum <"structures$level.s"
    grep -c . "structures$level.s"
done
