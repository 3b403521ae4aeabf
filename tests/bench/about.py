# SPDX-License-Identifier: MIT
"""about: which kind of machine and which commit a run has measured."""

import os
import platform
import re
import subprocess

# {name among the flags of a processor: its common name}
FEATURES = {"aes": "AES", "vaes": "VAES", "sha_ni": "SHA", "sha2": "SHA"}


def machine():
    """The kind of the machine: what it has, and not what it is called."""
    with open("/proc/cpuinfo") as file:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.M)
    flags = found.group(1).split() if found else ()
    features = [name for flag, name in FEATURES.items() if flag in flags]
    return "%s, %d processors with %s" % (
        platform.machine(), os.cpu_count(), "+".join(features) or
        "none of the instructions asked for")


def _git(top, *args):
    done = subprocess.run(["git", "-C", top, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def commit(top):
    """The commit that was measured; it says if files differ from it."""
    try:
        found = _git(top, "rev-parse", "--short=12", "HEAD")
        if found and _git(top, "status", "--porcelain", "-uno"):
            found += " with changes"
    except FileNotFoundError:
        found = None
    return found or "unknown"
