# What is asked of a whole Debian once somebody has logged in: its state, its failed units, and a program that it compiles.
# The shell's prompt has left its escapes on the line.
echo
echo "@@state $(systemctl is-system-running --wait)"
echo "@@failed $(systemctl --failed --no-legend --plain | wc -l)"
systemctl --failed --no-legend --plain | sed 's/^/@@unit /'
gcc -O2 -w -o /root/machine /root/machine.c && echo "@@program $(/root/machine)"
echo "@@boot $(systemd-analyze time | head -n 1)"
echo "@@done"
