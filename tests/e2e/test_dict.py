# SPDX-License-Identifier: MIT
"""Keyrings in a database, through Dovecot's own dict: Dovecot's file driver,
Redis, PostgreSQL and SQLite, each a private one of the tests.
"""

import concurrent.futures
import functools
import os
import re
import time

import pytest

import dictkit
import server as servers
import sharing
import tamper
from dictkit import generation
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


def make_engine(request, make, kind, **options):
    """Starts a database and a server that keeps keyrings in it."""
    server = make("maildir", start=False, **options)
    engine = dictkit.ENGINES[kind](server).configure()
    request.addfinalizer(engine.stop)
    engine.start()
    server.start()
    return engine


USERS = ["u%02d" % number for number in range(40)]


@pytest.fixture(scope="module", params=sorted(dictkit.ENGINES))
def engine(request, make_module_server):
    engine = make_engine(request, make_module_server, request.param,
                         users=USERS, secret=True)
    engine.next_user = iter(USERS)
    return engine


@pytest.fixture
def user(engine):
    return next(engine.next_user)


@pytest.fixture
def start_engine(request, make_server):
    def start(kind, **options):
        return make_engine(request, make_server, kind, **options)
    return start


def init(engine, user):
    """Makes the user's keyring as an admin does; returns the document."""
    engine.server.doveadm("roost", "init", "-u", user)
    return engine.get(user)


def code_of(engine, user, number=1):
    """Returns what LMTP answers to a delivery."""
    return engine.server.deliver(text_of(number), user)[0][0]


def session(engine, user):
    """(what FETCH of the first message answers, what APPEND does)."""
    with engine.server.raw(user) as client:
        client.ok("SELECT INBOX")
        return client.cmd("FETCH 1 (BODY.PEEK[])").status, \
            client.append("INBOX", text_of(9)).status


def is_read(engine, user):
    """Is the first message read as it was delivered?"""
    with engine.server.raw(user) as client:
        client.ok("SELECT INBOX")
        return client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))


def policy(engine, user, *words):
    return engine.server.doveadm("-f", "tab", "roost", "policy", "-u", user,
                                 *words, check=False)


def test_life(engine, user):
    """None is made at first use. One that an admin has made lies in the
    database alone, and what it seals is read; a change of it is stored."""
    server = engine.server
    mark = server.log_mark()
    assert code_of(engine, user) // 100 == 4
    server.wait_log(r"There is no keyring dict:\w+ of %s, and none is made at "
                    r"first use in a dict.*doveadm roost init -u %s" %
                    (user, user), mark)
    assert server.objects(user) == [] and engine.get(user) is None

    doc = init(engine, user)
    assert generation(doc) == 1
    rf.load_keyring(doc, user.encode(), [tamper.provider_key(server)],
                    "provider", None)
    assert not os.path.exists(tamper.keyring_path(server, user))
    assert code_of(engine, user) == 250
    server.assert_sealed(user, 1)
    assert is_read(engine, user)

    assert policy(engine, user, "open").returncode == 0
    changed = engine.get(user)
    assert generation(changed) == 2 and b"\npolicy open\n" in changed
    assert is_read(engine, user)
    shown = server.doveadm("-f", "tab", "roost", "status", "-u", user).stdout
    assert b"dict:" in shown and b"\topen\t2\t" in shown, shown


def test_password_mode(engine, user):
    engine.server.init_password_mode(user)
    assert b" password " in engine.get(user)
    assert code_of(engine, user) == 250
    assert is_read(engine, user)


def test_login_raises_nothing(engine, user):
    """A password slot that costs little stays: no lock is common to the hosts
    that use a database, and nobody has asked for a change."""
    text, _ = tamper.make_keyring(engine.server, user, "password")
    engine.put(user, text)
    assert code_of(engine, user) == 250
    assert is_read(engine, user)
    assert engine.get(user) == text


def test_made_once(engine, user):
    """A second init finds the first one's keyring."""
    doc = init(engine, user)
    shown = engine.server.doveadm("roost", "init", "-u", user).stdout
    assert b"exists" in shown
    assert engine.get(user) == doc


def test_lost_keyring(engine, user):
    """The database has lost it: nothing is sealed or read, and no new one is
    made beside sealed mail, not even by an admin; the old one put back is
    right."""
    doc = init(engine, user)
    assert code_of(engine, user) == 250
    engine.drop(user)
    assert code_of(engine, user, 2) // 100 == 4
    assert session(engine, user) == ("NO", "NO")
    for words in [], ["--new"]:
        done = engine.server.doveadm("roost", "init", "-u", user, *words,
                                     check=False)
        assert done.returncode != 0 and b"sealed messages" in done.stderr
    assert engine.get(user) is None
    engine.put(user, doc)
    assert session(engine, user) == ("OK", "OK")


def stored(server, user):
    return sorted(item[2] for item in server.objects(user))


def assert_out_of_order(engine, user, pattern):
    """With what is stored now nothing is delivered, read, appended or made,
    and the log says why."""
    server = engine.server
    before = stored(server, user)
    mark = server.log_mark()
    assert code_of(engine, user, 2) // 100 == 4
    server.wait_log(pattern, mark)
    assert session(engine, user) == ("NO", "NO")
    for words in [], ["--new"]:
        done = server.doveadm("roost", "init", "-u", user, *words,
                              check=False)
        assert done.returncode != 0
        assert re.search(pattern, done.stderr.decode()), done.stderr
    assert stored(server, user) == before


def test_empty_value_is_an_error(engine, user):
    doc = init(engine, user)
    assert code_of(engine, user) == 250
    engine.put(user, b"")
    assert_out_of_order(engine, user, "is an empty value")
    assert engine.get(user) == b""
    engine.put(user, doc)
    assert session(engine, user) == ("OK", "OK")


def test_value_that_is_no_keyring(engine, user):
    doc = init(engine, user)
    assert code_of(engine, user) == 250
    engine.put(user, doc[:-30])
    assert_out_of_order(engine, user, "Refused the keyring dict:")
    assert engine.get(user) == doc[:-30]


def test_keyring_of_another(engine, user):
    """Somebody who writes to the database puts another user's in place."""
    other = next(engine.next_user)
    init(engine, user)
    assert code_of(engine, user) == 250
    engine.put(user, init(engine, other))
    assert_out_of_order(engine, user, "made for the user name %s" % other)


def test_replaced_in_use(engine, user):
    """A session notices that what is stored was replaced or is gone before it
    saves the next message."""
    doc = init(engine, user)
    with engine.server.raw(user) as client:
        assert client.append("INBOX", text_of(1)).ok
        engine.drop(user)
        assert client.append("INBOX", text_of(2)).status == "NO"
        other, _ = tamper.make_keyring(engine.server, user)
        engine.put(user, other)
        assert client.append("INBOX", text_of(3)).status == "NO"
        engine.put(user, doc)
        assert client.append("INBOX", text_of(4)).ok
    assert len(engine.server.objects(user)) == 2


def test_twenty_writers(engine, user):
    """20 processes change one keyring at once: each change is there in the
    end, or its command says that nothing was done."""
    init(engine, user)

    def change(_):
        return engine.server.doveadm("roost", "slot", "add", "-u", user,
                                     "app", check=False)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        done = list(pool.map(change, range(20)))
    made = sum(item.returncode == 0 for item in done)
    for item in done:
        assert item.returncode == 0 or b"nothing was done" in item.stderr \
            or b"holds the lock" in item.stderr, item.stderr
    doc = engine.get(user)
    assert made > 0 and generation(doc) == 1 + made
    assert len(re.findall(rb"(?m)^slot \d+ app ", doc)) == made
    assert code_of(engine, user) == 250


class Grower:
    """Makes ever larger genuine keyrings of a user."""

    def __init__(self, engine, user, monkeypatch):
        monkeypatch.setattr(rf, "public_of",
                            functools.lru_cache(None)(rf.public_of))
        self.writer = rf.Writer(os.urandom, user.encode(),
                                tamper.provider_key(engine.server))
        self.writer.add_provider()
        for _ in range(60):
            self.writer.add_salted(b"app", os.urandom(20))
        self.writer.add_epoch()
        one = len(self.writer.text())
        self.writer.add_epoch()
        self.each = len(self.writer.text()) - one

    def text(self, size):
        """Returns the largest keyring of no more bytes."""
        while True:
            text = self.writer.text()
            count = (size - len(text)) // (self.each + 4)
            if count < 1:
                return text
            for _ in range(count):
                self.writer.add_epoch()


def test_large_keyring(engine, user, monkeypatch):
    """The documents of many years are stored whole. Dovecot's dict server
    takes a little less than the largest document: then the old one stays and
    the command fails."""
    grower = Grower(engine, user, monkeypatch)
    doc = grower.text(60000)
    assert len(doc) > 59000
    engine.put(user, doc)
    assert policy(engine, user, "sealed").returncode == 0
    now = engine.get(user)
    assert b"\ngeneration 2\npolicy sealed\n" in now
    assert len(now) == len(doc) + len("sealed") - len("open")
    assert code_of(engine, user) == 250

    doc = grower.text(65534)
    assert len(doc) > 65300
    engine.put(user, doc)
    done = policy(engine, user, "sealed")
    assert (done.returncode == 0) == (not engine.is_served), done.stderr
    now = engine.get(user)
    if engine.is_served:
        assert now == doc
    else:
        assert b"\ngeneration 2\npolicy sealed\n" in now
    assert code_of(engine, user, 2) == 250


# Databases that fail

def test_engine_that_is_down(start_engine):
    """Mail waits, reading says so, nothing is made; when it is back, all is as
    it was."""
    for kind in "redis", "pgsql":
        engine = start_engine(kind)
        server = engine.server
        init(engine, "alice")
        assert code_of(engine, "alice") == 250
        doc = engine.get("alice")
        engine.stop()
        assert_out_of_order(engine, "alice", r"dict:keys|dict:redis")
        done = server.doveadm("roost", "init", "-u", "bob", check=False)
        assert done.returncode != 0 and b"could not be read" in done.stderr
        engine.start()
        if kind == "redis":     # it kept nothing on a disk
            engine.put("alice", doc)
        assert engine.get("bob") is None
        deliver_again(engine, "alice", 2)
        assert is_read(engine, "alice")


def deliver_again(engine, user, number):
    """Delivers as a mail server does that was told to try again: Dovecot waits
    for some seconds before it connects to a database anew."""
    deadline = time.monotonic() + 60
    while code_of(engine, user, number) != 250:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_engine_that_does_not_answer(start_engine):
    """It hangs: after its time a delivery is told to try again, and it is not
    taken for an answer."""
    engine = start_engine("redis")
    init(engine, "alice")
    assert code_of(engine, "alice") == 250
    engine.hold()
    mark = engine.server.log_mark()
    assert code_of(engine, "alice", 2) // 100 == 4
    assert code_of(engine, "bob", 2) // 100 == 4
    found = engine.server.wait_log("The keyring dict:.* of bob could not be "
                                   "read: .*", mark)
    assert "none is made" not in found.group(0)
    engine.go_on()
    deliver_again(engine, "alice", 2)


def test_column_that_cuts(start_engine):
    """A database that cuts what it is given loses no keyring: what was there
    is put back, and the command fails."""
    engine = start_engine("pgsql")
    doc = init(engine, "alice")
    engine.query("""
        CREATE FUNCTION cut() RETURNS trigger AS $$
        BEGIN
            IF position('policy open' in NEW.keyring) > 0 OR
                    NEW.username = 'bob' THEN
                NEW.keyring = left(NEW.keyring, 200);
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql;
        CREATE TRIGGER cut BEFORE INSERT OR UPDATE ON roost_keyrings
            FOR EACH ROW EXECUTE FUNCTION cut();""")
    assert b"\npolicy sealed\n" in doc
    done = policy(engine, "alice", "open")
    assert done.returncode != 0
    assert b"200 of its" in done.stderr and b"was put back" in done.stderr
    assert engine.get("alice") == doc
    assert code_of(engine, "alice") == 250
    done = engine.server.doveadm("roost", "init", "-u", "bob", check=False)
    assert done.returncode != 0 and b"200 of its" in done.stderr
    assert engine.get("bob") is None


def test_database_that_only_reads(start_engine):
    """A change that cannot be written is told, and nothing else is."""
    engine = start_engine("pgsql")
    doc = init(engine, "alice")
    engine.query("ALTER DATABASE postgres SET "
                 "default_transaction_read_only = on")
    engine.server.reload()
    done = policy(engine, "alice", "open")
    assert done.returncode != 0 and b"read-only" in done.stderr, done.stderr
    done = engine.server.doveadm("roost", "init", "-u", "bob", check=False)
    assert done.returncode != 0 and b"read-only" in done.stderr, done.stderr
    assert engine.get("alice") == doc and engine.get("bob") is None
    assert code_of(engine, "alice") == 250


# Others who read it

@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_visitor(request, make_server, kind):
    """A visitor of a shared mailbox opens it by the keyring that is stored of
    its owner."""
    server = sharing.arrange(make_server, "maildir")
    engine = dictkit.ENGINES[kind](server).configure()
    request.addfinalizer(engine.stop)
    engine.start()
    server.start()
    for user in "alice", "bob":
        init(engine, user)
    sharing.share(server)
    with server.raw("bob") as client:
        client.ok("SELECT shared/alice/Open")
        assert client.fetch(1, "BODY.PEEK[]").endswith(
            sharing.message("for-alice"))
        assert client.append("shared/alice/Open", text_of(2)).ok
    with server.raw("alice") as client:
        client.ok("SELECT Open")
        assert client.fetch(2, "BODY.PEEK[]") == text_of(2)
    with server.raw("bob") as client:    # a public one has its file
        assert client.append("Public/Board", text_of(3)).ok


def test_lock_is_no_mailbox(request, make_server):
    """Where mailboxes lie in the home itself, the lock's name is none of
    theirs."""
    server = make_server("maildir", start=False)
    engine = dictkit.File(server).configure()
    server.extra += "mail_path = ~/\nmailbox_list_layout = fs\n" \
        if servers.NEW else "mail_location = maildir:~/:LAYOUT=fs\n"
    server.start()
    init(engine, "alice")
    with server.raw("alice") as client:
        for name in "roost.dict.lock", "Roost.Dict", "roost.dict.lock/x":
            assert client.cmd("CREATE " + name).status == "NO", name
        listed = client.cmd('LIST "" *')
        assert "roost" not in repr(listed.untagged).lower()
        client.ok("CREATE other.dict")
    assert policy(engine, "alice", "open").returncode == 0


def test_wrong_name(start_engine):
    """A dict that is not configured stops the user's mail, not Dovecot."""
    engine = start_engine("file")
    server = engine.server
    init(engine, "alice")
    server.stop()
    server.settings["roost_keyring"] = "dict:other"
    server.start()
    mark = server.log_mark()
    assert code_of(engine, "alice") // 100 == 4
    server.wait_log("The keyring dict:other of alice (is out of reach|could "
                    "not be read)", mark)
    server.stop()
    server.settings["roost_keyring"] = "dict:"
    server.start()
    mark = server.log_mark()
    assert code_of(engine, "alice") // 100 == 4
    server.wait_log("roost_keyring is not a location of a known kind", mark)


def test_no_secret_in_the_log(start_engine):
    """What stands in a URI may be a password."""
    if servers.NEW:
        pytest.skip("its settings have no URIs")
    engine = start_engine("redis")
    server = engine.server
    server.stop()
    server.settings["roost_keyring"] = "dict:redis:path=/nowhere/sock:" \
        "password=hidden-word"
    server.start()
    assert code_of(engine, "alice") // 100 == 4
    server.doveadm("roost", "init", "-u", "alice", check=False)
    assert "hidden-word" not in server.log_since(0)
