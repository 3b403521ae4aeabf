# SPDX-License-Identifier: MIT
"""A keyring that goes away, or another that takes its place, while it is in
use: nothing is acknowledged that would not open afterwards, and the session
goes on once the right one is back.
"""

import os
import re

import pytest

import server as servers
import tamper
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

VANISHED = r"roost\.keyring vanished while it was in use: restore it"
REPLACED = r"roost\.keyring was replaced while it was in use, and %s"


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    server = make_module_server(
        request.param, users=["u%02d" % number for number in range(40)])
    server.next_user = iter(range(40))
    return server


@pytest.fixture
def user(server):
    return "u%02d" % next(server.next_user)


class Session:
    """A user who is logged in, has one message, and saved it just now."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.path = tamper.keyring_path(server, user)
        self.client = server.raw(user)
        assert self.client.append("INBOX", text_of(1)).ok
        self.client.ok("CREATE Other")
        self.client.ok("SELECT INBOX")
        self.mark = server.log_mark()
        self.saved = {"INBOX": [1], "Other": []}
        self.good = tamper.read(self.path)

    def put(self, text):
        tamper.write(self.path, text)

    def remove(self):
        os.unlink(self.path)

    def later(self, text=None, **lines):
        """A later document of the keyring, as the server itself makes it."""
        text = text or self.good
        host_key = tamper.Reader(self.server, self.user).ring.host_key
        for name, value in lines.items():
            text = tamper.swap_line(text, name.encode(),
                                    b"%s %s" % (name.encode(), value))
        return tamper.provider_mac(text, host_key)

    def refused(self, command, pattern):
        """NO, and one line that says why."""
        mark = self.server.log_mark()
        answer = command()
        assert answer.status == "NO", answer
        self.server.wait_log(pattern, mark)
        assert self.client.cmd("NOOP").ok

    def append(self, number, mailbox="INBOX"):
        answer = self.client.append(mailbox, text_of(number))
        if answer.ok:
            self.saved[mailbox].append(number)
        return answer

    def copy(self, command="COPY"):
        return self.client.cmd("UID %s 1 Other" % command)

    def check(self):
        """All that was acknowledged opens in a new session, and no more is
        there."""
        with self.server.raw(self.user) as client:
            for mailbox, numbers in self.saved.items():
                client.ok("SELECT " + mailbox)
                assert client.count(mailbox) == len(numbers)
                for seq, number in enumerate(numbers):
                    assert client.fetch(seq + 1, "BODY.PEEK[]").endswith(
                        text_of(number))


@pytest.fixture
def session(server, user):
    session = Session(server, user)
    yield session
    session.client.close()


def test_vanished(session):
    """Nothing is saved, copied or moved; and all again once it is back."""
    session.remove()
    session.refused(lambda: session.append(2), VANISHED)
    session.refused(session.copy, VANISHED)
    session.refused(lambda: session.copy("MOVE"), VANISHED)
    assert not os.path.exists(session.path)
    # What stands there is read as ever.
    assert session.client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    session.put(session.good)
    assert session.append(2).ok
    assert session.copy().ok
    session.saved["Other"].append(1)
    session.check()


def test_replaced_by_another(session):
    """Of the same user, with another id."""
    other = tamper.make_keyring(session.server, session.user)[0]
    session.put(other)
    pattern = REPLACED % "another one stands in its place"
    session.refused(lambda: session.append(2), pattern)
    session.refused(session.copy, pattern)
    session.refused(lambda: session.copy("MOVE"), pattern)
    session.put(session.good)
    assert session.append(2).ok
    assert session.copy("MOVE").ok
    session.saved = {"INBOX": [2], "Other": [1]}
    session.check()


def test_replaced_by_garbage(session):
    session.put(b"roost-keyring 1\n")
    session.refused(lambda: session.append(2), r"\[doc-record\]")
    session.put(session.good[:-5] + b"AAAA\n")
    session.refused(lambda: session.append(2),
                    r"\[(provider-mac|doc-base64)\]")
    session.put(session.good)
    assert session.append(2).ok
    session.check()


def test_older_one_put_back(session):
    """Once a later one was used."""
    session.put(session.later(generation=b"3"))
    assert session.append(2).ok
    session.put(session.later(generation=b"2"))
    session.refused(lambda: session.append(3),
                    REPLACED % "an older one was put back")
    session.put(session.later(generation=b"4"))
    assert session.append(3).ok
    session.check()


def test_policy_changed(session):
    """A later document is in force from then on, in this session too."""
    plain = b"Subject: plain\r\n\r\nplain text\r\n"
    assert session.server.storage != "maildir" or \
        plant(session.server, session.user, plain)
    session.put(session.later(generation=b"2", policy=b"sealed"))
    assert session.append(2).ok
    if session.server.storage == "maildir":
        session.client.ok("NOOP")
        found = [session.client.cmd("FETCH %d (BODY.PEEK[])" % seq).status
                 for seq in (1, 2, 3)]
        assert sorted(found) == ["NO", "OK", "OK"]
    else:
        session.check()


def plant(server, user, text):
    tamper.write(os.path.join(server.home(user), "Maildir", "new",
                              "1700000000.M1P1.elsewhere"), text)
    return True


@pytest.fixture
def with_writer(server, user):
    """A session with a keyring that the second implementation can go on
    writing."""
    text, writer = tamper.make_keyring(server, user)
    tamper.put_keyring(server, user, text)
    session = Session(server, user)
    session.writer = writer
    yield session
    session.client.close()


def new_epoch(session):
    session.writer.add_epoch()
    session.writer.generation += 1
    session.put(session.writer.text())


def test_new_epoch(with_writer):
    """What is saved afterwards is sealed to the newest public key."""
    session = with_writer
    new_epoch(session)
    assert session.append(2).ok
    assert session.copy().ok
    session.saved["Other"].append(1)
    session.check()
    key = rf.key_id(rf.public_of(session.writer.epochs[-1][1]))
    sealed = [content[68:76] for _, _, content
              in session.server.objects(session.user)]
    assert key in sealed


def test_session_opens_what_comes_for_a_new_epoch(with_writer):
    """Delivered meanwhile, it opens once the session has seen the later
    document."""
    session = with_writer
    assert session.client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    new_epoch(session)
    if session.server.storage == "maildir":
        reader = tamper.Reader(session.server, session.user)
        plant(session.server, session.user, reader.seal(text_of(2)))
    else:
        assert session.server.deliver(text_of(2), session.user)[0][0] == 250
    session.client.ok("NOOP")
    assert session.client.append("Other", text_of(3)).ok
    assert session.client.fetch(2, "BODY.PEEK[]").endswith(text_of(2))


def test_new_host_key(with_writer):
    """Another session's affair: this one's keywords are of the old one."""
    session, writer = with_writer, with_writer.writer
    writer.host_key, writer.slots = os.urandom(32), []
    writer.epochs[-1][2] = rf.epoch_psk(writer.host_key, 1)
    writer.add_provider()
    writer.generation += 1
    session.put(writer.text())
    session.refused(lambda: session.append(2),
                    REPLACED % "it has another host key now")
    with session.server.raw(session.user) as client:
        assert client.append("Other", text_of(2)).ok
    session.put(session.good)
    assert session.append(3).ok


class TwoMessages:
    """MULTIAPPEND, stopped where one message is saved."""

    def __init__(self, client):
        self.client = client
        self.line(b"two APPEND INBOX {%d}\r\n" % len(text_of(2)))
        self.line(text_of(2) + b" {%d}\r\n" % len(text_of(3)))

    def line(self, data):
        self.client.sock.sendall(data)
        line = self.client.file.readline()
        assert line.startswith(b"+"), line

    def finish(self):
        self.client.sock.sendall(text_of(3) + b"\r\n")
        while True:
            line = self.client.response()
            if line.startswith(b"two "):
                return line.split()[1].decode()


CHANGES = {
    "vanished": (lambda session: session.remove(), VANISHED),
    "another": (lambda session: session.put(tamper.make_keyring(
        session.server, session.user)[0]), REPLACED % "another"),
    "new-epoch": (new_epoch, "has got another public key meanwhile"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_between_seal_and_commit(with_writer, case):
    """The first of two messages is sealed already: neither is there
    afterwards."""
    session = with_writer
    change, pattern = CHANGES[case]
    two = TwoMessages(session.client)
    change(session)
    assert two.finish() == "NO"
    session.server.wait_log(pattern, session.mark)
    session.put(session.writer.text())
    assert session.append(4).ok
    session.check()


def test_later_document_between_seal_and_commit(session):
    """With the same public key: it is no hindrance."""
    two = TwoMessages(session.client)
    session.put(session.later(generation=b"2"))
    assert two.finish() == "OK"
    session.saved["INBOX"] += [2, 3]
    session.check()


def keywords(client):
    answer = client.cmd("FETCH 1 (FLAGS)")
    return set(re.findall(rb"[A-Za-z]\w+", answer.untagged[0])) - \
        {b"FETCH", b"FLAGS", b"Recent", b"Seen"}


def test_keywords(session):
    """A token is the name's only as long as its keyring is there: one that
    is new, one that the mailbox has already, one beside a message."""
    client = session.client
    client.ok("STORE 1 +FLAGS (Dentist Kept)")
    client.ok("STORE 1 -FLAGS (Dentist)")
    session.remove()
    for name in "+FLAGS (Dentist)", "+FLAGS (Tax)", "FLAGS (Tax)", \
            "-FLAGS (Kept)":
        session.refused(lambda: client.cmd("STORE 1 " + name), VANISHED)
    assert client.cmd("STORE 1 +FLAGS ($Forwarded)").ok
    session.put(tamper.make_keyring(session.server, session.user)[0])
    session.refused(lambda: client.cmd("STORE 1 +FLAGS (Tax)"),
                    REPLACED % "another")
    session.put(session.good)
    assert client.cmd("STORE 1 +FLAGS (Tax Dentist)").ok
    with session.server.raw(session.user) as other:
        other.ok("SELECT INBOX")
        assert keywords(other) == {b"Dentist", b"Tax", b"Kept", b"Forwarded"}


def test_read_only(server, user):
    """Who seals nothing saves nothing in clear either, of what lies there
    sealed."""
    session = Session(server, user)
    session.client.logout()
    server.change_user(user, roost_enable="read-only")
    session.client = server.raw(user)
    session.client.ok("SELECT INBOX")
    assert session.client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    session.remove()
    session.refused(session.copy, VANISHED)
    session.refused(lambda: session.copy("MOVE"), VANISHED)
    server.assert_sealed(user, 1)
    session.put(session.good)
    assert session.copy().ok
    session.saved["Other"].append(1)
    session.client.close()
    session.check()
    server.assert_sealed(user)


def test_several_recipients(server):
    """One process serves one user after another; each by his own keyring as
    it is then."""
    users = ["u%02d" % next(server.next_user) for _ in range(3)]
    client = server.lmtp()

    def deliver(number):
        return [code for code, _ in server.deliver(text_of(number), *users,
                                                   client=client)]

    assert deliver(1) == [250] * 3
    path = tamper.keyring_path(server, users[1])
    good = tamper.read(path)
    os.unlink(path)
    assert [code // 100 for code in deliver(2)] == [2, 4, 2]
    done = server.doveadm("save", "-u", users[1], input=text_of(3),
                          check=False)
    assert done.returncode != 0 and not os.path.exists(path)
    tamper.write(path, good)
    assert deliver(4) == [250] * 3
    client.quit()
    for user, count in zip(users, (3, 2, 3)):
        assert len(tamper.Reader(server, user).messages()) == count
