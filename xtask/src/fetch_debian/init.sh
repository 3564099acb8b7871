#!/bin/sh
# The first process of a Debian kernel under V-ISA.
# Kernel command line: `visa.poweroff` powers off as soon as the machine is up; else there is a shell.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev

# The kernel made the virtio-mmio devices from the device tree; their drivers are modules.
if $bb grep -qs virtio,mmio /sys/bus/platform/devices/*/modalias; then
    while read -r module; do
        $bb insmod "/lib/modules/$module.ko" || echo "V-ISA: cannot load $module"
    done </lib/modules/order
fi

echo "V-ISA: init reached"

if ! $bb grep -qw visa.poweroff /proc/cmdline; then
    $bb mkdir -p /dev/pts
    $bb mount -t devpts devpts /dev/pts
    $bb --install -s /bin
    export PATH=/bin HOME=/root TERM="${TERM:-linux}" PS1='\w # '
    cd /root || cd /
    echo "V-ISA: a busybox shell; \`exit\` powers off"
    # A session of its own on the real console, so that ^C and job control work.
    setsid cttyhack sh
fi

echo "V-ISA: powering off"
$bb poweroff -f
# Not reached: without a way to power off, the kernel would panic if this process ended.
while :; do $bb sleep 3600; done
