# bash: arithmetic, arrays, expansions, functions, processes.
# limit: 40
# quick
bash <<'B'
sum=0
for ((i = 0; i < 30000; i++)); do ((sum = (sum * 33 ^ i) % 999983)); done
echo $sum
declare -A count
for ((i = 0; i < 4000; i++)); do key=w$((i * 11 % 401)); count[$key]=$((${count[$key]:-0} + i)); done
for key in "${!count[@]}"; do echo "$key ${count[$key]}"; done | sort | cksum
ackermann() {
    if (($1 == 0)); then result=$(($2 + 1)); return; fi
    if (($2 == 0)); then ackermann $(($1 - 1)) 1; return; fi
    ackermann "$1" $(($2 - 1))
    ackermann $(($1 - 1)) "$result"
}
ackermann 2 6
echo "$result"
text=the.quick.brown.fox
for i in {1..200}; do text=${text#*.}.${text%%.*}; upper=${text^^[aeiou]}; changed=${upper//o/00}; done
echo "$text $upper $changed ${#changed} ${text:4:5} ${text/%fox/dog}"
[[ "key=value;next=17" =~ ^([a-z]+)=([^;]*)\;(.*)=([0-9]+)$ ]] && printf '<%s>' "${BASH_REMATCH[@]:1}"; echo
list=(); for ((i = 0; i < 1500; i++)); do list[i * 3]=$((i % 17)); done
echo "${#list[@]} ${list[@]:10:6} ${!list[*]}" | cksum
printf '%05d %x %-6s|%q\n' 42 255 ab "a b'c"
for i in {1..30}; do echo $((i * i)); done | while read -r n; do ((t += n)); echo $t; done | tail -n 1
cat <(echo one) <(seq 3) | tr '\n' ' '
(trap 'echo caught' USR1; kill -USR1 $BASHPID; exit 5); echo "code $?"
select_case() { case $1 in [0-9]*) echo digits ;; a?c | *z) echo letters ;; *) echo else ;; esac; }
select_case 12; select_case abc; select_case fizz; select_case q
mapfile -t lines < <(seq 100 -7 1); echo "${lines[@]: -3}"
B
