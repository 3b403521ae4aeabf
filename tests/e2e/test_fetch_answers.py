# SPDX-License-Identifier: MIT
"""FETCH of mailboxes in which messages are refused: whatever is asked for,
every answer is well-formed, and nothing of another message is missing.
"""

import pytest

import server as servers
import tamper
import virtualbox
from server import STORAGES
from strictimap import Stream
from cachekit import lose_cache

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs Roost")

MESSAGE = (b"From: A <a@roost.test>\r\nTo: b@roost.test\r\nSubject: %s\r\n"
           b"Message-ID: <%s@roost.test>\r\nMIME-Version: 1.0\r\n"
           b"Date: Tue, 1 Apr 2025 10:00:00 +0000\r\n"
           b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
           b"--b\r\nContent-Type: text/plain\r\n\r\nwords of %s\r\n"
           b"--b\r\nContent-Type: application/x-b\r\n"
           b"Content-Transfer-Encoding: base64\r\n\r\nUm9vc3Q=\r\n--b--\r\n")
COUNT = 7
REFUSED = (2, 4, 5, 7)
# The tag of the last chunk: what is read first.
AT = -tamper.rf.DIGEST_LEN - 1
FAILURES = ("no-after", "disconnect-after", "disconnect-immediately")

ITEMS = (
    "PREVIEW", "PREVIEW (LAZY)", "SNIPPET", "SNIPPET (LAZY=FUZZY)",
    "ENVELOPE", "BODY", "BODYSTRUCTURE", "BODY.PEEK[]", "BODY.PEEK[TEXT]",
    "BODY.PEEK[HEADER]", "BODY.PEEK[1]", "BODY.PEEK[2.MIME]",
    "BODY.PEEK[]<5.20>", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
    "BODY.PEEK[HEADER.FIELDS (X-NOBODY RECEIVED)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)]", "BINARY.PEEK[1]",
    "BINARY.PEEK[2]", "BINARY.SIZE[1]", "BINARY.SIZE[2]", "RFC822.SIZE",
    "INTERNALDATE", "SAVEDATE", "X-SAVEDATE", "X-GUID", "X-MAILBOX",
    "X-REAL-UID", "FLAGS", "UID", "MODSEQ", "RFC822.HEADER",
    # Several, of which some or all fail, in either order.
    "PREVIEW RFC822.SIZE", "RFC822.SIZE PREVIEW", "PREVIEW SNIPPET",
    "PREVIEW UID", "UID PREVIEW", "PREVIEW FLAGS", "FLAGS PREVIEW",
    "PREVIEW X-GUID", "X-GUID PREVIEW", "PREVIEW MODSEQ", "PREVIEW SAVEDATE",
    "PREVIEW ENVELOPE", "ENVELOPE PREVIEW", "PREVIEW BODY.PEEK[1]",
    "RFC822.SIZE ENVELOPE BODYSTRUCTURE", "PREVIEW (LAZY) SNIPPET",
    "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE PREVIEW BODYSTRUCTURE UID",
    "BODY.PEEK[1] BODY.PEEK[2] PREVIEW BINARY.SIZE[2]",
)


class Session:
    """One connection at a time, whose bytes are read strictly."""

    def __init__(self, server, user, select="SELECT INBOX (CONDSTORE)"):
        self.server, self.user, self.select = server, user, select
        self.open()

    def open(self):
        self.client = self.server.raw(self.user)
        self.stream = Stream(self.client.file)
        self.cmd(self.select)

    def cmd(self, *parts):
        """(what was said, tagged line); a connection that was ended is
        opened anew."""
        said, tagged = self.stream.finish(self.client.send(*parts))
        if tagged is None:
            self.client.close()
            self.open()
        return said, tagged

    def close(self):
        self.client.close()


def fill(server, user):
    with server.raw(user) as client:
        for number in range(1, COUNT + 1):
            word = b"m%d" % number
            assert client.append("INBOX", MESSAGE % (word, word, word)).ok
    reader = tamper.Reader(server, user)
    for number in REFUSED:
        tamper.flip(reader.find(b"Subject: m%d" % number), AT)


def names_of(items):
    """As an answer names them: enough to tell those of FETCH apart."""
    return {name.replace(".PEEK", "").split("<")[0].split("[")[0]
            for name in items.replace("(LAZY)", "").replace("(LAZY=FUZZY)", "")
            .replace("(SUBJECT)", "").replace("(X-NOBODY RECEIVED)", "")
            .split() if name != "]"}


def base(name):
    return name.decode().split("[")[0]


def fetched(said):
    found = {}
    for kind, what in said:
        if kind == b"FETCH":
            assert what[0] not in found, "message %d twice" % what[0]
            found[what[0]] = what[1]
    return found


def check_answer(items, numbers, said, tagged, failure, uid):
    found = fetched(said)
    wanted = names_of(items)
    assert set(found) <= set(numbers)
    good = [number for number in numbers if number not in REFUSED]
    if failure == "disconnect-immediately":
        # It stops where the first one is refused.
        good = [number for number in good if number in found]
    for number in good:
        assert {base(name) for name in found[number]} - {"UID", "MODSEQ"} == \
            wanted - {"UID", "MODSEQ"}, (items, number)
    for number, answer in found.items():
        assert {base(name) for name in answer} <= \
            wanted | {"UID", "FLAGS", "MODSEQ"}, (items, number)
        assert not uid or b"UID" in answer
    if tagged is not None:
        assert tagged.startswith((b"OK ", b"NO [PARSE] ")), (items, tagged)
    return found


def ask_all(session, failure):
    """Everything in every way; how many answers said NO."""
    refusals = 0
    for items in ITEMS:
        for uid in ("", "UID "):
            for numbers, what in ((range(1, COUNT + 1), "1:*"),
                                  ((2,), "2"), ((4, 5, 6), "4:6"),
                                  ((7,), "*")):
                said, tagged = session.cmd("%sFETCH %s (%s)"
                                           % (uid, what, items))
                check_answer(items, numbers, said, tagged, failure, uid)
                assert failure != "no-after" or tagged is not None, items
                refusals += tagged is not None and tagged.startswith(b"NO")
    return refusals


@pytest.fixture(scope="module", params=STORAGES)
def servers_of(request, make_module_server):
    made = {}

    def get(failure):
        if failure not in made:
            made[failure] = make_module_server(
                request.param,
                extra="\nimap_fetch_failure = %s\n" % failure,
                users={name: {} for name in ("kept", "lost", "told")})
        return made[failure]
    return get


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("user", ("kept", "lost"))
def test_every_answer_is_well_formed(servers_of, failure, user):
    """With what is cached, and without."""
    server = servers_of(failure)
    fill(server, user)
    if user == "lost":
        lose_cache(server, user)
    session = Session(server, user)
    assert ask_all(session, failure) > 0
    session.close()


def test_good_messages_answer_behind_refused_ones(servers_of):
    """The case of old: FETCH of previews, of which the first is refused."""
    server = servers_of("no-after")
    fill(server, "told")
    lose_cache(server, "told")
    session = Session(server, "told", "SELECT INBOX")
    for _ in range(3):
        said, tagged = session.cmd("FETCH 1:* (PREVIEW)")
        assert tagged.startswith(b"NO [PARSE] "), tagged
        assert fetched(said) == {
            number: {b"PREVIEW": b"words of m%d" % number}
            for number in (1, 3, 6)}
    said, tagged = session.cmd("FETCH 4:5 (PREVIEW SNIPPET)")
    assert tagged.startswith(b"NO [PARSE] ") and fetched(said) == {}
    session.cmd("ENABLE QRESYNC")
    session.cmd("CLOSE")
    said, tagged = session.cmd("SELECT INBOX (QRESYNC (1 1))")
    said, tagged = session.cmd("UID FETCH 1:* (PREVIEW) "
                               "(CHANGEDSINCE 1 VANISHED)")
    assert {number: answer.get(b"PREVIEW") for number, answer
            in fetched(said).items()} == {
        number: b"words of m%d" % number if number not in REFUSED else None
        for number in range(1, COUNT + 1)}
    session.close()


@pytest.mark.parametrize("storage", STORAGES)
def test_refused_messages_of_a_virtual_mailbox(make_server, storage):
    server = make_server(storage, plugins=["virtual"], start=False,
                         extra=virtualbox.SETTINGS +
                         "\nimap_fetch_failure = no-after\n")
    virtualbox.add(server, "alice", "all", "INBOX", "  all")
    server.start()
    fill(server, "alice")
    lose_cache(server, "alice")
    session = Session(server, "alice", "SELECT virtual/all")
    for items in ("PREVIEW", "RFC822.SIZE PREVIEW", "PREVIEW X-REAL-UID",
                  "PREVIEW ENVELOPE", "X-MAILBOX PREVIEW"):
        said, tagged = session.cmd("FETCH 1:* (%s)" % items)
        check_answer(items, range(1, COUNT + 1), said, tagged, "no-after", "")
        assert tagged.startswith(b"NO [PARSE] "), (items, tagged)
    session.close()


def test_items_of_odd_names(make_server):
    """What core finds an item in is one, whatever follows its name; the
    session stays."""
    server = make_server("sdbox", roost=True)
    fill(server, "alice")
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        for name in ("PREVIEW<0.5>", "PREVIEW:x", "PREVIEW_X", "X-GUID.X",
                     "X-GUID=1", "RFC822", "RFC822<1>", "RFC822_SIZE",
                     "RFC822.SIZE.X", "INTERNALDATE'", "SAVEDATE/", "SNIPPETS",
                     "X-MAILBOX.PEEK[]", "PREVIEW[]", "-", "X-"):
            for numbers in ("1", "1:*"):
                assert client.cmd("FETCH %s (%s UID)" % (numbers, name)
                                  ).status in ("OK", "NO", "BAD"), name
            client.ok("NOOP")
