# SPDX-License-Identifier: MIT
"""disks: where the servers write: on a disk, and on a tmpfs if there is one
with enough room. A tmpfs shows what writing costs without what a disk adds."""

import os
import shutil

# What a mailbox takes beside its messages: indexes, and whole blocks.
MORE = 1.5


def mounts():
    """{mount point: file system}; of several at one point, the last."""
    found = {}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, right = line.split(" - ")
            point = left.split()[4].encode().decode("unicode_escape")
            found[point] = right.split()[0]
    return found


def kind(folder):
    """The name of the file system that a folder lies on."""
    known, folder = mounts(), os.path.realpath(folder)
    while folder not in known and folder != "/":
        folder = os.path.dirname(folder)
    return known.get(folder, "an unknown file system")


def available():
    """The bytes of memory that can be had, or None if nobody says so."""
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return None


def why_not(folder, needed):
    """Why a folder cannot be the tmpfs that so many bytes are written to, or
    None if it can."""
    needed = int(needed * MORE)
    if not os.path.isdir(folder):
        return "%s is no folder" % folder
    if kind(folder) != "tmpfs":
        return "%s lies on %s" % (folder, kind(folder))
    free = min(number for number in (shutil.disk_usage(folder).free,
                                     available()) if number is not None)
    if free < needed:
        return "%s has room for %d MB, and not for %d MB" % (
            folder, free / 1e6, needed / 1e6)
    return None
