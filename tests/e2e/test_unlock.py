# SPDX-License-Identifier: MIT
"""The unlock cache: a login by password costs Argon2id once, and the user's
next connections nothing; who else looks there gets nothing.
"""

import concurrent.futures
import os
import struct
import subprocess
import tempfile
import time

import pytest

import server as servers
import shim
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keys of Roost")

USERS = ["u%d" % number for number in range(8)]
TEXT = b"From: a@sender.example\r\nSubject: unlock\r\n\r\na body to unlock\r\n"

# Notes when Argon2id begins and ends, as long as the flag file exists.
COUNT = r"""
#include <dlfcn.h>
#include <fcntl.h>

static void
note(const char *text)
{
	int fd = open(PATH ".log", O_WRONLY | O_APPEND);

	write(fd, text, 1);
	close(fd);
}

int
crypto_pwhash(unsigned char *out, unsigned long long out_len,
	      const char *password, unsigned long long len,
	      const unsigned char *salt, unsigned long long ops,
	      size_t memory, int algorithm)
{
	int (*real)(unsigned char *, unsigned long long, const char *,
		    unsigned long long, const unsigned char *,
		    unsigned long long, size_t, int) =
		dlsym(RTLD_NEXT, "crypto_pwhash");
	int ret;

	if (is_on())
		note("b");
	ret = real(out, out_len, password, len, salt, ops, memory,
		   algorithm);
	if (is_on())
		note("e");
	return ret;
}
"""


class Cache:
    """A server with an unlock cache, whose computations are counted."""

    def __init__(self, make, folder=None, users=USERS, **settings):
        self.server = make("sdbox", start=False, secret=True, users=users,
                           settings=settings)
        self.folder = folder or os.path.join(self.server.tmp_dir, "unlock")
        self.server.settings["roost_unlock_cache"] = self.folder
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o700)
        os.chown(self.folder, servers.MAIL_UID, servers.MAIL_GID)
        self.count = shim.Shim(self.server, COUNT)
        self.log = self.count.flag + ".log"
        self.server.write(self.log, "", 0o666)
        path = ":".join(filter(None, [servers.PRELOAD, self.count.path]))
        self.server.extra = (
            "import_environment {\n  LD_PRELOAD = %s\n}\n" if servers.NEW
            else "import_environment = TZ LD_PRELOAD=%s\n") % path
        self.server.start()
        for user in users:
            self.server.init_password_mode(user)
            assert self.server.deliver(TEXT, user)[0][0] == 250
        self.count.on()

    def read(self, user):
        """Logs in and reads the message."""
        with self.server.raw(user) as client:
            client.ok("SELECT INBOX")
            return client.fetch(1, "BODY.PEEK[]").endswith(TEXT)

    def notes(self):
        with open(self.log) as file:
            return file.read()

    def computed(self):
        return self.notes().count("b")

    def files(self):
        return sorted(name for name in os.listdir(self.folder)
                      if len(name) == 64)

    def only(self):
        """The path of the only file."""
        name, = self.files()
        return os.path.join(self.folder, name)

    def expires(self):
        with open(self.only(), "rb") as file:
            return struct.unpack(">Q", file.read()[41:49])[0]


@pytest.fixture
def cache(make_server):
    return Cache(make_server, users=["alice", "bob"])


def together(work, arguments):
    with concurrent.futures.ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(work, arguments))


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


def test_a_storm_of_first_logins_takes_turns(make_server):
    """As many as are allowed compute at a time, and everybody gets in."""
    cache = Cache(make_server, roost_unlock_parallel="2")
    assert together(cache.read, USERS) == [True] * len(USERS)
    notes = cache.notes()
    assert notes.count("b") == len(USERS)
    running = most = 0
    for note in notes:
        running += 1 if note == "b" else -1
        most = max(most, running)
    assert 1 <= most <= 2, notes


@pytest.mark.parametrize("name, value", [
    ("roost_unlock_cache", "unlock"), ("roost_unlock_ttl", "13 hours"),
    ("roost_unlock_ttl", "soon"), ("roost_unlock_parallel", "0"),
    ("roost_unlock_parallel", "many")])
def test_a_wrong_value_is_told(make_server, name, value):
    server = make_server("sdbox", settings={name: value}, users=["alice"])
    done = server.doveadm("roost", "status", "-u", "alice", check=False)
    assert done.returncode != 0
    assert name.encode() + b" is not" in done.stderr, done.stderr
