# SPDX-License-Identifier: MIT
"""logins: what a login costs that opens the mail, from the connection to the
first message that was read, in provider mode and in password mode.

In password mode it is measured with costs of Argon2id that slots may have,
with an empty unlock cache and with what the login before has left there.
"""

import os

import server
import session
import systems

# (title, passes, MiB)
COSTS = (("19 MiB, t=2", 2, 19), ("64 MiB, t=3", 3, 64),
         ("128 MiB, t=3", 3, 128))
PROVIDER = "provider mode"
CACHED = "password mode, cached"
# {title: user}
FIRST = {"password mode, " + title: "m%d" % mib for title, _, mib in COSTS}
MESSAGE = b"From: a@sender.example\r\nSubject: login\r\n\r\nread at a login\r\n"


# All that is measured, in the order of the table.
WORK = "logins"
CACHED_MORE_MS = 1.0
NAMES = (PROVIDER, *FIRST, CACHED)


def start(folder, storage):
    """Starts a server on which no login raises what a password costs."""
    os.makedirs(folder)
    one = server.Server(os.path.join(folder, "roost"), storage=storage,
                        users=["provider", *FIRST.values()], secret=True)
    one.settings.update(roost_argon2_time="1", roost_argon2_memory="8 M")
    cache = systems.give_unlock_cache(one)
    one.start()
    return one, cache


def make_keyrings(one):
    prefix = "" if server.NEW else "plugin/"
    for _, passes, mib in COSTS:
        one.init_password_mode(
            "m%d" % mib, "-o", "%sroost_argon2_time=%d" % (prefix, passes),
            "-o", "%sroost_argon2_memory=%d M" % (prefix, mib))
    for user in one.users:
        assert one.deliver(MESSAGE, user)[0][0] == 250, user


class Logins:
    def __init__(self, bench):
        self.bench = bench
        self.one, self.cache = start(os.path.join(bench.tmp, "logins"),
                                     bench.options.storage)

    def forget(self):
        for name in os.listdir(self.cache):
            os.unlink(os.path.join(self.cache, name))

    def login(self, name, user, is_kept):
        with session.Session(self.one, user, "INBOX") as imap:
            imap.run("FETCH 1 BODY.PEEK[]")
            sample = {"wall": imap.now() - imap.started,
                      "cpu": session.cpu(imap.pid)}
        if is_kept:
            self.bench.add(WORK, name, sample)

    def round(self, is_kept):
        for name in self.bench.in_turn(NAMES):
            if name == PROVIDER:
                self.login(name, "provider", is_kept)
            elif name == CACHED:
                self.login(name, "m64", False)
                self.login(name, "m64", is_kept)
            else:
                self.forget()
                self.login(name, FIRST[name], is_kept)

    def run(self):
        try:
            make_keyrings(self.one)
            self.round(False)
            for number in range(self.bench.options.short):
                self.bench.say("logins, round %d" % (number + 1))
                self.round(True)
        finally:
            self.one.stop()
