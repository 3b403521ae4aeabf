# SPDX-License-Identifier: MIT
"""logwatch: whether a server has logged all that it has to say so far.

Dovecot's processes write their lines into pipes, and a process of its own
writes them to the file. A session goes on for a while after its client has
gone. A test that reads the file at once may therefore miss lines, and may find
them later among those of another session. settle() returns when

- the process of each session that was closed by its client or by the server
  has ended, even if it was killed, so that it will log no more,
- and every line that any process wrote before is in the file.

Sessions that are still open may log more, but what they logged before their
last answer is in the file.
"""

import array
import base64
import contextlib
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
# With one of these settings a process outlives its session, or a session is
# continued by another process.
_OUTLIVING = re.compile(r"service_count = 0|restart_request_count = unlimited|"
                        "imap_hibernate_timeout")


def session_port(text):
    """Returns the client's port, which are the bytes 6 and 7 of the id of an
    IMAP or POP3 session."""
    return int.from_bytes(base64.b64decode(text)[6:8], "little")


def login(line):
    """Returns (client's port, process) if the line tells of a login, or else
    (None, None)."""
    told, pid = _LOGIN.search(line), _MPID.search(line)
    return (session_port(told.group(1)), int(pid.group(1))) \
        if told and pid else (None, None)


def is_open(client):
    """Tells whether neither side has closed the client's connection."""
    sock = client.sock
    if sock is None or sock.fileno() == -1:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return not poll.poll(0)


class _Session:
    """What the log says of one session; `pos` is where its first line
    begins."""

    def __init__(self, port, pos):
        self.port, self.pos = port, pos
        self.pids = set()
        self.has_login = self.has_last = False


class Watch:
    """Follows the log of one running server from its start on."""

    def __init__(self, server):
        self.server = server
        self.master = server.process.pid
        self.is_outliving = bool(_OUTLIVING.search(server.extra))
        self.pos = server.mark
        # The sessions that may log more, by their ids, and the ids of those
        # that are over.
        self.sessions, self.over = {}, set()
        # A list of (client, port, pos); see add().
        self.clients = []
        self.lmtp, self.is_lmtp_quiet = [], True
        self.pipes = None

    def add(self, client, pos):
        """Adds a client of IMAP or POP3, whose socket is client.sock. `pos`
        is where the log ended before the client connected."""
        self.clients.append((client, client.sock.getsockname()[1], pos))

    def add_lmtp(self, client):
        """Adds a client of LMTP, whose socket is client.sock."""
        self.lmtp.append(client)
        self.is_lmtp_quiet = False

    def settle(self):
        """Waits until the log is complete in the sense of this module's
        beginning, or until the server has ended."""
        deadline = time.monotonic() + TIMEOUT
        while self.server.process.poll() is None:
            waits_for = self._waits_for()
            if waits_for is None:
                return
            assert time.monotonic() < deadline, \
                "%s, in:\n%s" % (waits_for, self.server._tail())
            time.sleep(0.001)

    def _waits_for(self):
        """Says in words what the log still lacks; returns None if that is
        nothing."""
        self._read()
        return self._session_waits() or self._lmtp_waits() or \
            self._log_waits()

    # Sessions

    def _read(self):
        """Reads the whole lines that were added since the last call."""
        with open(self.server.log, "rb") as file:
            file.seek(self.pos)
            added = file.read()
        for line in added[:added.rfind(b"\n") + 1].splitlines(True):
            self._take(line.decode(errors="replace"))
            self.pos += len(line)

    def _take(self, line):
        """Keeps what a line tells of a session."""
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
        """Returns the session of an id. If it is not known and is not over,
        it is kept."""
        found = self.sessions.get(text)
        if found is None:
            found = _Session(session_port(text), self.pos)
            if text not in self.over:
                self.sessions[text] = found
        return found

    def _session_waits(self):
        """Says which session will log more although it was closed, or returns
        None."""
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
        return not any(processes.read_stat(pid) for pid in session.pids)

    def _lmtp_waits(self):
        """Says how many connections of LMTP are open at the server but not at
        their clients, or returns None. The server's ends are counted, because
        the lines that LMTP logs do not tell which client they are about."""
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

    def has_begun(self):
        """Tells whether the log process has read the greeting that the master
        puts into each pipe. If a session's first line were read together with
        the greeting, the log process would keep it back until that pipe's next
        line, so clients must not connect before."""
        with contextlib.suppress(OSError, ValueError):  # it came or went
            return not any(self._unread(name) for name in self._pipes())
        return False

    def _log_waits(self):
        """Says which step between the processes and the file is not done yet,
        or returns None. The order matters: the master first logs how processes
        ended, then the log process reads the pipes, and then it writes what it
        has read."""
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
        """Returns the log process's descriptors that are pipes."""
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
