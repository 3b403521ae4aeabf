# SPDX-License-Identifier: MIT
"""pairs: a server without Roost and one with it that get the same commands,
and what must be the same in their answers."""

import datetime
import re

import server as servers
from imapclient import Answer, Closed

DATES = ("01-Jan-2001 01:02:03 +0000", "29-Feb-2004 23:59:59 -0800",
         "31-Dec-2019 12:00:00 +0530", " 5-May-2023 05:05:05 +0200")
CLOSED = b"- CLOSED\r\n"
INTERNALDATE = re.compile(rb'INTERNALDATE "([ \d]\d-[A-Z][a-z]{2}-\d{4} '
                          rb'\d\d:\d\d:\d\d [-+]\d{4})"')
# Dovecot adds this time to errors, also in a BYE or an untagged NO.
ERROR_TIME = re.compile(rb"(Refer to server log for more information\.) "
                        rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]")
BEGAN = datetime.datetime.now(datetime.timezone.utc) \
    - datetime.timedelta(seconds=1)


def binary(message):
    """Tells whether APPEND must send the message as binary."""
    return b"\0" in message.data


def by_the_clock(date):
    """Replaces an INTERNALDATE that is not older than this test run. It is the
    time at which a server saved or repaired the message, which two servers do
    at different times."""
    when = datetime.datetime.strptime(date.group(1).decode().strip(),
                                      "%d-%b-%Y %H:%M:%S %z")
    return b"INTERNALDATE now" if when >= BEGAN else date.group(0)


def comparable(answer):
    """Returns (untagged responses, tagged line without the tag) without what
    depends on the time. Whether Dovecot marks a BINARY without a NUL as
    literal8 depends on whether the process has the message in a cache, so that
    mark is removed, too."""
    untagged, tagged = answer.key()
    # This response tells how long a search took.
    untagged = [line for line in untagged
                if not line.startswith(b"* OK Searched ")]
    if not any(b"\0" in line for line in untagged):
        untagged = [line.replace(b"] ~{", b"] {") for line in untagged]
    return [INTERNALDATE.sub(by_the_clock, ERROR_TIME.sub(rb"\1", line))
            for line in untagged], tagged


class Pair:
    """A server without Roost and one with it that hold the same messages."""

    def __init__(self, make, storage, **options):
        plugins, settings = servers.quota()
        options.setdefault("plugins", plugins)
        options.setdefault("settings", settings)
        options.setdefault("extra", servers.quota_extra())
        self.storage = storage
        self.plain = make(storage, roost=False, **options)
        self.sealed = make(storage, roost=True, **options)
        self.both = (self.plain, self.sealed)
        self.clients = None
        self.messages = []
        self.closed = 0

    def connect(self, user="alice", mailbox="INBOX"):
        """Selects a mailbox in a new session on each server."""
        self.disconnect()
        self.user, self.mailbox = user, mailbox
        self.clients = [server.raw(user) for server in self.both]
        for client in self.clients:
            client.ok('SELECT "%s"' % mailbox)

    def disconnect(self):
        for client in self.clients or ():
            client.logout()
        self.clients = None

    def ask(self, *command):
        """Sends both servers one command; their answers must be the same.
        Returns the answer. Dovecot may end the connection in the middle of an
        answer, as for BINARY of broken base64; both must do so then, and both
        are connected again."""
        answers = [self._answer(client, command) for client in self.clients]
        if comparable(answers[0]) != comparable(answers[1]):
            raise AssertionError(difference(command, *answers))
        if answers[1].tagged == CLOSED:
            self.closed += 1
            self.connect(self.user, self.mailbox)
        return answers[1]

    @staticmethod
    def _answer(client, command):
        try:
            return client.cmd(*command)
        except Closed as closed:
            return Answer([closed.seen], CLOSED)

    def fill(self, messages):
        """Appends messages to alice's INBOX, and remembers those that were
        accepted."""
        self.connect()
        for number, message in enumerate(messages):
            given = [client.append("INBOX", message.data, "\\Draft",
                                   DATES[number % len(DATES)],
                                   binary(message))
                     for client in self.clients]
            assert given[0].status == given[1].status, \
                (message.name, given)
            if given[0].ok:
                self.messages.append(message)
        self.disconnect()

    def expunge(self, names):
        """Expunges the messages of these names, also from the files."""
        self.connect()
        for number, message in enumerate(self.messages, 1):
            if message.name in names:
                self.ask("STORE %d +FLAGS.SILENT (\\Deleted)" % number)
        self.ask("EXPUNGE")
        self.messages = [message for message in self.messages
                         if message.name not in names]
        self.disconnect()
        for server in self.both:
            server.doveadm("purge", "-u", "alice")

    def uids(self, names):
        """Returns {server: UIDs of the messages of these names}."""
        self.connect()
        found = {}
        for server, client in zip(self.both, self.clients):
            numbers = re.findall(rb"UID (\d+)", b"".join(
                client.ok("FETCH 1:* (UID)").untagged))
            assert len(numbers) == len(self.messages)
            found[server] = [int(uid) for uid, message
                             in zip(numbers, self.messages)
                             if message.name in names]
        self.disconnect()
        return found

    def restart(self, between):
        """Stops both servers, calls between(server) for each, and starts them
        again."""
        self.disconnect()
        for server in self.both:
            server.ask_to_stop()
        for server in self.both:
            server.stop()
        try:
            for server in self.both:
                between(server)
        finally:
            for server in self.both:
                server.start()


def difference(command, plain, sealed):
    """Says where two answers begin to differ, and shows a few bytes of
    each."""
    one = b"".join(plain.untagged) + plain.tagged
    two = b"".join(sealed.untagged) + sealed.tagged
    at = next((i for i, (a, b) in enumerate(zip(one, two)) if a != b),
              min(len(one), len(two)))
    return "%.200r: answers of %d and %d bytes differ at %d\n" \
        "plain:  ...%r\nsealed: ...%r" % (
            command, len(one), len(two), at,
            one[max(0, at - 60):at + 120], two[max(0, at - 60):at + 120])
