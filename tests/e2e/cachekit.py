# SPDX-License-Identifier: MIT
"""cachekit: messages for tests of the cache, what sessions answer about them,
and what else these tests share: lost caches and counted events."""

import os
import re
import time

import apart
import corpus
from pairs import comparable

ONE, TWO = "X-My-One", "x-my-two"


def message(number):
    """Returns a multipart message with many standard header lines and three
    others."""
    return (corpus.head(
        "cached-%d" % number, "%s: one %d" % (ONE, number),
        "X-MY-TWO: two\r\n\tfolded %d" % number, "X-Other: other %d" % number,
        "Cc: Someone <cc%d@example.org>" % number,
        "In-Reply-To: <%d@thread.example>" % (number // 2),
        "References: <0@thread.example> <%d@thread.example>" % (number // 2),
        *corpus.typed("multipart/mixed; boundary=edge")) + "\r\n" +
        corpus.multipart(
            "edge", corpus.part("text/plain; charset=utf-8",
                                "canary text %d\r\n" % number),
            corpus.part("application/pdf; name=file-%d.pdf" % number,
                        corpus.wrapped64(b"pdf" * 400),
                        "Content-Transfer-Encoding: base64"))).encode()


STANDARD = " ".join(
    "Bcc Cc Content-Type Date From Importance In-Reply-To List-Id Message-ID "
    "MIME-Version References Reply-To Sender Subject To X-Priority "
    "X-Spam-Flag Lines Newsgroups".upper().split())
# A client sends commands like these to show the list of a mailbox.
LISTING = ["FETCH 1:* (%s)" % items for items in (
    "ENVELOPE", "BODYSTRUCTURE", "BODY", "PREVIEW", "PREVIEW (LAZY)",
    "BODY.PEEK[HEADER.FIELDS (%s)]" % STANDARD,
    "BODY.PEEK[HEADER.FIELDS (SUBJECT)] ENVELOPE BODYSTRUCTURE PREVIEW",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT X-LABEL)]<3.20>")]


def answers(server, user, commands, mailbox="INBOX", conf=None):
    """Returns {command: comparable answer} of a new session. `conf` is the
    path of a configuration that it uses in the place of the server's."""
    found = {}
    client = apart.Imap(server, user, conf) if conf else server.raw(user)
    try:
        client.ok('SELECT "%s"' % mailbox)
        for command in commands:
            found[command] = comparable(client.cmd(command))
        client.logout()
    finally:
        client.close()
    return found


def without_dates(answer):
    """Returns a comparable answer without INTERNALDATE, which of a delivered
    message is the time at which it came."""
    return [re.sub(rb'INTERNALDATE "[^"]*"', b"INTERNALDATE", line)
            for line in answer[0]], answer[1]


def assert_same(found, wanted):
    """Asserts that two results of answers() differ in nothing but dates."""
    for command in wanted:
        if without_dates(found[command]) != without_dates(wanted[command]):
            raise AssertionError("%s\nis:     %.3000r\nwanted: %.3000r" % (
                command, *first_difference(found[command],
                                           wanted[command])))


def first_difference(one, two):
    """Returns the first two responses that differ, or else both answers."""
    for left, right in zip(one[0], two[0]):
        if without_dates(([left], b"")) != without_dates(([right], b"")):
            return left, right
    return one, two


def deliver_all(server, user, messages):
    with server.lmtp() as client:
        for data in messages:
            assert server.deliver(data, user, client=client)[0][0] == 250


def append_all(server, user, messages, mailbox="INBOX"):
    """Appends the messages with one command (MULTIAPPEND)."""
    with server.raw(user) as client:
        parts = ['APPEND "%s" ' % mailbox]
        for data in messages:
            parts += ['(\\Seen) "01-Jan-2020 01:02:03 +0000" ', (data,), " "]
        client.ok(*parts[:-1])
        client.logout()


def lose_cache(server, user):
    """Deletes the caches of all mailboxes of a user."""
    for folder, _, names in os.walk(server.home(user)):
        for name in names:
            if name == "dovecot.index.cache":
                os.unlink(os.path.join(folder, name))


METRIC = """
metric changed_objects {
  filter = event=roost_object_changed
}
metric refused_blobs {
  filter = event=roost_cache_refused
}
"""


def metric(server, name):
    """Returns how many events a metric has counted."""
    shown = server.doveadm("-f", "tab", "stats", "dump").stdout.decode()
    lines = [line.split("\t") for line in shown.splitlines()]
    count = lines[0].index("count")
    return sum(int(line[count]) for line in lines[1:]
               if line[0] == name and line[1] == "duration")


def wait_metric(server, name, wanted):
    """Waits until a metric has counted as many events as wanted, which reach
    the stats process a little later, and asserts that it has not counted
    more."""
    deadline = time.monotonic() + 20
    while metric(server, name) < wanted:
        assert time.monotonic() < deadline, metric(server, name)
        time.sleep(0.05)
    assert metric(server, name) == wanted
