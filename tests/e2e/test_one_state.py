# SPDX-License-Identifier: MIT
"""One state of a user in a process, and in all processes the keyring that is
stored: whatever a command changes there is in force in the process that
changed it, in a session that was there before, and in a process that serves
the user again.
"""

import glob
import os
import shutil
import subprocess

import pytest

import processes
import server as servers
import shim
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

USERS = ["u%02d" % number for number in range(20)]

# One byte of PATH for each time that a keyring is opened.
OPENS = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

static int
opens(const char *name, const char *path, int flags, int mode)
{
	int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
	const char *end = "/roost.keyring";
	size_t len = strlen(path), end_len = strlen(end);
	int fd;

	if (len > end_len && strcmp(path + len - end_len, end) == 0 &&
	    is_on()) {
		fd = next(PATH, O_WRONLY | O_APPEND);
		syscall(SYS_write, fd, "x", 1);
		syscall(SYS_close, fd);
	}
	return next(path, flags, mode);
}

#define WRAP(name) \
int \
name(const char *path, int flags, ...) \
{ \
	va_list args; \
	int mode; \
\
	va_start(args, flags); \
	mode = va_arg(args, int); \
	va_end(args); \
	return opens(#name, path, flags, mode); \
}
WRAP(open)
WRAP(open64)
"""


def message(text):
    return b"From: a@sender.example\r\nSubject: x\r\n\r\n%s\r\n" % \
        text.encode()


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    """One doveadm process and one LMTP process serve everybody."""
    server = make_module_server(
        request.param, users=USERS,
        extra="".join("service %s {\n  %s\n  process_limit = 1\n"
                      "  process_min_avail = 1\n}\n" %
                      (service, servers.SERVES_MANY)
                      for service in ("doveadm", "lmtp")))
    server.next_user = iter(USERS)
    return server


@pytest.fixture
def user(server):
    return next(server.next_user)


# One state

@pytest.fixture
def opens(server):
    """How often a keyring is opened while a command runs."""
    library = shim.Shim(server, OPENS)
    path = library.configuration(server)

    def count(*args):
        library.on()
        os.chmod(library.flag, 0o666)
        subprocess.run(["doveadm", "-c", path, *args], check=True,
                       stdout=subprocess.DEVNULL, timeout=120,
                       env=server._environment())
        return os.stat(library.flag).st_size
    return count


@pytest.mark.parametrize("command", [
    "status", "policy", "verify", "cache purge"])
def test_keyring_is_loaded_once(server, user, opens, command):
    """By the plugin, which opens the mailboxes, and the command together."""
    for text in "one", "two":
        assert server.deliver(message(text), user)[0][0] == 250
    assert opens("roost", *command.split(), "-u", user) == 1


def test_user_without_the_plugin(make_server):
    """One after another in a process: the command makes the state of a user
    who has none."""
    server = make_server("maildir", users=["alice", "bob", "carol"])
    for name in server.users:
        assert server.deliver(message("one"), name)[0][0] == 250
    server.change_user("bob", **(
        {"mail_plugins/roost": "no"} if servers.NEW else
        {"mail_plugins": "acl"}))
    done = server.doveadm("-f", "flow", "roost", "status", "-A", check=False)
    assert done.stdout.count(b"state=open") == 3, done.stdout
    assert done.returncode == 75, done
    assert done.stderr.count(b"mail_plugins of this user lacks roost") == 1
    server.doveadm("roost", "policy", "-A", "open")
    done = server.doveadm("-f", "flow", "roost", "status", "-A", check=False)
    assert done.stdout.count(b"policy=open") == 3, done.stdout


@pytest.fixture
def modules(server, tmp_path):
    """(a folder of modules by links, the plugin's file as a copy in it)"""
    found, = glob.glob(os.path.join(servers.MODULES, "lib13_roost_plugin.so"))
    for path in glob.glob(os.path.join(servers.MODULES, "*")):
        os.symlink(path, tmp_path / os.path.basename(path))
    copy = tmp_path / os.path.basename(found)
    copy.unlink()
    shutil.copy(found, copy)
    return tmp_path, copy


@pytest.mark.parametrize("old, new", [
    (b"roost build ", b"ROOST build "),
    # A build from before there was this symbol.
    (b"roost_plugin_share", b"roost_plugin_shape")],
    ids=["another", "before"])
def test_modules_of_two_builds(server, user, modules, old, new):
    """Nothing is done; both files are named, and what to do."""
    folder, copy = modules
    assert server.deliver(message("one"), user)[0][0] == 250
    document = tamper.read(tamper.keyring_path(server, user))
    args = ("-o", "mail_plugin_dir=%s" % folder, "roost")
    server.doveadm(*args, "status", "-u", user)
    content = copy.read_bytes()
    assert old in content
    copy.write_bytes(content.replace(old, new))
    for command in ["status"], ["policy", "open"], ["init"], ["rebind"], \
            ["verify"], ["cache", "purge"]:
        done = server.doveadm(*args, command[0], *command[1:], "-u", user,
                              check=False)
        assert done.returncode == 75, done
        assert (b"The modules %s and " % bytes(copy)) in done.stderr, done
        assert b"doveadm_roost_plugin.so are of different builds of Roost: " \
            b"install both anew" in done.stderr, done
    assert tamper.read(tamper.keyring_path(server, user)) == document


# What is stored

class Account:
    """A user in three processes: an IMAP session, the LMTP process, and the
    process of the doveadm service; and what was acknowledged."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.pids, self.saved = set(), []
        self.client = server.raw(user)
        self.client.ok("SELECT INBOX")

    def serve(self, command, *args, **options):
        """A command in the process of the doveadm service."""
        done = self.server.doveadm(
            *command.split(), "-u", self.user, "-S",
            os.path.join(self.server.run_dir, "doveadm-server"), *args,
            **options)
        self.pids |= set(processes.of_group(self.server.process.pid,
                                            "doveadm-server"))
        assert len(self.pids) == 1
        return done

    def save(self, text, expected=True):
        """A message by each process; is it saved?"""
        saved = [
            self.client.append("INBOX", message(text + " imap")).ok,
            self.server.deliver(message(text + " lmtp"),
                                self.user)[0][0] == 250,
            self.serve("save", input=message(text + " doveadm"),
                       check=False).returncode == 0]
        assert saved == [expected] * 3
        if expected:
            self.saved += [b"%s %s" % (text.encode(), how) for how in
                           (b"imap", b"lmtp", b"doveadm")]

    def read(self, client):
        client.ok("SELECT INBOX")
        return sorted(body(client.fetch(seq + 1, "BODY.PEEK[]"))
                      for seq in range(client.count()))

    def check(self):
        """All that was acknowledged opens by the keyring that is stored, in
        a new session, and in each process."""
        wanted = sorted(self.saved)
        opened = tamper.Reader(self.server, self.user).messages()
        assert sorted(body(plain) for *_, plain in opened) == wanted
        with self.server.raw(self.user) as client:
            assert self.read(client) == self.read(self.client) == wanted
        shown = self.serve("fetch", "text", "mailbox", "INBOX").stdout
        assert all(text in shown for text in wanted)
        self.serve("roost verify")


def body(text):
    return text.replace(b"\r", b"").split(b"\n\n", 1)[1].strip()


@pytest.fixture
def account(server, user):
    account = Account(server, user)
    yield account
    account.client.close()


def test_policy_changed(account):
    """By the process that saves; each change is a later document of the same
    keyring, and no process puts an older one back."""
    path = tamper.keyring_path(account.server, account.user)
    account.save("first")
    for generation, policy in enumerate(("open", "sealed", "open"), 2):
        account.serve("roost policy", policy)
        stored = tamper.read(path)
        assert b"\npolicy %s\n" % policy.encode() in stored
        assert b"\ngeneration %d\n" % generation in stored
        account.save(policy + str(generation))
        assert tamper.read(path) == stored
    account.check()


def test_policy_is_in_force(account):
    """At once, in the process that changed it and in the session."""
    server, user = account.server, account.user
    account.save("first")
    server.change_user(user, roost_enable="no")
    server.doveadm("save", "-u", user, input=message("plaintext"))
    server.change_user(user, roost_enable=None)
    for policy in "open", "sealed", "open", "sealed":
        account.serve("roost policy", policy)
        account.client.ok("NOOP")
        answer = account.client.cmd("FETCH 4 (BODY.PEEK[])")
        done = account.serve("fetch", "text", "mailbox", "INBOX", "4",
                             check=False)
        assert (answer.status == "OK") == (policy == "open")
        assert (b"plaintext" in done.stdout) == (policy == "open")


def test_keyring_of_another_name(account):
    """It is refused in each process, and taken in each once it is bound anew
    to the user, also by the session that is there."""
    server = account.server
    former = next(server.next_user)
    assert server.deliver(message("first"), former)[0][0] == 250
    tamper.put_keyring(server, account.user, tamper.read(
        tamper.keyring_path(server, former)))
    account.save("no", expected=False)
    account.serve("roost rebind")
    account.save("yes")
    account.check()
