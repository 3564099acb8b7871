# jq: filters, reductions, paths, recursion.
# limit: 40
# quick
seq 1 1500 | jq -s -c 'map({id: ., group: "g\(. % 41)", square: (. * .), text: (tostring | explode | add)})' >data.json
cksum <data.json
jq -c 'group_by(.group) | map({(.[0].group): (map(.square) | add)}) | add | to_entries | sort_by(-.value, .key) | .[:4]' data.json
jq '[.[] | select(.text % 5 == 2) | .square] | length, add, max, (map(sqrt) | add | floor)' data.json
jq -r '.[:200][] | [.id, .group, .text] | @csv' data.json | cksum
jq -nc '[range(60)] | reduce .[] as $n (1; . * 3 + $n | . % 1000003), ([limit(12; recurse(. * 2 + 1; . < 1e6)?)] | length?)' 2>&1 | head -n 3
jq -nc 'def fib: if . < 2 then . else (. - 1 | fib) + (. - 2 | fib) end; 14 | fib'
jq -nc '"a1b22c333" | [scan("[a-z][0-9]+")], ascii_upcase, @base64, (gsub("(?<d>[0-9]+)"; "<\(.d)>")), ([match("[0-9]+"; "g").offset])'
jq -nc '[paths] , ({a: [1, {b: 2}]} | [paths(type == "number")], tostream), (try error("x") catch .), 0.1 + 0.2, 1e1000, ([3, 1, 2] | sort, index(1)), ("2015-03-05T23:51:47Z" | fromdate)'
