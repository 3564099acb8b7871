# dash: loops, functions, here documents, pipelines, signals.
# limit: 30
# quick
i=0 sum=0
while [ $i -lt 30000 ]; do i=$((i + 1)); sum=$(((sum * 19 + i) % 65521)); done
echo $sum
digits() { n=$1; total=0; while [ "$n" -gt 0 ]; do total=$((total + n % 10)); n=$((n / 10)); done; echo $total; }
for n in 12345 99999 1000001; do digits $n; done
set -- a 'b c' d
for word; do printf '[%s]' "$word"; done; echo " $# $*"
path=/usr/local/share/name.tar.gz
echo "${path##*/} ${path%/*} ${path%%.*} ${path#/usr} ${missing:-none}"
for i in 1 2 3 4 5 6 7 8 9 10; do (echo $i; exit $i) | { read -r x; echo "got $x"; }; done | cksum
cat <<T
$((7 * 6)) $(echo nested $(echo deeper))
T
trap 'echo bye' EXIT
