#!/usr/bin/env bash
# Serves the device over ssh on 127.0.0.1:PORT until it is ended: every login runs inside it. Keys, and a config whose
# host `pi5` is the device, are made in the folder STATE.
#   apt-get install openssh-server openssh-client
# usage: serve_sshd.sh DIR PORT STATE
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=$(realpath "${1:?usage: serve_sshd.sh DIR PORT STATE}") port=$2 state=$(realpath "$3")
ssh-keygen -q -t ed25519 -N '' -f "$state/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$state/client_key"
cp "$state/client_key.pub" "$state/authorized_keys"
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$state/host_key.pub")" >"$state/known_hosts"
cat >"$state/config" <<C
Host pi5
    HostName 127.0.0.1
    Port $port
    User root
    IdentityFile $state/client_key
    IdentitiesOnly yes
    UserKnownHostsFile $state/known_hosts
C
cat >"$state/login" <<L
#!/usr/bin/env bash
export PYTHONPATH=/opt/py
enter() { exec unshare -m --propagation private "$here/enter_device.sh" "$device" "\$@"; }
case "\${SSH_ORIGINAL_COMMAND:-}" in
    *sftp-server | internal-sftp) enter /usr/lib/openssh/sftp-server ;;
    *) enter /bin/sh -c "cd /root; \$SSH_ORIGINAL_COMMAND" ;;
esac
L
chmod +x "$state/login"
cat >"$state/sshd_config" <<C
ListenAddress 127.0.0.1
Port $port
HostKey $state/host_key
AuthorizedKeysFile $state/authorized_keys
PidFile none
PasswordAuthentication no
UsePAM no
StrictModes no
ForceCommand $state/login
Subsystem sftp internal-sftp
C
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -f "$state/sshd_config"
