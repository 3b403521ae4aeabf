# SPDX-License-Identifier: MIT
"""session: a client that costs little, and what a process of the server costs.

Answers are read in big blocks and counted, not kept.
"""

import os
import re
import socket
import threading
import time

import processes

TIMEOUT = 300
# How far a search is: a line that is sent by itself, each 10 seconds.
NOTE = re.compile(rb"^\* OK Searched .*\r\n", re.M)
NOTE_MAX = 4096
_TICK = os.sysconf("SC_CLK_TCK")


class Processes:
    """The processes of one server, which are found by its process group."""

    def __init__(self, group):
        self.group = group

    def named(self, name):
        return list(processes.of_group(self.group, name))

    def none(self, name, seconds=20):
        """Waits until no process of that name is left of earlier sessions."""
        deadline = time.monotonic() + seconds
        while self.named(name):
            assert time.monotonic() < deadline, name + " does not end"
            time.sleep(0.002)

    def only(self, name):
        found = self.named(name)
        assert len(found) == 1, "%d processes %s" % (len(found), name)
        return found[0]


def cpu(pid):
    """The seconds of processor time that a process has used."""
    try:
        with open("/proc/%d/schedstat" % pid) as file:
            return int(file.read().split()[0]) / 1e9
    except OSError:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


def memory(pid):
    """A process's memory in KiB: what it has written and shares with no other
    ("private"), and that with its part of what it shares ("pss"). What a disk
    has not taken yet of a file that it has mapped counts as written, so that
    os.sync() comes before."""
    names = {"Private_Dirty": "private", "Pss": "pss"}
    found = {}
    with open("/proc/%d/smaps_rollup" % pid) as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in names:
                found[names[name]] = int(value.split()[0])
    return found


class Session:
    """One IMAP connection, logged in."""

    def __init__(self, server, user, select=None):
        self.processes = Processes(server.process.pid)
        self.processes.none("imap")
        self.block = bytearray(1 << 20)
        self.number = 0
        self.started = time.perf_counter()
        self.sock = socket.create_connection(
            ("127.0.0.1", server.imap_port), TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert self.sock.recv(4096).endswith(b"\r\n")
        self.run("LOGIN %s %s" % (user, server.password(user)))
        if select:
            self.run("SELECT " + select)
        self.ready = time.perf_counter()
        self.pid = self.processes.only("imap")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    @staticmethod
    def now():
        """The time by the clock of `started` and `ready`."""
        return time.perf_counter()

    def tag(self):
        self.number += 1
        return b"bench%d" % self.number

    def run(self, command):
        """Runs one command, and returns how many bytes came before its tagged
        line."""
        tag = self.tag()
        self.sock.sendall(b"%s %s\r\n" % (tag, command.encode()))
        return self.until(tag)

    def until(self, tag):
        """Reads up to the tagged line, which is the last that is sent. What
        the server says of a long search meanwhile does not count, because
        that depends on how long it takes."""
        total, tail, view = 0, b"", memoryview(self.block)
        while True:
            got = self.sock.recv_into(self.block)
            assert got, "connection closed after %d bytes" % total
            total += got
            if got <= NOTE_MAX:
                total -= sum(map(len, NOTE.findall(view[:got])))
            tail = (tail + bytes(view[max(got - 600, 0):got]))[-600:]
            if not tail.endswith(b"\r\n"):
                continue
            line = tail[:-2].rsplit(b"\r\n", 1)[-1]
            if line.startswith(tag + b" "):
                assert line.startswith(tag + b" OK"), line
                return total - len(line) - 2

    def measure(self, command):
        """Runs one command, and returns ({wall, cpu}, bytes)."""
        before, start = cpu(self.pid), time.perf_counter()
        count = self.run(command)
        wall = time.perf_counter() - start
        return {"wall": wall, "cpu": cpu(self.pid) - before}, count

    def append(self, mailbox, messages, flags=""):
        """Appends all messages, none of which waits for the one before, and
        returns {wall, cpu}."""
        where = ("%s %s" % (mailbox, flags)).strip().encode()
        parts = []
        for message in messages:
            tag = self.tag()
            parts += [b"%s APPEND %s {%d+}\r\n" % (tag, where,
                                                   len(message)),
                      message, b"\r\n"]
        stream = b"".join(parts)
        sender = threading.Thread(target=self.sock.sendall, args=(stream,))
        before, start = cpu(self.pid), time.perf_counter()
        sender.start()
        self.until(tag)
        wall = time.perf_counter() - start
        sender.join()
        return {"wall": wall, "cpu": cpu(self.pid) - before}


class Lmtp:
    """One LMTP connection."""

    def __init__(self, server):
        self.processes = Processes(server.process.pid)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(os.path.join(server.run_dir, "lmtp"))
        self.file = self.sock.makefile("rb")
        self.expect(b"220")
        self.sock.sendall(b"LHLO bench\r\n")
        self.expect(b"250")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.sendall(b"QUIT\r\n")
        self.expect(b"221")
        self.file.close()
        self.sock.close()

    def expect(self, code):
        while True:
            line = self.file.readline()
            assert line.startswith(code), line
            if line[3:4] != b"-":
                return

    def spent(self):
        """{process: its processor time}. An idle process of an earlier
        connection may be among them."""
        return {pid: cpu(pid) for pid in self.processes.named("lmtp")}

    def deliver(self, user, wire):
        """Delivers all messages, which are made by smtp_data(), and returns
        {wall, cpu}."""
        begin = (b"MAIL FROM:<sender@example.org>\r\nRCPT TO:<%s>\r\n"
                 b"DATA\r\n" % user.encode())
        before, start = self.spent(), time.perf_counter()
        for message in wire:
            self.sock.sendall(begin)
            for code in (b"250", b"250", b"354"):
                self.expect(code)
            self.sock.sendall(message)
            self.expect(b"250")
        wall = time.perf_counter() - start
        return {"wall": wall, "cpu": sum(
            now - before.get(pid, 0) for pid, now in self.spent().items())}
