# SPDX-License-Identifier: MIT
"""A keyring is missing: a new one is made for a new account, and for one whose
mail is all plaintext; never where sealed mail may lie, or may have lain. What
is acknowledged opens once everything has been put back.
"""

import os
import shutil
import stat

import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

ALL = servers.STORAGES


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


def delivered(server, user, number=1):
    return server.deliver(text_of(number), user)[0][0]


def bodies(server, user, mailbox="INBOX"):
    with server.raw(user) as client:
        client.ok('SELECT "%s"' % mailbox)
        return [client.fetch(number + 1, "BODY.PEEK[]")
                for number in range(client.count(mailbox))]


def mail_root(server, user):
    return os.path.join(server.home(user), {
        "maildir": "Maildir", "sdbox": "sdbox",
        "mdbox": "mdbox"}[server.storage])


def folders(server, user):
    """(folder of INBOX's messages, one above it)."""
    root = mail_root(server, user)
    return {"maildir": (root + "/cur", root),
            "sdbox": (root + "/mailboxes/INBOX/dbox-Mails",
                      root + "/mailboxes/INBOX"),
            "mdbox": (root + "/storage", root + "/mailboxes")}[server.storage]


def put_away(path):
    os.rename(path, path + ".away")


def put_back(path):
    os.rename(path + ".away", path)


def assert_refused(server, user, pattern):
    """Delivery is told to try again, APPEND and init fail; no keyring."""
    path = tamper.keyring_path(server, user)
    for _ in range(2):
        mark = server.log_mark()
        assert delivered(server, user, 99) // 100 == 4
        server.wait_log(pattern, mark)
    with server.raw(user) as client:
        assert client.append("INBOX", text_of(99)).status == "NO"
    assert server.doveadm("roost", "init", "-u", user,
                          check=False).returncode != 0
    assert not os.path.exists(path)


# Mail that cannot be read

@pytest.fixture(scope="module", params=ALL)
def server(request, make_module_server):
    """Without the sealed cache, which tells by itself that there was a
    keyring."""
    users = ["u%02d" % number for number in range(20)]
    server = make_module_server(request.param, users=users,
                                settings={"roost_cache": "off"})
    server.next_user = iter(users)
    return server


@pytest.fixture
def user(server):
    return next(server.next_user)


@pytest.mark.parametrize("what", ["file", "folder", "above"])
def test_unreadable(server, user, what):
    """One sealed message and one that is not; the keyring goes and mail
    becomes unreadable."""
    assert delivered(server, user) == 250
    bodies(server, user)        # in maildir, from new/ to cur/
    ring = tamper.keyring_path(server, user)
    put_away(ring)
    folder, above = folders(server, user)
    paths = {"file": server.mail_files(user), "folder": [folder],
             "above": [above]}[what]
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in paths]
    for path in paths:
        os.chmod(path, 0)
    mark = server.log_mark()
    try:
        assert delivered(server, user, 2) // 100 == 4
        assert server.doveadm("roost", "init", "--new", "-u", user,
                              check=False).returncode != 0
    finally:
        for path, mode in zip(paths, modes):
            os.chmod(path, mode)
    if what == "file":
        server.wait_log("Cannot look for sealed messages", mark)
    assert not os.path.exists(ring)
    assert_refused(server, user, "yet there are sealed messages")
    put_back(ring)
    assert delivered(server, user, 2) == 250
    assert [body.endswith(text_of(number + 1)) for number, body
            in enumerate(bodies(server, user))] == [True, True]


def test_unreadable_folder_of_another_mailbox(server, user):
    """INBOX is readable and holds plaintext; the sealed one is elsewhere."""
    server.doveadm("mailbox", "create", "-u", user, "Sealed")
    with server.raw(user) as client:
        assert client.append("Sealed", text_of(1)).ok
    ring = tamper.keyring_path(server, user)
    put_away(ring)
    root = mail_root(server, user)
    folder = {"maildir": root + "/.Sealed",
              "sdbox": root + "/mailboxes/Sealed",
              "mdbox": root + "/storage"}[server.storage]
    os.chmod(folder, 0)
    try:
        mark = server.log_mark()
        assert delivered(server, user, 2) // 100 == 4
    finally:
        os.chmod(folder, 0o700)
    assert "rror: " in server.log_since(mark)
    assert not os.path.exists(ring)
    put_back(ring)
    assert bodies(server, user, "Sealed")[0] == text_of(1)


def test_not_listed(server, user):
    """A sealed message that no mailbox lists: in a folder with a name that is
    none, or in a file that the index does not know."""
    donor = next(server.next_user)
    assert delivered(server, donor) == 250
    source = server.mail_files(donor)[0]
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        client.ok("CREATE Other")
    root = mail_root(server, user)
    target = {"maildir": root + "/.x&y/cur/1700000000.M1P1.h:2,",
              "sdbox": root + "/mailboxes/INBOX/dbox-Mails/u.77",
              "mdbox": root + "/storage/m.77"}[server.storage]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)
    server.own(server.home(user))
    assert_refused(server, user, "yet there are sealed messages")
    assert server.doveadm("roost", "init", "--new", "-u", user,
                          check=False).returncode != 0
    os.unlink(target)
    if server.storage == "maildir":
        shutil.rmtree(root + "/.x&y")
    assert delivered(server, user, 2) == 250


def test_folder_of_nothing(server, user):
    """A link that leads nowhere, as to storage that is not mounted."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    link = os.path.join(mail_root(server, user), "archive")
    os.symlink("/nonexistent/archive", link)
    assert_refused(server, user, "%s.*mounted" % link)
    os.unlink(link)
    assert delivered(server, user) == 250


@pytest.mark.skipif(not servers.ROOT, reason="makes what is root's")
def test_root_of_a_file_system(server, user):
    """Its lost+found is nobody's mail."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    os.mkdir(os.path.join(mail_root(server, user), "lost+found"), 0o700)
    assert delivered(server, user) == 250


# Mail that was there

def test_all_is_gone(server, user):
    """The index alone says that there was mail."""
    assert delivered(server, user) == 250
    os.unlink(tamper.keyring_path(server, user))
    for path in server.mail_files(user):
        os.unlink(path)
    mark = server.log_mark()
    assert delivered(server, user, 2) // 100 == 4
    # dbox takes note of what is lost before anything else.
    assert "rror: " in server.log_since(mark)
    assert_refused(server, user, "had mail before: .* of the mailbox INBOX.*"
                   "doveadm roost init --new")
    server.doveadm("roost", "init", "--new", "-u", user)
    assert delivered(server, user, 2) == 250
    assert bodies(server, user)[-1].endswith(text_of(2))


def test_emptied(server, user):
    """An account that was emptied before it had a keyring is not told from
    one that lost its mail; one that has plaintext mail is."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    other = next(server.next_user)
    server.users[user] = server.users[other] = {"roost_enable": "no"}
    server.write_users()
    server.reload()
    for name in user, other:
        for number in 1, 2:
            assert delivered(server, name, number) == 250
        with server.raw(name) as client:
            client.ok("SELECT INBOX")
            client.ok("STORE %s +FLAGS \\Deleted" % (
                "1:2" if name == user else "1"))
            client.ok("EXPUNGE")
    server.users[user] = server.users[other] = {}
    server.write_users()
    server.reload()
    assert delivered(server, other, 3) == 250
    assert_refused(server, user, "had mail before")
    done = server.doveadm("roost", "init", "--new", "-u", user)
    assert b"created" in done.stdout
    assert delivered(server, user, 3) == 250


def test_other_folders(server, user):
    """Another mailbox's index is left where its mailbox is not."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    root = mail_root(server, user)
    folder = root + ("/.Old" if server.storage == "maildir" else
                     "/mailboxes/Old")
    name = folder + "/dovecot.index.log"
    os.mkdir(folder)
    server.write(name, b"rest")
    server.own(folder)
    pattern = "%s is there, and its mailbox is not" % name
    if server.storage == "maildir":
        # There, every such folder is a mailbox.
        shutil.rmtree(folder)
        name = root + "/dovecot-uidlist.d/dovecot-uidlist"
        os.mkdir(os.path.dirname(name))
        server.write(name, b"rest")
        server.own(os.path.dirname(name))
        pattern = "%s is there, and its mailbox is not" % name
    assert_refused(server, user, pattern)
    shutil.rmtree(os.path.dirname(name))
    assert delivered(server, user) == 250


def test_subscriptions(server, user):
    """A home that was lost and made anew, but for the subscriptions."""
    with server.raw(user) as client:
        client.ok("CREATE Old")
        client.ok("SUBSCRIBE Old")
        client.ok("DELETE Old")
    assert_refused(server, user, "the mailbox Old is subscribed and not "
                   "there")
    with server.raw(user) as client:
        client.ok("UNSUBSCRIBE Old")
    assert delivered(server, user) == 250


def test_replaced_keyring_is_there(server, user):
    path = tamper.keyring_path(server, user) + ".old"
    tamper.write(path, b"rest")
    assert_refused(server, user, "%s, a keyring that was replaced" % path)
    os.unlink(path)
    assert delivered(server, user) == 250


@pytest.mark.parametrize("trace", ["cache", "token"])
@pytest.mark.parametrize("storage", ALL)
def test_trace_of_a_keyring(make_server, storage, trace):
    """The sealed messages are gone, plaintext is left: what only a keyring
    can have left forbids a new one."""
    server = make_server(storage, settings={
        "roost_cache": "sealed" if trace == "cache" else "off"})
    server.users["alice"] = {"roost_enable": "no"}
    server.write_users()
    server.reload()
    assert delivered(server, "alice") == 250
    server.users["alice"] = {}
    server.write_users()
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Dentist)" if trace == "token" else "NOOP")
        assert client.append("INBOX", text_of(2)).ok
        client.ok("FETCH 1:* (ENVELOPE)")
        client.ok("STORE 2 +FLAGS \\Deleted")
        client.ok("EXPUNGE")
    server.doveadm("purge", "-u", "alice")
    os.unlink(tamper.keyring_path(server, "alice"))
    assert_refused(server, "alice", {
        "cache": "fields of Roost stand in the index cache of the mailbox "
        "INBOX", "token": "a token stands for the name of a keyword in the "
        "index of the mailbox INBOX"}[trace])
    server.doveadm("roost", "init", "--new", "-u", "alice")
    assert delivered(server, "alice", 2) == 250


def elsewhere(server, index, control):
    """Indexes, and what else is no mail, in folders of their own."""
    path = server._path()
    if servers.NEW:
        return "\nmail_index_path = %s\n%s" % (
            index, "mail_control_path = %s\n" % control
            if server.storage == "maildir" else "")
    return "\nmail_location = %s:%s:INDEX=%s%s\n" % (
        server.storage, path, index, ":CONTROL=" + control
        if server.storage == "maildir" else "")


@pytest.mark.parametrize("kept", ["index", "control"])
@pytest.mark.parametrize("storage", ALL)
def test_home_made_anew(make_server, storage, kept):
    """The home vanished, Dovecot makes it anew: the indexes elsewhere, or
    what stands beside them, tell that there was mail."""
    if storage != "maildir" and kept == "control":
        pytest.skip("dbox keeps all in the index")
    server = make_server(storage, start=False,
                         settings={"roost_cache": "off"})
    places = {name: os.path.join(server.root, name, "alice")
              for name in ("index", "control")}
    server.extra = elsewhere(server, places["index"], places["control"])
    for place in places.values():
        os.makedirs(place)
        server.own(os.path.dirname(place))
    server.start()
    with server.raw("alice") as client:
        client.ok("CREATE Other")
        assert client.append("Other", text_of(1)).ok, server._tail()
        assert client.append("INBOX", text_of(1)).ok
    gone = [server.home("alice")] + [place for name, place in places.items()
                                     if name != kept]
    for place in gone:
        put_away(place)
        if place != gone[0]:
            os.mkdir(place)
            server.own(place)
    if storage == "maildir":
        # Its folder for keyrings is the home itself.
        os.mkdir(gone[0])
        server.own(gone[0])
    assert delivered(server, "alice", 2) // 100 == 4
    for place in gone:
        shutil.rmtree(place, ignore_errors=True)
        os.mkdir(place)
        server.own(place)
    assert_refused(server, "alice", "had mail before: |may be sealed")
    for place in gone:
        shutil.rmtree(place)
        put_back(place)
    if storage != "maildir":
        # Dovecot has taken from its index what was not there.
        server.doveadm("force-resync", "-u", "alice", "*")
    assert delivered(server, "alice", 2) == 250
    found = bodies(server, "alice")
    assert [sum(body.endswith(text_of(number)) for body in found)
            for number in (1, 2)] == [1, 1] and len(found) == 2
    assert bodies(server, "alice", "Other") == [text_of(1)]


@pytest.mark.parametrize("storage", ["sdbox", "mdbox"])
def test_alternative_storage_is_gone(make_server, storage):
    """Messages in ALT, whose storage is not mounted: an empty folder."""
    server = make_server(storage, start=False,
                         settings={"roost_cache": "off"})
    alt = os.path.join(server.root, "alt")
    os.mkdir(alt)
    server.own(alt)
    server.extra = "\nmail_alt_path = %s/alice\n" % alt if servers.NEW \
        else "\nmail_location = %s:%s:ALT=%s/alice\n" % (
            storage, server._path(), alt)
    server.start()
    assert delivered(server, "alice") == 250, server._tail()
    server.doveadm("altmove", "-u", "alice", "ALL")
    server.doveadm("purge", "-u", "alice")
    assert os.listdir(alt) == ["alice"]
    ring = tamper.keyring_path(server, "alice")
    put_away(ring)
    put_away(os.path.join(alt, "alice"))
    assert delivered(server, "alice", 2) // 100 == 4
    assert delivered(server, "alice", 2) // 100 == 4
    assert not os.path.exists(ring)
    put_back(os.path.join(alt, "alice"))
    put_back(ring)
    assert delivered(server, "alice", 2) == 250


PUBLIC = """
namespace public {
  type = public
  separator = /
  prefix = Public/
%s}
"""


@pytest.mark.parametrize("storage", ALL)
def test_public_namespace(make_server, storage):
    """It is looked at alone, and starts anew alone."""
    server = make_server(storage, start=False, settings={
        "roost_auto_create": "no"})
    public = os.path.join(server.root, "public")
    server.extra = PUBLIC % ("  mail_path = %s\n" % public if servers.NEW
                             else "  location = %s:%s\n" % (storage, public))
    for folder in [public] + [public + "/mailboxes"] * (storage != "maildir"):
        os.mkdir(folder)
    server.own(public)
    server.start()
    where = ["-u", "alice", "--namespace", "Public/"]
    ring = public + ("" if storage == "maildir" else "/mailboxes") + \
        "/roost.keyring"
    client = server.raw("alice")
    client.ok("CREATE Public/Board")
    assert client.append("Public/Board", text_of(1)).status == "NO"
    server.wait_log("doveadm roost init -u USER --namespace PREFIX")
    assert b"created" in server.doveadm("roost", "init", *where).stdout
    assert b"exists" in server.doveadm("roost", "init", *where).stdout
    assert server.doveadm("roost", "init", "-m", "password", *where,
                          check=False).returncode != 0
    client.logout()
    with server.raw("alice") as client:
        assert client.append("Public/Board", text_of(1)).ok
    put_away(ring)
    assert server.doveadm("roost", "init", "--new", *where,
                          check=False).returncode != 0
    with server.raw("alice") as client:
        client.ok("DELETE Public/Board")
        client.ok("CREATE Public/Board")
        client.ok("SUBSCRIBE Public/Board")
        client.ok("DELETE Public/Board")
    server.doveadm("purge", "-u", "alice")
    if storage != "mdbox":
        # In mdbox, purge has only looked at the private storage.
        done = server.doveadm("roost", "init", *where, check=False)
        assert done.returncode != 0 and b"is subscribed" in done.stderr, done
        server.doveadm("roost", "init", "--new", *where)
    assert not os.path.exists(tamper.keyring_path(server, "alice"))


# Where nothing was lost

AUTO = """
namespace inbox {
  mailbox Sent {
    auto = subscribe
  }
  mailbox Drafts {
    auto = create
  }
}
"""


@pytest.mark.parametrize("storage", ALL)
def test_new_account(make_server, storage):
    """Mailboxes that are made and subscribed by themselves; a mailbox that
    came and went; then the first mail. A client may have looked before."""
    server = make_server(storage, extra=AUTO)
    for user in "alice", "bob":
        if user == "bob":
            with server.raw(user) as client:
                client.ok('LIST "" *')
                client.ok("SELECT Sent")
                client.ok("CREATE Passing")
                client.ok("DELETE Passing")
        mark = server.log_mark()
        assert delivered(server, user) == 250
        server.assert_sealed(user, 1)
        assert "Error" not in server.log_since(mark)
    with server.raw("carol") as client:
        client.ok("CREATE Archive")
        assert client.append("Archive", text_of(1)).ok
    server.assert_sealed("carol", 1)
