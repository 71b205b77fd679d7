#!/usr/bin/env bash
# Builds an arm64 Debian with Python 3.13, an sftp server and adbd under DIR, and installs the packages of a requirements
# file into its /opt/py from here. Nothing is run inside, so no binfmt is needed. Root; about 320 MB and 20 s.
#   apt-get install mmdebstrap qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# usage: build_device.sh DIR REQUIREMENTS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=${1:?usage: build_device.sh DIR REQUIREMENTS}
requirements=${2:?usage: build_device.sh DIR REQUIREMENTS}
# The mirror that this machine's apt uses.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 debian)

mmdebstrap --quiet --variant=extract --architectures=arm64 \
    --include=base-files,dash,coreutils,python3-minimal,libpython3-stdlib,libstdc++6,openssh-sftp-server,adbd \
    trixie "$device" "$mirror"
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    --implementation cp --python-version 313 --target "$device/opt/py" \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
    -r "$requirements"
# Made for ARMv8.1: loading it stops a Cortex-A72, and nothing here uses it.
rm -f "$device/opt/py/ai_edge_litert/libLiteRtWebGpuAccelerator.so"
cp "$(command -v qemu-aarch64-static)" "$device/opt/qemu"
cp "$here/cpuinfo_cortex_a72" "$device/opt/cpuinfo"
aarch64-linux-gnu-gcc -O2 -Wall -shared -fPIC -o "$device/opt/loopback_only.so" "$here/loopback_only.c" -ldl
echo root:x:0:0:root:/root:/bin/sh >"$device/etc/passwd"
echo root:x:0: >"$device/etc/group"
mkdir -p "$device"/{proc,root,dev/pts,data/local/tmp,sys/devices/system/cpu,sys/class/thermal/thermal_zone0}
echo 0-1 | tee "$device/sys/devices/system/cpu/present" >"$device/sys/devices/system/cpu/possible"
echo 48312 >"$device/sys/class/thermal/thermal_zone0/temp" # millidegrees Celsius
