# SPDX-License-Identifier: MIT
"""unlockkit: a server with an unlock cache, on which Argon2id is counted."""

import concurrent.futures
import os
import struct

import server as servers
import shim

USERS = ["u%d" % number for number in range(8)]
TEXT = b"From: a@sender.example\r\nSubject: unlock\r\n\r\na body to unlock\r\n"

# Notes when Argon2id begins and ends, as long as the flag file exists.
COUNT = r"""
#include <dlfcn.h>
#include <fcntl.h>

static void
note(const char *text)
{
	int fd = open(PATH ".log", O_WRONLY | O_APPEND);

	write(fd, text, 1);
	close(fd);
}

int
crypto_pwhash(unsigned char *out, unsigned long long out_len,
	      const char *password, unsigned long long len,
	      const unsigned char *salt, unsigned long long ops,
	      size_t memory, int algorithm)
{
	int (*real)(unsigned char *, unsigned long long, const char *,
		    unsigned long long, const unsigned char *,
		    unsigned long long, size_t, int) =
		dlsym(RTLD_NEXT, "crypto_pwhash");
	int ret;

	if (is_on())
		note("b");
	ret = real(out, out_len, password, len, salt, ops, memory,
		   algorithm);
	if (is_on())
		note("e");
	return ret;
}
"""


class Cache:
    """A server with an unlock cache, whose computations are counted."""

    def __init__(self, make, folder=None, users=USERS, **settings):
        self.server = make("sdbox", start=False, secret=True, users=users,
                           settings=settings)
        self.folder = folder or os.path.join(self.server.tmp_dir, "unlock")
        self.server.settings["roost_unlock_cache"] = self.folder
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o700)
        os.chown(self.folder, servers.MAIL_UID, servers.MAIL_GID)
        self.count = shim.Shim(self.server, COUNT)
        self.log = self.count.flag + ".log"
        self.server.write(self.log, "", 0o666)
        path = ":".join(filter(None, [servers.PRELOAD, self.count.path]))
        self.server.extra = (
            "import_environment {\n  LD_PRELOAD = %s\n}\n" if servers.NEW
            else "import_environment = TZ LD_PRELOAD=%s\n") % path
        self.server.start()
        for user in users:
            self.server.init_password_mode(user)
            assert self.server.deliver(TEXT, user)[0][0] == 250
        self.count.on()

    def read(self, user):
        """Logs in and reads the message."""
        with self.server.raw(user) as client:
            client.ok("SELECT INBOX")
            return client.fetch(1, "BODY.PEEK[]").endswith(TEXT)

    def notes(self):
        with open(self.log) as file:
            return file.read()

    def computed(self):
        return self.notes().count("b")

    def files(self):
        return sorted(name for name in os.listdir(self.folder)
                      if len(name) == 64)

    def only(self):
        """The path of the only file."""
        name, = self.files()
        return os.path.join(self.folder, name)

    def expires(self):
        with open(self.only(), "rb") as file:
            return struct.unpack(">Q", file.read()[41:49])[0]


def together(work, arguments):
    with concurrent.futures.ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(work, arguments))
