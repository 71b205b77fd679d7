#!/usr/bin/env bash
# Runs Python inside the device, under its own mounts, which vanish with it. Root.
# usage: unshare -m --propagation private run_in_device.sh DIR ARGUMENT...
set -euo pipefail
device=${1:?usage: run_in_device.sh DIR ARGUMENT...}
shift
mount -t proc proc "$device/proc"
# LiteRT 2.2 and later crash on the /proc/cpuinfo of an x86 host.
mount --bind "$device/opt/cpuinfo" "$device/proc/cpuinfo"
# A CPU must be named: the default of qemu 7.2 computes XNNPACK's int8 wrongly.
exec env -i PATH=/usr/sbin:/usr/bin:/bin HOME=/root PYTHONPATH=/opt/py QEMU_CPU=cortex-a72 \
    chroot "$device" /opt/qemu /usr/bin/python3.13 "$@"
