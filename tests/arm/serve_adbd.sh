#!/usr/bin/env bash
# Serves the device over adb on 127.0.0.1:PORT until it is ended. Not 5555-5585: adb servers look for emulators there.
# usage: serve_adbd.sh DIR PORT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export ADBD_PORT=${2:?usage: serve_adbd.sh DIR PORT} PYTHONPATH=/opt/py
# adbd asks for no key and would listen on every address.
export DEVICE_PRELOAD=/opt/loopback_only.so
exec unshare -m --propagation private "$here/enter_device.sh" "$1" /usr/lib/android-sdk/platform-tools/adbd
