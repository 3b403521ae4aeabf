# SPDX-License-Identifier: MIT
"""apart: sessions beside a running server, with another configuration.

Dovecot's imap and pop3 programs serve one user on their standard input and
output. If a test starts them, their configuration may differ from the
server's: it may have another setting, or lack the plugin.
"""

import os
import re
import subprocess

import imapclient
import server as servers

LIBEXEC = os.path.dirname(servers.LDA)


def configuration(server, name, roost=None, settings=None, extra=""):
    """Writes a variant of the server's configuration to NAME.conf; returns its
    path. The server itself keeps its settings."""
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
    """The process of one of the programs, with the methods of a socket that a
    client calls. It uses pipes, because both programs refuse to run on a
    socket."""

    def __init__(self, server, program, user, path):
        # The environment is a clean one, because Dovecot would take settings
        # from it.
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
    """A client of a Session of IMAP, in which the user is logged in
    already."""

    def __init__(self, server, user, path):
        self.sock = Session(server, "imap", user, path)
        self.file = self.sock.file
        self.number = 0
        self.greeting = self.response()

    def close(self):
        self.sock.close()


def uidl(server, user, path):
    """Asks a POP3 session for UIDL. Returns the lines of the answer, or all
    that the session says if it refuses. A pop3 that a test starts sends no
    greeting."""
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
