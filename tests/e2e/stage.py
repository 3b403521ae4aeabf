# SPDX-License-Identifier: MIT
"""stage: where the commands that documents show are run.

A stage is a folder of a private server. The commands find doveadm, doveconf and
dovecot-lda for that server, and the program roost that was built; the folders
of the system that they name lie on the stage.
"""

import collections
import fcntl
import os
import re
import select
import subprocess
import termios

import server as servers

BUILD = os.environ.get("BUILD") or "build"
TOOL = os.path.join(servers.TOP, BUILD, "roost")
# These exit with 2 where they have found something.
FINDERS = re.compile(r"doveadm roost (flags )?doctor\b")
# They change the system, and are only shown to a test.
SYSTEM = re.compile(r"(systemctl|systemd-\w+|editor|vi|chown|apt|dnf) ")

Done = collections.namedtuple("Done", "line code out")


def lines_of(text):
    """Returns the commands of a block: lines, of which one that ends with a
    backslash goes on, without comments."""
    return [line for line in text.replace("\\\n", " ").splitlines()
            if line and not line.startswith("#")]


class Stage:
    def __init__(self, server, places=None):
        """places are {path in the document: path of this machine}, besides
        those that each stage has."""
        self.server = server
        self.root = os.path.join(server.root, "stage")
        programs = os.path.join(self.root, "bin")
        os.makedirs(programs)
        for name, command in (
                ("doveadm", "doveadm -c %s" % server.conf),
                ("doveconf", "doveconf -c %s" % server.conf),
                ("dovecot-lda", "%s -c %s" % (servers.LDA, server.conf)),
                ("roost", TOOL)):
            server.write(os.path.join(programs, name), "#!/bin/sh\n"
                         "PATH=${PATH#*:}\nexec %s \"$@\"\n" % command, 0o755)
        self.environment = server._environment()
        self.environment["PATH"] = programs + ":" + os.environ["PATH"]
        self.places = {"~alice": server.home("alice")}
        for path in ("/backup", "/restore", "/etc/dovecot/private", "/mnt",
                     "/etc/dovecot", "/run/credentials", "/run/dovecot-key",
                     "/tmp"):
            self.places[path] = self.root + path
        for path in self.places.values():
            os.makedirs(path, exist_ok=True)
        self.places.update(places or {})

    def path(self, name):
        """Returns where a path of a document is."""
        return self.placed(name)

    def placed(self, text):
        """Returns a text in which those paths stand for the document's."""
        paths = sorted(self.places, key=len, reverse=True)
        return re.sub(r"(?<![\w/.~-])(%s)(?![\w-])" % "|".join(
            map(re.escape, paths)), lambda found: self.places[found.group(1)],
            text)

    def run(self, text, answers=(), codes=(0,)):
        """Runs the commands of a block, one after another, and returns what
        each of them has done. answers are [(word of the prompt, what is
        typed)]. Each must end with one of the codes."""
        answers, done = list(answers), []
        for line in lines_of(text):
            if SYSTEM.match(line):
                continue
            done.append(self._one(line, answers))
            good = (0, 2) if FINDERS.search(line) else codes
            assert done[-1].code in good, done[-1]
        assert not answers, (answers, done)
        return done

    def _one(self, line, answers):
        ours, theirs = os.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        with open(os.path.join(self.root, "said"), "wb+") as said:
            process = subprocess.Popen(
                ["sh", "-c", self.placed(line)], stdin=theirs, stdout=said,
                stderr=said, preexec_fn=take_terminal, cwd=self.root,
                env=self.environment)
            os.close(theirs)
            try:
                self._answer(ours, answers)
            finally:
                os.close(ours)
            code = process.wait(timeout=300)
            said.seek(0)
            return Done(line, code, said.read().decode(errors="replace"))

    @staticmethod
    def _answer(terminal, answers):
        """Types answers until the command closes the terminal."""
        asked = b""
        while True:
            ready = select.select([terminal], [], [], 120)[0]
            assert ready, "it waits, and has asked %r" % asked
            try:
                text = os.read(terminal, 1000)
            except OSError:
                return
            asked += text
            if asked.rstrip(b"\r\n").endswith(b": ") and text.strip():
                word, typed = answers.pop(0)
                assert word in asked.decode(), (word, asked)
                os.write(terminal, typed.encode() + b"\n")
                asked = b""
