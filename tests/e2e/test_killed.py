# SPDX-License-Identifier: MIT
"""Commands that are killed at each call by which they change what is stored:
each message is whole and there once, a keyring is never lost, and running the
command again finishes the work and leaves nothing behind.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

import dictkit
import killkit
import rewritekit as kit
import server as servers
import slotkit
import tamper
from slotkit import good, opens, roost, shown, text_of
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

FRESH = "another-password"


# Messages

# As it is stored, with the line ends of the system.
GONE = b"Subject: gone\n\nexpunged before\n"

# What a client is told. To begin anew changes the save dates of maildir.
TOLD = "mailbox uid guid flags date.received size.physical size.virtual " \
    "pop3.uidl text"


def told(server):
    done = server.doveadm("-f", "json", "fetch", "-u", "alice", TOLD, "all")
    return sorted((row["mailbox"], int(row["uid"]), sorted(row.items()))
                  for row in json.loads(done.stdout))


class Mailbox:
    """Mail of alice from before Roost, and a keyring: messages in INBOX, copies
    of them beside one of its own in another mailbox, and an expunged one, which
    a file of mdbox has until it is purged."""

    def __init__(self, server):
        self.server = server
        messages = [kit.MESSAGES[0], kit.MESSAGES[3][:40000]]
        kit.fill(server, "alice", messages=messages)
        conf = kit.plain_conf(server)
        server.doveadm("-c", conf, "mailbox", "create", "-u", "alice",
                       "Copies")
        server.doveadm("-c", conf, "copy", "-u", "alice", "Copies",
                       "mailbox", "INBOX", "all")
        kit.fill(server, "alice", messages=[kit.MESSAGES[1]],
                 mailbox="Copies")
        kit.fill(server, "alice", messages=[
            GONE.replace(b"\n", b"\r\n")])
        server.doveadm("-c", conf, "expunge", "-u", "alice", "mailbox",
                       "INBOX", "subject", "gone")
        self.code = good(roost(server, "init", "-u", "alice", "-r"))[0][
            "recovery-code"]
        self.told = told(server)
        self.plains = [content for content in self.contents()
                       if content != GONE]

    def stored(self, is_done=False):
        """Returns the bytes of all stored messages. A purge that was killed
        may have left half of one at the end of a file of mdbox, which the next
        run cuts off."""
        found = []
        for path in self.server.mail_files("alice"):
            content = tamper.read(path)
            if self.server.storage == "maildir":
                found.append(content)
                continue
            ends = [match.end() for match in re.finditer(
                rb"\n\x01\x03\n(.+\n)*\n", content)]
            end = ends[-1] if ends else content.index(b"\n") + 1
            assert not is_done or end == len(content), path
            found += [content[start:start + size] for start, size
                      in servers.dbox_messages(content[:end])]
        return found

    def contents(self):
        """Returns what all stored messages are."""
        reader, found = None, self.stored()
        if any(content.startswith(servers.MAGIC) for content in found):
            reader = tamper.Reader(self.server, "alice")
        return [reader.open(content)[1]
                if content.startswith(servers.MAGIC) else content
                for content in found]

    def check(self, where):
        """Each message is whole, in one form, and told as it was."""
        assert told(self.server) == self.told, where
        assert opens(self.server, "alice", "provider"), where
        assert opens(self.server, "alice", self.code), where
        found = self.contents()
        assert set(found) - {GONE} == set(self.plains), where
        # Files of mdbox hold old forms until they are purged.
        if self.server.storage != "mdbox":
            assert len(found) == len(self.plains), where

    def check_end(self, command, where):
        """Nothing else is stored, and all of it has the form that is
        wanted."""
        assert {content.startswith(servers.MAGIC)
                for content in self.stored(is_done=True)} == {command != "unseal"}, where
        found = self.contents()
        assert set(found) == set(self.plains), where
        if self.server.storage == "mdbox":
            self.check_map(len(found), where)
        else:
            assert len(found) == len(self.plains), where

    def check_map(self, stored, where):
        """Each stored message is one that the map tells of, and which has as
        many references there as mailboxes have it."""
        done = subprocess.run(
            ["doveadm", "-c", self.server.conf, "dump", "-t", "index",
             os.path.join(self.server.home("alice"), "mdbox", "storage")],
            stdout=subprocess.PIPE, check=True,
            env=self.server._environment())
        counts = [int(count) for count in re.findall(
            rb"^ - ext +\d+ ref +: +(\d+)", done.stdout, re.M)]
        assert 0 not in counts and sum(counts) == len(self.told), where
        assert len(counts) == stored, (where, counts, stored)

    def left_behind(self):
        """Names of Roost's temporary files, and of a second keyring."""
        return kit.left_behind(self.server, "alice") + [
            name for name in os.listdir(self.server.home("alice"))
            if re.search(r"keyring.*(tmp|old)$", name)]


MORE = {"seal": [], "reseal": [], "unseal": ["--yes-plaintext"]}


@pytest.mark.parametrize("command", sorted(MORE))
@pytest.mark.parametrize("storage", kit.STORAGES)
def test_messages(make_server, storage, command):
    server = make_server(storage, users=["alice"])
    mailbox = Mailbox(server)
    args = [command, "-u", "alice", *MORE[command]]
    if command != "seal":
        kit.rewrite(server, "seal", "alice")
    if command == "reseal":
        good(roost(server, "rotate", "-u", "alice"))
    if command == "unseal":
        server.doveadm("roost", "policy", "-u", "alice", "sealed")
    kept = killkit.Kept(server, "alice")

    def run(conf):
        return subprocess.run(
            ["doveadm", "-c", conf, "roost", *args], timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=server._environment()).returncode

    for where in killkit.Killer(server).each(
            "%s on %s" % (command, storage), kept.restore, run):
        mailbox.check(where)
        done = server.doveadm("roost", *args, check=False)
        assert done.returncode == 0, (where, done)
        mailbox.check(where)
        mailbox.check_end(command, where)
        if command == "reseal":
            ring = slotkit.unlock(server, "alice", "provider")
            assert {slotkit.epoch_of(content, ring) for _, _, content
                    in server.objects("alice")} == {2}, where
        assert mailbox.left_behind() == [], where
        server.doveadm("force-resync", "-u", "alice", "*")
        assert told(server) == mailbox.told, where


# Keyrings

class Place:
    """Where a keyring lies: in a file of the user's home, or in a database."""

    def __init__(self, server, engine):
        self.server, self.engine = server, engine
        self.killer = killkit.Killer(server)
        self.tried = {}

    def text(self, user):
        if self.engine:
            return self.engine.get(user)
        path = tamper.keyring_path(self.server, user)
        return tamper.read(path) if os.path.exists(path) else None

    def opens(self, user, by):
        """To try a password costs much time, so that it is tried once."""
        text = self.text(user)
        if text is not None and (text, by) not in self.tried:
            self.tried[text, by] = opens(self.server, user, by, text)
        return text is not None and self.tried[text, by]

    def keep(self, *users):
        """Returns a function that puts back what is stored of them now."""
        kept = [killkit.Kept(self.server, user) for user in users]
        texts = [self.text(user) for user in users]

        def restore():
            for copy in kept:
                copy.restore()
            for user, text in zip(users, texts):
                if self.engine and text is None:
                    if self.engine.get(user):
                        self.engine.drop(user)
                elif self.engine:
                    self.engine.put(user, text)
        return restore

    def left_behind(self, user):
        return [name for name in os.listdir(self.server.home(user))
                if re.search(r"(keyring|dict).*(tmp|old)$", name)]


@pytest.fixture(scope="module", params=["file", "dict"])
def place(request, make_module_server):
    server = make_module_server(
        "maildir", start=False, secret=True,
        users=["u%02d" % number for number in range(40)])
    engine = None
    if request.param == "dict":
        engine = dictkit.Sqlite(server).configure()
        request.addfinalizer(engine.stop)
        engine.start()
    server.start()
    server.next_user = iter(range(40))
    return Place(server, engine)


@pytest.fixture
def user(place):
    return "u%02d" % next(place.server.next_user)


class Case:
    """A command on a user's keyring.

    args     is the command.
    given    are the secrets that it gets: secret, fresh.
    kind     is that of the slot that is replaced, of which there is one.
    before   opens the keyring until it is changed, and after from then on, in
             the end; one of both does at any time.
    always   opens it at any time.
    gone     opens it no more in the end.
    """

    def __init__(self, *args, kind=None, before=(), after=(), always=(),
                 gone=(), **given):
        self.args, self.kind, self.given = args, kind, given
        self.before, self.after = list(before), list(after)
        self.always, self.gone = list(always), list(gone)

    def again(self, place, user):
        """Runs it again, with what opens the keyring now."""
        given = dict(self.given)
        if "secret" in given and not place.opens(user, given["secret"]):
            given["secret"] = given["fresh"]
        return roost(place.server, *self.args, **given)


def in_password_mode(place, user):
    """Returns the user's password and a recovery code."""
    password = place.server.password(user)
    rows = good(roost(place.server, "init", "-u", user, "-m", "password",
                      secret=password))
    assert place.server.deliver(text_of(1), user)[0][0] == 250
    return password, rows[0]["recovery-code"]


def in_provider_mode(place, user):
    """Returns a recovery code."""
    rows = good(roost(place.server, "init", "-u", user, "-r"))
    assert place.server.deliver(text_of(1), user)[0][0] == 250
    return rows[0]["recovery-code"]


def replace_password(place, user):
    password, code = in_password_mode(place, user)
    return Case("slot", "replace", "-u", user, "password", kind="password",
                secret=password, fresh=FRESH, before=[password], after=[FRESH], always=[code],
                gone=[password])


def replace_app(place, user):
    password, code = in_password_mode(place, user)
    app = shown(roost(place.server, "slot", "add", "-u", user, "app",
                      secret=password))
    number, = [number for number, kind in slotkit.slots(place.server, user)
               if kind == "app"]
    return Case("slot", "replace", "-u", user, str(number), kind="app",
                secret=password, always=[password, code], gone=[app])


def replace_recovery(place, user):
    password, code = in_password_mode(place, user)
    return Case("slot", "replace", "-u", user, "recovery", kind="recovery",
                secret=password, always=[password], gone=[code])


def replace_escrow(place, user):
    code = in_provider_mode(place, user)
    old, public, _ = slotkit.escrow_pair(place.server)
    good(roost(place.server, "slot", "add", "-u", user, "escrow",
               "--public-key-file", public))
    new, public, _ = slotkit.escrow_pair(place.server)
    return Case("slot", "replace", "-u", user, "escrow", "--public-key-file",
                public, kind="escrow", before=[old], after=[new],
                always=[code, "provider"], gone=[old])


def rotate(place, user):
    code = in_provider_mode(place, user)
    return Case("rotate", "-u", user, always=["provider", code])


def rotate_compromised(place, user):
    code = in_provider_mode(place, user)
    return Case("rotate", "-u", user, "-C", "-y", fresh=FRESH,
                always=["provider"], after=[FRESH], before=["provider"],
                gone=[code])


def mode_password(place, user):
    code = in_provider_mode(place, user)
    return Case("mode", "-u", user, "password", "-y", fresh=FRESH,
                before=["provider"], after=[FRESH], always=[code],
                gone=["provider"])


def mode_provider(place, user):
    password, code = in_password_mode(place, user)
    return Case("mode", "-u", user, "provider", "-y", secret=password,
                before=[password], after=["provider"], always=[code])


def policy(place, user):
    code = in_provider_mode(place, user)
    return Case("policy", "-u", user, "open", always=["provider", code])


CASES = [replace_password, replace_app, replace_recovery, replace_escrow,
         rotate, rotate_compromised, mode_password, mode_provider, policy]
# In a database the store is the same for all of them.
DICT_CASES = [replace_password, rotate, mode_password]


def skip_in_dict(place, make):
    if place.engine and make not in DICT_CASES:
        pytest.skip("the file's cases show it")


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_keyring_changed(place, user, make):
    """Before the change what opened it does, and from then on what is to."""
    skip_in_dict(place, make)
    case = make(place, user)
    server = place.server
    for where in place.killer.each(
            "%s in %s" % (make.__name__, type(place.engine).__name__),
            place.keep(user), lambda conf: roost(
                server, *case.args, **case.given, conf=conf).code):
        assert all(place.opens(user, by) for by in case.always), where
        found = [all(place.opens(user, by) for by in some)
                 for some in (case.before, case.after)]
        assert any(found), where
        answer = case.again(place, user)
        assert answer.code == 0, (where, answer)
        assert all(place.opens(user, by)
                   for by in case.always + case.after), where
        assert not any(place.opens(user, by) for by in case.gone), where
        for row in answer.rows:
            if row.get("secret"):
                assert place.opens(user, row["secret"]), where
        if case.kind:
            # There is none that nobody has seen.
            kinds = slotkit.unlock(place.server, user, case.always[0],
                                   place.text(user)).slots
            assert [slot.kind.decode() for slot in kinds].count(
                case.kind) == 1, where
        assert place.left_behind(user) == [], where
        assert mail_opens(place, user, (case.always + case.after)[0]), where


def mail_opens(place, user, by):
    ring = slotkit.unlock(place.server, user, by, place.text(user))
    return [rf.open_object(content, ring.id, ring.secrets)[0] for _, _, content
            in place.server.objects(user)] == ["ok"]


def test_keyring_made(place, user):
    """It is there whole, or not at all."""
    for where in place.killer.each(
            "init", place.keep(user), lambda conf: roost(
                place.server, "init", "-u", user, conf=conf).code):
        answer = roost(place.server, "init", "-u", user)
        # One that was made needs not be made again.
        assert answer.code == 0 or "is a keyring" in answer.said, (
            where, answer)
        assert place.opens(user, "provider"), where
        assert place.left_behind(user) == [], where


def test_keyring_imported(place, user):
    """One of them is there, whole."""
    old = in_provider_mode(place, user)
    doc = place.text(user)
    other, _ = tamper.make_keyring(place.server, user)
    path = os.path.join(place.server.root, "import-%s" % user)
    place.server.write(path, other.decode(), 0o644)
    args = ("keyring", "import", "-u", user, "--replace", path)
    for where in place.killer.each(
            "import", place.keep(user), lambda conf: roost(
                place.server, *args, conf=conf).code):
        assert place.text(user) in (doc, other), where
        assert place.opens(user, "provider"), where
        assert place.opens(user, old) == (place.text(user) == doc), where
        assert roost(place.server, *args).code == 0, where
        assert place.text(user) == other, where
        assert place.left_behind(user) == [], where


def test_keyring_copied_and_deleted(place, user):
    """The one in use stays as it is; a copy is there whole or not at all."""
    in_provider_mode(place, user)
    doc = place.text(user)
    to = os.path.join(place.server.home(user), "copy.keyring")
    args = {"copy": ("keyring", "copy", "-u", user, "file:" + to),
            "delete": ("keyring", "delete", "-u", user, "-y", "file:" + to)}
    for verb in "copy", "delete":
        for where in place.killer.each(
                verb, place.keep(user), lambda conf: roost(
                    place.server, *args[verb], conf=conf).code):
            assert place.text(user) == doc, where
            if os.path.exists(to):
                assert tamper.read(to) == doc, where
            good(roost(place.server, *args[verb]))
            assert os.path.exists(to) == (verb == "copy"), where
            assert place.left_behind(user) == [], where
        good(roost(place.server, *args["copy"]))


def test_keyring_renamed(place, user):
    """It is whole under one name at least."""
    code = in_provider_mode(place, user)
    new = "u%02d" % next(place.server.next_user)
    shutil.rmtree(place.server.home(new))
    os.rename(place.server.home(user), place.server.home(new))
    os.makedirs(place.server.home(user))
    place.server.own(place.server.home(user))
    args = ("keyring", "rename", "-u", new, user)

    def found():
        """Returns who has it."""
        names = []
        for name in (user, new):
            text = place.text(name)
            owner = text and re.search(rb"^owner (\S+)$", text, re.M).group(1)
            if owner:
                assert opens(place.server, owner.decode(), code, text)
                names.append(owner.decode())
        return names

    for where in place.killer.each(
            "rename", place.keep(user, new), lambda conf: roost(
                place.server, *args, conf=conf).code):
        assert found() != [], where
        good(roost(place.server, *args))
        assert found() == [new], where
        assert place.left_behind(new) == [], where
        assert mail_opens(place, new, "provider"), where


USERS = ("alice", "bob")


@pytest.mark.parametrize("store", ["file", "dict"])
def test_provider_key(request, make_server, store):
    """Each keyring opens by the old or by the new key."""
    server = make_server("maildir", users=USERS, start=False)
    engine = None
    if store == "dict":
        engine = dictkit.Sqlite(server).configure()
        request.addfinalizer(engine.stop)
        engine.start()
    server.start()
    place = Place(server, engine)
    for name in USERS:
        good(roost(server, "init", "-u", name))
        assert server.deliver(text_of(1), name)[0][0] == 250
    server.stop()
    old = os.path.join(server.root, "old.key")
    os.rename(server.keyfile, old)
    server.write(server.keyfile, os.urandom(32).hex() + "\n", 0o600)
    server.settings["roost_provider_old_key"] = \
        old if servers.NEW else "<" + old
    server.start()
    keys = [rf.read_key_file(tamper.read(path))
            for path in (server.keyfile, old)]
    for where in killkit.Killer(server).each(
            "provider-rotate in " + store, place.keep(*USERS),
            lambda conf: roost(server, "provider-rotate", "-A",
                               conf=conf).code):
        for name in USERS:
            ring = rf.Keyring(place.text(name))
            ring.load(name.encode(), keys)
        good(roost(server, "provider-rotate", "-A"))
        for name in USERS:
            assert opens(server, name, "provider", place.text(name)), where
            assert place.left_behind(name) == [], where
