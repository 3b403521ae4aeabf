# SPDX-License-Identifier: MIT
"""processes: what runs, as /proc shows it."""

import collections
import ctypes
import os

Found = collections.namedtuple("Found", "name state parent group")


def look(pid):
    """A Found, also of what has ended and was not waited for; or None."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            text = file.read()
    except OSError:
        return None
    start, end = text.index("("), text.rindex(")")
    state, parent, group = text[end + 1:].split()[:3]
    return Found(text[start + 1:end], state, int(parent), int(group))


def is_asleep(pid):
    """It waits for something, or is no more."""
    found = look(pid)
    return found is None or found.state == "S"


def of_group(group, *names):
    """{pid: Found} of a process group: those of these names, or all."""
    every = {pid: look(pid) for pid
             in map(int, filter(str.isdigit, os.listdir("/proc")))}
    return {pid: found for pid, found in every.items()
            if found and found.group == group and
            (not names or found.name in names)}


def adopt():
    """Makes this process the parent of those below it whose own has ended:
    it can wait for them, and need not hope that somebody else does."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
