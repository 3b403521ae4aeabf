# SPDX-License-Identifier: MIT
"""shim: a library to preload that changes what the system answers, as long as
a certain file exists.

The C text of a library may call is_on(), which tells whether it does.
"""

import os
import subprocess

import apart
import server as servers

HEAD = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int
is_on(void)
{
	return syscall(SYS_access, PATH, F_OK) == 0;
}
"""

OTHER_UID = r"""
uid_t
geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid) + (is_on() ? 1 : 0);
}
"""


class Shim:
    """A library built from a C text; on() and off() say whether it changes
    anything."""

    def __init__(self, server, text):
        # Every user of the server may read both files here.
        self.flag = os.path.join(server.root, "shim.on")
        self.path = os.path.join(server.root, "shim.so")
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-w", "-x", "c", "-o", self.path,
             '-DPATH="%s"' % self.flag, "-"],
            input=(HEAD + text).encode(), check=True)
        os.chmod(self.path, 0o755)

    def setting(self):
        """Returns configuration by which Dovecot preloads the library in every
        program."""
        path = ":".join(filter(None, [servers.PRELOAD, self.path]))
        return ("import_environment {\n  LD_PRELOAD = %s\n}\n" if servers.NEW
                else "import_environment = TZ LD_PRELOAD=%s\n") % path

    def configuration(self, server):
        """Writes a variant of the server's configuration that has it; returns
        its path."""
        return apart.configuration(server, "shim", extra=self.setting())

    def on(self):
        with open(self.flag, "w"):
            pass

    def off(self):
        os.unlink(self.flag)
