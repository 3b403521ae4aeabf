# SPDX-License-Identifier: MIT
"""toolkit: runs the program `roost` on backups, and reads what it extracts.

A Backup is a copy of a user's mail and keyring in a folder of its own, with
what is known of each message in it.
"""

import collections
import fcntl
import glob
import mailbox
import os
import pty
import re
import select
import shutil
import subprocess
import termios

import server as servers
import tamper
from tamper import rf

ROOST = os.path.join(servers.TOP, os.environ.get("BUILD", "build"), "roost")
DATES = (" 1-Jan-2001 01:02:03 +0000", "29-Feb-2004 23:59:59 +0000",
         "31-Dec-2019 12:00:00 +0000", " 5-May-2023 05:05:05 +0000")
SECONDS = (978310923, 1078099199, 1577793600, 1683263105)
FLAGS = ("", "\\Seen", "\\Flagged \\Answered", "\\Draft", "\\Deleted \\Seen")
LETTERS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S",
           "\\Deleted": "T"}
Message = collections.namedtuple("Message", "data flags seconds")


def run(*args, status=0, **options):
    """Runs roost, whose status must be the one that is given; returns (stdout,
    stderr) as (bytes, text)."""
    done = subprocess.run([ROOST, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          timeout=300, start_new_session=True, **options)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == status, (done.returncode, said, done.stdout)
    assert said.isprintable() or set(said) - {"\n"} == set(
        filter(str.isprintable, said)), said
    return done.stdout, said


class Terminal:
    """Runs roost on a terminal of its own, on which it can ask."""

    def __init__(self, *args):
        self.master, slave = pty.openpty()

        def take():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(
            [ROOST, *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=take)
        self.slave = slave
        self.shown = b""

    def read(self, pattern):
        """Reads until the terminal shows a pattern."""
        while not re.search(pattern, self.shown):
            ready, _, _ = select.select([self.master], [], [], 60)
            assert ready, self.shown
            self.shown += os.read(self.master, 4096)

    def type(self, text):
        os.write(self.master, text + b"\n")

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def end(self):
        """Returns the status and all that was shown."""
        os.close(self.slave)
        try:
            while True:
                data = os.read(self.master, 4096)
                if not data:
                    break
                self.shown += data
        except OSError:
            pass
        status = self.process.wait(timeout=60)
        os.close(self.master)
        return status, self.shown


class Backup:
    """A copy of the home of a user of a server, in a folder that is new."""

    def __init__(self, server, user, path):
        self.server, self.user, self.path = server, user, str(path)
        self.storage = server.storage
        shutil.copytree(server.home(user), self.path, symlinks=True)
        self.keyring = os.path.join(self.path, "roost.keyring")
        self.mail = os.path.join(self.path, {"maildir": "Maildir"}.get(
            server.storage, server.storage))

    def remove_indexes(self):
        """Leaves nothing but messages and keyring."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.startswith("dovecot") or name == "subscriptions":
                    os.unlink(os.path.join(folder, name))

    def files(self):
        return sorted(os.path.join(folder, name)
                      for folder, _, names in os.walk(self.mail)
                      for name in names if self.server._is_mail(folder, name))

    def objects(self):
        """Returns [(path, offset, object)] of what is stored here."""
        found = []
        for path in self.files():
            content = tamper.read(path)
            if self.storage == "maildir":
                found.append((path, 0, content))
            else:
                found += [(path, start, content[start:start + size])
                          for start, size in servers.dbox_messages(content)]
        return found

    def plaintexts(self):
        """Returns [(path, offset, plaintext)], opened by the second
        implementation."""
        ring = rf.load_keyring(tamper.read(self.keyring),
                               self.user.encode(),
                               [tamper.provider_key(self.server)],
                               "provider")
        found = []
        for path, offset, content in self.objects():
            gate, plain = rf.open_object(content, ring.id, ring.secrets)
            assert gate == "ok", (path, gate)
            found.append((path, offset, plain))
        return found


def fill(server, user, mailbox, datas, keywords=("", "Zahnarzt",
                                                 "$Forwarded plan-B")):
    """Appends messages with flags, keywords and dates that take turns; returns
    the Messages."""
    made = []
    with server.raw(user) as client:
        if mailbox != "INBOX":
            client.ok('CREATE "%s"' % mailbox)
        for number, data in enumerate(datas):
            flags = (FLAGS[number % len(FLAGS)] + " " +
                     keywords[number % len(keywords)]).split()
            when = number % len(DATES)
            answer = client.append(mailbox, data, " ".join(flags),
                                   DATES[when])
            assert answer.ok, answer
            made.append(Message(data, set(flags), SECONDS[when]))
    return made


def lf(data):
    return data.replace(b"\r\n", b"\n")


class Extracted:
    """What `roost extract --to maildir` has written."""

    def __init__(self, path):
        self.path = str(path)

    def folders(self):
        """Returns {name of a mailbox: path of its folder}."""
        found = {"INBOX": self.path}
        for name in os.listdir(self.path):
            if name.startswith("."):
                found[name[1:]] = os.path.join(self.path, name)
        return found

    def messages(self, folder="INBOX"):
        """Returns [Message] of a mailbox. Half a message stays nowhere."""
        top = self.folders()[folder]
        assert sorted(set(os.listdir(top)) & {"cur", "new", "tmp"}) == \
            ["cur", "new", "tmp"]
        assert os.listdir(os.path.join(top, "tmp")) == []
        assert os.listdir(os.path.join(top, "new")) == []
        keywords = {}
        listed = os.path.join(top, "dovecot-keywords")
        if os.path.exists(listed):
            with open(listed) as file:
                keywords = dict(line.split(" ", 1)
                                for line in file.read().splitlines())
        found = []
        for path in glob.glob(glob.escape(os.path.join(top, "cur")) + "/*"):
            letters = path.rsplit(":2,", 1)[1]
            flags = {flag for flag, letter in LETTERS.items()
                     if letter in letters}
            flags |= {keywords[str(ord(letter) - ord("a"))]
                      for letter in letters if letter.islower()}
            data = tamper.read(path)
            assert ",S=%d" % len(data) in path, path
            found.append(Message(data, flags, int(os.stat(path).st_mtime)))
        return found


def mbox_messages(path):
    """Returns [(data, header lines that were added)] of an mbox file."""
    content = tamper.read(path)
    found = []
    for part in re.split(rb"(?m)^From MAILER-DAEMON .*\n", content)[1:]:
        added = b""
        while re.match(rb"(X-)?(Status|Keywords):", part):
            line, part = part.split(b"\n", 1)
            added += line + b"\n"
        assert part.endswith(b"\n"), part[-20:]
        found.append((re.sub(rb"(?m)^>(>*From )", rb"\1", part[:-1]), added))
    assert len(mailbox.mbox(path)) == len(found)
    return found
