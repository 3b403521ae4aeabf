# SPDX-License-Identifier: MIT
"""logwatch: whether a server has logged all that it has to say so far.

Dovecot's processes write their lines into pipes, and a process of its own
takes them from there into the file; a session goes on after its client has
gone. Whoever reads the file at once may miss lines, and finds them later
among those of something else. settle() returns when

- the process of each session that its client or the server has closed has
  ended, also if it was killed, so that it will log no more,
- and every line that was written before, by whatever process, is in the file.

Sessions that are still open may log more, but what they logged before they
answered is there.
"""

import array
import base64
import fcntl
import functools
import os
import re
import select
import stat
import termios
import time

import processes

TIMEOUT = 60

_ID = r"<([A-Za-z0-9+/]{16})>"
_LOGIN = re.compile(r" (?:imap|pop3)-login: .*\bsession=" + _ID)
_MPID = re.compile(r" mpid=(\d+),")
_SESSION = re.compile(r" [a-z0-9-]+\(.*\)<(\d+)>" + _ID + r": (.*)")
_LAST = re.compile("Info: Disconnected|Fatal: master: ")
# With one of these a process outlives its session, or a session its process.
_OUTLIVING = re.compile(r"service_count = 0|restart_request_count = unlimited|"
                        "imap_hibernate_timeout")


def session_port(text):
    """The client's port of an IMAP or POP3 session's id: bytes 6 and 7."""
    return int.from_bytes(base64.b64decode(text)[6:8], "little")


def login(line):
    """(client's port, process) of a line that tells of a login, or Nones."""
    told, pid = _LOGIN.search(line), _MPID.search(line)
    return (session_port(told.group(1)), int(pid.group(1))) \
        if told and pid else (None, None)


def is_open(client):
    """Neither side has closed the client's connection."""
    sock = client.sock
    if sock is None or sock.fileno() == -1:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return not poll.poll(0)


class _Session:
    """What the log says of one; `pos` is where it does so first."""

    def __init__(self, port, pos):
        self.port, self.pos = port, pos
        self.pids = set()
        self.has_login = self.has_last = False


class Watch:
    """Of one running server, from its start on."""

    def __init__(self, server):
        self.server = server
        self.master = server.process.pid
        self.is_outliving = bool(_OUTLIVING.search(server.extra))
        self.pos = server.mark
        # By their ids: those that may log more, and those that are over.
        self.sessions, self.over = {}, set()
        # (client, port, pos)
        self.clients = []
        self.lmtp, self.is_lmtp_quiet = [], True
        self.pipes = None

    def add(self, client, pos):
        """Notes a client of IMAP or POP3, whose socket is client.sock;
        `pos` is where the log ended before it connected."""
        self.clients.append((client, client.sock.getsockname()[1], pos))

    def add_lmtp(self, client):
        self.lmtp.append(client)
        self.is_lmtp_quiet = False

    def settle(self):
        deadline = time.monotonic() + TIMEOUT
        while self.server.process.poll() is None:
            waits_for = self._waits_for()
            if waits_for is None:
                return
            assert time.monotonic() < deadline, \
                "%s, in:\n%s" % (waits_for, self.server._tail())
            time.sleep(0.001)

    def _waits_for(self):
        """What the log lacks, in words, or None."""
        self._read()
        return self._session_waits() or self._lmtp_waits() or \
            self._log_waits()

    # Sessions

    def _read(self):
        """Takes note of the whole lines that have been added."""
        with open(self.server.log, "rb") as file:
            file.seek(self.pos)
            added = file.read()
        for line in added[:added.rfind(b"\n") + 1].splitlines(True):
            self._take(line.decode(errors="replace"))
            self.pos += len(line)

    def _take(self, line):
        login = _LOGIN.search(line)
        if login:
            session = self._session(login.group(1))
            session.has_login = True
            pid = _MPID.search(line)
            if pid:
                session.pids.add(int(pid.group(1)))
            else:
                session.has_last = True
        mail = not login and _SESSION.search(line)
        if mail:
            session = self._session(mail.group(2))
            session.pids.add(int(mail.group(1)))
            if _LAST.match(mail.group(3)):
                session.has_last = True

    def _session(self, text):
        found = self.sessions.get(text)
        if found is None:
            found = _Session(session_port(text), self.pos)
            if text not in self.over:
                self.sessions[text] = found
        return found

    def _session_waits(self):
        still_open = set()
        for known in list(self.clients):
            client, port, pos = known
            if is_open(client):
                still_open.add(port)
            elif any(session.port == port and session.pos >= pos
                     for session in self.sessions.values()):
                self.clients.remove(known)
            else:
                return "the session of port %d has logged nothing" % port
        for text, session in list(self.sessions.items()):
            if session.port not in still_open:
                if not self._is_over(session):
                    return "the session <%s> has not ended" % text
                self.over.add(text)
                del self.sessions[text]
        return None

    def _is_over(self, session):
        if not session.has_login:
            return False
        if self.is_outliving:
            return session.has_last
        return not any(processes.look(pid) for pid in session.pids)

    def _lmtp_waits(self):
        """The server's ends of connections are counted: what LMTP logs does
        not tell which client it is about."""
        if self.is_lmtp_quiet:
            return None
        self.lmtp = [client for client in self.lmtp if is_open(client)]
        name = " " + os.path.join(self.server.run_dir, "lmtp")
        with open("/proc/net/unix") as file:
            ends = [line for line in file
                    if line.rstrip("\n").endswith(name) and
                    line.split()[3] == "00000000"]
        if len(ends) > len(self.lmtp):
            return "LMTP has not closed %d connections" % (
                len(ends) - len(self.lmtp))
        self.is_lmtp_quiet = not self.lmtp
        return None

    # The log

    def _log_waits(self):
        """The master says of the dead that they were killed; then the pipes
        are empty, and what was read from them is written."""
        if self.pipes is None:
            self.pipes = self._pipes()
        if not processes.is_asleep(self.master):
            return "the master is at work"
        if any(self._unread(number) for number in self.pipes):
            return "the log process has not read all"
        if not processes.is_asleep(self.log_pid):
            return "the log process is at work"
        if os.path.getsize(self.server.log) != self.pos:
            return "the log has grown"
        return None

    @functools.cached_property
    def log_pid(self):
        """The process that writes the log."""
        pid, = processes.of_group(self.master, "log")
        return pid

    def _pipes(self):
        folder = "/proc/%d/fd" % self.log_pid
        return [name for name in os.listdir(folder) if stat.S_ISFIFO(
            os.stat(os.path.join(folder, name)).st_mode)]

    def _unread(self, name):
        """How many bytes a pipe of the log process holds."""
        count = array.array("i", [0])
        try:
            fd = os.open("/proc/%d/fd/%s" % (self.log_pid, name),
                         os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return 0
        try:
            fcntl.ioctl(fd, termios.FIONREAD, count)
        finally:
            os.close(fd)
        return count[0]
