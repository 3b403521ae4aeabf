# SPDX-License-Identifier: MIT
"""inplace: what it costs to seal, verify and unseal stored messages.

Beside it stand `cp -a` and `doveadm backup` of the same mailbox by plain
Dovecot, which copies to a folder of another mode: to one of the same mode it
would only make links. Each is one run of a program, from its start to its end,
on what was written to the disk before. In password mode the commands get the
user's password, and pay for it.
"""

import os
import shutil
import subprocess
import time

import apart
import messages
import server

# {user: what follows the names of the commands}
USERS = {"inplace": "", "locked": ", password mode"}
AT_ONCE = 100
WORK = "inplace"
BASE, COMMANDS = "doveadm backup", ("seal", "verify", "unseal")
NAMES = ("cp -a", BASE) + tuple(command + mode for mode in USERS.values()
                                for command in COMMANDS)
SEAL_TO_BACKUP = 2.0


def fill(one, user, mails):
    """Stores the messages without Roost, as those of another age are."""
    conf = apart.configuration(one, "plain", roost=False)
    with apart.Imap(one, user, conf) as imap:
        for first in range(0, len(mails), AT_ONCE):
            parts = ["APPEND INBOX"]
            for mail in mails[first:first + AT_ONCE]:
                parts += [" ", (mail,)]
            imap.ok(*parts)
    return conf


class InPlace:
    def __init__(self, bench):
        self.bench = bench
        self.options = bench.options
        self.one = server.Server(
            os.path.join(bench.tmp, "inplace"), storage=self.options.storage,
            users=tuple(USERS), secret=True)

    def measure(self, name, is_kept, run):
        os.sync()
        start = time.perf_counter()
        run()
        wall = time.perf_counter() - start
        if is_kept:
            self.bench.add(WORK, name, {"wall": wall})

    def doveadm(self, name, is_kept, *args):
        self.measure(name, is_kept, lambda: self.one.doveadm(*args))

    def roost(self, user, command, is_kept, *args):
        """Runs doveadm roost with the user's password, if he has one."""
        args = ("roost", command, "-u", user) + args
        name = command + USERS[user]
        if not USERS[user]:
            self.doveadm(name, is_kept, *args)
            return
        reader, writer = os.pipe()
        os.write(writer, self.one.password(user).encode() + b"\n")
        os.close(writer)
        try:
            self.measure(name, is_kept, lambda: self.one.doveadm(
                *args, "--secret-fd", str(reader), pass_fds=(reader,)))
        finally:
            os.close(reader)

    def copies(self, user, conf, number):
        """Copies go where the mail is, and to new folders each time."""
        is_kept = number > 0
        top = os.path.join(self.one.mail_root, "copies%d" % number)
        os.mkdir(top)
        self.one.own(top)
        self.measure("cp -a", is_kept, lambda: subprocess.run(
            ["cp", "-a", self.one.home(user), os.path.join(top, "cp")],
            check=True))
        target = os.path.join(top, "backup")
        os.mkdir(target)
        self.one.own(target)
        os.chmod(target, 0o770)
        self.doveadm(BASE, is_kept, "-c", conf, "backup", "-u", user,
                     "%s:%s" % (self.one.storage, target))
        shutil.rmtree(top)

    def commands(self, user, number):
        is_kept, count = number > 0, self.options.messages
        self.roost(user, "seal", is_kept)
        self.bench.check_stored("roost", self.one, user, count)
        self.roost(user, "verify", is_kept)
        self.roost(user, "unseal", is_kept, "--yes-plaintext")
        self.bench.check_stored("plain", self.one, user, count)

    def rounds(self, mails):
        first, locked = USERS
        conf = fill(self.one, first, mails)
        fill(self.one, locked, mails)
        self.one.doveadm("roost", "init", "-u", first)
        self.one.init_password_mode(locked)
        for number in range(self.options.writes + 1):
            self.bench.say("in place, round %d" % number)
            self.copies(first, conf, number)
            self.commands(first, number)
            self.commands(locked, number)

    def run(self):
        options = self.options
        self.bench.say("making %d messages" % options.messages)
        mails = messages.make(options.messages, options.bytes, options.seed)
        self.one.start()
        try:
            self.rounds(mails)
        finally:
            self.one.stop()
