#!/usr/bin/env bash
# Runs a command inside the device, under its own mounts, which vanish with it. Root. A command that is not /opt/qemu, and
# whatever that starts, needs this machine to run arm64 programs (binfmt.sh).
# usage: unshare -m --propagation private enter_device.sh DIR COMMAND [ARGUMENT...]
set -euo pipefail
device=${1:?usage: enter_device.sh DIR COMMAND [ARGUMENT...]}
shift
mount -t proc proc "$device/proc"
# LiteRT 2.2 and later crash on the /proc/cpuinfo of an x86 host.
mount --bind "$device/opt/cpuinfo" "$device/proc/cpuinfo"
mount -t devpts devpts "$device/dev/pts"
# A CPU must be named: the default of qemu 7.2 computes XNNPACK's int8 wrongly.
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root QEMU_CPU=cortex-a72 \
    ${PYTHONPATH:+PYTHONPATH=$PYTHONPATH} ${ADBD_PORT:+ADBD_PORT=$ADBD_PORT} \
    ${DEVICE_PRELOAD:+QEMU_SET_ENV=LD_PRELOAD=$DEVICE_PRELOAD} chroot "$device" "$@"
