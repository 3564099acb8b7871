# One small program through cc1, as and ld, at two levels.
# limit: 40
# quick
for level in 0 2; do
    gcc "-O$level" -w "$SOURCES/machine.c" -o "machine$level" && "./machine$level"
done
