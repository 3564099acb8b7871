# gcc -O3 with whole-program optimisation.
# limit: 200
for name in hash floating structures machine wide; do
    echo "$name"
    gcc -O3 -flto -funroll-loops -w -frounding-math -pthread "$SOURCES/$name.c" -o "$name" -lm && "./$name" | md5sum
done
