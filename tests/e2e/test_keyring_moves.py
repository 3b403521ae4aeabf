# SPDX-License-Identifier: MIT
"""Commands that take keyrings from one place to another: doveadm roost keyring
export, import, copy, rename and delete, on files and in a database.
"""

import fcntl
import os
import re
import shutil
import subprocess
import termios

import pytest

import dictkit
import server as servers
import tamper
from dictkit import generation

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

USERS = ["u%02d" % number for number in range(40)]


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


@pytest.fixture(scope="module")
def engine(request, make_module_server):
    """A server that keeps keyrings in files, beside a database."""
    server = make_module_server("maildir", start=False, users=USERS,
                                secret=True)
    engine = dictkit.Redis(server)
    server.extra += engine.conf()
    request.addfinalizer(engine.stop)
    engine.start()
    server.start()
    server.next_user = iter(USERS)
    return engine


@pytest.fixture
def server(engine):
    yield engine.server
    if "roost_keyring" in engine.server.settings:
        use(engine.server, None)


@pytest.fixture
def user(engine):
    return next(engine.server.next_user)


def use(server, location):
    """Changes where keyrings lie, as an admin does."""
    server.stop()
    server.settings.pop("roost_keyring", None)
    if location:
        server.settings["roost_keyring"] = location
    server.start()


def keyring(server, verb, user, *words, **options):
    """(exit status, rows as dicts, what it said)."""
    done = server.doveadm("-f", "tab", "roost", "keyring", verb, "-u", user,
                          *words, check=False, **options)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return done.returncode, [dict(zip(rows[0], row)) for row in rows[1:]] \
        if rows else [], done.stderr.decode()


def export(server, user, *words):
    return server.doveadm("roost", "keyring", "export", "-u", user, *words)


def path_of(server, user):
    return tamper.keyring_path(server, user)


def new_mail(server, user, number=1):
    return server.deliver(text_of(number), user)[0][0]


def is_read(server, user):
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        found = client.cmd("FETCH 1 (BODY.PEEK[])")
        return found.ok and text_of(1) in client.fetch(1, "BODY.PEEK[]")


def mode_of(path):
    return os.stat(path).st_mode & 0o7777


# Out and in

def test_export(server, user):
    """The document comes as it is stored, to standard output or into a new
    file for its owner alone."""
    assert new_mail(server, user) == 250
    doc = tamper.read(path_of(server, user))
    assert export(server, user).stdout == doc
    path = os.path.join(server.home(user), "saved")
    export(server, user, path)
    assert tamper.read(path) == doc and mode_of(path) == 0o600
    for taken in path, path_of(server, user):
        code, _, said = keyring(server, "export", user, taken)
        assert code != 0 and "File exists" in said
        assert tamper.read(taken) == doc
    code, _, said = keyring(server, "export", user, "relative")
    assert code != 0 and "absolute" in said


def test_export_of_what_is_damaged(server, user):
    """It is told; who wants it has it all the same."""
    assert new_mail(server, user) == 250
    doc = tamper.read(path_of(server, user)).replace(b"policy sealed",
                                                     b"policy open")
    tamper.write(path_of(server, user), doc)
    code, _, said = keyring(server, "export", user)
    assert code != 0 and "--unverified" in said and "mac]" in said
    done = export(server, user, "--unverified")
    assert done.stdout == doc


def test_nothing_to_export(server, user):
    path = os.path.join(server.home(user), "saved")
    code, _, said = keyring(server, "export", user, path)
    assert code != 0 and "There is no keyring" in said
    assert not os.path.exists(path)


def test_import_of_a_lost_keyring(server, user):
    """A backup of it put back opens the mail; once more changes nothing."""
    assert new_mail(server, user) == 250
    saved = export(server, user).stdout
    os.unlink(path_of(server, user))
    assert not is_read(server, user)
    for state in "imported", "unchanged":
        code, rows, said = keyring(server, "import", user, input=saved)
        assert code == 0 and rows[0]["state"] == state, said
    assert tamper.read(path_of(server, user)) == saved
    assert mode_of(path_of(server, user)) == 0o600
    assert is_read(server, user)
    assert new_mail(server, user, 2) == 250


def assert_not_imported(server, user, doc, pattern, *words):
    before = tamper.read(path_of(server, user))
    code, rows, said = keyring(server, "import", user, *words, input=doc)
    assert code != 0 and rows == [] and re.search(pattern, said), said
    assert tamper.read(path_of(server, user)) == before


def test_import_of_an_older_one(server, user):
    """A backup that was made before the last change takes its place only if
    the admin says so."""
    assert new_mail(server, user) == 250
    older = export(server, user).stdout
    server.doveadm("roost", "policy", "-u", user, "open")
    newer = export(server, user).stdout
    assert_not_imported(server, user, older, "holds generation 2 of this "
                        "keyring.*generation 1.*--replace")
    assert keyring(server, "import", user, "--replace", input=older)[0] == 0
    assert tamper.read(path_of(server, user)) == older
    code, rows, _ = keyring(server, "import", user, input=newer)
    assert code == 0 and rows[0]["state"] == "imported"
    assert is_read(server, user)


def test_import_in_the_place_of_another(server, user):
    assert new_mail(server, user) == 250
    doc, writer = tamper.make_keyring(server, user)
    writer.generation = 9
    doc = writer.text()
    assert_not_imported(server, user, doc, "holds another keyring, with the "
                        "id .*--replace")
    code, rows, _ = keyring(server, "import", user, "--replace", input=doc)
    assert code == 0 and rows[0]["keyring id"] == writer.id.hex()
    assert tamper.read(path_of(server, user)) == doc


def test_import_of_what_is_not_his(server, user):
    """Another user's, one of another provider key, a damaged one, no keyring
    at all, too much, nothing: each is refused, and what was there stays."""
    other = next(server.next_user)
    assert new_mail(server, user) == 250
    good = export(server, user).stdout
    theirs, _ = tamper.make_keyring(server, other)
    foreign, _ = tamper.make_keyring(server, user, key=os.urandom(32))
    _, writer = tamper.make_keyring(server, user)
    writer.slots = []
    writer._slot(b"provider 1700000000", os.urandom(32), 1)
    for doc, pattern in [
            (theirs, r"\[owner\].*--unverified"),
            (foreign, r"provider key.*--unverified"),
            (writer.text(), "Refused the keyring.*--unverified"),
            (good.replace(b"sealed", b"open"), r"mac\].*--unverified"),
            (good[:-1], "--unverified"), (b"no keyring\n", "--unverified"),
            (good + b"x" * 65536, "more than 65536"), (b"", "is empty")]:
        assert_not_imported(server, user, doc, pattern, "--replace")
    for doc in b"no keyring\n", good[:-1]:
        assert_not_imported(server, user, doc, "is no keyring", "--replace",
                            "--unverified")
    code, _, _ = keyring(server, "import", user, "--replace", "--unverified",
                         input=foreign)
    assert code == 0 and tamper.read(path_of(server, user)) == foreign
    assert not is_read(server, user)


def test_import_from_a_file(server, user):
    assert new_mail(server, user) == 250
    path = os.path.join(server.home(user), "saved")
    export(server, user, path)
    os.unlink(path_of(server, user))
    assert keyring(server, "import", user, path)[0] == 0
    assert is_read(server, user)
    code, _, said = keyring(server, "import", user, path + "x")
    assert code != 0 and "No such file" in said


def test_one_user_at_a_time(server):
    for verb in "export", "import":
        done = server.doveadm("roost", "keyring", verb, "-A", check=False)
        assert done.returncode == 64 and b"one user at a time" in done.stderr


# From store to store

def test_copy_and_switch(engine, server, user):
    """From a file into the database and in use there; the file goes when the
    admin says so, and nothing before."""
    place = engine.location()
    assert new_mail(server, user) == 250
    doc = tamper.read(path_of(server, user))
    code, rows, said = keyring(server, "copy", user, place)
    assert code == 0 and rows[0]["state"] == "copied", said
    assert rows[0]["next"] == "roost_keyring = " + place
    assert engine.get(user) == doc == tamper.read(path_of(server, user))
    assert keyring(server, "copy", user, place)[1][0]["state"] == "unchanged"
    server.doveadm("roost", "policy", "-u", user, "open")
    assert keyring(server, "copy", user, place)[1][0]["state"] == "copied"
    assert engine.get(user) == tamper.read(path_of(server, user))

    use(server, place)
    assert is_read(server, user)
    code, rows, said = keyring(server, "delete", user,
                               "file:~/roost.keyring")
    assert code == 0 and rows[0]["state"] == "deleted", said
    assert not os.path.exists(path_of(server, user))
    assert generation(engine.get(user)) == 2
    assert new_mail(server, user, 2) == 250
    # and back
    code, rows, said = keyring(server, "copy", user, "file:~/roost.keyring")
    assert code == 0 and rows[0]["state"] == "copied", said
    use(server, None)
    assert is_read(server, user)
    assert tamper.read(path_of(server, user)) == engine.get(user)


def test_copy_refused(engine, server, user):
    """Nothing is copied over another keyring or a later document, nor what is
    damaged, nor onto itself."""
    assert new_mail(server, user) == 250
    other, writer = tamper.make_keyring(server, user)
    engine.put(user, other)
    code, rows, said = keyring(server, "copy", user, engine.location())
    assert code != 0 and rows == [] and "another keyring" in said
    assert engine.get(user) == other
    engine.put(user, b"no keyring")
    code, _, said = keyring(server, "copy", user, engine.location())
    assert code != 0 and "is no keyring" in said
    engine.drop(user)
    code, _, said = keyring(server, "copy", user, "file:~/roost.keyring")
    assert code != 0 and "already" in said
    code, _, said = keyring(server, "copy", user, "sql:keys")
    assert code != 0 and "known kind" in said
    code, _, said = keyring(server, "copy", user)
    assert code == 64 and "takes the location" in said
    good = tamper.read(path_of(server, user))
    tamper.write(path_of(server, user), good.replace(b"sealed", b"open"))
    code, _, said = keyring(server, "copy", user, engine.location())
    assert code != 0 and "mac]" in said and engine.get(user) is None


def test_copy_of_all(engine, server):
    """Users without a keyring are told as such and are no error."""
    users = [next(server.next_user) for _ in range(2)]
    for user in users:
        assert new_mail(server, user) == 250
    for user in USERS:      # what other tests have left
        if user not in users and os.path.exists(path_of(server, user)):
            os.unlink(path_of(server, user))
        engine.drop(user)
    done = server.doveadm("-f", "tab", "roost", "keyring", "copy", "-A",
                          engine.location())
    lines = done.stdout.decode().splitlines()
    assert sum("\tcopied\t" in line for line in lines) == 2
    assert sum("\tno keyring\t" in line for line in lines) == len(USERS) - 2
    for user in users:
        assert engine.get(user) == tamper.read(path_of(server, user))


# Away

def test_delete_needs_consent(server, user):
    """Without a terminal nothing is destroyed but with --yes; then the mail
    is read by nobody, and no new keyring is made beside it."""
    assert new_mail(server, user) == 250
    code, rows, said = keyring(server, "delete", user)
    assert code != 0 and rows == [] and "--yes" in said
    assert "can then be read by nobody" in said
    assert is_read(server, user)
    code, rows, _ = keyring(server, "delete", user, "--yes")
    assert code == 0 and rows[0]["state"] == "deleted"
    names = [name for name in os.listdir(server.home(user))
             if "keyring" in name]
    assert names in ([], ["roost.keyring.lock"])
    assert not is_read(server, user)
    assert new_mail(server, user, 2) // 100 == 4
    code, rows, _ = keyring(server, "delete", user, "--yes")
    assert code == 0 and rows[0]["state"] == "no keyring"


def typed(server, user, line):
    """(exit status, what is shown) of delete at a terminal."""
    ours, theirs = os.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        ["doveadm", "-c", server.conf, "roost", "keyring", "delete", "-u",
         user], stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, preexec_fn=take_terminal,
        env=server._environment())
    shown = b""
    while not shown.endswith(b" Type yes: "):
        shown += os.read(ours, 1000)
    os.write(ours, line)
    said = process.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    return process.returncode, (shown + said).decode()


def test_delete_at_a_terminal(server, user):
    assert new_mail(server, user) == 250
    for line in b"\n", b"no\n", b"yess\n":
        code, shown = typed(server, user, line)
        assert code != 0 and "Nothing was changed" in shown, shown
        assert is_read(server, user)
    code, shown = typed(server, user, b"yes\n")
    assert code == 0 and "deleted" in shown
    assert not os.path.exists(path_of(server, user))


def test_delete_of_a_copy(engine, server, user):
    """A copy that holds no more than the keyring in use goes without a
    question; one that is later or another does not."""
    assert new_mail(server, user) == 250
    place = engine.location()
    assert keyring(server, "copy", user, place)[0] == 0
    server.doveadm("roost", "policy", "-u", user, "open")
    newer = tamper.read(path_of(server, user))
    older, other = engine.get(user), tamper.make_keyring(server, user)[0]
    for doc in other, b"no keyring":
        engine.put(user, doc)
        code, _, said = keyring(server, "delete", user, place)
        assert code != 0 and "--yes" in said and engine.get(user) == doc
    tamper.write(path_of(server, user), older)
    engine.put(user, newer)
    code, _, said = keyring(server, "delete", user, place)
    assert code != 0 and "--yes" in said and engine.get(user) == newer
    tamper.write(path_of(server, user), newer)
    engine.put(user, older)
    assert keyring(server, "delete", user, place)[0] == 0
    assert engine.get(user) is None
    assert tamper.read(path_of(server, user)) == newer


@pytest.mark.parametrize("kind", ["dot", "link"])
def test_delete_by_another_name(server, user, kind):
    """The keyring in use by another spelling of its place is no copy."""
    assert new_mail(server, user) == 250
    path = path_of(server, user)
    doc = tamper.read(path)
    folder = server.home(user)
    if kind == "link":
        folder = os.path.join(server.home(user), "link")
        os.symlink(".", folder)
    else:
        folder += "/."
    code, _, said = keyring(server, "delete", user, "file:%s/%s" % (
        folder, os.path.basename(path)))
    assert code != 0 and "--yes" in said, said
    assert tamper.read(path) == doc


def test_delete_of_what_is_no_keyring(server, user):
    """An admin who names another file has it still."""
    path = os.path.join(server.home(user), "letter")
    tamper.write(path, b"Dear keyring,\n")
    code, _, said = keyring(server, "delete", user, "--yes", "file:" + path)
    assert code != 0 and "is no keyring, and stays" in said
    assert os.path.exists(path)
    tamper.write(path, tamper.make_keyring(server, user)[0][:100])
    assert keyring(server, "delete", user, "--yes", "file:" + path)[0] == 0
    assert not os.path.exists(path)


# Another name

def moved(server, old):
    """Gives the old user's home to another user; returns his name."""
    new = next(server.next_user)
    shutil.rmtree(server.home(new))
    os.rename(server.home(old), server.home(new))
    return new


def test_rename_of_a_file(server, user):
    assert new_mail(server, user) == 250
    new = moved(server, user)
    assert not is_read(server, new)
    code, _, said = keyring(server, "rename", new, "somebody")
    assert code != 0 and "belongs to %s and not to somebody" % user in said
    code, rows, said = keyring(server, "rename", new, user)
    assert code == 0 and rows[0]["state"] == "renamed", said
    assert (rows[0]["from"], rows[0]["to"]) == (user, new)
    assert generation(tamper.read(path_of(server, new))) == 2
    assert is_read(server, new)
    assert keyring(server, "rename", new, user)[1][0]["state"] == "unchanged"
    code, _, said = keyring(server, "rename", new)
    assert code == 64 and "the old one at the end" in said


def test_rename_in_a_dict(engine, server, user):
    """It moves from one name to the other, also when it was interrupted before
    the old one was removed; another keyring by the old name stays."""
    use(server, engine.location())
    server.doveadm("roost", "init", "-u", user)
    assert new_mail(server, user) == 250
    old_doc = engine.get(user)
    new = moved(server, user)
    code, rows, said = keyring(server, "rename", new, user)
    assert code == 0 and rows[0]["state"] == "renamed", said
    assert engine.get(user) is None
    assert b"\nowner %s\n" % new.encode() in engine.get(new)
    assert is_read(server, new)
    engine.put(user, old_doc)
    code, rows, said = keyring(server, "rename", new, user)
    assert code == 0 and rows[0]["state"] == "unchanged", said
    assert engine.get(user) is None
    other = tamper.make_keyring(server, user)[0]
    engine.put(user, other)
    code, _, said = keyring(server, "rename", new, user)
    assert code != 0 and "it is another keyring" in said
    assert engine.get(user) == other and is_read(server, new)


def test_rename_where_two_names_are_one_place(make_server):
    """Dovecot's file dict does not ask for the user: what was just bound to
    the new name must not go as what is left by the old one."""
    server = make_server("maildir", start=False, users=["alice", "bob"])
    store = dictkit.File(server).configure()
    server.start()
    server.doveadm("roost", "init", "-u", "alice")
    assert new_mail(server, "alice") == 250
    shutil.rmtree(server.home("bob"))
    os.rename(server.home("alice"), server.home("bob"))
    for state in "renamed", "unchanged":
        code, rows, said = keyring(server, "rename", "bob", "alice")
        assert code == 0 and rows[0]["state"] == state, said
        assert b"\nowner bob\n" in store.get("bob")
        assert is_read(server, "bob")


def test_rename_needs_a_provider_slot(server, user):
    server.init_password_mode(user)
    doc = tamper.read(path_of(server, user))
    new = moved(server, user)
    code, _, said = keyring(server, "rename", new, user)
    assert code != 0 and "provider mode" in said
    assert tamper.read(path_of(server, new)) == doc
