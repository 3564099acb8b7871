# tclsh: strings, lists, dictionaries, expressions.
# limit: 40
cat >program.tcl <<'T'
proc fib n { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts [fib 16]
for {set i 0} {$i < 5000} {incr i} { dict incr d [expr {$i * 17 % 101}] $i; lappend l [expr {$i * 7919 % 5003}] }
puts "[dict size $d] [lrange [lsort -integer $l] 10 15] [string length [join $l ,]] [expr {2**200 % 10**20}]"
puts [regsub -all {(\d)(\d)} "12 34 567" {\2\1}]; puts [format "%08.3f %x %s" 3.14159 255 [string reverse hello]]; puts [catch {error oops} m]$m
T
tclsh program.tcl
