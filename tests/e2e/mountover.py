# SPDX-License-Identifier: MIT
"""mountover: the second stage of `run`, inside its mount namespace.

mountover.py COPY ORIGINAL UID GID COMMAND [ARGUMENTS]

Mounts COPY over ORIGINAL, mounts /proc and the terminals if they are missing,
and becomes COMMAND. If UID is not 0, COMMAND runs as UID and GID again, since
inside the namespace the user is root. It uses the system call, because a small
Debian has no mount(8).
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
        # In spool, which is for mail_temp_dir, plaintext must not reach a
        # disk. The servers of tests lie on no disk because a disk is slow to
        # confirm that it has written.
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
    # A shell starts a background command with interrupts ignored, but the
    # tests are stopped by one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)


main()
