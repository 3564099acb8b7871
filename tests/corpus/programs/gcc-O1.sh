# gcc -O1, and the checksum of the assembly that cc1 makes.
# limit: 120
for name in hash floating structures machine wide; do
    echo "$name"
    gcc -O1 -w -frounding-math -pthread "$SOURCES/$name.c" -o "$name" -lm && "./$name" | md5sum
    cp "$SOURCES/$name.c" . && gcc -O1 -w -frounding-math -S "$name.c" && md5sum "$name.s"
done
