# SPDX-License-Identifier: MIT
"""The unlock cache: a login by password costs Argon2id once, and the user's
next connections nothing; who else looks there gets nothing.
"""

import os
import subprocess
import tempfile
import time

import pytest

import server as servers
import tamper
from unlockkit import Cache, TEXT, together

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keys of Roost")


@pytest.fixture
def cache(make_server):
    return Cache(make_server, users=["alice", "bob"])


def test_five_connections_cost_one(cache):
    """All of them at once, and one more that comes later."""
    assert together(cache.read, ["alice"] * 5) == [True] * 5
    assert cache.computed() == 1
    assert cache.read("alice")
    assert cache.computed() == 1
    assert cache.read("bob")
    assert cache.computed() == 2


def test_what_lies_there(cache):
    """One file for each user, for the mail's user alone, which names nobody;
    no lock is left."""
    assert cache.read("alice")
    path = cache.only()
    info = os.stat(path)
    assert (info.st_size, info.st_mode & 0o777, info.st_uid) == (
        109, 0o600, servers.MAIL_UID)
    assert not [name for name in os.listdir(cache.folder)
                if name.endswith(".lock") or "alice" in name]
    with open(path, "rb") as file:
        data = file.read()
    assert tamper.secret_of(cache.server.password("alice")) not in data
    assert cache.server.password("alice").encode() not in data


def test_a_changed_keyring_ends_it(cache):
    assert cache.read("alice")
    cache.server.doveadm("roost", "policy", "-u", "alice", "open")
    assert cache.read("alice")
    assert cache.computed() == 2
    assert cache.read("alice")
    assert cache.computed() == 2


def test_a_damaged_or_foreign_file_is_not_taken(cache):
    """It is computed anew, and the file is made anew."""
    assert cache.read("alice")
    assert cache.read("bob")
    first, second = (os.path.join(cache.folder, name)
                     for name in cache.files())
    with open(first, "rb") as file:
        good = file.read()
    with open(second, "r+b") as file:
        file.write(good)
    with open(first, "r+b") as file:
        file.seek(70)
        file.write(b"x" if good[70:71] != b"x" else b"y")
    assert cache.read("alice") and cache.read("bob")
    assert cache.computed() == 4
    assert cache.read("alice") and cache.read("bob")
    assert cache.computed() == 4


def test_a_file_of_another_document_of_the_generation(cache):
    """As after a restore: it opens, but what is in it does not open the
    keyring. The user gets in, and what is left then is right."""
    server = cache.server
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "all")
    secret = tamper.secret_of(server.password("alice"))
    _, writer = tamper.make_keyring(server, "alice", "password", t=3, m=65536)
    tamper.put_keyring(server, "alice", writer.text())
    assert server.deliver(TEXT, "alice")[0][0] == 250
    assert cache.read("alice") and cache.computed() == 1
    writer.master = os.urandom(32)
    writer.slots.clear()
    writer.add_password(secret, t=3, m=65536)
    tamper.put_keyring(server, "alice", writer.text())
    assert cache.read("alice") and cache.computed() == 2
    assert cache.read("alice") and cache.computed() == 2


@pytest.mark.skipif(not servers.ROOT, reason="needs files of another user")
@pytest.mark.parametrize("kind", ["owner", "link"])
def test_what_another_user_put_there_is_not_taken(cache, kind):
    assert cache.read("alice")
    path = cache.only()
    if kind == "owner":
        os.chown(path, 0, 0)
        os.chmod(path, 0o644)
    else:
        os.rename(path, path + "-moved")
        os.symlink(path + "-moved", path)
    assert cache.read("alice")
    assert cache.computed() == 2
    assert not os.path.islink(path)
    assert os.stat(path).st_uid == servers.MAIL_UID


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_expires_and_is_renewed(make_server):
    """Use renews it, disuse ends it."""
    cache = Cache(make_server, users=["alice"], roost_unlock_ttl="6 secs")
    assert cache.read("alice")
    first = cache.expires()
    wait_for(lambda: time.time() > first - 2)
    assert cache.read("alice")
    assert cache.expires() > first or cache.computed() == 2
    last = cache.expires()
    wait_for(lambda: time.time() > last)
    count = cache.computed()
    assert cache.read("alice")
    assert cache.computed() == count + 1


def test_a_shorter_ttl_holds_for_what_is_there(make_server):
    cache = Cache(make_server, users=["alice"], roost_unlock_ttl="1 hours")
    assert cache.read("alice") and cache.computed() == 1
    cache.server.settings["roost_unlock_ttl"] = "10 mins"
    cache.server.reload()
    assert cache.read("alice") and cache.computed() == 2
    assert cache.expires() < time.time() + 601
    assert cache.read("alice") and cache.computed() == 2


def test_what_has_expired_is_removed(make_server):
    cache = Cache(make_server, users=["alice", "bob"],
                  roost_unlock_ttl="2 secs")
    assert cache.read("alice")
    path = cache.only()
    wait_for(lambda: time.time() > os.stat(path).st_mtime + 1)
    assert cache.read("bob")
    assert not os.path.exists(path)


def test_a_folder_that_is_not_safe_is_not_used(make_server):
    """Mail opens all the same, and one line says what to mend."""
    cache = Cache(make_server, users=["alice"])
    os.chmod(cache.folder, 0o755)
    for count in 1, 2:
        assert cache.read("alice")
        assert cache.computed() == count
    cache.server.wait_log("roost_unlock_cache %s is not used: it must "
                          "belong" % cache.folder)
    assert cache.files() == []


@pytest.mark.skipif(not servers.ROOT, reason="needs a folder of root")
def test_a_folder_that_everybody_reaches_is_not_used(make_server):
    """Any account of the host could hold the locks there, and with them all
    logins. A folder for the mail processes' group alone is used."""
    cache = Cache(make_server, users=["alice"])
    os.chown(cache.folder, 0, servers.MAIL_GID)
    os.chmod(cache.folder, 0o1777)
    assert cache.read("alice")
    cache.server.wait_log("roost_unlock_cache %s is not used: it must "
                          "belong .* mode 1770" % cache.folder)
    assert os.listdir(cache.folder) == []
    os.chmod(cache.folder, 0o1770)
    assert cache.read("alice") and cache.read("alice")
    assert cache.computed() == 2
    assert len(cache.files()) == 1


def test_a_folder_on_a_disk_is_not_used(make_server):
    """Unless the whole machine lives in memory, and there is no disk."""
    disk = tempfile.mkdtemp(dir=os.environ["ROOST_E2E_TMP"])
    kind = subprocess.run(["stat", "-f", "-c", "%T", disk],
                          stdout=subprocess.PIPE, check=True).stdout
    if kind.strip() in (b"tmpfs", b"ramfs"):
        pytest.skip("there is no disk")
    cache = Cache(make_server, folder=disk, users=["alice"])
    assert cache.read("alice") and cache.read("alice")
    assert cache.computed() == 2
    assert os.listdir(disk) == []
    cache.server.wait_log("it does not lie on tmpfs")


@pytest.mark.parametrize("users, parallel", [(8, 2), (100, 4)])
def test_a_storm_of_first_logins_takes_turns(make_server, users, parallel):
    """As many as are allowed compute at a time, so that no more than so many
    times the memory of a slot is used, and everybody gets in."""
    names = ["u%d" % number for number in range(users)]
    cache = Cache(make_server, users=names, roost_argon2_time="1",
                  roost_argon2_memory="8 M",
                  roost_unlock_parallel=str(parallel))
    assert together(cache.read, names) == [True] * users
    notes = cache.notes()
    assert notes.count("b") == users
    running = most = 0
    for note in notes:
        running += 1 if note == "b" else -1
        most = max(most, running)
    assert 1 <= most <= parallel, notes


@pytest.mark.parametrize("name, value", [
    ("roost_unlock_cache", "unlock"), ("roost_unlock_ttl", "13 hours"),
    ("roost_unlock_ttl", "soon"), ("roost_unlock_parallel", "0"),
    ("roost_unlock_parallel", "many")])
def test_a_wrong_value_is_told(make_server, name, value):
    server = make_server("sdbox", settings={name: value}, users=["alice"])
    done = server.doveadm("roost", "status", "-u", "alice", check=False)
    assert done.returncode != 0
    assert name.encode() + b" is not" in done.stderr, done.stderr
