# gcc -O2, linked statically.
# limit: 150
for name in hash floating structures machine wide; do
    echo "$name"
    cp "$SOURCES/$name.c" . && gcc -O2 -w -frounding-math -S "$name.c" && md5sum "$name.s"
    gcc -static -pthread "$name.s" -o "$name" -lm && "./$name" | md5sum
done
