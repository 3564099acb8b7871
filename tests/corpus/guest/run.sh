# Runs the programs of /tmp/corpus/list one after the other, as process 1 of the guest: a line of the list has a name and
# the seconds of the guest's time after which the program is killed. What a program printed comes between two marks, each
# line behind a bar, so that nothing a program prints can be taken for a mark.
bb=/usr/bin/busybox
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL=C TZ=UTC TERM=dumb SHELL=/bin/sh HOME=/tmp/home TMPDIR=/tmp/scratch
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
export SOURCES=/tmp/corpus/sources
umask 022
while read -r name limit; do
    $bb mkdir -p "$HOME" "$TMPDIR" "/tmp/work/$name"
    cd "/tmp/work/$name" || echo "@@fail no directory for $name"
    echo "@@begin $name"
    $bb timeout -s KILL "$limit" /bin/sh "/tmp/corpus/programs/$name.sh" >/tmp/output 2>&1 </dev/null
    code=$?
    # Daemons that were left behind would go on printing and taking time.
    kill -9 -1 2>/dev/null
    $bb head -c 20000 /tmp/output | $bb sed 's/^/|/'
    echo
    [ $code -lt 128 ] || $bb dmesg | $bb tail -n 20 | $bb sed 's/^/@@kernel /'
    echo "@@end $name $code"
    $bb dmesg -c >/dev/null
    cd /
    $bb rm -rf /tmp/work "$HOME" "$TMPDIR" /tmp/output
done </tmp/corpus/list
echo "@@done"
$bb poweroff -f
