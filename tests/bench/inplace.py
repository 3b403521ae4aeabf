# SPDX-License-Identifier: MIT
"""inplace: what it costs to seal, verify and unseal stored messages.

Beside it stand `cp -a` and `doveadm backup` of the same mailbox by plain
Dovecot, which copies to a folder of another mode: to one of the same mode it
would only make links. Each is one run of a program, from its start to its end, on what was
written to the disk before.
"""

import os
import shutil
import subprocess
import time

import apart
import report

USER = "inplace"
AT_ONCE = 100


def fill(one, mails):
    """Stores the messages without Roost, as those of another age are."""
    conf = apart.configuration(one, "plain", roost=False)
    with apart.Imap(one, USER, conf) as imap:
        for first in range(0, len(mails), AT_ONCE):
            parts = ["APPEND INBOX"]
            for mail in mails[first:first + AT_ONCE]:
                parts += [" ", (mail,)]
            imap.ok(*parts)
    return conf


class InPlace:
    def __init__(self, bench, one):
        self.bench = bench
        self.one = one

    def measure(self, name, is_kept, run):
        os.sync()
        start = time.perf_counter()
        run()
        wall = time.perf_counter() - start
        if is_kept:
            self.bench.add(report.INPLACE, name, {"wall": wall})

    def doveadm(self, name, is_kept, *args):
        self.measure(name, is_kept, lambda: self.one.doveadm(*args))

    def copy(self, target):
        subprocess.run(["cp", "-a", self.one.home(USER), target], check=True)

    def round(self, conf, number):
        """Copies go where the mail is, and to new folders each time."""
        is_kept = number > 0
        top = os.path.join(self.one.mail_root, "copies%d" % number)
        os.mkdir(top)
        self.one.own(top)
        self.measure("cp -a", is_kept,
                     lambda: self.copy(os.path.join(top, "cp")))
        target = os.path.join(top, "backup")
        os.mkdir(target)
        self.one.own(target)
        os.chmod(target, 0o770)
        self.doveadm("doveadm backup", is_kept, "-c", conf, "backup", "-u",
                     USER, "%s:%s" % (self.one.storage, target))
        self.doveadm("seal", is_kept, "roost", "seal", "-u", USER)
        self.bench.check_stored("roost", self.one, USER,
                                self.bench.options.messages)
        self.doveadm("verify", is_kept, "roost", "verify", "-u", USER)
        self.doveadm("unseal", is_kept, "roost", "unseal", "-u", USER,
                     "--yes-plaintext")
        self.bench.check_stored("plain", self.one, USER,
                                self.bench.options.messages)
        shutil.rmtree(top)

    def run(self, mails, rounds):
        conf = fill(self.one, mails)
        self.one.doveadm("roost", "init", "-u", USER)
        for number in range(rounds + 1):
            self.bench.say("in place, round %d" % number)
            self.round(conf, number)
