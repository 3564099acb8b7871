#!/bin/sh
# The first process of a whole Debian: finds its disk and gives way to systemd.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t devtmpfs devtmpfs /dev
while read -r module; do
    $bb insmod "/lib/modules/$module.ko" || echo "@@fail cannot load $module"
done </lib/modules/order
# The driver is loaded; its disk may still be being looked at.
tries=0
until [ -b /dev/vda ] || [ $tries -ge 100 ]; do
    $bb sleep 0.1
    tries=$((tries + 1))
done
$bb mount -t ext4 /dev/vda /tree || $bb poweroff -f
$bb umount /dev
$bb umount /proc
exec $bb switch_root /tree /sbin/init
