# gcc without optimisation: five programs, and what they print.
# limit: 120
for name in hash floating structures machine wide; do
    echo "$name"
    gcc -O0 -w -frounding-math -pthread "$SOURCES/$name.c" -o "$name" -lm && "./$name"
done
