# SPDX-License-Identifier: MIT
"""Messages of sdbox and mdbox that are sealed, and unsealed, where they are:
what these storages have and Maildir has not.

Alternate storage, copies that share a file or a place in the map, purges and
repairs beside a run and after it, and sessions that still know the old places.
"""

import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

import corpus
import server as servers
import shim
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

DBOX = ("sdbox", "mdbox")
FIELDS = "mailbox uid guid flags date.received date.saved size.physical " \
    "size.virtual pop3.uidl text"


def message(number, size=0):
    """A message whose body has a word that is nowhere else."""
    return (b"From: a@sender.example\r\nSubject: number %d\r\n"
            b"Date: Tue, 1 Jan 2019 10:00:00 +0000\r\n\r\ncanary-%d-body\r\n"
            % (number, number) + b"text of it\r\n" * (size // 12))


SIZES = (0, 40000, 300)
WORDS = [b"canary-%d-body" % number for number in range(len(SIZES))]


def fill(server, user="alice", sizes=SIZES, copies=True):
    """Messages in INBOX, and copies of them in another mailbox."""
    with server.raw(user) as client:
        client.ok("CREATE Copies")
        for number, size in enumerate(sizes):
            assert client.append("INBOX", message(number, size),
                                 "\\Seen" if number % 2 else "",
                                 "01-Feb-2020 10:00:00 +0000").ok
        client.ok("SELECT INBOX")
        if copies:
            client.ok("COPY 1:* Copies")
        client.logout()


def plain_server(make, storage, **options):
    """A server with alice's mail from before Roost."""
    server = make(storage, roost=False, users=("alice", "bob"))
    fill(server, **options)
    return server


def with_roost(server):
    server.roost = True
    server.reload()
    server.doveadm("roost", "init", "-u", "alice")
    return server


def state(server, fields=FIELDS, user="alice"):
    """All that a client is told of each message, by mailbox and UID."""
    done = server.doveadm("-f", "json", "fetch", "-u", user, fields,
                          "mailbox", "*")
    return sorted(json.loads(done.stdout),
                  key=lambda row: (row["mailbox"], int(row["uid"])))


def assert_same(found, wanted, where=""):
    """Says which rows differ, and not how, because texts are long."""
    if found != wanted:
        keys = [{(row["mailbox"], row["uid"], name, hash(value))
                 for row in rows for name, value in row.items()}
                for rows in (found, wanted)]
        raise AssertionError("%s: %r" % (where, sorted(
            (item[:3] for item in keys[0] ^ keys[1]))[:20]))


def texts(server):
    return state(server, "mailbox uid text")


def rewrite(server, command, *args, check=True, user="alice"):
    """Runs seal, reseal or unseal; returns (status, rows, what it said)."""
    if command == "unseal":
        args = ("--yes-plaintext", *args)
    done = server.doveadm("-f", "json", "roost", command, "-u", user, *args,
                          check=check)
    return done.returncode, json.loads(done.stdout or b"[]"), \
        done.stderr.decode()


def resync(server, user="alice"):
    server.doveadm("force-resync", "-u", user, "*")


def assert_nothing_in_clear(server, words=WORDS):
    assert server.find_on_disk(*words, everywhere=True) == []


def assert_plain(server, user="alice"):
    for path, offset, content in server.objects(user):
        assert not content.startswith(servers.MAGIC), (path, offset)


@pytest.mark.parametrize("storage", DBOX)
def test_all_stays(make_server, storage):
    """Whatever a client asks for, and after a repair too."""
    server = plain_server(make_server, storage)
    before = state(server)
    with_roost(server)
    code, rows, _ = rewrite(server, "seal")
    assert {row["mailbox"] for row in rows} == {"INBOX", "Copies"}
    assert_nothing_in_clear(server)
    server.assert_sealed("alice")
    assert_same(state(server), before)
    resync(server)
    assert_same(state(server), before)
    server.assert_sealed("alice")
    rewrite(server, "unseal")
    assert_plain(server)
    assert_same(state(server), before)
    resync(server)
    assert_same(state(server), before)


@pytest.mark.parametrize("storage", DBOX)
def test_copies_stay_shared(make_server, storage):
    server = plain_server(make_server, storage)
    with_roost(server)
    rewrite(server, "seal")
    inodes = {os.stat(path).st_ino for path in server.mail_files("alice")}
    if storage == "sdbox":
        assert len(server.objects("alice")) == 2 * len(SIZES)
        assert len(inodes) == len(SIZES)
    else:
        assert len(server.objects("alice")) == len(SIZES)
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "all")
    server.doveadm("purge", "-u", "alice")
    wanted = {message(number, size).replace(b"\r\n", b"\n")
              for number, size in enumerate(SIZES)}
    found = [row["text"].encode() for row in texts(server)]
    assert len(found) == len(wanted) and set(found) == wanted, len(found)


def alternate(server):
    """Gives the server's users an alternate storage; returns alice's."""
    place = os.path.join(server.root, "alt")
    os.makedirs(place, exist_ok=True)
    server.own(place)
    server.extra = "\nmail_alt_path = %s/%%{user}\n" % place \
        if servers.NEW else "\nmail_location = %s:%s:ALT=%s/%%u\n" % (
            server.storage, server._path(), place)
    return os.path.join(place, "alice")


def files_below(folder):
    return sorted(os.path.join(path, name)
                  for path, _, names in os.walk(folder) for name in names
                  if re.match(r"[um]\.\d+$", name))


@pytest.mark.parametrize("storage", DBOX)
def test_alternate_storage(make_server, storage):
    """A message stays in the storage in which it is."""
    server = make_server(storage, roost=False, users=("alice", "bob"),
                         start=False)
    alt = alternate(server)
    server.start()
    fill(server, copies=False)
    server.doveadm("altmove", "-u", "alice", "mailbox", "INBOX", "uid", "1:2")
    if storage == "mdbox":
        server.doveadm("purge", "-u", "alice")
    moved = len(files_below(alt))
    assert moved and server.mail_files("alice")
    before = state(server)
    with_roost(server)
    for command in "seal", "unseal", "seal":
        rewrite(server, command)
        assert_same(state(server), before)
        if storage == "sdbox":
            assert len(files_below(alt)) == moved
        assert files_below(alt) and server.mail_files("alice")
        for path in files_below(alt) + server.mail_files("alice"):
            for start, size in servers.dbox_messages(tamper.read(path)):
                assert tamper.read(path)[start:].startswith(
                    servers.MAGIC) == (command == "seal"), path
    assert_nothing_in_clear(server)
    resync(server)
    assert_same(state(server), before)


@pytest.mark.parametrize("storage", DBOX)
def test_a_session_that_knows_the_old_places(make_server, storage):
    """It reads on, whatever was rewritten and purged meanwhile."""
    server = with_roost(plain_server(make_server, storage))
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]") == message(0, SIZES[0])
        for command in "seal", "unseal", "seal":
            rewrite(server, command)
            for number, size in enumerate(SIZES):
                text = client.fetch(number + 1, "BODY.PEEK[]")
                assert hash(text) == hash(message(number, size)), command
        client.ok("COPY 1 Copies")
        client.logout()
    assert not [line for line in server.session_log(client)
                if "Error:" in line]


def test_a_session_that_keeps_a_file_locked(make_server):
    """mdbox: what was sealed is there; what is left to be purged is said."""
    server = with_roost(plain_server(make_server, "mdbox"))
    path, = server.mail_files("alice")
    holder = subprocess.Popen(
        ["flock", "-x", path, "sh", "-c", "echo locked; cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"locked\n"
        process = subprocess.Popen(
            ["doveadm", "-c", server.conf, "roost", "seal", "-u", "alice"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=server._environment())
    finally:
        holder.communicate(b"")
    shown, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    server.assert_sealed("alice")


@pytest.mark.parametrize("storage", DBOX)
def test_others_at_work(make_server, storage):
    """Deliveries, flags, copies, expunges and purges while two runs are on:
    nothing is lost, and nothing is there twice."""
    server = make_server(storage, roost=False, users=("alice", "bob"))
    fill(server, sizes=(200,) * 60)
    with_roost(server)
    rng = random.Random(corpus.SEED)
    texts = {message(number, 200) for number in range(60)}
    runs = [subprocess.Popen(
        ["doveadm", "-c", server.conf, "roost", "seal", "-u", "alice"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=server._environment()) for _ in range(2)]
    number = 1000
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        while any(run.poll() is None for run in runs) or number < 1004:
            assert server.deliver(message(number), "alice")[0][0] == 250
            texts.add(message(number))
            client.ok("STORE %d +FLAGS (\\Flagged)" % rng.randint(1, 30))
            client.ok("COPY %d Copies" % rng.randint(1, 30))
            gone = client.fetch(1, "BODY.PEEK[]")
            client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
            client.ok("EXPUNGE")
            texts.discard(gone)
            server.doveadm("purge", "-u", "alice")
            number += 1
        client.logout()
    for run in runs:
        shown, said = run.communicate(timeout=120)
        assert b"Panic" not in said and run.returncode in (0, 75), said
    for check in range(2):
        rewrite(server, "seal")
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            shown = [client.fetch(seq, "BODY.PEEK[]") for seq
                     in range(1, client.count() + 1)]
            client.logout()
        # What LMTP adds stands before the message.
        found = [text[text.index(b"From: a@sender"):] for text in shown]
        assert len(found) == len(texts) and set(found) == texts, check
        server.assert_sealed("alice")
        resync(server)
    assert_nothing_in_clear(server, [b"canary-"])


# Others, just before the switch

PAUSE = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>

/* Says in the file that it is about to take the lock, and waits until the file
   is taken away. */
static void
pause_at(const char *name, const char *reason)
{
	int fd;

	if (strncmp(reason, "roost rewrites", 14) != 0 || !is_on())
		return;
	fd = syscall(SYS_openat, AT_FDCWD, PATH, O_WRONLY | O_APPEND);
	syscall(SYS_write, fd, "there", 5);
	syscall(SYS_close, fd);
	while (is_on())
		usleep(1000);
}

#define LOCK(name) \
int \
name(void *what, const char *reason) \
{ \
	pause_at(#name, reason); \
	return ((int (*)(void *, const char *))dlsym(RTLD_NEXT, #name))( \
		what, reason); \
}

LOCK(mail_index_lock_sync)
LOCK(mdbox_map_atomic_lock)
"""

# The same where the run waits, so that it does not go too fast.
PAUSE_AT_WAIT = PAUSE.replace("LOCK(mail_index_lock_sync)", r"""
int
nanosleep(const void *time, void *left)
{
	pause_at("nanosleep", "roost rewrites");
	return 0;
}
""").replace("LOCK(mdbox_map_atomic_lock)", "").replace(
    "usleep(1000)", "syscall(SYS_sched_yield)")

# The same just before what was moved is purged.
PAUSE_AT_PURGE = PAUSE.replace("LOCK(mail_index_lock_sync)", r"""
int
mail_storage_purge(void *storage)
{
	pause_at("mail_storage_purge", "roost rewrites");
	return ((int (*)(void *))dlsym(RTLD_NEXT, "mail_storage_purge"))(
		storage);
}
""").replace("LOCK(mdbox_map_atomic_lock)", "")


def start(server, library, command, *args):
    """Starts a run with a library of shim preloaded."""
    environment = dict(server._environment(), LD_PRELOAD=":".join(
        filter(None, [servers.PRELOAD, library.path])))
    return subprocess.Popen(
        ["doveadm", "-c", library.configuration(server), "-f", "json",
         "roost", command, "-u", "alice", *args], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


def meanwhile(server, *command, call=None, plan=("seal",), text=PAUSE):
    """Runs a command, or calls a function, while a run has written the first
    message's new form, and is about to put it in its place; returns what the
    run answers."""
    pause = shim.Shim(server, text)
    server.write(pause.flag, "", 0o666)
    run = start(server, pause, *plan)
    try:
        while tamper.read(pause.flag) != b"there":
            assert run.poll() is None, run.communicate()
            time.sleep(0.01)
        if call:
            call(pause)
        else:
            server.doveadm(*command)
    finally:
        os.unlink(pause.flag)
        shown, said = run.communicate(timeout=120)
    return run.returncode, json.loads(shown or b"[]"), said.decode()


@pytest.mark.parametrize("storage", DBOX)
def test_expunged_meanwhile(make_server, storage):
    """It does not come back."""
    server = with_roost(plain_server(make_server, storage))
    before = texts(server)
    code, rows, said = meanwhile(server, "expunge", "-u", "alice", "mailbox",
                                 "*", "header", "subject", "number 0")
    assert (code, said) == (0, "")
    kept = [row for row in before if "canary-0" not in row["text"]]
    assert_same(texts(server), kept)
    server.doveadm("purge", "-u", "alice")
    server.assert_sealed("alice")
    assert_nothing_in_clear(server)
    resync(server)
    assert_same(texts(server), kept)


@pytest.mark.parametrize("storage", DBOX)
def test_moved_to_another_mailbox_meanwhile(make_server, storage):
    """What another mailbox knows as sealed does not become plaintext there, and
    is not refused."""
    server = with_roost(plain_server(make_server, storage))
    rewrite(server, "seal")
    server.doveadm("mailbox", "create", "-u", "alice", "Moved")
    before = sorted(row["text"] for row in texts(server))
    code, _, said = meanwhile(
        server, "move", "-u", "alice", "Moved", "mailbox", "INBOX", "header",
        "subject", "number 0", plan=("unseal", "--yes-plaintext"))
    assert code in (0, 75), said
    assert sorted(row["text"] for row in texts(server)) == before
    rewrite(server, "unseal")
    assert sorted(row["text"] for row in texts(server)) == before
    assert_plain(server)


@pytest.mark.parametrize("storage", DBOX)
def test_repaired_meanwhile(make_server, storage):
    server = with_roost(plain_server(make_server, storage))
    before = state(server)
    code, _, said = meanwhile(server, "force-resync", "-u", "alice", "*")
    assert code in (0, 75), said
    rewrite(server, "seal")
    assert_same(state(server), before)
    server.assert_sealed("alice")
    assert_nothing_in_clear(server)


# A repair takes the first form of a message that it finds, so that the order in
# which it reads the folder decides.
ORDERED = r"""
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct dirent entries[1000];
static int entry_count, entry_at;

static int
compare(const void *one, const void *other)
{
	return SIGN * strverscmp(((const struct dirent *)one)->d_name,
				 ((const struct dirent *)other)->d_name);
}

struct dirent *
readdir(DIR *dir)
{
	struct dirent *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir");
	char name[64], path[4096] = "";
	struct dirent *entry;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", dirfd(dir));
	syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof(path) - 1);
	if (strstr(path, "/mdbox/storage") == NULL)
		return real(dir);
	if (entry_at == entry_count) {
		entry_at = entry_count = 0;
		while (entry_count < 1000 && (entry = real(dir)) != NULL)
			memcpy(&entries[entry_count++], entry,
			       entry->d_reclen);
		qsort(entries, entry_count, sizeof(entries[0]), compare);
	}
	return entry_at < entry_count ? &entries[entry_at++] : NULL;
}

struct dirent *our_readdir64(DIR *) __asm__("readdir64");
struct dirent *
our_readdir64(DIR *dir)
{
	return readdir(dir);
}
"""


@pytest.mark.parametrize("found", ["old", "new", "unread"])
@pytest.mark.parametrize("plan", ["seal", "reseal", "unseal"])
def test_repaired_before_the_purge(make_server, plan, found):
    """mdbox: the old and the new form of each message stand in the files when
    Dovecot repairs them, and it takes the one that it finds first.  Either is
    served, once, and running the command again finishes the work, also where
    nobody has read the old form."""
    server = with_roost(plain_server(make_server, "mdbox",
                                     copies=found != "unread"))
    before = state(server)
    args = (plan, "--yes-plaintext") if plan == "unseal" else (plan,)
    if plan != "seal":
        rewrite(server, "seal")
    if plan == "reseal":
        server.doveadm("roost", "rotate", "-u", "alice")
    text = "#define SIGN %s\n%s%s" % (
        "-1" if found == "new" else "1", PAUSE_AT_PURGE, ORDERED)

    def repair(library):
        server.doveadm("-c", library.configuration(server), "force-resync",
                       "-u", "alice", "*")
        if found != "unread":
            assert_same(state(server), before, "before the purge")

    code, _, said = meanwhile(server, call=repair, plan=args, text=text)
    assert code in (0, 75), said
    if found != "unread":
        assert_same(state(server), before, "after the purge")
    rewrite(server, plan)
    assert_same(state(server), before)
    if plan == "unseal":
        assert_plain(server)
    else:
        server.assert_sealed("alice")
        assert_nothing_in_clear(server)


def test_a_repair_later_excuses_no_plaintext(make_server):
    """mdbox: once the old forms are gone, a repair cannot bring any back, so
    that plaintext in the place of a sealed message is refused."""
    server = with_roost(plain_server(make_server, "mdbox", copies=False))
    # So that the index cache gets to know what is sealed.
    state(server)
    rewrite(server, "seal")
    resync(server)
    place = tamper.Reader(server, "alice").find(WORDS[0])
    tamper.replace(place, b"Subject: evil\n\n".ljust(len(place[2]), b"x"))
    done = server.doveadm("fetch", "-u", "alice", "text", "mailbox", "INBOX",
                          "uid", "1", check=False)
    assert done.returncode != 0 and b"[unsealed]" in done.stderr
    code, rows, _ = rewrite(server, "seal", check=False)
    assert code == 75
    assert "[unsealed]" in [row["reason"] for row in rows
                            if row["uid"] == "1"][0]


KILL_AT_NAME = r"""
#include <dlfcn.h>
#include <signal.h>
#include <string.h>

/* The process ends when the file of mdbox has its name. */
int
rename(const char *from, const char *to)
{
	int ret = ((int (*)(const char *, const char *))dlsym(RTLD_NEXT,
		"rename"))(from, to);

	if (strstr(to, "/storage/m.") != NULL)
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	return ret;
}
"""


def killed_at_name(make_server):
    """Returns a server on which a run was killed when its new file had its
    name, of which the map does not know yet; and the paths of the old and of
    the new file."""
    server = with_roost(plain_server(make_server, "mdbox", copies=False))
    old, = server.mail_files("alice")
    run = start(server, shim.Shim(server, KILL_AT_NAME), "seal")
    run.communicate(timeout=120)
    assert run.returncode == -signal.SIGKILL
    new, = set(server.mail_files("alice")) - {old}
    return server, old, new


def test_a_file_that_nobody_knows(make_server):
    """The next run removes what a killed one has left, also if it is another
    command."""
    server, _, new = killed_at_name(make_server)
    before = state(server)
    rewrite(server, "unseal")
    assert not os.path.exists(new)
    assert_same(state(server), before)
    rewrite(server, "seal")
    assert len(server.objects("alice")) == len(SIZES)
    assert_nothing_in_clear(server)


def test_a_file_that_nobody_knows_and_is_needed(make_server):
    """Where the storage and its map do not belong together, as where parts of
    it were put back from a backup, nothing is removed."""
    server, old, new = killed_at_name(make_server)
    os.unlink(old)
    code, _, said = rewrite(server, "seal", check=False)
    assert code == 75 and "force-resync" in said, said
    assert os.path.exists(new)
    resync(server)
    for word in WORDS:
        assert any(word.decode() in row["text"] for row in texts(server))


def test_a_message_that_nobody_knows(make_server):
    """One that stands whole at the end of a file, and nowhere else, is not cut
    off with what a purge has left there: a repair takes it in."""
    server, old, _ = killed_at_name(make_server)
    content = tamper.read(old)
    block = content[content.rindex(b"\x01\x02N"):]
    guid = re.search(rb"\nG([0-9a-f]{32})\n", block).group(1)
    other = block.replace(WORDS[-1], WORDS[-1][::-1]).replace(
        guid, guid[::-1])
    assert other != block and len(other) == len(block)
    with open(old, "ab") as file:
        file.write(block + other + block + block[:len(block) // 2])
    for _ in range(3):
        if rewrite(server, "seal", check=False)[0] == 0:
            break
    else:
        assert False
    found = [row["text"] for row in texts(server)]
    for word in WORDS + [WORDS[-1][::-1]]:
        assert sum(word.decode() in text for text in found) == 1, word
    assert_nothing_in_clear(server)


def test_nothing_is_held_while_it_waits(make_server):
    """mdbox: what was written before is in its place, and no file is kept
    from a purge."""
    server = with_roost(plain_server(make_server, "mdbox", copies=False))

    def look(_):
        kinds = {content.startswith(servers.MAGIC)
                 for _, _, content in server.objects("alice")}
        assert kinds == {True, False}
        for path in server.mail_files("alice"):
            assert subprocess.run(["flock", "-n", path, "true"]
                                  ).returncode == 0, path
        server.doveadm("purge", "-u", "alice")
        assert server.find_on_disk(WORDS[0]) == []

    code, _, said = meanwhile(server, call=look, text=PAUSE_AT_WAIT,
                              plan=("seal", "--rate", "1"))
    assert code == 0, said
    assert_nothing_in_clear(server)


@pytest.mark.parametrize("storage", DBOX)
def test_keyring_goes_away_meanwhile(make_server, storage):
    """What was sealed to it would open nowhere: the old forms stay."""
    server = with_roost(plain_server(make_server, storage))
    before = state(server)
    path = tamper.keyring_path(server, "alice")
    code, rows, said = meanwhile(
        server, call=lambda _: os.rename(path, path + ".away"))
    assert code == 75, said
    # Each is listed once, and none is counted as sealed.
    left = [(row["mailbox"], row["uid"]) for row in rows
            if "keyring" in row["reason"]]
    assert len(left) == len(set(left)) == 2 * len(SIZES), rows
    assert [(row["sealed"], row["left"]) for row in rows
            if row["uid"] == "*"] == [("0", str(len(SIZES)))] * 2
    assert_plain(server)
    os.rename(path + ".away", path)
    assert_same(state(server), before)
    rewrite(server, "seal")
    assert_same(state(server), before)
    assert_nothing_in_clear(server)


def test_moved_to_the_alternate_storage_meanwhile(make_server):
    """sdbox: it is there once."""
    server = make_server("sdbox", roost=False, users=("alice", "bob"),
                         start=False)
    alt = alternate(server)
    server.start()
    fill(server, copies=False)
    before = state(server)
    with_roost(server)
    code, _, said = meanwhile(server, "altmove", "-u", "alice", "mailbox",
                              "INBOX", "uid", "1")
    assert (code, said) == (0, "")
    path, = files_below(alt)
    assert servers.MAGIC in tamper.read(path)
    assert os.path.basename(path) not in [
        os.path.basename(name) for name in server.mail_files("alice")]
    assert_same(state(server), before)
    assert_nothing_in_clear(server)


def file_of(server, uid):
    """Returns the path of a message of alice's INBOX in the primary storage."""
    return os.path.join(server.home("alice"),
                        "sdbox/mailboxes/INBOX/dbox-Mails/u.%d" % uid)


def put_file(path, content):
    with open(path, "wb") as file:
        file.write(content)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_move_that_was_killed(make_server, when):
    """sdbox: the other file of the message goes, in whichever form it is; the
    message is there once, and no word of it in clear."""
    server = make_server("sdbox", roost=False, users=("alice", "bob"),
                         start=False)
    alt = alternate(server)
    server.start()
    fill(server, copies=False)
    args = ("-u", "alice", "mailbox", "INBOX", "uid", "2")
    primary = file_of(server, 2)
    plain = tamper.read(primary)
    server.doveadm("altmove", *args)
    moved, = files_below(alt)
    server.doveadm("altmove", "-r", *args)
    assert files_below(alt) == [] and tamper.read(primary) == plain
    before = state(server)
    with_roost(server)
    if when == "after":
        rewrite(server, "seal")
    put_file(moved, plain)
    code, rows, said = rewrite(server, "seal")
    assert files_below(alt) == []
    assert_same(state(server), before)
    assert_nothing_in_clear(server)
    # The sealed form beside the plaintext, on the way out.
    put_file(moved, tamper.read(primary))
    rewrite(server, "unseal")
    assert files_below(alt) == []
    assert_same(state(server), before)


def test_a_stray_file_that_is_needed(make_server):
    """sdbox: what is another message, or the only whole file of it, stays."""
    server = make_server("sdbox", roost=False, users=("alice", "bob"),
                         start=False)
    alt = alternate(server)
    server.start()
    fill(server, copies=False)
    args = ("-u", "alice", "mailbox", "INBOX", "all")
    kept = {uid: tamper.read(file_of(server, uid)) for uid in (1, 2)}
    server.doveadm("altmove", *args)
    folder = os.path.dirname(files_below(alt)[0])
    server.doveadm("altmove", "-r", *args)
    with_roost(server)
    rewrite(server, "seal")
    for name, uid in ("u.1", 2), ("u.2", 2):
        put_file(os.path.join(folder, name), kept[uid])
    place, = [item[:3] for item in tamper.Reader(server, "alice").messages()
              if WORDS[1] in item[3]]
    tamper.flip(place, -40)
    code, rows, _ = rewrite(server, "seal", check=False)
    assert code == 75
    left = {row["uid"]: row["reason"] for row in rows if row["uid"] != "*"}
    assert set(left) == {"1", "2"}, left
    assert all("another file of it, which stays" in reason
               for reason in left.values())
    for name in "u.1", "u.2":
        assert tamper.read(os.path.join(folder, name)) == kept[2]


@pytest.mark.parametrize("storage", ("maildir",) + DBOX)
def test_temporary_files_are_told(make_server, storage):
    """What a session left that was killed may hold a message in clear."""
    server = with_roost(plain_server(make_server, storage))
    folder = {"maildir": "Maildir/tmp", "mdbox": "mdbox/storage",
              "sdbox": "sdbox/mailboxes/INBOX/dbox-Mails"}[storage]
    name = "1.M2P3.host" if storage == "maildir" else ".temp.1.P2Q3M4.host"
    path = os.path.join(server.home("alice"), folder, name)
    put_file(path, message(1))
    code, _, said = rewrite(server, "seal", "--finish")
    assert "INBOX are 1 files that are no messages" in said, said
    os.unlink(path)
    code, _, said = rewrite(server, "seal", "--finish")
    assert "are no messages" not in said, said


FULL_DISK = "{ errno = ENOSPC; return -1; }"
WRONG = r"""
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

/* Is it the first that is written, and long, to a file of messages? */
static int
is_wrong(int fd, size_t size)
{
	static int is_over;
	char name[64], path[4096];
	long len;

	if (is_over || size < 1000 || !is_on())
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	len = syscall(SYS_readlinkat, AT_FDCWD, name, path,
		      sizeof(path) - 1);
	path[len < 0 ? 0 : len] = 0;
	is_over = strstr(path, "/.temp.") != NULL ||
		strstr(path, "/storage/m.") != NULL;
	return is_over;
}

#define PWRITE(name) \
ssize_t name(int fd, const void *data, size_t size, off_t off) \
{ \
	if (is_wrong(fd, size)) \
		((char *)data)[size / 2] ^= 1; \
	return syscall(SYS_pwrite64, fd, data, size, off); \
}

PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t
write(int fd, const void *data, size_t size)
{
	if (is_wrong(fd, size))
		((char *)data)[size / 2] ^= 1;
	return syscall(SYS_write, fd, data, size);
}

ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	if (is_wrong(fd, iov[0].iov_len))
		((char *)iov[0].iov_base)[iov[0].iov_len / 2] ^= 1;
	return syscall(SYS_writev, fd, iov, count);
}
"""


FULL = WRONG.replace("((char *)data)[size / 2] ^= 1", FULL_DISK).replace(
    "((char *)iov[0].iov_base)[iov[0].iov_len / 2] ^= 1", FULL_DISK)


@pytest.mark.parametrize("storage", DBOX)
def test_a_disk_that_is_full(make_server, storage):
    """The run ends there; what was done before it is done."""
    server = with_roost(plain_server(make_server, storage, copies=False))
    before = state(server)
    full = shim.Shim(server, FULL)
    full.on()
    run = start(server, full, "seal")
    _, said = run.communicate(timeout=120)
    full.off()
    assert run.returncode == 75, said
    assert b"No space left" in said and b"It ends here" in said, said
    assert [content for _, _, content in server.objects("alice")
            if WORDS[1] in content]
    assert_same(state(server), before)
    rewrite(server, "seal")
    assert_same(state(server), before)
    assert_nothing_in_clear(server)


@pytest.mark.parametrize("storage", DBOX)
def test_a_disk_that_keeps_other_bytes(make_server, storage):
    """What is read back differs: the old form stays."""
    server = with_roost(plain_server(make_server, storage, copies=False))
    before, stored = state(server), server.objects("alice")
    wrong = shim.Shim(server, WRONG)
    wrong.on()
    run = start(server, wrong, "seal")
    shown, said = run.communicate(timeout=120)
    wrong.off()
    assert run.returncode == 75, said
    left, = [row for row in json.loads(shown) if row["uid"] != "*"]
    assert left["uid"] == "2" and left["reason"]
    kept, = [item[2] for item in stored if WORDS[1] in item[2]]
    assert kept in [item[2] for item in server.objects("alice")]
    assert_same(state(server), before)
    rewrite(server, "seal")
    assert_same(state(server), before)
    server.assert_sealed("alice")


# Damage

@pytest.mark.parametrize("storage", DBOX)
def test_a_damaged_message_stays(make_server, storage):
    """It is listed, and the others are done."""
    server = with_roost(plain_server(make_server, storage))
    rewrite(server, "seal")
    tamper.flip(tamper.Reader(server, "alice").messages()[0][:3] if
                storage == "mdbox" else next(
                    item[:3] for item in
                    tamper.Reader(server, "alice").messages()
                    if WORDS[0] in item[3]), -40)
    damaged = [item[2] for item in server.objects("alice")
               if tamper.Reader(server, "alice").open(item[2])[0] != "ok"]
    code, rows, said = rewrite(server, "unseal", check=False)
    assert code != 0
    left = [row for row in rows if row["uid"] != "*"]
    assert {row["uid"] for row in left} == {"1"}
    assert all("[" in row["reason"] for row in left)
    kept = [item[2] for item in server.objects("alice")
            if item[2].startswith(servers.MAGIC)]
    assert len(kept) == len(damaged) and set(kept) == set(damaged)


def test_records_that_are_not_whole(make_server):
    """sdbox: a file without the record's end, and one with more behind it."""
    server = plain_server(make_server, "sdbox")
    with_roost(server)
    paths = {os.path.basename(path): path
             for path in server.mail_files("alice") if "INBOX" in path}
    for name in "u.1", "u.2":
        content = tamper.read(paths[name])
        assert content.endswith(b"\n\n")
        os.unlink(paths[name])
        tamper.write(paths[name], content[:-1] if name == "u.1"
                     else content + b"more", 0o600)
        os.chown(paths[name], servers.MAIL_UID, servers.MAIL_GID)
    code, rows, said = rewrite(server, "seal", "INBOX", check=False)
    assert code != 0
    reasons = {row["uid"]: row["reason"] for row in rows}
    assert "no whole record" in reasons["1"]
    assert "more in it" in reasons["2"]
    assert tamper.read(paths["u.1"]).startswith(b"2 ")
    assert WORDS[1] in tamper.read(paths["u.2"])
    assert servers.MAGIC in tamper.read(paths["u.3"])
