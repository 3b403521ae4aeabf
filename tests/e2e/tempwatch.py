# SPDX-License-Identifier: MIT
"""tempwatch: what happens to the files in folders, as inotify tells it.

The kernel tells what any process does, and even of a file that exists only for
a moment: Dovecot unlinks a temporary file as soon as it has opened it.
"""

import ctypes
import os
import struct

IN_ACCESS, IN_OPEN, IN_MOVED_TO, IN_CREATE = 0x1, 0x20, 0x80, 0x100
IN_CLOSE_NOWRITE = 0x10
IN_Q_OVERFLOW, IN_ISDIR = 0x4000, 0x40000000
EVENT = struct.Struct("iIII")


class Folders:
    """Watches folders for the events of a mask (IN_OPEN and the like)."""

    def __init__(self, folders, mask):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.folders = {}
        for folder in folders:
            watch = libc.inotify_add_watch(self.fd, os.fsencode(folder), mask)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "inotify of " + folder)
            self.folders[watch] = folder
        assert self.folders

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def events(self):
        """Yields (folder, mask, name) for what happened since the last call,
        in order."""
        while True:
            try:
                events = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return
            at = 0
            while at < len(events):
                watch, mask, _, size = EVENT.unpack_from(events, at)
                assert not mask & IN_Q_OVERFLOW, "inotify lost events"
                at += EVENT.size
                name = os.fsdecode(events[at:at + size].rstrip(b"\0"))
                at += size
                yield self.folders[watch], mask, name


class Watch(Folders):
    """Watches a folder for new files."""

    def __init__(self, folder):
        super().__init__([folder], IN_CREATE | IN_MOVED_TO)

    def names(self):
        """Returns the names of the files that appeared since the last call,
        in order."""
        return [name for _, _, name in self.events()]
