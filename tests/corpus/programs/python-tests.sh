# A part of python3's own test suite: without what counts seconds, the network, and what takes minutes by itself.
# limit: 120
for name in augassign binop bisect bool cmath compare copy fractions operator scope string_literals textwrap unpack; do
    python3 -m unittest -q "test.test_$name" 2>&1 | sed -nE 's/^Ran ([0-9]+) tests? in .*$/\1 tests/p; /^(OK|FAILED|ERROR|FAIL)/p' | sed "s/^/$name: /"
done
