# SPDX-License-Identifier: MIT
"""What a password costs: new slots cost what is configured, and a login by a
password that costs less puts another slot in the place of its own.
"""

import contextlib
import fcntl
import os
import shutil

import pytest

import imapclient
import server as servers
import shim
import slotkit
import tamper
from slotkit import good, opens, roost, slots
from tamper import rf
from unlockkit import Cache, TEXT, together

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

WEAK = (1, 8192)
WANTED = (2, 16384)
SETTINGS = {"roost_argon2_time": "2", "roost_argon2_memory": "16 M"}
RAISED = r"Info: roost: The password slot of the keyring .* was replaced " \
    r"by one that costs more, of the same password: t=2, m=16384 KiB"


@pytest.fixture(scope="module")
def server(make_module_server):
    users = ["u%02d" % number for number in range(40)]
    server = make_module_server("maildir", start=False, secret=True,
                                users=users, settings=SETTINGS)
    server.extra = slotkit.any_password(server)
    server.next_user = iter(users)
    return server.start()


@pytest.fixture
def user(server):
    return next(server.next_user)


def costs(server, user):
    """What the password slots cost that are stored."""
    return [(slot.t, slot.m) for slot in slotkit.keyring(server, user).slots
            if slot.kind == b"password"]


class Ring:
    """A keyring of the second implementation's, with one message: a password
    slot, an app password and a recovery code."""

    def __init__(self, server, user, cost=WEAK, kinds=("password",)):
        self.server, self.user = server, user
        self.code, self.app = os.urandom(20), "app-password-" + os.urandom(
            8).hex()
        self.password = server.password(user)
        _, self.writer = tamper.make_keyring(server, user, None)
        for kind in kinds:
            if kind == "provider":
                self.writer.add_provider()
            else:
                self.writer.add_password(tamper.secret_of(
                    self.password if kind == "password" else kind),
                    t=cost[0], m=cost[1])
        self.writer.add_salted(b"app", tamper.secret_of(self.app))
        self.writer.add_salted(b"recovery", self.code)
        self.put()
        assert server.deliver(TEXT, user)[0][0] == 250

    def put(self):
        self.text = self.writer.text()
        tamper.put_keyring(self.server, self.user, self.text)

    def stored(self):
        return slotkit.document(self.server, self.user)

    def generation(self):
        return slotkit.keyring(self.server, self.user).generation

    def costs(self):
        return costs(self.server, self.user)

    def read(self, password=None):
        """Logs in and reads the message; returns whether that opened."""
        with self.server.raw(self.user, password) as client:
            client.ok("SELECT INBOX")
            answer = client.cmd("FETCH 1 (BODY.PEEK[])")
            return answer.ok and TEXT in b"".join(answer.untagged)

    def assert_opens(self):
        """By all that opened it before."""
        for by in self.password, self.app, rf.print_code(self.code).decode():
            assert opens(self.server, self.user, by), by
        assert slotkit.read_all(self.server, self.user, self.password) == [
            "ok"]


# At a login

@pytest.mark.parametrize("cost, after", [
    (WEAK, WANTED), ((1, 16384), WANTED), ((2, 8192), WANTED),
    ((4, 8192), (4, 16384)), ((1, 20000), (2, 20000))])
def test_raised(server, user, cost, after):
    """Once, and each of the two as far as it was less; what opened the
    keyring opens it; the next login has nothing to do."""
    ring = Ring(server, user, cost)
    mark = server.log_mark()
    assert ring.read()
    assert ring.costs() == [after]
    assert ring.generation() == 3
    ring.assert_opens()
    server.wait_log("The password slot of the keyring .*t=%d, m=%d KiB" %
                    after, mark)
    stored = ring.stored()
    assert ring.read() and ring.read(ring.app)
    assert ring.stored() == stored


@pytest.mark.parametrize("cost", [WANTED, (3, 16384), (2, 16385), (10, 20000)])
def test_what_costs_enough_stays(server, user, cost):
    ring = Ring(server, user, cost)
    assert ring.read()
    assert ring.stored() == ring.text


def test_raised_by_pop3(server, user):
    ring = Ring(server, user)
    client = server.pop3(user)
    assert b"\r\n".join(client.retr(1)[1]).endswith(TEXT.strip())
    client.quit()
    assert ring.costs() == [WANTED] and ring.generation() == 3


@pytest.mark.parametrize("case", ["app password", "wrong password",
                                  "provider mode", "delivery", "doveadm",
                                  "read-only"])
def test_never(server, user, case):
    """Not without the password of that slot, not where the provider opens it,
    and not by who does not log in."""
    ring = Ring(server, user, kinds=("provider", "password")
                if case == "provider mode" else ("password",))
    secret = tamper.secret_of(ring.password).hex()
    if case == "app password":
        assert ring.read(ring.app)
    elif case == "wrong password":
        assert not ring.read("another-password")
    elif case == "provider mode":
        assert ring.read()
    elif case == "delivery":
        server.change_user(user, roost_secret_key=secret)
        assert server.deliver(TEXT, user)[0][0] == 250
    elif case == "doveadm":
        option = "roost_secret_key=" if servers.NEW \
            else "plugin/roost_secret_key="
        done = server.doveadm("-o", option + secret, "fetch", "-u", user,
                              "text", "mailbox", "INBOX")
        assert b"a body to unlock" in done.stdout
    else:
        server.change_user(user, roost_enable="read-only")
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            client.cmd("FETCH 1 (BODY.PEEK[])")
    assert ring.stored() == ring.text


@pytest.mark.parametrize("cost", [WEAK, WANTED])
def test_two_passwords(server, user, cost):
    """What is being replaced by another password is left to who does that,
    whichever of the two logs in, and also where one costs less."""
    ring = Ring(server, user, cost)
    ring.writer.add_password(tamper.secret_of("another-password"),
                             t=WEAK[0], m=WEAK[1])
    ring.put()
    assert ring.read() and ring.read("another-password")
    assert ring.stored() == ring.text


def test_what_a_killed_login_left(server, user):
    """A slot of the same password that costs less goes."""
    left = Ring(server, user)
    left.writer.slots = left.writer.slots[:1]
    left.writer.add_password(tamper.secret_of(left.password), *WANTED)
    left.writer.add_salted(b"app", tamper.secret_of(left.app))
    left.writer.add_salted(b"recovery", left.code)
    left.put()
    assert left.read()
    assert left.costs() == [WANTED] and left.generation() == 2
    left.assert_opens()


def test_sessions_go_on(server, user):
    """One that was there before reads what comes later, and raises nothing
    anew."""
    ring = Ring(server, user)
    with server.raw(user, ring.app) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(TEXT)
        assert ring.read()
        stored = ring.stored()
        assert ring.costs() == [WANTED]
        assert client.append("INBOX", TEXT).ok
        client.ok("NOOP")
        assert client.fetch(2, "BODY.PEEK[]").endswith(TEXT)
    assert ring.stored() == stored


# Several at once, and the unlock cache

def with_ring(make_server, cost=WEAK, users=("alice",), **settings):
    """Returns the last user's ring."""
    cache = Cache(make_server, users=list(users), **SETTINGS, **settings)
    for user in users:
        cache.server.doveadm("expunge", "-u", user, "mailbox", "INBOX", "all")
        ring = Ring(cache.server, user, cost)
    return cache, ring


def test_five_connections_raise_once(make_server):
    """They compute once, the one that raises twice more: to make the slot
    and to prove it. Who came between two generations computes, too, and may
    leave the cache a file of the earlier one; in the end there is a good one."""
    cache, ring = with_ring(make_server)
    assert together(cache.read, ["alice"] * 5) == [True] * 5
    assert ring.costs() == [WANTED] and ring.generation() == 3
    count = cache.computed()
    assert 3 <= count <= 3 + 4, count
    assert cache.read("alice")
    count = cache.computed()
    assert cache.read("alice") and cache.computed() == count


def test_five_connections_without_a_cache(server, user):
    ring = Ring(server, user)
    assert together(lambda _: ring.read(), range(5)) == [True] * 5
    assert ring.costs() == [WANTED] and ring.generation() == 3
    ring.assert_opens()


def test_what_the_cache_opens_is_not_raised(make_server):
    """A login that costs nothing stays so; the first that computes again
    raises."""
    cache, ring = with_ring(make_server, WANTED)
    assert cache.read("alice") and cache.computed() == 1
    cache.server.settings["roost_argon2_time"] = "3"
    cache.server.reload()
    assert cache.read("alice") and cache.computed() == 1
    assert ring.stored() == ring.text
    os.unlink(cache.only())
    assert cache.read("alice")
    assert ring.costs() == [(3, WANTED[1])]


def test_turns(make_server):
    """Also who raises computes in turn; for whom there is no turn, a later
    login does it."""
    users = "alice", "bob", "carol"
    cache, _ = with_ring(make_server, users=users, roost_unlock_parallel="1")
    assert together(cache.read, users) == [True] * len(users)
    for user in users:
        if costs(cache.server, user) != [WANTED]:
            for name in cache.files():
                os.unlink(os.path.join(cache.folder, name))
            assert cache.read(user)
        assert costs(cache.server, user) == [WANTED]
    notes = cache.notes()
    assert notes == "be" * (len(notes) // 2)


def test_no_login_waits_for_who_raises(make_server):
    """Of several turns he takes the last one only, and only if it is free
    now."""
    cache, ring = with_ring(make_server, roost_unlock_parallel="2")
    path = os.path.join(cache.folder, "turn-1")
    with open(path, "w") as file:
        os.chmod(path, 0o666)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert cache.read("alice")
        assert ring.stored() == ring.text and cache.computed() == 1
    os.unlink(cache.only())
    assert cache.read("alice") and ring.costs() == [WANTED]


# What goes wrong

def preloading(make_server, text):
    """A server whose programs have a shim, and a Ring."""
    server = make_server("maildir", start=False, secret=True, users=["alice"],
                         settings=SETTINGS)
    it = shim.Shim(server, text)
    server.extra = it.setting()
    server.start()
    return it, Ring(server, "alice")


KILL = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The file has a number: before that one of these calls the process ends. */
static void
count(void *caller)
{
	static int done;
	char text[20] = "";
	Dl_info info;
	int fd;

	if (!is_on() || dladdr(caller, &info) == 0 ||
	    strstr(info.dli_fname, "roost_plugin") == NULL)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, PATH, O_RDONLY);
	syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	if (++done == atoi(text))
		_exit(1);
}

#define COUNTED(type, name, params, args) \
type \
name params \
{ \
	count(__builtin_return_address(0)); \
	return ((type (*) params)dlsym(RTLD_NEXT, #name)) args; \
}

COUNTED(int, rename, (const char *a, const char *b), (a, b))
COUNTED(int, renameat2, (int a, const char *b, int c, const char *d,
			 unsigned int e), (a, b, c, d, e))
COUNTED(int, link, (const char *a, const char *b), (a, b))
COUNTED(int, unlink, (const char *a), (a))
COUNTED(int, fsync, (int a), (a))
COUNTED(ssize_t, write, (int a, const void *b, size_t c), (a, b, c))
"""


def test_killed(make_server):
    """Before each call that writes: the keyring opens by all that opened it,
    and the next login ends with one slot that costs enough."""
    it, ring = preloading(make_server, KILL)
    number, was_killed = 0, True
    while was_killed:
        number += 1
        ring.server.write(it.flag, str(number), 0o644)
        try:
            was_killed = not ring.read()
        except (imapclient.Closed, OSError):
            was_killed = True
        it.off()
        ring.assert_opens()
        assert set(ring.costs()) <= {WEAK, WANTED}
        assert ring.read()
        assert ring.costs() == [WANTED]
        ring.assert_opens()
        ring.put()
    assert number > 8


FULL = r"""
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

ssize_t
write(int fd, const void *data, size_t size)
{
	Dl_info info;

	if (is_on() && dladdr(__builtin_return_address(0), &info) != 0 &&
	    strstr(info.dli_fname, "roost_plugin") != NULL) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, data, size);
}
"""
STAYS = r"Warning: roost: The password slot of the keyring .* was not " \
    "replaced at this login, which goes on; the next one tries again: "


def test_full_disk(make_server):
    it, ring = preloading(make_server, FULL)
    it.on()
    assert ring.read()
    ring.server.wait_log(STAYS + ".*No space left")
    assert ring.stored() == ring.text
    it.off()
    assert ring.read() and ring.costs() == [WANTED]


@pytest.mark.skipif(not servers.ROOT, reason="a folder of another user's")
def test_read_only_folder(make_server):
    """The keyring lies where the mail's user cannot write."""
    server = make_server("maildir", secret=True, users=["alice"],
                         settings=SETTINGS)
    ring = Ring(server, "alice")
    folder = os.path.join(server.tmp_dir, "keys")
    os.mkdir(folder)
    server.settings["roost_keyring"] = "file:%s/alice" % folder
    server.reload()
    path = os.path.join(folder, "alice")
    shutil.move(tamper.keyring_path(server, "alice"), path)
    server.own(folder)
    os.chown(folder, 0, 0)
    os.chmod(folder, 0o755)
    assert ring.read()
    server.wait_log(STAYS + ".*Permission denied")
    assert tamper.read(path) == ring.text
    server.own(folder)
    assert ring.read() and tamper.read(path) != ring.text


def locked(ring):
    """Holds the lock of the keyring until it is closed."""
    path = tamper.keyring_path(ring.server, ring.user) + ".lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.chmod(path, 0o600)
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return path, fd


NAPS = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

/* Notes when the plugin itself waits. */
int
nanosleep(const struct timespec *time, struct timespec *left)
{
	Dl_info info;
	int fd;

	if (is_on() && dladdr(__builtin_return_address(0), &info) != 0 &&
	    strstr(info.dli_fname, "roost_plugin") != NULL) {
		fd = open(PATH ".log", O_WRONLY | O_APPEND);
		write(fd, "w", 1);
		close(fd);
	}
	return syscall(SYS_nanosleep, time, left);
}
"""


def test_lock_is_held(make_server):
    """By whatever process: a login does not wait for it, and says nothing,
    because it may well be another login that raises."""
    it, ring = preloading(make_server, NAPS)
    log = it.flag + ".log"
    ring.server.write(log, "", 0o666)
    it.on()
    _, fd = locked(ring)
    with ring.server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(TEXT)
        client.logout()
    os.close(fd)
    assert tamper.read(log) == b""
    assert ring.stored() == ring.text
    assert "The password slot" not in "".join(ring.server.session_log(client))
    assert ring.read() and ring.costs() == [WANTED]


PAUSE = r"""
#include <dlfcn.h>
#include <fcntl.h>

/* The first computation of a process waits. */
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
	static int done;
	char byte;
	int fd;

	if (!done++ && is_on()) {
		close(open(PATH ".ready", O_WRONLY));
		fd = open(PATH ".go", O_RDONLY);
		read(fd, &byte, 1);
		close(fd);
	}
	return real(out, out_len, password, len, salt, ops, memory,
		    algorithm);
}
"""


@contextlib.contextmanager
def reading_meanwhile(it, ring):
    """A session that computes goes on after the block, and then reads. Yields
    its client."""
    for name in ".ready", ".go":
        if not os.path.exists(it.flag + name):
            os.mkfifo(it.flag + name)
            os.chmod(it.flag + name, 0o666)
    it.on()
    with ring.server.raw(ring.user) as client:
        client.ok("SELECT INBOX")
        tag = client.send("FETCH 1 (BODY.PEEK[])")
        with open(it.flag + ".ready") as file:
            file.read()
        yield client
        with open(it.flag + ".go", "w"):
            pass
        answer = client.finish(tag)
        assert answer.ok and TEXT in b"".join(answer.untagged)
        client.logout()
    it.off()


def test_new_master_key_meanwhile(make_server):
    """A session that computes it anew does not wait for a turn that it has
    itself."""
    it, ring = preloading(make_server, PAUSE)
    folder = os.path.join(ring.server.tmp_dir, "unlock")
    os.mkdir(folder, 0o700)
    ring.server.own(folder)
    ring.server.settings.update(roost_unlock_cache=folder,
                                roost_unlock_parallel="1")
    ring.server.reload()
    _, fd = locked(ring)
    with reading_meanwhile(it, ring) as client:
        ring.writer.master = os.urandom(32)
        ring.writer.slots.clear()
        ring.writer.add_password(tamper.secret_of(ring.password), *WANTED)
        ring.writer.generation += 1
        ring.put()
    os.close(fd)
    assert ring.stored() == ring.text
    assert "Other logins have computed" not in "".join(
        ring.server.session_log(client))


@pytest.mark.skipif(servers.PRELOAD, reason="a tight limit")
def test_memory_limit(make_server):
    """What opens now would not open once the process has grown: then the slot
    stays, and the log names the limit."""
    server = make_server("maildir", start=False, secret=True, users=["alice"],
                         settings={"roost_argon2_memory": "64 M"})
    extra = server.extra = slotkit.any_password(server)
    server.start()
    ring = Ring(server, "alice")
    with server.raw("alice", ring.app) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(TEXT)
        with open("/proc/%d/status" % server.session_pid(client)) as file:
            size = int(file.read().split("VmSize:")[1].split()[0]) // 1024
    for more, after in (8, WEAK), (32, (3, 65536)):
        server.extra = extra + "service imap {\n  vsz_limit = %dM\n}\n" % (
            size + 64 + more)
        server.reload()
        assert ring.read() and ring.costs() == [after]
        assert ring.read()
    server.wait_log(STAYS + "it would need .* vsz_limit of this service is "
                    "%d MiB" % (size + 64 + 8))


@pytest.mark.parametrize("case", ["another slot", "no password",
                                  "another keyring", "gone"])
def test_changed_meanwhile(make_server, case):
    """Who has computed finds another document, and leaves it."""
    it, ring = preloading(make_server, PAUSE)
    server, user = ring.server, ring.user
    with reading_meanwhile(it, ring):
        if case == "another slot":
            ring.writer.slots.clear()
            ring.writer.add_password(tamper.secret_of("changed"))
            ring.writer.generation += 1
            ring.put()
        elif case == "no password":
            ring.writer.slots.clear()
            ring.writer.add_salted(b"app", tamper.secret_of(ring.app))
            ring.writer.generation += 1
            ring.put()
        elif case == "another keyring":
            text, _ = tamper.make_keyring(server, user, "password")
            tamper.put_keyring(server, user, text)
            ring.text = text
        else:
            os.unlink(tamper.keyring_path(server, user))
    if case == "gone":
        assert not os.path.exists(tamper.keyring_path(server, user))
    else:
        assert ring.stored() == ring.text


# New slots

def test_new_slots_cost_what_is_configured(server, user):
    code = good(roost(server, "init", "-u", user, "-m", "password",
                      secret="first"))[0]["recovery-code"]
    ring = slotkit.keyring(server, user)
    assert [(s.t, s.m) for s in ring.slots if s.kind == b"password"] == [
        WANTED]
    good(roost(server, "slot", "remove", "-u", user, "password", secret=code))
    good(roost(server, "slot", "add", "-u", user, "password", secret=code,
               fresh="second"))
    rows = good(roost(server, "slot", "list", "-u", user))
    assert "argon2id t=2 m=16384 KiB" in [row["detail"] for row in rows]
    assert opens(server, user, "second")


def test_mode_and_compromised(server, user):
    """Also a slot that is made again for the same password."""
    assert server.deliver(TEXT, user)[0][0] == 250
    good(roost(server, "mode", "-u", user, "-y", "password", fresh="first"))
    ring = slotkit.keyring(server, user)
    assert [(s.t, s.m) for s in ring.slots if s.kind == b"password"] == [
        WANTED]
    weak = Ring(server, user)
    good(roost(server, "rotate", "-u", user, "--compromised", "-y",
               secret=weak.password))
    assert weak.costs() == [WANTED]
    assert opens(server, user, weak.password)


def test_replaced_by_the_same_password(server, user):
    """An admin raises it without a login."""
    ring = Ring(server, user)
    good(roost(server, "slot", "replace", "-u", user, "password",
               secret=ring.password, fresh=ring.password))
    assert ring.costs() == [WANTED]
    ring.assert_opens()
    stored = ring.stored()
    good(roost(server, "slot", "replace", "-u", user, "password",
               secret=ring.password, fresh=ring.password))
    assert ring.stored() == stored


@pytest.mark.parametrize("name, value, said", [
    ("roost_argon2_time", "0", "between 1 and 10"),
    ("roost_argon2_time", "11", "between 1 and 10"),
    ("roost_argon2_time", "some", "between 1 and 10"),
    ("roost_argon2_memory", "7 M", "between 8 M and 128 M"),
    ("roost_argon2_memory", "129 M", "between 8 M and 128 M"),
    ("roost_argon2_memory", "65536", "between 8 M and 128 M"),
    ("roost_argon2_memory", "much", "between 8 M and 128 M")])
def test_a_wrong_value_is_told(make_server, name, value, said):
    server = make_server("sdbox", settings={name: value}, users=["alice"])
    done = server.doveadm("roost", "status", "-u", "alice", check=False)
    assert done.returncode != 0
    assert (name + " is not").encode() in done.stderr, done.stderr
    assert said.encode() in done.stderr
