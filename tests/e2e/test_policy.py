# SPDX-License-Identifier: MIT
"""Plaintext where sealed mail is: what is put in the place of a sealed
message is refused on every way to read it, whatever the policy is.

Nothing of the words of EVIL is ever in an answer. What the sealed cache has
of the message that was there is genuine, and may be shown.
"""

import itertools
import json
import os
import poplib
import re

import pytest

import cachefile
import server as servers
import tamper
import virtualbox
from cachefile import CacheFile
from cachekit import METRIC, lose_cache, metric as metric_of, wait_metric
from documents import commands

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="a policy of Roost")

NAMES = ["u%03d" % number for number in range(120)]
# As test_attacks has it, so that NO is Dovecot's own answer.
EXTRA = METRIC + "\nimap_fetch_failure = no-after\n"


def genuine(number):
    return (b"From: a@sender.example\r\nSubject: genuine%d\r\n"
            b"Date: Wed, 01 Jan 2020 10:00:00 +0000\r\n"
            b"To: somebody@receiver.example\r\nX-Word: genuine\r\n"
            b"Message-ID: <genuine%d@sender.example>\r\n\r\n"
            b"genuine body of number %d\r\n" % (number, number, number))


EVIL = (b"From: evil@attacker.example\nSubject: evilsubject\n"
        b"X-Evil: evilheader\nMessage-ID: <evil@attacker.example>\n"
        b"Date: Thu, 01 Jan 2015 10:00:00 +0000\n"
        b"Content-Type: text/evil; name=evil\n\nevil words")
# As long as what it takes the place of, and of as many lines.
EVIL += b"!" * (len(genuine(3).replace(b"\r", b"")) - len(EVIL) - 1) + b"\n"
FETCHES = [
    "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]", "BODY.PEEK[]<0.100>", "RFC822.HEADER", "RFC822.TEXT",
    "RFC822", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "BINARY.PEEK[]",
    "BODY.PEEK[HEADER.FIELDS (X-EVIL)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)]", "ENVELOPE", "BODYSTRUCTURE",
    "BODY", "RFC822.SIZE", "PREVIEW", "PREVIEW (LAZY)",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM MESSAGE-ID DATE)]"]
# These need the file.
OF_FILE = FETCHES[:9] + ["BINARY.PEEK[1]"]
SEARCHES = ["HEADER SUBJECT evilsubject", "SUBJECT evil", "FROM evil",
            "HEADER X-EVIL evilheader", "BODY evil", "TEXT evil",
            "SENTBEFORE 1-Jan-2016", "HEADER MESSAGE-ID evil"]


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    server = make_module_server(request.param, users=NAMES, plugins=["virtual"],
                                extra=EXTRA + virtualbox.SETTINGS,
                                start=False)
    server.next_user = itertools.count()
    for user in NAMES:
        virtualbox.add(server, user, "all", "INBOX", "  all")
    return server.start()


class Box:
    """One user: three sealed messages under policy open; the last one's file
    is what is attacked."""

    def __init__(self, server, policy=b"open", fill=True):
        self.server = server
        self.user = NAMES[next(server.next_user)]
        tamper.put_keyring(server, self.user, tamper.make_keyring(
            server, self.user, policy=policy)[0])
        self.fill = fill
        if fill:
            client = self.session()
            for number in 1, 2, 3:
                assert client.append("INBOX", genuine(number)).ok
            client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
            client.logout()
        else:
            for number in 1, 2, 3:
                assert server.deliver(genuine(number), self.user)[0][0] == 250
        self.reader = tamper.Reader(server, self.user)

    def place(self, number=3):
        return self.reader.find(b"Subject: genuine%d" % number)

    def session(self, mailbox="INBOX"):
        client = self.server.raw(self.user)
        client.ok('SELECT "%s"' % mailbox)
        return client

    def put_evil(self):
        place = self.place()
        tamper.replace(place, EVIL)
        return place

    def errors(self, client):
        client.logout()
        log = self.server.session_log(client)
        assert not [line for line in log if re.search(
            r"[Cc]orrupt|[Rr]ebuild|fscking|Panic", line)], log
        return [line for line in log if re.search("Error:|Warning:", line)]

    def assert_said(self, client, mailbox="INBOX", uid=3):
        """One line for the session, with mailbox, UID and gate."""
        lines = self.errors(client)
        assert len(lines) == 1, lines
        assert "Error: Mailbox %s: UID %d: roost: Refused a plaintext" % (
            mailbox, uid) in lines[0] and "[unsealed]" in lines[0], lines

    def assert_refused(self):
        client = self.session()
        answer = client.cmd("FETCH 3 (BODY.PEEK[])")
        assert answer.status == "NO" and b"evil" not in repr(answer).encode()
        assert client.fetch(2, "BODY.PEEK[]").endswith(genuine(2)[-20:])
        self.assert_said(client)


def assert_no_evil(answer):
    assert not [line for line in answer.untagged if b"evil" in line], answer


def put_back(place):
    """The sealed bytes where the plaintext is."""
    path, offset, old = place
    now = tamper.read(path)
    size = len(EVIL) if offset else len(now)
    tamper.replace((path, offset, now[offset:offset + size]), old)


@pytest.mark.parametrize("fill", [True, False], ids=["imap", "lmtp"])
def test_every_way_to_read_by_imap(server, fill):
    box = Box(server, fill=fill)
    box.put_evil()
    client = box.session()
    for item in FETCHES:
        answer = client.cmd("FETCH 3 (%s)" % item)
        assert_no_evil(answer)
        if item in OF_FILE:
            assert answer.status == "NO", (item, answer)
            assert answer.text.startswith(b"[PARSE] "), (item, answer)
    listed = client.ok("FETCH 3 (ENVELOPE)").untagged
    assert b"genuine3" in b"".join(listed)
    for search in SEARCHES:
        answer = client.cmd("SEARCH " + search)
        assert [line.split()[2:] for line in answer.untagged
                if line.startswith(b"* SEARCH")] in ([[]], []), answer
    for command in ("SORT (SUBJECT) UTF-8 ALL", "SORT (DATE) UTF-8 ALL",
                    "SORT (SIZE) UTF-8 ALL",
                    "THREAD REFERENCES UTF-8 ALL"):
        client.ok(command)
    assert b"SORT 1 2 3\r\n" in b"".join(client.ok(
        "SORT (SUBJECT) UTF-8 ALL").untagged)
    # All of a list at once, and again: it stays so.
    for _ in range(2):
        answer = client.cmd("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW "
                            "BODY.PEEK[])")
        assert_no_evil(answer)
        assert b"genuine body of number 2" in b"".join(answer.untagged)
    box.assert_said(client)


def test_what_is_refused_stays_refused(server):
    """Session after session; and what the index knows of the message that
    was there is still right when that is put back."""
    box = Box(server)
    before = metric_of(server, "changed_objects")
    place = box.put_evil()
    for _ in range(3):
        box.assert_refused()
    wait_metric(server, "changed_objects", before + 3)
    put_back(place)
    client = box.session()
    assert client.fetch(3, "BODY.PEEK[]") == genuine(3)
    assert b"genuine3" in b"".join(client.ok("FETCH 3 (ENVELOPE)").untagged)
    assert box.errors(client) == []


def test_copies_do_not_launder(server):
    box = Box(server)
    box.put_evil()
    client = box.session()
    client.ok("CREATE There")
    for command in "COPY", "MOVE":
        for target in "There", "INBOX":
            answer = client.cmd("%s 3 %s" % (command, target))
            assert answer.status == "NO", answer
    client.ok("COPY 2 There")
    assert client.count("There") == 1 and client.count() == 3
    box.assert_said(client)
    for command in "copy", "move":
        done = server.doveadm(command, "-u", box.user, "There", "mailbox",
                              "INBOX", "uid", "3", check=False)
        assert done.returncode != 0 and b"[unsealed]" in done.stderr
    with server.raw(box.user) as client:
        assert client.count("There") == 1 and client.count() == 3
    # It can still be thrown away.
    client = box.session()
    client.ok("STORE 3 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    assert client.count() == 2


def test_read_only_copies_do_not_launder(server):
    """A user who seals nothing shares files among his mailboxes."""
    box = Box(server)
    box.put_evil()
    server.change_user(box.user, roost_enable="read-only")
    client = box.session()
    client.ok("CREATE There")
    for command in "COPY", "MOVE":
        assert client.cmd("%s 3 There" % command).status == "NO"
    assert client.count("There") == 0 and client.count() == 3
    box.assert_said(client)


def test_virtual_mailbox(server):
    box = Box(server)
    box.put_evil()
    client = box.session("virtual/all")
    for item in FETCHES:
        assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
    assert client.cmd("FETCH 3 (BODY.PEEK[])").status == "NO"
    client.ok("CREATE There")
    assert client.cmd("COPY 3 There").status == "NO"
    assert client.count("There") == 0
    box.assert_said(client)


def test_pop3(server):
    box = Box(server)
    box.put_evil()
    client = server.pop3(box.user)
    for command in ("RETR 3", "TOP 3 0", "TOP 3 100"):
        with pytest.raises((poplib.error_proto, EOFError, OSError)) as raised:
            client._longcmd(command)
        assert "evil" not in str(raised.value)
        # Dovecot ends a session that could not have a message.
        client = server.pop3(box.user)
    assert len(client.list()[1]) == 3
    client.quit()


def test_doveadm_and_dsync(server):
    box = Box(server)
    box.put_evil()
    done = server.doveadm("fetch", "-u", box.user,
                          "text hdr body imap.envelope date.sent", "mailbox",
                          "INBOX", "uid", "3", check=False)
    assert done.returncode != 0 and b"evil" not in done.stdout
    assert b"[unsealed]" in done.stderr
    target = os.path.join(server.home(box.user), "copy")
    done = server.doveadm("backup", "-u", box.user, "maildir:" + target,
                          check=False)
    assert done.returncode != 0 and b"[unsealed]" in done.stderr
    assert [path for path, _ in server.find_on_disk(b"evil words")
            if path.startswith(target)] == []


# The index cache meanwhile

def test_another_genuine_message_first(server):
    """A genuine message is put in place, is served with a warning, and the
    index forgets what was there: not that it was sealed."""
    box = Box(server)
    place, other = box.place(), box.place(2)
    assert len(place[2]) == len(other[2])
    tamper.overwrite(place[0], place[1], other[2])
    client = box.session()
    assert client.fetch(3, "BODY.PEEK[]") == genuine(2)
    lines = box.errors(client)
    assert len(lines) == 1 and "[object-changed]" in lines[0], lines
    tamper.replace((place[0], place[1], other[2]), EVIL)
    for _ in range(2):
        box.assert_refused()
    client = box.session()
    for item in FETCHES:
        assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
    box.assert_said(client)


def assert_still_refused(box):
    """The third message, once its file is replaced: one line a session,
    beside those on the damage."""
    box.put_evil()
    for _ in range(3):
        client = box.session()
        for item in FETCHES:
            assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
        lines = [line for line in box.errors(client)
                 if "[blob-auth]" not in line]
        assert len(lines) == 1 and "[unsealed]" in lines[0], lines


def test_damaged_blobs(server):
    """All that the cache has of it is damaged, and made anew where that can
    be done: it still says that the message is sealed."""
    box = Box(server)
    cache = CacheFile(server, box.user)
    for entry in cache.entries(3):
        if entry.name.startswith("roost."):
            cache.flip(entry, len(entry.data) - 1, 2)
    assert_still_refused(box)


def test_damaged_blobs_in_both_slots(server):
    """There is no room to make anew what is bad: all goes, and one name
    stays."""
    box = Box(server)
    flip_all(server, box.user, cachefile.FIELDS_OWN)
    client = box.session()
    client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
    client.logout()
    flip_all(server, box.user, cachefile.FIELDS_OWN + (cachefile.FIELD_NEW,))
    assert_still_refused(box)


def flip_all(server, user, names):
    cache = CacheFile(server, user)
    for entry in cache.entries(3):
        if entry.name in names:
            cache.flip(entry, len(entry.data) - 1, 2)


def test_session_that_saw_it_before(server):
    """It has listed and read the message; another session rewrites the
    cache file; then the file is exchanged."""
    box = Box(server)
    client = box.session()
    assert client.fetch(3, "BODY.PEEK[]") == genuine(3)
    client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
    server.doveadm("mailbox", "cache", "purge", "-u", box.user, "INBOX")
    box.put_evil()
    for _ in range(2):
        for item in FETCHES:
            assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
        assert client.cmd("FETCH 3 (BODY.PEEK[])").status == "NO"
    box.assert_said(client)
    box.assert_refused()


def test_session_older_than_the_cache(make_server):
    """When it came, the index knew nothing of the message; another session
    has made its blob since."""
    server = make_server("maildir", users=NAMES, extra=EXTRA)
    server.next_user = itertools.count()
    box = Box(server)
    for name in "dovecot.index", "dovecot.index.log", "dovecot.index.cache":
        path = os.path.join(server.home(box.user), "Maildir", name)
        if os.path.exists(path):
            os.unlink(path)
    client, other = box.session(), box.session()
    for _ in range(2):
        client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE PREVIEW)")
    other.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
    other.logout()
    box.put_evil()
    answer = client.cmd("FETCH 3 (BODY.PEEK[])")
    assert answer.status == "NO", answer
    assert_no_evil(answer)
    box.assert_said(client)


def test_locked_keyring(make_server):
    """Without the user's secret nothing opens: the blobs of a delivery say
    in clear that the message is sealed."""
    server = make_server("maildir", secret=True, extra=EXTRA)
    server.init_password_mode("alice")
    for number in 1, 2, 3:
        assert server.deliver(genuine(number), "alice")[0][0] == 250
    reader = tamper.Reader(server, "alice", unlock="secret",
                           given=tamper.secret_of(server.password("alice")))
    tamper.replace(reader.find(b"Subject: genuine3"), EVIL)
    done = server.doveadm("fetch", "-u", "alice", "text", "mailbox", "INBOX",
                          "uid", "3", check=False)
    assert done.returncode != 0 and b"evil" not in done.stdout
    assert b"[unsealed]" in done.stderr
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    assert client.cmd("FETCH 3 (BODY.PEEK[])").status == "NO"
    assert client.fetch(2, "BODY.PEEK[]").endswith(genuine(2))
    client.logout()
    lines = [line for line in server.session_log(client) if "Error" in line]
    assert len(lines) == 1 and "[unsealed]" in lines[0]


def test_keyring_taken_away(server):
    """Nothing says what the policy was; the index still knows the
    message."""
    box = Box(server)
    box.put_evil()
    os.rename(tamper.keyring_path(server, box.user),
              os.path.join(server.root, "away." + box.user))
    client = box.session()
    for item in FETCHES:
        assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
    box.assert_said(client)


@pytest.mark.parametrize("plaintext", ["refuse", "flag", "serve"])
@pytest.mark.parametrize("policy", ["open", "sealed"])
def test_whatever_the_policy_is(make_server, policy, plaintext):
    """`serve` is for mail that was not sealed."""
    server = make_server("maildir", users=NAMES, extra=EXTRA,
                         settings={"roost_plaintext": plaintext})
    server.next_user = itertools.count()
    box = Box(server, policy.encode())
    box.put_evil()
    box.assert_refused()


# What nothing says

def test_without_any_cache(server):
    """Nobody knows that it was sealed. Under `open` it is plaintext like any
    other; `sealed` closes that."""
    for policy, status in ((b"open", "OK"), (b"sealed", "NO")):
        box = Box(server, policy)
        box.put_evil()
        lose_cache(server, box.user)
        client = box.session()
        answer = client.cmd("FETCH 3 (BODY.PEEK[])")
        assert answer.status == status, answer
        assert (b"evil words" in b"".join(answer.untagged)) == \
            (status == "OK")
        lines = box.errors(client)
        assert ["[plaintext]" in line for line in lines] == \
            [True] * (status == "NO"), lines


# The policy of a new keyring, and changing it

def roost(server, *args):
    """(exit status, rows, what it complained about)"""
    done = server.doveadm("-f", "json", "roost", *args, check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done.returncode, rows, done.stderr.decode()


def policy_of(server, user):
    code, rows, said = roost(server, "status", "-u", user)
    assert code == 0 or rows[0]["state"] == "locked", said
    return rows[0]["policy"]


def plain_server(make_server, storage, **options):
    """A server that ran without Roost: everybody has one plaintext message,
    alice's in a mailbox of its own."""
    server = make_server(storage, roost=False, **options)
    with server.raw("alice") as client:
        client.ok("CREATE Old/2019")
        assert client.append("Old/2019", EVIL).ok
    server.deliver(EVIL, "bob")
    server.stop()
    server.roost = True
    return server.start()


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_born_sealed_unless_plaintext_is_there(make_server, storage):
    server = plain_server(make_server, storage)
    for user in "alice", "bob", "carol":
        assert server.deliver(genuine(1), user)[0][0] == 250
    assert roost(server, "init", "-u", "dave")[0] == 0
    assert roost(server, "init", "-u", "erin", "-p", "open")[0] == 0
    assert {user: policy_of(server, user) for user in servers.USERS} == {
        "alice": "open", "bob": "open", "carol": "sealed", "dave": "sealed",
        "erin": "open"}
    client = server.raw("alice")
    client.ok("SELECT Old/2019")
    assert b"evil words" in client.fetch(1, "BODY.PEEK[]")
    client.logout()


def add_plaintext(server, user):
    """A plaintext file beside the sealed ones, as each storage takes it in;
    gives its UID."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        count = client.count()
    home = server.home(user)
    if server.storage == "maildir":
        tamper.write(os.path.join(home, "Maildir", "new",
                                  "1700000000.M1P1.host"), EVIL)
        return count + 1
    path, offset, content = server.objects(user)[-1]
    whole = tamper.read(path)
    if server.storage == "sdbox":
        # A whole file of its own, with the metadata of another message.
        head = whole[:offset - 17] + b"%016X\n" % len(EVIL)
        tail = fresh_guid(whole[offset + len(content):])
        tamper.write(os.path.join(os.path.dirname(path),
                                  "u.%d" % (count + 1)), head + EVIL + tail)
    else:
        start = whole.index(b"\n") + 1
        head = whole[start:][:int(re.search(rb" M([0-9a-f]+)",
                                            whole).group(1), 16)]
        tail = fresh_guid(whole[offset + len(content):])
        with open(path, "ab") as file:
            file.write(head[:-17] + b"%016X\n" % len(EVIL) + EVIL + tail)
    server.doveadm("force-resync", "-u", user, "INBOX")
    return count + 1


def fresh_guid(metadata):
    """Metadata of a dbox message: of another one, of no size."""
    return re.sub(rb"(?m)^[VZ][0-9a-f]+\n", b"", re.sub(
        rb"(?m)^G[0-9a-f]{32}$", b"G" + os.urandom(16).hex().encode(),
        metadata))


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_added_plaintext_is_refused_by_a_born_sealed_keyring(make_server,
                                                             storage):
    """What whoever holds the disk can add: for a dbox the mailbox is then
    built anew."""
    server = make_server(storage, extra=EXTRA)
    for number in 1, 2:
        assert server.deliver(genuine(number), "alice")[0][0] == 250
    number = add_plaintext(server, "alice")
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    assert client.count() == number
    for item in FETCHES:
        answer = client.cmd("FETCH %d (%s)" % (number, item))
        assert_no_evil(answer)
    assert client.fetch(1, "BODY.PEEK[]").endswith(genuine(1))
    client.logout()
    lines = [line for line in server.session_log(client) if "Error:" in line]
    assert len(lines) == 1 and "[plaintext]" in lines[0], lines
    code, rows, said = roost(server, "verify", "-u", "alice")
    assert code != 0 and "1 messages are not sealed, though the policy is " \
        "sealed" in said
    assert (rows[0]["plaintext"], rows[0]["bad"]) == ("1", "0")
    # Served, once somebody says so.
    code, rows, said = roost(server, "policy", "-u", "alice", "open")
    assert (code, said) == (0, "")
    assert roost(server, "verify", "-u", "alice")[0] == 0
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert b"evil words" in client.fetch(number, "BODY.PEEK[]")


def keyring_lines(server, user):
    return tamper.read(tamper.keyring_path(server, user)).splitlines()


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_policy_changed(make_server, storage):
    """Counts by mailbox; a later generation; the owner's part untouched; and
    it is in force, also in a session that is there."""
    server = plain_server(make_server, storage)
    assert server.deliver(genuine(1), "alice")[0][0] == 250
    client = server.raw("alice")
    client.ok("SELECT Old/2019")
    assert b"evil words" in client.fetch(1, "BODY.PEEK[]")
    before = keyring_lines(server, "alice")
    for policy, said in (("sealed", "1 messages are not sealed, and are "
                          "refused from now on"), ("open", "")):
        code, rows, complaint = roost(server, "policy", "-u", "alice", policy)
        assert code == 0 and said in complaint, complaint
        assert bool(said) == bool(complaint), complaint
        assert [(row["policy"], row["in-force"], row["mailbox"],
                 row["messages"], row["not-sealed"]) for row in rows] == [
            (policy, policy, "*", "2", "1"),
            (policy, policy, "Old/2019", "1", "1")]
        assert policy_of(server, "alice") == policy
        answer = client.cmd("FETCH 1 (BODY.PEEK[])")
        assert answer.status == ("NO" if policy == "sealed" else "OK")
        # Nothing to change, nothing changed.
        stored = keyring_lines(server, "alice")
        assert roost(server, "policy", "-u", "alice", policy)[0] == 0
        assert roost(server, "policy", "-u", "alice")[1] == rows
        assert keyring_lines(server, "alice") == stored
    client.logout()
    after = keyring_lines(server, "alice")
    changed = [(old.split()[0], new.split()[0]) for old, new
               in zip(before, after) if old != new]
    assert len(before) == len(after)
    assert {name for pair in changed for name in pair} == {
        b"generation", b"provider-mac"}
    assert b"generation 3" in after
    assert server.deliver(genuine(2), "alice")[0][0] == 250


def test_policy_of_a_password_keyring(make_server):
    """No secret of the user is at hand, nor needed."""
    server = make_server("maildir", secret=True)
    server.init_password_mode("alice")
    assert policy_of(server, "alice") == "sealed"
    assert roost(server, "policy", "-u", "alice", "open")[0] == 0
    assert policy_of(server, "alice") == "open"
    assert server.deliver(genuine(1), "alice")[0][0] == 250
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(genuine(1))


def test_policy_refuses_what_is_wrong(make_server):
    server = make_server("maildir", users={
        "alice": {}, "bob": {"roost_policy": "sealed"}, "carol": {}})
    assert roost(server, "policy", "-u", "alice", "shut")[0] == 64
    code, rows, said = roost(server, "policy", "-u", "alice", "open")
    assert code == 75 and rows == [] and "doveadm roost init -u alice" in said
    code, rows, said = roost(server, "policy", "-A")
    assert (code, said) == (0, "")
    assert {row["policy"] for row in rows} == {"no keyring"}
    assert not os.path.exists(tamper.keyring_path(server, "alice"))
    for user in "bob", "carol":
        assert server.deliver(genuine(1), user)[0][0] == 250
    code, rows, said = roost(server, "policy", "-u", "bob", "open")
    assert code == 0 and "roost_policy of userdb keeps the policy" in said
    assert (rows[0]["policy"], rows[0]["in-force"]) == ("open", "sealed")
    # Another provider's keyring is not touched.
    text, _ = tamper.make_keyring(server, "carol", key=os.urandom(32))
    tamper.put_keyring(server, "carol", text)
    assert roost(server, "policy", "-u", "carol", "open")[0] != 0
    assert tamper.read(tamper.keyring_path(server, "carol")) == text
    assert roost(server, "policy", "-A")[0] != 0


def test_policy_of_a_public_namespace(make_server):
    where = "mail_driver = maildir\n  mail_path = %s" if servers.NEW \
        else "location = maildir:%s"
    server = make_server("maildir", start=False)
    folder = os.path.join(server.mail_root, "public")
    os.mkdir(folder)
    server.own(server.mail_root)
    server.extra = """
namespace public {
  type = public
  separator = /
  prefix = Public/
  subscriptions = no
  %s
}
""" % (where % folder)
    server.start()
    with server.raw("alice") as client:
        client.ok("CREATE Public/Board")
        assert client.append("Public/Board", genuine(1)).ok
    code, rows, said = roost(server, "policy", "-u", "alice", "-n", "Public/")
    assert (code, rows[0]["policy"], rows[0]["messages"]) == \
        (0, "sealed", "1"), said
    code, rows, _ = roost(server, "policy", "-u", "bob", "-n", "Public/",
                          "open")
    assert (code, rows[0]["policy"]) == (0, "open")
    with server.raw("bob") as client:
        client.ok("SELECT Public/Board")
        assert client.fetch(1, "BODY.PEEK[]") == genuine(1)
        assert client.append("Public/Board", genuine(2)).ok
    code, _, said = roost(server, "policy", "-u", "bob", "-n", "Nowhere/")
    assert code == 75 and "There is no namespace of this user" in said


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_read_only_takes_nothing_in_that_it_would_refuse(make_server,
                                                         storage):
    """What is acknowledged can be read: mail that is not sealed is not taken
    in while the policy is sealed."""
    server = make_server(storage, users={"alice": {}, "bob": {}})
    assert server.deliver(genuine(1), "alice")[0][0] == 250
    server.change_user("alice", roost_enable="read-only")
    mark = server.log_mark()
    assert server.deliver(genuine(2), "alice")[0][0] // 100 == 4
    server.wait_log(r"Error: .*The policy is sealed, and roost_enable="
                    r"read-only seals nothing.*doveadm roost policy -u alice "
                    r"open", mark)
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.append("INBOX", genuine(2)).status == "NO"
        assert client.fetch(1, "BODY.PEEK[]").endswith(genuine(1))
    assert len(server.objects("alice")) == 1
    assert roost(server, "policy", "-u", "alice", "open")[0] == 0
    assert server.deliver(genuine(2), "alice")[0][0] == 250
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(2, "BODY.PEEK[]").endswith(genuine(2))
        assert client.append("INBOX", genuine(3)).ok


# Mail from elsewhere

def old_maildir(server):
    """A maildir that some other server has left: one message."""
    old = os.path.join(server.mail_root, "left")
    for name in "cur", "new", "tmp":
        os.makedirs(os.path.join(old, name))
    tamper.write(os.path.join(old, "new", "1700000000.M1P1.host"), EVIL)
    server.own(old)
    return old


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_manual_imports_into_a_sealed_mailbox(make_server, storage):
    """By the very command that roost(7) shows for this Dovecot; without the
    option nothing is taken, and nothing is lost."""
    line, = commands("import-2.4") if servers.NEW else commands("import-2.3")
    server = make_server(storage)
    assert server.deliver(genuine(1), "alice")[0][0] == 250
    assert policy_of(server, "alice") == "sealed"
    old = old_maildir(server)
    command = [word.replace("/old", old) for word in line[1:]]
    assert command[:2] == ["-o", line[2]]
    done = server.doveadm(*command[2:], check=False)
    assert done.returncode != 0 and b"[plaintext]" in done.stderr
    assert len(server.objects("alice")) == 1
    server.doveadm(*command)
    server.assert_sealed("alice", 2)
    assert policy_of(server, "alice") == "sealed"
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert b"evil words" in client.fetch(2, "BODY.PEEK[]")


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_doveadm_makes_no_sealed_keyring_on_the_way(make_server, storage):
    """What it reads may be somewhere else: the first message made a keyring,
    and all that followed were refused."""
    server = plain_server(make_server, storage)
    old = old_maildir(server)
    tamper.write(os.path.join(old, "new", "1700000001.M1P1.host"), EVIL)
    server.doveadm("import", "-u", "carol", "maildir:" + old, "", "ALL")
    server.doveadm("roost", "init", "-u", "bob")
    server.doveadm("backup", "-u", "bob", "sdbox:~/new")
    for user, count in (("carol", 2), ("bob", 1)):
        assert policy_of(server, user) == "open"
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            assert client.count() == count
            assert b"evil words" in client.fetch(count, "BODY.PEEK[]")
    server.assert_sealed("carol", 2)


# verify

@pytest.mark.parametrize("how", [(), ("-k",)], ids=["keys", "keyless"])
def test_verify_names_what_was_put_in_place(server, how):
    box = Box(server)
    assert roost(server, "verify", "-u", box.user, *how)[0] == 0
    place = box.put_evil()
    code, rows, said = roost(server, "verify", "-u", box.user, *how)
    assert code != 0
    assert "Mailbox INBOX: UID 3: roost: It is plaintext" in said
    assert "[unsealed]" in said
    row = [row for row in rows if row["mailbox"] == "INBOX"][0]
    assert [row[name] for name in ("messages", "sealed", "plaintext",
                                   "bad")] == ["3", "2", "0", "1"]
    put_back(place)
    assert roost(server, "verify", "-u", box.user, *how)[0] == 0


@pytest.mark.parametrize("pinned", [False, True])
def test_verify_by_the_policy_in_force(make_server, pinned):
    server = make_server("maildir", users=["u000"], extra=EXTRA)
    server.next_user = itertools.count()
    box = Box(server)
    box.put_evil()
    lose_cache(server, box.user)
    assert roost(server, "verify", "-u", box.user)[0] == 0
    if pinned:
        server.change_user(box.user, roost_policy="sealed")
    else:
        assert roost(server, "policy", "-u", box.user, "sealed")[0] == 0
    for how in (), ("-k",):
        code, rows, said = roost(server, "verify", "-u", box.user, *how)
        assert code != 0 and "1 messages are not sealed, though" in said
        assert rows[0]["plaintext"] == "1"


@pytest.mark.parametrize("layout", ["", "fs", "index"])
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_verify_skips_what_only_is_a_parent(make_server, storage, layout):
    """As `doveadm fetch` does; and mail is delivered first, so that a keyring
    is made after such mailboxes came."""
    server = make_server(storage, start=False)
    if layout:
        server.extra = "mailbox_list_layout = %s\n" % layout if servers.NEW \
            else "mail_location = %s:%s:LAYOUT=%s\n" % (
                storage, server._path(), layout)
    server.start()
    with server.raw("alice") as client:
        for name in "Arch", "Arch/2024", "Sub/2024", "Gone":
            client.ok("CREATE " + name)
        client.ok("DELETE Arch")
        client.ok("DELETE Gone")
        client.ok("SELECT INBOX")
    for round_ in range(2):
        for how in (), ("-k",):
            code, rows, said = roost(server, "verify", "-u", "alice", *how)
            assert (code, said) == (0, ""), said
            names = {row["mailbox"] for row in rows}
            assert names == {"INBOX", "Arch/2024", "Sub/2024"}
        assert server.deliver(genuine(round_), "alice")[0][0] == 250
    assert policy_of(server, "alice") == "sealed"
    for command in ("policy", "-u", "alice"), ("flags", "list", "-u",
                                               "alice"), (
            "flags", "doctor", "-u", "alice"):
        code, rows, said = roost(server, *command)
        assert (code, said) == (0, ""), said


# Other things to put in place

def junk(word):
    return word + b"x" * (len(EVIL) - len(word) - 1) + b"\n"


PLACED = {
    "empty": b"", "mbox-from": junk(b"From evil@attacker.example Thu Jan  1 "
                                    b"10:00:00 2015\nSubject: evil\n\nevil"),
    "three-bytes-of-magic": junk(servers.MAGIC[:3] + b"evil"),
    "magic-inside": junk(b"Subject: evil\n\n" + servers.MAGIC + b"evil"),
    "zeros": bytes(len(EVIL)), "half-of-it": EVIL[:60]}


@pytest.mark.parametrize("what", PLACED)
def test_whatever_is_put_in_place(server, what):
    box = Box(server)
    tamper.replace(box.place(), PLACED[what])
    client = box.session()
    for item in FETCHES:
        answer = client.cmd("FETCH 3 (%s)" % item)
        assert_no_evil(answer)
        assert item not in OF_FILE or answer.status == "NO", (item, answer)
    box.assert_said(client)


def test_rebuilt_by_dovecot_itself(server):
    """force-resync: a UID that stays keeps what the index knows of it."""
    box = Box(server)
    box.put_evil()
    server.doveadm("force-resync", "-u", box.user, "INBOX")
    client = box.session()
    for item in FETCHES:
        assert_no_evil(client.cmd("FETCH 3 (%s)" % item))
    lines = [line for line in box.errors(client) if "roost: " in line]
    assert len(lines) == 1 and "[unsealed]" in lines[0], lines


def test_renamed_mailbox(server):
    """What the index knows goes along."""
    box = Box(server)
    client = box.session()
    client.ok("CREATE Before")
    client.ok("COPY 1:3 Before")
    client.logout()
    if server.storage == "mdbox":
        # One file is behind both.
        box.put_evil()
    else:
        paths = [item for item in box.reader.messages()
                 if "Before" in item[0] and b"genuine3" in item[3]]
        tamper.replace(paths[0][:3], EVIL)
    client = box.session()
    client.ok("RENAME Before After/Deep")
    client.ok("SELECT After/Deep")
    answer = client.cmd("FETCH 3 (BODY.PEEK[])")
    assert answer.status == "NO"
    assert_no_evil(answer)
    box.assert_said(client, "After/Deep")
