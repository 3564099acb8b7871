# as, ld, ar, nm, objdump, objcopy, readelf, strip on an object of gcc's.
# limit: 60
cp "$SOURCES/machine.c" .
gcc -O2 -g -w -c machine.c "-fdebug-prefix-map=$PWD=." -o machine.o
objdump -d machine.o | tail -n +3 | head -n 400 | md5sum
readelf -SWr machine.o | tail -n +2 | md5sum
objdump -WL machine.o | head -n 60 | md5sum
nm machine.o | sort -k 3
ar crD libmachine.a machine.o && ar t libmachine.a && nm -s libmachine.a | head -n 6
ld -r libmachine.a -u main -o again.o && size again.o | tail -n 1 | cut -f 1-3
objcopy -O binary -j .text again.o text && od -An -tx4 text | md5sum
gcc -static machine.o -o machine && strip machine && ./machine
