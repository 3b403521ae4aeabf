# SPDX-License-Identifier: MIT
"""processes: which processes run and what they do, as /proc tells it."""

import collections
import ctypes
import os

Found = collections.namedtuple("Found", "name state parent group")


def read_stat(pid):
    """Returns what /proc tells of a process, or None if there is none. A
    process that has ended is there until its parent has waited for it."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            text = file.read()
    except OSError:
        return None
    start, end = text.index("("), text.rindex(")")
    state, parent, group = text[end + 1:].split()[:3]
    return Found(text[start + 1:end], state, int(parent), int(group))


def is_asleep(pid):
    """Tells whether the process waits for something or does not exist."""
    found = read_stat(pid)
    return found is None or found.state == "S"


def of_group(group, *names):
    """Returns {pid: Found} of the processes of a group, or of those that have
    one of the names."""
    every = {pid: read_stat(pid) for pid
             in map(int, filter(str.isdigit, os.listdir("/proc")))}
    return {pid: found for pid, found in every.items()
            if found and found.group == group and
            (not names or found.name in names)}


def adopt():
    """Makes this process the new parent of each descendant whose parent ends.
    It can then wait for the descendant's end itself."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
