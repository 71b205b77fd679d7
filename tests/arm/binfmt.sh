#!/usr/bin/env bash
# Lets this machine run arm64 programs, under qemu, until it is restarted. Root.
#   apt-get install binfmt-support qemu-user-static
set -euo pipefail
[[ -e /proc/sys/fs/binfmt_misc/status ]] || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
[[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]] || update-binfmts --import qemu-aarch64
