#!/bin/bash
# The first process of a user-mode kernel on the host's own tree, read-only. AGENT, NODE, NAME and ADDRESS come from the
# kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /run
dmesg -n 1
# There may be no /lib/modules on the host to mount over.
mkdir -p /run/modules/lib/modules
mount --bind /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
hostname "$NAME"
ip link set lo up
ip address add "$ADDRESS/24" dev vec0
ip link set vec0 up
# A line of JSON may be longer than a line of a terminal.
stty raw -echo </dev/console
exec "$NODE" "$AGENT" </dev/console >/dev/console 2>/run/agent.log
