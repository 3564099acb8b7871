# python3: integers, text, containers, generators, classes, modules written in C.
# limit: 90
# quick
python3 "$SOURCES/core.py"
