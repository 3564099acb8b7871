# g++ -O1: containers, templates, exceptions, regular expressions.
# limit: 240
g++ -std=c++20 -O1 -w "$SOURCES/containers.cpp" -o containers && ./containers
