# dbus-daemon: a bus of its own, names, calls, introspection, its end.
# limit: 30
# quick
cat >bus.conf <<X
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=$PWD/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
X
dbus-daemon --config-file=bus.conf --nofork --nopidfile & daemon=$!
export DBUS_SESSION_BUS_ADDRESS="unix:path=$PWD/bus"
tries=0; until [ -S bus ] || [ $tries -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
ask() { dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus /org/freedesktop/DBus "org.freedesktop.DBus.$@" 2>&1; }
ask ListActivatableNames | tr -s ' '; ask NameHasOwner string:org.freedesktop.DBus; ask GetNameOwner string:org.example.Nobody
for i in 1 2 3 4 5 6; do ask NameHasOwner "string:org.example.n$i"; ask GetConnectionUnixUser string:org.freedesktop.DBus; done
ask Introspectable.Introspect | head -n 2; dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.Introspectable.Introspect | cksum
ask RequestName string:org.example.Mine uint32:4; ask NoSuchMethod
kill $daemon; wait $daemon; echo "code $?"
