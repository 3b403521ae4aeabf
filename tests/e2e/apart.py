# SPDX-License-Identifier: MIT
"""apart: sessions with a configuration of their own on a running server.

Dovecot's imap and pop3 programs serve one user on their standard input and
output. Started by hand they may have another configuration than the server
beside them: without the plugin, or with another setting.
"""

import os
import re
import subprocess

import imapclient
import server as servers

LIBEXEC = os.path.dirname(servers.LDA)


def configuration(server, name, roost=None, settings=None, extra=""):
    """Writes a variant of the server's configuration; returns its path."""
    kept = server.roost, server.settings, server.extra
    server.settings = dict(server.settings, **(settings or {}))
    server.extra += "\n" + extra + "\n"
    if roost is not None:
        server.roost = roost
    try:
        text = server.configuration()
    finally:
        server.roost, server.settings, server.extra = kept
    path = os.path.join(server.root, name + ".conf")
    server.write(path, text)
    return path


class Session:
    """A program's process, with what a client needs of a socket. (Both
    programs refuse to run on a real one.)"""

    def __init__(self, server, program, user, path):
        # Dovecot hands settings on through the environment.
        keep = {name: value for name, value in
                server._environment().items()
                if name in ("PATH", "TMPDIR", "LD_PRELOAD") or
                name.endswith("SAN_OPTIONS")}
        self.process = subprocess.Popen(
            [os.path.join(LIBEXEC, program), "-c", path, "-u", user],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=keep)
        self.file = self.process.stdout

    def sendall(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.file.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("a session did not end")


class Imap(imapclient.Client):
    """An IMAP session in which the user is logged in already."""

    def __init__(self, server, user, path):
        self.sock = Session(server, "imap", user, path)
        self.file = self.sock.file
        self.number = 0
        self.greeting = self.response()

    def close(self):
        self.sock.close()


def uidl(server, user, path):
    """What pop3 answers to UIDL: its lines, or what it says instead. (By
    hand it begins without a greeting.)"""
    session = Session(server, "pop3", user, path)
    try:
        session.sendall(b"UIDL\r\nQUIT\r\n")
        lines = [line.rstrip(b"\r\n") for line in session.file]
    finally:
        session.close()
    if b"." not in lines:
        return [re.sub(rb"\[[^]]*\]", b"", line) for line in lines]
    return [line for line in lines[:lines.index(b".")]
            if not line.startswith(b"+OK")]
