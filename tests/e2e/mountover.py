# SPDX-License-Identifier: MIT
"""mountover: the second stage of `run`, inside its mount namespace.

mountover.py COPY ORIGINAL UID GID COMMAND [ARGUMENTS]

Mounts COPY over ORIGINAL, gives a bare root its /proc and its terminals, and
becomes COMMAND;
an ordinary user gets the own uid back first. A small Debian root has no
mount(8), so the system call is used.
"""

import ctypes
import os
import signal
import sys

MS_BIND = 4096


def mount(source, target, fstype=None, flags=0, options=None):
    libc = ctypes.CDLL(None, use_errno=True)
    encode = os.fsencode
    if libc.mount(encode(source), encode(target),
                  encode(fstype) if fstype else None,
                  ctypes.c_ulong(flags),
                  encode(options) if options else None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()),
                      target)


def main():
    copy, original, uid, gid = sys.argv[1:5]
    command = sys.argv[5:]
    try:
        mount(copy, original, flags=MS_BIND)
        # For mail_temp_dir, where plaintext passes; and for the servers of
        # tests, since a disk is slow to confirm that it has written.
        for name in "spool", "servers":
            folder = os.path.join(os.environ["ROOST_E2E_TMP"], name)
            os.mkdir(folder)
            mount("tmpfs", folder, "tmpfs", options="mode=0755")
        if not os.path.exists("/proc/self"):
            mount("proc", "/proc", "proc")
        if os.path.isdir("/dev/pts") and not os.path.exists("/dev/pts/ptmx"):
            mount("devpts", "/dev/pts", "devpts", options="ptmxmode=0666")
    except OSError as error:
        sys.exit("tests/e2e/run: cannot mount over %s (%s): the end-to-end "
                 "tests need a mount namespace, unshare -m as root or "
                 "unshare -rm as a user" % (error.filename, error.strerror))
    if uid != "0":
        command = ["unshare", "-U", "--map-user=" + uid,
                   "--map-group=" + gid, "--"] + command
    # The shell starts a background command with interrupts ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)


main()
