#!/usr/bin/env bash
# Runs Python inside the device, under its own mounts, which vanish with it. Root.
# usage: unshare -m --propagation private run_in_device.sh DIR ARGUMENT...
set -euo pipefail
device=${1:?usage: run_in_device.sh DIR ARGUMENT...}
shift
PYTHONPATH=/opt/py exec "$(dirname "$0")/enter_device.sh" "$device" /opt/qemu /usr/bin/python3.13 "$@"
