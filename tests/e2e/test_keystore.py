# SPDX-License-Identifier: MIT
"""The keyring's file, its lock and its temporary file: who may use them, who
may hold them, and what a process that was killed leaves behind.
"""

import concurrent.futures
import fcntl
import os
import socket
import stat
import time

import pytest

import server as servers
import slotkit
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def problems(server, mark):
    return [line for line in server.log_since(mark).splitlines()
            if "Error:" in line]


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# The lock

@pytest.fixture(scope="module")
def server(make_module_server):
    users = ["u%02d" % number for number in range(30)]
    server = make_module_server("maildir", users=users)
    server.next_user = iter(users)
    return server


@pytest.fixture
def user(server):
    return next(server.next_user)


def lock_path(server, user):
    return tamper.keyring_path(server, user) + ".lock"


def delivered(server, user, number=1):
    return server.deliver(text_of(number), user)[0][0]


def test_held_lock_is_waited_for_a_while(server, user):
    """Somebody holds the lock and does not let go: delivery and APPEND are
    told to try again, by a line that names the lock and its holder; nothing
    is written, and nobody else waits."""
    path = lock_path(server, user)
    tamper.write(path, b"")
    with open(path, "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = server.log_mark()
        with server.lmtp() as client:
            client.sock.settimeout(100)     # it hangs, else
            assert server.deliver(text_of(1), user,
                                  client=client)[0][0] // 100 == 4
        found = server.wait_log("holds the lock of the keyring %s: .*" % path
                                .replace(".lock", ""), mark)
        assert str(os.getpid()) in found.group(0), found.group(0)
        assert "end that process" in found.group(0)
        assert len(problems(server, mark)) == 1
        with server.raw(user) as client:
            assert client.append("INBOX", text_of(1)).status == "NO"
        assert not os.path.exists(tamper.keyring_path(server, user))
        assert server.objects(user) == []
    assert delivered(server, user) == 250
    server.assert_sealed(user, 1)


def test_held_lock_is_had_when_it_is_free(server, user):
    """A delivery that waits goes on as soon as the lock is free."""
    path = lock_path(server, user)
    tamper.write(path, b"")
    with open(path, "r+b") as lock, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = pool.submit(delivered, server, user)
        wait_until(lambda: slotkit.is_opened_by_another(path))
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert answer.result() == 250


def test_mail_is_looked_at_without_the_lock(server, user):
    """While one process reads the mail that is there, which may take long,
    the lock is free."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    path = os.path.join(server.home(user), "Maildir", "cur",
                        "1700000000.M1P1.here:2,")
    os.mkfifo(path, 0o600)
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID)

    def writer():
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(delivered, server, user)
        end = []
        wait_until(lambda: end.append(writer()) or end[-1] is not None)
        try:
            lock = lock_path(server, user)
            if os.path.exists(lock):
                with open(lock, "r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert not os.path.exists(tamper.keyring_path(server, user))
            os.write(end[-1], text_of(1))
        finally:    # else the delivery would wait for ever
            os.unlink(path)
            os.close(end[-1])
        answer.result()
    assert delivered(server, user, 2) == 250


def a_fifo(path, other):
    os.mkfifo(path, 0o600)


def a_link(path, other):
    tamper.write(other, b"")
    os.symlink(other, path)


def a_hard_link(path, other):
    tamper.write(other, b"")
    os.link(other, path)


ODD_LOCKS = {
    "fifo": (a_fifo, "not a regular file of its own"),
    "symlink": (a_link, "not a regular file"),
    "hard-link": (a_hard_link, "not a regular file of its own"),
    "folder": (lambda path, other: os.mkdir(path), "not a regular file"),
}


@pytest.mark.parametrize("case", ODD_LOCKS)
def test_odd_lock(server, user, case):
    """It is not opened as a lock; what it points to is left alone."""
    make, said = ODD_LOCKS[case]
    path, other = lock_path(server, user), server.home(user) + "/other"
    make(path, other)
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID, follow_symlinks=False)
    if os.path.isfile(other):
        os.chmod(other, 0o644)
    mark = server.log_mark()
    assert delivered(server, user) // 100 == 4
    server.wait_log("%s.*%s: remove it" % (path, said), mark)
    assert not os.path.exists(tamper.keyring_path(server, user))
    assert not os.path.isfile(other) or mode_of(other) == 0o644
    (os.rmdir if case == "folder" else os.unlink)(path)
    assert delivered(server, user) == 250
    assert mode_of(path) == 0o600


def test_lock_is_for_the_user_alone(server, user):
    """A lock file that others can open is closed to them."""
    path = lock_path(server, user)
    tamper.write(path, b"", 0o666)
    assert delivered(server, user) == 250
    assert mode_of(path) == 0o600


@pytest.mark.skipif(not servers.ROOT, reason="changes owners")
def test_lock_of_another(server, user):
    path = lock_path(server, user)
    tamper.write(path, b"", 0o660)
    os.chown(path, servers.MAIL_UID + 1, servers.MAIL_GID)
    mark = server.log_mark()
    assert delivered(server, user) // 100 == 4
    server.wait_log("%s belongs to uid %d.*remove it" % (
        path, servers.MAIL_UID + 1), mark)
    os.unlink(path)
    assert delivered(server, user) == 250


# What was left behind

def test_temporary_files_are_removed(server, user):
    """What a killed process of this host left is removed by the next one that
    writes; another host's only when it is old."""
    path = tamper.keyring_path(server, user)
    host = socket.gethostname()
    names = {"%s.%s.1.tmp" % (path, host): False,
             "%s.%s.99999999.tmp" % (path, host): False,
             path + ".elsewhere.77.tmp": True,
             path + ".longago.77.tmp": False,
             path + ".note": True, path + "x.%s.1.tmp" % host: True}
    for name in names:
        tamper.write(name, b"rest")
    os.utime(path + ".longago.77.tmp", (1700000000, 1700000000))
    assert delivered(server, user) == 250
    assert {name: os.path.exists(name) for name in names} == names


# Who may use it

SHARED_GID = 6100
EXTRA = "\nmail_access_groups = %d\n" % SHARED_GID
NAMESPACE = """
namespace public {
  type = public
  separator = /
  prefix = Public/
%s}
"""


def public_server(make_server, storage):
    """alice and bob have uids of their own and one group in common, whose
    members may write the public mailboxes."""
    server = make_server(storage, start=False, users=("alice", "bob"))
    server.uids = {"alice": (6001, 6001), "bob": (6002, 6002)}
    server.write_users()
    public = os.path.join(server.root, "public")
    server.extra = EXTRA + NAMESPACE % (
        "  mail_path = %s\n" % public if servers.NEW else
        "  location = %s:%s\n" % (storage, public))
    folders = [public]
    if storage == "maildir":
        folders += [public + "/.Board" + name
                    for name in ("", "/cur", "/new", "/tmp")]
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, -1, SHARED_GID)
        os.chmod(folder, 0o770)
    os.chmod(server.mail_root, 0o755)
    for user, (uid, gid) in server.uids.items():
        os.chown(server.home(user), uid, gid)
    return server.start(), public


@pytest.mark.skipif(not servers.ROOT, reason="users with uids of their own")
@pytest.mark.parametrize("first", ["alice", "bob"])
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_public_with_uids(make_server, storage, first):
    """Whoever writes first, the other one reads it, and appends what the
    first one reads. A user's own keyring stays his own."""
    server, public = public_server(make_server, storage)
    second = "bob" if first == "alice" else "alice"
    with server.raw(first) as client:
        if storage != "maildir":
            client.ok("CREATE Public/Board")
        assert client.append("Public/Board", text_of(1)).ok
        assert client.append("INBOX", text_of(9)).ok
    for user in second, first:
        with server.raw(user) as client:
            client.ok("SELECT Public/Board")
            assert client.fetch(1, "BODY.PEEK[]") == text_of(1)
            if user == second:
                assert client.append("Public/Board", text_of(2)).ok
            else:
                assert client.fetch(2, "BODY.PEEK[]") == text_of(2)
    if storage != "maildir":
        public += "/mailboxes"
    names = [name for name in os.listdir(public) if "keyring" in name]
    assert sorted(names) == ["roost.keyring", "roost.keyring.lock"]
    for name in names:
        path = os.path.join(public, name)
        assert mode_of(path) == 0o660, name
        assert os.stat(path).st_gid == SHARED_GID
    own = tamper.keyring_path(server, first)
    assert (mode_of(own), mode_of(own + ".lock")) == (0o600, 0o600)


@pytest.mark.skipif(not servers.ROOT, reason="users with uids of their own")
def test_public_first_use_at_once(make_server):
    """Both come first: one makes keyring and lock, the other uses them."""
    server, _ = public_server(make_server, "maildir")

    def append(number):
        with server.raw(("alice", "bob")[number % 2]) as client:
            return client.append("Public/Board", text_of(number)).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(append, range(8))) == {"OK"}
    with server.raw("alice") as client:
        client.ok("SELECT Public/Board")
        found = {client.fetch(number + 1, "BODY.PEEK[]")
                 for number in range(8)}
    assert found == {text_of(number) for number in range(8)}


@pytest.mark.skipif(not servers.ROOT, reason="users with uids of their own")
def test_public_for_readers(make_server):
    """A folder that its group may read only: the keyring likewise, and only
    the writer can hold the lock. Nothing is for everybody, though the folder
    is."""
    server, public = public_server(make_server, "maildir")
    server.stop()
    for folder, names, _ in os.walk(public):
        os.chown(folder, server.uids["alice"][0], SHARED_GID)
        os.chmod(folder, 0o755)
    server.start()
    with server.raw("alice") as client:
        assert client.append("Public/Board", text_of(1)).ok
    path = os.path.join(public, "roost.keyring")
    assert mode_of(path) & 0o027 == 0, oct(mode_of(path))
    assert mode_of(path + ".lock") == 0o600
