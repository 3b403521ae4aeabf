# SPDX-License-Identifier: MIT
"""opened: how often message files are opened.

Opens asks the kernel which files of some folders are opened, by any process.
Trace runs strace on the one imap process of a session.
"""

import os
import re
import shutil
import subprocess
import time

import processes
import tempwatch


class Opens(tempwatch.Folders):
    """Watches the folders in which a user has messages now."""

    def __init__(self, server, user):
        super().__init__(mail_folders(server, user), tempwatch.IN_OPEN)
        self.server = server

    def names(self):
        """Returns the names of the message files that were opened since the
        last call, one for each time."""
        return [name for folder, mask, name in self.events()
                if name and not mask & tempwatch.IN_ISDIR and
                self.server._is_mail(folder, name)]

    def count(self):
        """Returns how often message files were opened since the last call."""
        return len(self.names())


def mail_folders(server, user):
    """Returns the folders in which a user's messages lie. Of a maildir these
    are both new and cur, because messages are moved from one to the other."""
    found = {os.path.dirname(path) for path in server.mail_files(user)}
    if server.storage == "maildir":
        found = {os.path.join(os.path.dirname(folder), name)
                 for folder in found for name in ("cur", "new")}
    return found


class Trace:
    """A strace that is attached to the server's only IMAP session until that
    has ended."""

    def __init__(self, server, path):
        assert shutil.which("strace"), "strace is not installed"
        self.server, self.path = server, str(path)
        pid, = processes.of_group(server.process.pid, "imap")
        self.process = subprocess.Popen(
            ["strace", "-q", "-f", "-s", "4096", "-e",
             "trace=open,openat,openat2", "-o", self.path, "-p", str(pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not self._is_attached(pid):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline, "strace did not attach"
            time.sleep(0.005)

    @staticmethod
    def _is_attached(pid):
        with open("/proc/%d/status" % pid) as file:
            return not re.search(r"(?m)^TracerPid:\s+0$", file.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()

    def opened(self):
        """Waits for the session's end. Returns (message files, all files) that
        it opened."""
        self.process.wait(20)
        with open(self.path) as file:
            paths = re.findall(r'(?m)open\w*\([^"\n]*"([^"\n]*)".*= \d+',
                               file.read())
        return [path for path in paths if self.server._is_mail(
            os.path.dirname(path), os.path.basename(path))], paths
