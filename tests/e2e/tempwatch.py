# SPDX-License-Identifier: MIT
"""tempwatch: which files appear in a folder, even for a moment.

Dovecot unlinks a temporary file as soon as it has opened it: only the kernel
can tell that it was there.
"""

import ctypes
import os
import struct

IN_CREATE, IN_MOVED_TO = 0x100, 0x80
EVENT = struct.Struct("iIII")


class Watch:
    """names() gives what appeared since the last call, in order."""

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(
                self.fd, os.fsencode(folder), IN_CREATE | IN_MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify of " + folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def names(self):
        found = []
        while True:
            try:
                events = os.read(self.fd, 65536)
            except BlockingIOError:
                return found
            while events:
                _, mask, _, size = EVENT.unpack_from(events)
                assert not mask & 0x4000, "inotify lost events"
                name = events[EVENT.size:EVENT.size + size].rstrip(b"\0")
                found.append(os.fsdecode(name))
                events = events[EVENT.size + size:]
