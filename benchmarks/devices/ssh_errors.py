"""What OpenSSH prints when it cannot go on, as one line that says what to do."""

from __future__ import annotations

import re

from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.errors import DeviceError

LOST = "the connection was lost; check its power, network and cable, and run again"
# The words of OpenSSH -> ours. The first that is found counts: a changed host key is told before its consequences.
MEANINGS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known: the device was set up anew, or another one answers; once you know "
        "which, remove the old key with ssh-keygen -R and connect once by hand",
    ),
    ("Host key verification failed", "its host key is not known yet; connect once by hand with ssh and check it"),
    ("Could not resolve hostname", "no such host; check the name, or give its address or an alias of ssh_config"),
    ("Connection refused", "nothing listens there; start its ssh server, or correct the port"),
    ("Permission denied (", "it takes none of your keys; ssh-copy-id sends it one (passwords are never asked for)"),
    ("Too many authentication failures", "your agent offers it too many keys; set IdentitiesOnly for it in ssh_config"),
    ("timed out", "it does not answer; is it switched on, and in this network?"),
    ("No route to host", "it cannot be reached; is it switched on, and in this network?"),
    ("Network is unreachable", "it cannot be reached; is this machine in its network?"),
    ("Bad configuration option", "your ssh_config has an option that this ssh does not know"),
    ("Bad owner or permissions", "your ssh_config may be written by others; chmod 600 it"),
    ("subsystem request failed", "it has no sftp server; apt install openssh-sftp-server there"),
    ("Received message too long", "its shell prints a greeting that breaks sftp; quiet its start-up files (~/.bashrc)"),
    ("not responding", LOST),
    ("Connection closed", LOST),
    ("Connection to ", LOST),
    ("Connection reset", LOST),
    ("Broken pipe", LOST),
    ("client_loop", LOST),
)


def meaning(stderr: str) -> str | None:
    """What is wrong and what to do, None where the words are not OpenSSH's."""
    return next((ours for words, ours in MEANINGS if words in stderr), None)


def ssh_error(name: str, ended: Ended, otherwise: str = LOST) -> DeviceError:
    """The error for a client that ended by itself: what is wrong, `otherwise` for words that are not known, and in
    brackets what ssh said."""
    said = [line.strip() for line in ended.stderr.splitlines() if re.search(r"\w", line)]
    return DeviceError(f"{name}: {meaning(ended.stderr) or otherwise}" + (f" (ssh: {said[-1][:200]})" if said else ""))
