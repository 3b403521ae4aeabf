# SPDX-License-Identifier: MIT
"""sessions: what a session costs, in time until it has selected a mailbox and
in memory: then, after a list, after all bodies, and of many at once that wait.

Memory is what a process has written and shares with no other (Private_Dirty),
and that with its part of what it shares (Pss). Resident memory is none of both:
it counts clean pages of libraries that all processes have in common.
"""

import os
import resource
import socket

import lively
import mailbox
import rows
import session
import systems
import writing

USER = "reader"
MESSAGES, WAITING_MESSAGES = 2000, 50
# Sessions of one user at once, and logins at the same time.
EACH = 50
SPARE_FILES = 200
LOGIN = rows.Row("login", "login and SELECT")
# {key: title} of what is measured in memory.
MEMORY = {"memory-select": "one session, after SELECT",
          "memory-list": "one session, after a list",
          "memory-bodies": "one session, after all bodies",
          "memory-waiting": "a session of many that wait"}


def files_to_spare(count):
    """Lets this process open so many files more, if it may. Returns why not,
    or None."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if hard != resource.RLIM_INFINITY and wanted > hard:
        return "a process may open %d files, and not %d" % (hard, wanted)
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return None


def limits(count):
    """The settings that allow so many sessions at once."""
    return """
default_client_limit = %d
default_process_limit = %d
service imap {
  process_limit = %d
}
""" % (3 * count + 1000, count + 200, count + 100)


class _Waiting:
    """One connection of many, which is not alone on its server."""

    def __init__(self, one):
        self.sock = socket.create_connection(("127.0.0.1", one.imap_port),
                                             session.TIMEOUT)
        self.file = self.sock.makefile("rb")
        assert self.file.readline().startswith(b"* OK")

    def send(self, command):
        self.sock.sendall(b"w %s\r\n" % command.encode())

    def wait(self):
        while True:
            line = self.file.readline()
            assert line, "connection closed"
            if line.startswith(b"w "):
                assert line.startswith(b"w OK"), line
                return

    def close(self):
        self.file.close()
        self.sock.close()


class Sessions:
    def __init__(self, bench):
        self.bench = bench
        self.options = bench.options
        count = self.options.waiting
        self.why_not = files_to_spare(2 * count)
        self.users = [] if self.why_not else [
            "waits%d" % number for number in range(-(-count // EACH))]

    def fill(self, servers):
        self.bench.say("filling mailboxes of %d users" % len(self.users))
        count = min(MESSAGES, self.options.messages)
        writing.fill(self.bench, servers, USER, "append",
                     lively.make(count, self.options.seed))
        mails = list(lively.make(WAITING_MESSAGES, self.options.seed))
        for user in self.users:
            writing.fill(self.bench, servers, user, "append", mails)

    # One session

    def login(self, servers, is_kept):
        for name in self.bench.in_turn(tuple(servers)):
            with session.Session(servers[name], USER, "INBOX") as imap:
                sample = {"wall": imap.ready - imap.started,
                          "cpu": session.cpu(imap.pid)}
            if is_kept:
                self.bench.add(LOGIN.key, name, sample)

    def memory(self, servers):
        for name in self.bench.in_turn(tuple(servers)):
            with session.Session(servers[name], USER, "INBOX") as imap:
                for key, command in (
                        ("memory-select", "NOOP"),
                        ("memory-list", mailbox.LIST),
                        ("memory-bodies", "FETCH 1:* BODY.PEEK[]")):
                    imap.run(command)
                    os.sync()
                    self.bench.add(key, name, session.memory(imap.pid))

    # Many at once

    def open(self, one, waiting):
        """Logs in as often as is asked for, one session of each user at the
        same time, and adds them to waiting."""
        left = self.options.waiting
        while left > 0:
            users = self.users[:left]
            some = []
            for user in users:
                client = _Waiting(one)
                waiting.append(client)
                some.append(client)
                client.send("LOGIN %s %s" % (user, one.password(user)))
            for client in some:
                client.wait()
                client.send("SELECT INBOX")
            for client in some:
                client.wait()
            left -= len(some)

    def wait(self, name, one):
        """Measures all processes of the sessions, and keeps their mean."""
        waiting, found = [], session.Processes(one.process.pid)
        found.none("imap")
        try:
            self.open(one, waiting)
            pids = found.named("imap")
            assert len(pids) == len(waiting), (len(pids), len(waiting))
            os.sync()
            every = [session.memory(pid) for pid in pids]
        finally:
            for client in waiting:
                client.close()
        self.bench.add("memory-waiting", name, {
            field: sum(memory[field] for memory in every) / len(every)
            for field in every[0]})
        found.none("imap", 120)

    def many(self, servers):
        if self.why_not:
            self.bench.note("%d sessions at once were not measured, because "
                            "%s." % (self.options.waiting, self.why_not))
            return
        for number in range(self.options.writes):
            self.bench.say("%d sessions at once, round %d" % (
                self.options.waiting, number + 1))
            for name in self.bench.in_turn(tuple(servers)):
                self.wait(name, servers[name])

    def run(self):
        options = self.options
        servers = systems.start(
            os.path.join(self.bench.tmp, "sessions"), rows.SYSTEMS,
            extra=limits(options.waiting), users=[USER] + self.users,
            storage=options.storage)
        try:
            self.fill(servers)
            self.bench.say("login and memory")
            for number in range(options.short + 1):
                self.login(servers, number > 0)
            for _ in range(options.reads):
                self.memory(servers)
            self.many(servers)
        finally:
            systems.stop(servers)
