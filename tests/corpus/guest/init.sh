#!/bin/sh
# The first process of the corpus's guest: finds the disk, makes what programs expect of a system, and runs them in it.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
while read -r module; do
    $bb insmod "/lib/modules/$module.ko" || echo "@@fail cannot load $module"
done </lib/modules/order

give_up() {
    echo "@@fail $1"
    $bb poweroff -f
}

# The driver is loaded; its disk may still be being looked at.
tries=0
until [ -b /dev/vda ] || [ $tries -ge 100 ]; do
    $bb sleep 0.1
    tries=$((tries + 1))
done
$bb mount -t ext4 -o ro /dev/vda /tree || give_up "no file system on /dev/vda"
for kind in proc sysfs devtmpfs; do
    case $kind in proc) at=proc ;; sysfs) at=sys ;; *) at=dev ;; esac
    $bb mount -t $kind $kind "/tree/$at"
done
$bb mkdir -p /tree/dev/pts /tree/dev/shm
$bb mount -t devpts devpts /tree/dev/pts
for at in dev/shm run tmp; do
    $bb mount -t tmpfs -o mode=1777 "$at" "/tree/$at" || give_up "no tmpfs on $at"
done
[ -e /tree/dev/fd ] || $bb ln -s /proc/self/fd /tree/dev/fd
$bb ip link set lo up
$bb hostname corpus
$bb cp -r /corpus /tree/tmp/corpus || give_up "no memory for the programs"
exec $bb chroot /tree /usr/bin/busybox sh /tmp/corpus/run.sh
