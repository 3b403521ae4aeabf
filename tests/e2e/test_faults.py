# SPDX-License-Identifier: MIT
"""Commands of doveadm while a call of Dovecot, of a library or of the system
fails: each says so, ends with an error, and changes nothing.

A library that is preloaded lets such a call of Roost's modules do its work and
says that it failed.  Each command is run until every one of its calls has
failed once.
"""

import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import subprocess
import termios

import pytest

import apart
import imapclient
import server as servers
import shim
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

FAULTS = r"""
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The file has the name of a call and which of them fails, from 1; or 0, for
   all.  It is empty after the one that failed. */
static int
is_failing(const char *call, void *caller, const char *module)
{
	static int count;
	char text[100] = "", name[100];
	int fd, which;
	Dl_info info;

	if (dladdr(caller, &info) == 0 ||
	    strstr(info.dli_fname, module) == NULL)
		return 0;
	fd = syscall(SYS_openat, AT_FDCWD, PATH, O_RDONLY);
	if (fd < 0)
		return 0;
	syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	if (sscanf(text, "%99s %d", name, &which) != 2 ||
	    strcmp(name, call) != 0)
		return 0;
	if (which == 0)
		return 1;
	if (++count != which)
		return 0;
	syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, PATH,
				   O_WRONLY | O_TRUNC));
	return 1;
}

/* No call has more arguments than that. */
#define ARGS long a, long b, long c, long d, long e, long f, long g, long h, \
	long i
#define CALL(name) \
	((long (*)(ARGS)) dlsym(RTLD_NEXT, #name))(a, b, c, d, e, f, g, h, i)
#define IS_FAILING(name) \
	is_failing(name, __builtin_return_address(0), "roost_plugin")
#define FAILING(name, answer) \
long \
name(ARGS) \
{ \
	long ret = CALL(name); \
	return IS_FAILING(#name) ? answer : ret; \
}

FAILING(mailbox_list_iter_deinit, -1)
FAILING(mailbox_list_iter_subscriptions_refresh, -1)
FAILING(mailbox_search_deinit, -1)
FAILING(mailbox_exists, -1)
FAILING(mail_cache_open_and_verify, -1)
FAILING(mail_cache_purge, -1)
FAILING(mail_user_get_home, -1)
FAILING(mail_get_physical_size, -1)
FAILING(mail_get_virtual_size, -1)
FAILING(sodium_init, -1)
FAILING(sodium_malloc, 0)
FAILING(crypto_aead_aes256gcm_decrypt_afternm, -1)
FAILING(i_stream_get_size, -1)
FAILING(pread_full, -1)
FAILING(crypto_hash_sha256, -1)
FAILING(message_snippet_generate, -1)
FAILING(tcsetattr, -1)

/* Does nothing at all when it fails. */
#define FAILING_AT_ONCE(name, answer) \
long \
name(ARGS) \
{ \
	return IS_FAILING(#name) ? answer : CALL(name); \
}

FAILING_AT_ONCE(imap_body_parse_from_bodystructure, -1)
FAILING_AT_ONCE(mail_get_hdr_stream_because, -1)

/* One that is expunged just now, or a signal that ends the command. */
void mail_set_expunged(void *);

long
mail_get_stream_because(ARGS)
{
	long ret;

	if (IS_FAILING("unreadable"))
		return -1;
	ret = CALL(mail_get_stream_because);
	if (IS_FAILING("expunged")) {
		mail_set_expunged((void *)a);
		return -1;
	}
	if (IS_FAILING("killed"))
		raise(SIGTERM);
	return IS_FAILING("mail_get_stream_because") ? -1 : ret;
}

long
mailbox_sync(ARGS)
{
	long ret = CALL(mailbox_sync);

	if (IS_FAILING("killed_at_mailbox"))
		raise(SIGTERM);
	return IS_FAILING("mailbox_sync") ? -1 : ret;
}

/* Of Dovecot's own storage. */
int
fsync(int fd)
{
	if (is_failing("fsync", __builtin_return_address(0),
		       "libdovecot-storage")) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_fsync, fd);
}
"""

MESSAGE = b"Subject: x\r\n\r\n" + b"body of the message\r\n" * 30


@pytest.fixture(scope="module")
def server(make_module_server):
    """alice and bob have sealed mail, carol has mail from before Roost."""
    server = make_module_server("maildir", roost=False, secret=True)
    with server.raw("carol") as client:
        client.ok("CREATE Old")
        client.ok("SUBSCRIBE Old")
        assert client.append("Old", MESSAGE).ok
        client.logout()
    server.roost = True
    server.reload()
    with server.raw("erin") as client:
        client.ok("CREATE Long")
        assert client.append("Long", LONG).ok
        client.logout()
    for user in ("alice", "bob"):
        for _ in range(2):
            assert server.deliver(MESSAGE, user)[0][0] == 250
    return server


@pytest.fixture(scope="module")
def faults(server):
    faults = shim.Shim(server, FAULTS)
    faults.conf = faults.configuration(server)
    return faults


@contextlib.contextmanager
def failing(server, faults, call, which):
    """The environment of a program in which that call fails."""
    with open(faults.flag, "w") as file:
        file.write("%s %d" % (call, which))
    os.chmod(faults.flag, 0o666)
    try:
        yield dict(server._environment(), LD_PRELOAD=":".join(
            filter(None, [servers.PRELOAD, faults.path])))
    finally:
        os.unlink(faults.flag)


def doveadm(server, faults, *args, call=None, which=1, input=b"",
            options=(), **more):
    """(exit status, what it printed, what it said, did the call fail?)"""
    with failing(server, faults, call, which) as environment:
        done = subprocess.run(
            ["doveadm", "-c", faults.conf, *options, *args], input=input,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            timeout=60, **more)
        return done.returncode, done.stdout, done.stderr.decode(), \
            os.path.getsize(faults.flag) == 0


def run(server, faults, args, call=None, which=1, **more):
    """(exit status, rows, what it said, did the call fail?)"""
    code, shown, said, was_hit = doveadm(
        server, faults, "-f", "json", "roost", *args, call=call, which=which,
        **more)
    return code, json.loads(shown) if shown.strip() else [], said, was_hit


def each_failure(server, faults, call, args, **more):
    """What run() answers, each time with another one of these calls."""
    for which in itertools.count(1):
        answer = run(server, faults, args, call, which, **more)
        if not answer[3]:
            return
        yield answer[:3]


def assert_told(server, faults, args, call, least):
    """At least so many failures are told, and all that make a difference."""
    code, right, said, _ = run(server, faults, args)
    assert code == 0, said
    told = 0
    for code, rows, said in each_failure(server, faults, call, args):
        assert (code == 75 and "Error: " in said) or \
            (code == 0 and rows == right), (code, rows, said)
        told += code != 0
    assert told >= least


def assert_shown(code, rows, said, path):
    """It has failed and said so; if a keyring was stored before that, its
    recovery code was shown, which nobody would know otherwise."""
    assert code == 75 and "Error: " in said
    assert {row["state"] for row in rows} <= {"perhaps created"}
    assert all(row["recovery-code"] for row in rows)
    assert rows or not os.path.exists(path)


@pytest.mark.parametrize("call, least", [
    ("crypto_hash_sha256", 6), ("mail_cache_open_and_verify", 2),
    ("mail_user_get_home", 1), ("mailbox_exists", 1),
    ("mailbox_list_iter_deinit", 1),
    ("mailbox_list_iter_subscriptions_refresh", 1),
    ("mailbox_search_deinit", 2), ("mailbox_sync", 2), ("sodium_init", 2),
    ("sodium_malloc", 3)])
def test_init(server, faults, call, least):
    """Where it is not known what mail there is, no keyring is made."""
    path = tamper.keyring_path(server, "carol")
    told = 0
    for code, rows, said in each_failure(
            server, faults, call, ("init", "-r", "-N", "-u", "carol")):
        if code != 0:
            assert_shown(code, rows, said, path)
            told += 1
        if call.startswith("mail"):
            assert os.path.exists(path) == (code == 0)
        if os.path.exists(path):
            os.unlink(path)
    assert told >= least
    os.unlink(path)


@pytest.mark.parametrize("call, least", [
    ("crypto_hash_sha256", 4), ("sodium_malloc", 4)])
def test_init_with_a_password(server, faults, call, least):
    """No keyring is made with another secret than what is given."""
    path = tamper.keyring_path(server, "dave")
    word = os.path.join(server.root, "word")
    server.write(word, "password of dave\n")
    told = 0
    for which in itertools.count(1):
        with open(word, "rb") as file:
            code, rows, said, was_hit = run(
                server, faults, ("init", "-m", "password", "-u", "dave",
                                 "-f", str(file.fileno())), call, which,
                pass_fds=(file.fileno(),))
        if not was_hit:
            break
        assert_shown(code, rows, said, path)
        told += 1
        if os.path.exists(path):
            os.unlink(path)
    assert told >= least
    os.unlink(path)


def test_terminal_that_would_show_the_password(server, faults):
    """Nobody is asked for what everybody could read."""
    ours, theirs = os.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    try:
        with failing(server, faults, "tcsetattr", 1) as environment:
            done = subprocess.run(
                ["doveadm", "-c", faults.conf, "roost", "init", "-u", "dave",
                 "-m", "password"], stdin=theirs, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, preexec_fn=take_terminal,
                timeout=60, env=environment)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 75, done
    assert b"Cannot hide what is typed" in done.stdout
    assert not os.path.exists(tamper.keyring_path(server, "dave"))


@pytest.mark.parametrize("call, least", [
    ("crypto_hash_sha256", 4), ("mail_get_physical_size", 2),
    ("mail_get_stream_because", 2), ("mail_get_virtual_size", 2),
    ("mail_user_get_home", 1), ("mailbox_list_iter_deinit", 1),
    ("mailbox_search_deinit", 1), ("mailbox_sync", 1), ("sodium_init", 2),
    ("sodium_malloc", 4)])
def test_verify(server, faults, call, least):
    assert_told(server, faults, ("verify", "-u", "alice"), call, least)


def test_verify_of_what_is_expunged_meanwhile(server, faults):
    answers = list(each_failure(server, faults, "expunged",
                                ("verify", "-u", "alice")))
    assert len(answers) >= 4
    for code, rows, said in answers:
        assert (code, said) == (0, "")
        assert (rows[0]["messages"], rows[0]["bad"]) == ("1", "0")


@pytest.mark.parametrize("command", ["verify", "policy"])
def test_interrupted(server, faults, command):
    code, _, said, _ = run(server, faults, (command, "-u", "alice"), "killed")
    assert code != 0 and "Interrupted before every message was seen" in said


@pytest.mark.parametrize("call, least", [
    ("mail_user_get_home", 1), ("mailbox_list_iter_deinit", 1),
    ("mailbox_search_deinit", 1), ("mailbox_sync", 1), ("sodium_malloc", 2)])
def test_policy(server, faults, call, least):
    assert_told(server, faults, ("policy", "-u", "alice"), call, least)


WALKS = ("verify", "policy", "cache purge", "flags list", "flags doctor",
         "flags unused", "flags rename -n Plan Neu")


@pytest.fixture
def walked(server):
    """alice has a mailbox beside INBOX, and in both a keyword, and one that no
    message has any more."""
    with server.raw("alice") as client:
        client.ok("CREATE Later")
        for mailbox in "INBOX", "Later":
            assert client.append(mailbox, MESSAGE, "Plan Gone").ok
            client.ok("SELECT %s" % mailbox)
            client.ok("STORE 1:* -FLAGS (Gone)")
        client.logout()
    yield "alice"
    server.doveadm("mailbox", "delete", "-u", "alice", "-s", "Later")
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "keyword",
                   "Plan")


def walk(server, faults, command, user, call=None, which=1):
    words = command.split()
    at = 2 if words[0] in ("flags", "cache") else 1
    return run(server, faults, (*words[:at], "-u", user, *words[at:]), call,
               which)


@pytest.mark.parametrize("command", WALKS)
def test_commands_walk_alike(server, faults, walked, command):
    """A mailbox that cannot be opened or read is named, and has no row, and
    the other one has its own; an interrupt ends it all."""
    code, right, said, _ = walk(server, faults, command, walked)
    assert "Error" not in said
    mailboxes = {row["mailbox"] for row in right} - {"*"}
    calls = ["mailbox_sync"]
    if command != "cache purge":
        calls.append("mailbox_search_deinit")
    for call in calls:
        for which in 1, 2:
            code, rows, said, was_hit = walk(server, faults, command, walked,
                                             call, which)
            assert was_hit and code not in (0, 2)
            verb = "open" if call == "mailbox_sync" else "read"
            bad, = re.findall("Cannot %s mailbox (\\w+): " % verb, said)
            # The policy's rows are those of mailboxes with plaintext.
            if command != "policy":
                assert bad in mailboxes
                assert {row["mailbox"] for row in rows} - {"*"} == \
                    mailboxes - {bad}
    code, rows, said, was_hit = walk(server, faults, command, walked,
                                     "killed_at_mailbox")
    assert was_hit and code not in (0, 2)
    assert said.count("Interrupted before every message was seen") == 1
    if command != "cache purge":
        assert {row["mailbox"] for row in rows} <= {"*"}


@pytest.mark.parametrize("command", ["verify", "policy"])
def test_mailbox_that_cannot_be_read(server, faults, command):
    said = [said for code, _, said in each_failure(
        server, faults, "mailbox_sync", (command, "-u", "alice")) if code]
    assert said
    assert all("Not every mailbox could be read" in line for line in said)


@pytest.mark.parametrize("args, call, least", [
    (("policy", "sealed"), "mail_user_get_home", 2),
    (("status",), "mail_user_get_home", 2), (("status",), "sodium_malloc", 4),
    (("rebind",), "mail_user_get_home", 2), (("rebind",), "sodium_malloc", 3),
    (("slot", "list"), "sodium_malloc", 2),
    (("slot", "list"), "mail_user_get_home", 1),
    (("provider-rotate",), "sodium_malloc", 2),
    (("provider-rotate",), "crypto_hash_sha256", 2),
    (("cache", "purge"), "mail_cache_open_and_verify", 1),
    (("cache", "purge"), "mail_cache_purge", 1)],
    ids=lambda value: value if isinstance(value, str) else
    " ".join(value) if isinstance(value, tuple) else None)
def test_other_commands(server, faults, args, call, least):
    assert_told(server, faults, (*args, "-u", "alice"), call, least)


def test_message_that_cannot_be_looked_at(server):
    """The numbers of doveadm roost policy do not count it as sealed."""
    path = server.mail_files("bob")[0]
    mode = os.stat(path).st_mode
    os.chmod(path, 0)
    try:
        done = server.doveadm("-f", "json", "roost", "policy", "-u", "bob",
                              check=False)
    finally:
        os.chmod(path, mode)
    assert done.returncode == 75
    assert b"Not every message could be looked at" in done.stderr
    assert json.loads(done.stdout)[0]["messages"] == "2"


def test_purge_with_a_damaged_keyring(server):
    """What the keyring would say is not known: it may be no reason to purge."""
    path = tamper.keyring_path(server, "alice")
    document = tamper.read(path)
    try:
        with open(path, "wb") as file:
            file.write(document[:-40])
        done = server.doveadm("roost", "cache", "purge", "-u", "alice",
                              check=False)
    finally:
        with open(path, "wb") as file:
            file.write(document)
    assert done.returncode == 75 and done.stdout.count(b"INBOX") == 0
    assert b"Cannot purge the cache of mailbox INBOX: Refused the keyring" \
        in done.stderr


def test_without_a_keyring(server):
    path = tamper.keyring_path(server, "alice")
    os.rename(path, path + ".away")
    try:
        done = server.doveadm("-f", "json", "roost", "verify", "-u", "alice",
                              check=False)
    finally:
        os.rename(path + ".away", path)
    assert done.returncode == 75 and b"[locked]" in done.stderr
    assert json.loads(done.stdout)[0]["bad"] == "2"


@pytest.mark.parametrize("command", [
    ("init",), ("status",), ("verify",), ("policy",), ("rebind",),
    ("slot", "list"), ("mode", "provider"), ("rotate",),
    ("provider-rotate",), ("cache", "purge")],
    ids=lambda command: command[0])
def test_wrong_setting(server, command):
    """Also where doveadm has no mail plugin that would have refused it."""
    prefix = "" if servers.NEW else "plugin/"
    done = server.doveadm(
        "-o", "mail_plugins=", "-o", prefix + "roost_policy=other", "roost",
        *command, "-u", "alice", check=False)
    assert done.returncode == 75 and b"roost_policy" in done.stderr


# Mail that is read and saved

MANY = b"".join(b"X-Line-%d: %s\r\n" % (number, b"word " * 12)
                for number in range(600))
TEXT = b"words of the body, line after line\r\n" * 500
# Headers of more than is kept while a message is saved, and of several
# chunks; a preview that is not at the beginning.
LONG = (b"From: a@roost.test\r\nSubject: long\r\nMessage-ID: <long@roost>\r\n"
        b"Date: Thu, 01 Jan 2026 10:00:00 +0000\r\n" + MANY +
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        b"\r\n--b\r\nContent-Type: application/x-data\r\n\r\n" + TEXT +
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + TEXT + b"--b--\r\n")


def without_cache(server, user):
    for folder, _, names in os.walk(server.home(user)):
        if "dovecot.index.cache" in names:
            os.unlink(os.path.join(folder, "dovecot.index.cache"))


@pytest.mark.parametrize("item, call", [
    ("hdr.x-line-599", "crypto_aead_aes256gcm_decrypt_afternm"),
    ("body.snippet", "crypto_aead_aes256gcm_decrypt_afternm"), ("body.snippet", "crypto_hash_sha256"),
    ("body.snippet", "message_snippet_generate"),
    ("imap.body", "imap_body_parse_from_bodystructure")])
def test_fetch(server, faults, item, call):
    """Nothing wrong is shown, and nothing wrong is remembered."""
    right = None
    fetch = ("-f", "tab", "fetch", "-u", "erin", item, "mailbox", "Long",
             "all")
    for which in itertools.count(1):
        without_cache(server, "erin")
        code, shown, said, was_hit = doveadm(server, faults, *fetch,
                                             call=call, which=which)
        again = doveadm(server, faults, *fetch)
        assert again[0] == 0, again
        right = right or again[1]
        assert again[1] == right, (call, which)
        assert (code in (65, 75) and "Error: " in said) or \
            (code, shown) == (0, right), (call, which, code, said)
        if not was_hit:
            break
    assert which > 1


@pytest.mark.parametrize("item", ["body", "hdr", "hdr.x-line-599", "text"])
def test_fetch_of_what_is_cached(server, faults, item):
    """That its size is known makes no message of one that does not open."""
    fetch = ("-f", "tab", "fetch", "-u", "erin", item, "mailbox", "Long",
             "all")
    right = doveadm(server, faults, *fetch)[1]
    told = 0
    for which in itertools.count(1):
        code, shown, said, was_hit = doveadm(
            server, faults, *fetch, call="crypto_aead_aes256gcm_decrypt_afternm", which=which)
        assert (code in (65, 75) and "Error: " in said) or \
            (code, shown) == (0, right), (which, code, said)
        told += code != 0
        if not was_hit:
            break
    assert told > 0


@pytest.mark.parametrize("call", ["i_stream_get_size", "pread_full"])
def test_file_that_cannot_be_read(server, faults, call):
    """It is no damaged message, and nobody need look for a backup."""
    told = 0
    for which in itertools.count(1):
        without_cache(server, "erin")
        code, _, said, was_hit = doveadm(
            server, faults, "fetch", "-u", "erin", "hdr.x-line-599", "mailbox",
            "Long", "all", call=call, which=which)
        if not was_hit:
            break
        if code != 0:
            told += 1
            assert "read(" in said and "Refused" not in said, said
    assert told > 0


def saved(server, faults, **more):
    """(exit status, what it said, what is in the mailbox, was it hit)"""
    code, _, said, was_hit = doveadm(server, faults, "save", "-u", "erin",
                                     "-m", "Saved", input=LONG, **more)
    found = doveadm(server, faults, "-f", "tab", "fetch", "-u", "erin",
                    "imap.bodystructure body.snippet hdr.x-line-599 text",
                    "mailbox", "Saved", "all")
    server.doveadm("expunge", "-u", "erin", "mailbox", "Saved", "all")
    assert found[0] == 0, found
    return code, said, found[1], was_hit


@pytest.mark.parametrize("call", [
    "crypto_aead_aes256gcm_decrypt_afternm", "crypto_hash_sha256", "mail_get_hdr_stream_because",
    "mail_user_get_home"])
def test_save(server, faults, nothing, call):
    """All of a message is saved, with what is told of it, or nothing."""
    code, said, right, _ = saved(server, faults)
    assert code == 0 and right != nothing, said
    for which in itertools.count(1):
        code, said, found, was_hit = saved(server, faults, call=call,
                                           which=which)
        assert (code == 75 and "Error: " in said and found == nothing) or \
            (code == 0 and found == right), (which, code, said)
        if not was_hit:
            break
    assert which > 1


@pytest.fixture
def nothing(server, faults):
    """What there is in a mailbox where nothing is."""
    server.doveadm("mailbox", "create", "-u", "erin", "Saved", check=False)
    return doveadm(server, faults, "-f", "tab", "fetch", "-u", "erin",
                   "imap.bodystructure body.snippet hdr.x-line-599 text",
                   "mailbox", "Saved", "all")[1]


def setting(name, value):
    return ("-o", "%s%s=%s" % ("" if servers.NEW else "plugin/", name, value))


def test_save_that_cannot_begin(server, faults, nothing):
    folder = os.path.join(server.home("erin"), "Maildir", ".Saved", "tmp")
    os.chmod(folder, 0o500)
    try:
        code, said, found, _ = saved(server, faults)
    finally:
        os.chmod(folder, 0o700)
    assert (code, found) == (75, nothing), said


@pytest.mark.parametrize("enable", ["yes", "no"])
def test_save_that_cannot_end(server, faults, nothing, enable):
    code, said, found, was_hit = saved(
        server, faults, call="fsync", options=(
            "-o", "mail_fsync=always", *setting("roost_enable", enable)))
    assert was_hit and (code, found) == (75, nothing), (code, said)


def test_save_of_what_cannot_be_looked_at(server, faults, nothing):
    """Without sealing, a client could plant what looks sealed."""
    code, said, found, _ = saved(
        server, faults, call="unreadable", which=0,
        options=setting("roost_enable", "no"))
    assert (code, found) == (75, nothing), (code, said)


def test_save_where_the_policy_is_not_known(server, faults, nothing):
    path = tamper.keyring_path(server, "erin")
    text = tamper.read(path)
    tamper.write(path, text.replace(b"epoch", b"epock"))
    try:
        code, _, said, _ = doveadm(
            server, faults, "save", "-u", "erin", "-m", "Saved", input=LONG,
            options=setting("roost_enable", "read-only"))
    finally:
        tamper.write(path, text)
    assert code == 75 and "Cannot tell the policy" in said


def each_session(server, faults, user, call, ask):
    """Calls ask with a session while each such call fails once, then one in
    which none does."""
    for which in itertools.count(1):
        without_cache(server, user)
        with open(faults.flag, "w") as file:
            file.write("%s %d" % (call, which))
        os.chmod(faults.flag, 0o666)
        try:
            with apart.Imap(server, user, faults.conf) as client:
                ask(client, False)
        except imapclient.Closed:
            pass  # what imap_fetch_failure says, but not by a crash
        assert client.sock.process.returncode in (0, None)
        was_hit = os.path.getsize(faults.flag) == 0
        os.unlink(faults.flag)
        if not was_hit:
            break
    assert which > 1
    with apart.Imap(server, user, faults.conf) as client:
        ask(client, True)


HEADERS = ("FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
           "FETCH 1 (BODY.PEEK[HEADER.FIELDS (X-LINE-599)])",
           "FETCH 1 (BODY.PEEK[HEADER])", "FETCH 1 (BODY.PEEK[TEXT]<0.100>)")


@pytest.mark.parametrize("command", HEADERS, ids=range(len(HEADERS)))
def test_fetch_by_imap(server, faults, command):
    with apart.Imap(server, "erin", server.conf) as client:
        client.ok("SELECT Long")
        right = client.ok(command).untagged

    def fetch(client, is_right):
        if client.cmd("SELECT Long").ok:
            # The second time from the cache, if it could be made.
            for _ in range(2):
                answer = client.cmd(command)
                assert answer.untagged == right or not (answer.ok or is_right)

    each_session(server, faults, "erin", "crypto_aead_aes256gcm_decrypt_afternm", fetch)


def test_sort(server, faults):
    """By what a header says, or not at all."""
    def sort(client, is_right):
        statuses = {client.cmd(command).status for command in (
            "SELECT Long", "SORT (SUBJECT) UTF-8 ALL",
            "THREAD REFERENCES UTF-8 ALL")}
        assert statuses == {"OK"} if is_right else statuses <= {"OK", "NO"}

    each_session(server, faults, "erin", "crypto_aead_aes256gcm_decrypt_afternm", sort)


def test_without_the_password(server, faults):
    """A session that cannot open the keyring reads what it has saved."""
    text, _ = tamper.make_keyring(server, "dave", "password")
    tamper.put_keyring(server, "dave", text)

    def save(client, is_right):
        answer = client.append("INBOX", MESSAGE)
        assert answer.ok or (answer.status == "NO" and not is_right)
        client.ok("SELECT INBOX")
        if answer.ok:
            answer = client.cmd("FETCH * (ENVELOPE BODY.PEEK[])")
            assert MESSAGE in b"".join(answer.untagged) or not (
                answer.ok or is_right)
        client.cmd("STORE 1:* +FLAGS (\\Deleted)")
        client.ok("EXPUNGE")

    each_session(server, faults, "dave", "crypto_aead_aes256gcm_decrypt_afternm", save)
    os.unlink(tamper.keyring_path(server, "dave"))


def test_folders_beyond_number(server):
    """Where not all can be looked at, no keyring is made."""
    folder = top = os.path.join(server.home("dave"), "Maildir", "deep")
    for _ in range(70):
        folder = os.path.join(folder, "d")
    os.makedirs(folder)
    server.own(server.home("dave"))
    done = server.doveadm("roost", "init", "-u", "dave", check=False)
    assert done.returncode == 75, done
    assert not os.path.exists(tamper.keyring_path(server, "dave"))
    shutil.rmtree(top)
