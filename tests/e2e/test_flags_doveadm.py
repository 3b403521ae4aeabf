# SPDX-License-Identifier: MIT
"""doveadm roost flags: list, rename, merge, purge, doctor."""

import glob
import json
import os
import re
import shutil
import threading

import pytest

import server as servers
import virtualbox
from server import STORAGES

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs the commands")

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"
USAGE, NOUSER, NOTFOUND, FOUND = 64, 67, 68, 2


@pytest.fixture(scope="module", params=STORAGES)
def server(request, make_module_server):
    """Several users, of whom each test takes its own."""
    return make_module_server(request.param, users=(
        "lister", "renamer", "merger", "dry", "purger", "mover", "errs",
        "doc", "watcher", "server"))


@pytest.fixture(scope="module")
def maildir(make_module_server):
    return make_module_server("maildir")


@pytest.fixture(scope="module")
def plain(make_module_server):
    """A server where nobody has the plugin, but doveadm the commands."""
    return make_module_server("sdbox", roost=False)


def flags(server, *args, user=None, **options):
    """(exit status, rows, what it complained about)"""
    if user:
        args = args[:1] + ("-u", user) + args[1:]
    done = server.doveadm("-f", "json", "roost", "flags", *args, check=False,
                          **options)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done.returncode, rows, done.stderr.decode()


def fill(client, mailbox, *keywords):
    """A message for each of the lists of keywords."""
    if mailbox != "INBOX":
        client.ok("CREATE %s" % mailbox)
    for words in keywords:
        assert client.append(mailbox, MESSAGE, words).ok


def state(client, mailbox):
    """{uid: (keywords in lower case, MODSEQ)}, HIGHESTMODSEQ"""
    answer = client.ok("SELECT %s (CONDSTORE)" % mailbox)
    highest = int(re.search(rb"HIGHESTMODSEQ (\d+)",
                            b"".join(answer.untagged)).group(1))
    answer = client.ok("UID FETCH 1:* (FLAGS MODSEQ)")
    found = {}
    for line in answer.untagged:
        uid = re.search(rb"UID (\d+)", line)
        if uid is None:
            continue
        words = re.search(rb"FLAGS \(([^)]*)\)", line).group(1).decode()
        found[int(uid.group(1))] = (
            {word for word in words.lower().split()
             if not word.startswith("\\")},
            int(re.search(rb"MODSEQ \((\d+)\)", line).group(1)))
    client.ok("CLOSE")
    return found, highest


def counts(rows, key="messages"):
    """By names in lower case: mailboxes come in no order, and the first
    one's spelling stands for all."""
    return {(row["mailbox"], row["keyword"].lower()): int(row[key])
            for row in rows}


def changed(rows):
    return {row["mailbox"]: int(row["changed"]) for row in rows}


# list

def test_list_counts(server):
    client = server.raw("lister")
    fill(client, "INBOX", "Zahnarzt $Forwarded", "Zahnarzt", "", "Rest")
    fill(client, "Work", "zahnarzt \\Seen", "Plan")
    client.ok("SELECT INBOX")
    client.ok("STORE 4 -FLAGS (Rest)")
    client.ok("CLOSE")
    code, rows, said = flags(server, "list", user="lister")
    assert (code, said) == (0, "")
    assert counts(rows) == {
        ("INBOX", "zahnarzt"): 2, ("INBOX", "$forwarded"): 1,
        ("INBOX", "rest"): 0, ("Work", "zahnarzt"): 1, ("Work", "plan"): 1,
        ("*", "zahnarzt"): 3, ("*", "$forwarded"): 1, ("*", "rest"): 0,
        ("*", "plan"): 1}
    assert [row["keyword"] for row in rows if row["mailbox"] == "INBOX"] == [
        "$Forwarded", "Rest", "Zahnarzt"]
    only = flags(server, "list", "Work", user="lister")[1]
    assert {row["mailbox"] for row in only} == {"Work"}
    assert flags(server, "list", "-m", "Work", user="lister")[1] == only
    some = flags(server, "list", "Wo*", user="lister")[1]
    assert {row["mailbox"] for row in some} == {"Work", "*"}
    both = flags(server, "list", "Work", "INBOX", user="lister")[1]
    assert counts(both) == counts(rows)


@pytest.mark.parametrize("how", ["tab", "table", "flow"])
def test_list_in_every_format(server, how):
    fill(server.raw("watcher"), "INBOX", "Tag")
    done = server.doveadm("-f", how, "roost", "flags", "list", "-u",
                          "watcher")
    assert b"Tag" in done.stdout and done.stderr == b""


def test_real_names_in_and_tokens_on_disk(server):
    client = server.raw("server")
    fill(client, "INBOX", "Kuendigung", "Kuendigung")
    code, rows, _ = flags(server, "rename", "kuendigung", "Scheidung",
                          user="server")
    assert (code, changed(rows)) == (0, {"INBOX": 2})
    assert counts(flags(server, "list", "INBOX", user="server")[1]) == {
        ("INBOX", "kuendigung"): 0, ("INBOX", "scheidung"): 2}
    home = server.home("server").encode()
    hits = server.find_on_disk(b"uendigung", b"cheidung", everywhere=True)
    assert not [hit for hit in hits if hit[0].encode().startswith(home)]


def test_without_the_plugin(plain):
    client = plain.raw("alice")
    fill(client, "INBOX", "Plan", "Plan $Junk")
    code, rows, _ = flags(plain, "rename", "plan", "Ziel", user="alice")
    assert (code, changed(rows)) == (0, {"INBOX": 2})
    assert counts(flags(plain, "list", "INBOX", user="alice")[1]) == {
        ("INBOX", "plan"): 0, ("INBOX", "ziel"): 2, ("INBOX", "$junk"): 1}


def test_virtual_mailboxes_are_not_counted_twice(make_server):
    server = make_server("sdbox", users=("alice",), plugins=["virtual"],
                         extra=virtualbox.SETTINGS, start=False)
    virtualbox.add(server, "alice", "all", "INBOX", "  all")
    server.start()
    client = server.raw("alice")
    fill(client, "INBOX", "Plan", "Plan Rest")
    client.ok("SELECT virtual/all")
    client.ok("CLOSE")
    for masks in ((), ("*",)):
        code, rows, said = flags(server, "list", *masks, user="alice")
        assert (code, said) == (0, "")
        assert counts(rows) == {
            ("INBOX", "plan"): 2, ("INBOX", "rest"): 1, ("*", "plan"): 2,
            ("*", "rest"): 1}
    code, rows, _ = flags(server, "rename", "Plan", "Ziel", user="alice")
    assert (code, changed(rows)["INBOX"]) == (0, 2)
    code, rows, _ = flags(server, "rename", "Rest", "Ende", "virtual/all",
                          user="alice")
    assert (code, changed(rows)) == (0, {"virtual/all": 1})
    found, _ = state(client, "INBOX")
    assert [found[uid][0] for uid in (1, 2)] == [{"ziel"}, {"ziel", "ende"}]


def test_a_name_that_stands_there_twice(make_server):
    """As a token, and written plainly by a Dovecot without Roost."""
    for storage in ("maildir", "sdbox"):
        server = make_server(storage, users=("alice",))
        fill(server.raw("alice"), "INBOX", "Plan Kept", "", "Rest Kept")
        server.roost = False
        server.reload()
        client = server.raw("alice")
        client.ok("SELECT INBOX")
        client.ok("STORE 2 +FLAGS (plan)")
        client.logout()
        server.roost = True
        server.reload()
        assert counts(flags(server, "list", "INBOX", user="alice")[1]) == {
            ("INBOX", "plan"): 2, ("INBOX", "rest"): 1, ("INBOX", "kept"): 2}
        code, rows, said = flags(server, "merge", "Ziel", "PLAN", "plan",
                                 "Rest", "rest", user="alice")
        assert (code, said, changed(rows)) == (0, "", {"INBOX": 3})
        found, _ = state(server.raw("alice"), "INBOX")
        assert [found[uid][0] for uid in (1, 2, 3)] == [
            {"ziel", "kept"}, {"ziel"}, {"ziel", "kept"}]


# rename and merge

def untouched(before, after, but):
    assert {uid: entry for uid, entry in before.items() if uid not in but} \
        == {uid: entry for uid, entry in after.items() if uid not in but}


def test_rename_moves_modseq_once(server):
    client = server.raw("renamer")
    fill(client, "INBOX", "Old Other", "Other", "Old New", "", "old New2",
         "New")
    fill(client, "Empty")
    before, highest = state(client, "INBOX")
    other = server.raw("renamer")
    other.ok("SELECT INBOX (CONDSTORE)")
    code, rows, said = flags(server, "rename", "OLD", "New", user="renamer")
    assert (code, said) == (0, "")
    assert changed(rows) == {"INBOX": 3, "Empty": 0}

    seen = other.ok("NOOP").untagged
    fetches = [line for line in seen if b" FETCH (" in line]
    assert [int(line.split()[1]) for line in fetches] == [1, 3, 5]
    assert all(b"MODSEQ" in line and b"Old" not in line and
               b"New" in line for line in fetches)
    other.ok("CLOSE")

    after, now = state(client, "INBOX")
    assert [after[uid][0] for uid in sorted(after)] == [
        {"new", "other"}, {"other"}, {"new"}, set(), {"new", "new2"},
        {"new"}]
    untouched(before, after, {1, 3, 5})
    # A name is a record of the log, and a record a step: one transaction,
    # one value for all who got the new name.
    steps = {after[uid][1] for uid in (1, 5)}
    assert steps == {now} and highest < after[3][1] <= now <= highest + 2
    # Nothing is left to do, so nothing moves.
    code, rows, _ = flags(server, "rename", "Old", "New", user="renamer")
    assert (code, changed(rows)) == (0, {"INBOX": 0, "Empty": 0})
    assert state(client, "INBOX") == (after, now)


def test_rename_survives_a_restart(make_server):
    for storage in STORAGES:
        server = make_server(storage, users=("alice",))
        fill(server.raw("alice"), "INBOX", "Old", "Old Other", "")
        assert flags(server, "rename", "Old", "New", user="alice")[0] == 0
        server.reload()
        found, _ = state(server.raw("alice"), "INBOX")
        assert [found[uid][0] for uid in (1, 2, 3)] == [
            {"new"}, {"new", "other"}, set()]


def test_merge(server):
    client = server.raw("merger")
    fill(client, "INBOX", "Junk", "JunkRecorded Junk x", "$Junk Junk",
         "$Junk", "x")
    fill(client, "Spam", "Junk", "")
    before, highest = state(client, "INBOX")
    code, rows, said = flags(server, "merge", "-m", "INBOX", "$Junk", "junk",
                             "JunkRecorded", "nobody-has-it", user="merger")
    assert (code, said) == (0, "") and changed(rows) == {"INBOX": 3}
    after, now = state(client, "INBOX")
    assert [after[uid][0] for uid in sorted(after)] == [
        {"$junk"}, {"$junk", "x"}, {"$junk"}, {"$junk"}, {"x"}]
    untouched(before, after, {1, 2, 3})
    assert now <= highest + 3
    assert all(highest < after[uid][1] <= now for uid in (1, 2, 3))
    found, _ = state(client, "Spam")
    assert found[1][0] == {"junk"}
    code, rows, _ = flags(server, "merge", "$Junk", "Junk", user="merger")
    assert (code, changed(rows)) == (0, {"INBOX": 0, "Spam": 1})


def tree(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.join(path, name)] = file.read()
    return found


def test_dry_run_changes_nothing(server):
    client = server.raw("dry")
    fill(client, "INBOX", "Old", "Old New", "Other")
    before = state(client, "INBOX")
    client.logout()
    # Of a folder that changed just now, Dovecot notes the time once more.
    for folder, _, _ in os.walk(server.home("dry")):
        os.utime(folder, (1e9, 1e9))
    # What is written at first use of a mailbox is written now.
    flags(server, "rename", "-n", "Old", "New", user="dry")
    disk = tree(server.home("dry"))
    for args in (("rename", "-n", "Old", "New"),
                 ("rename", "--dry-run", "Old", "Fresh"),
                 ("merge", "--dry-run", "New", "Old", "Nobody")):
        code, rows, said = flags(server, *args, user="dry")
        assert (code, said) == (0, "") and changed(rows) == {"INBOX": 2}
    now = tree(server.home("dry"))
    assert now.keys() == disk.keys()
    assert [path for path in now if now[path] != disk[path]] == []
    assert state(server.raw("dry"), "INBOX") == before


@pytest.mark.parametrize("args, reason", [
    (("rename", "Old", "\\Seen"), "system flag"),
    (("rename", "\\Seen", "New"), "system flag"),
    (("rename", "Old", "two words"), "cannot be a keyword"),
    (("rename", "Old", "a]"), "cannot be a keyword"),
    (("rename", "Old", ""), "cannot be a keyword"),
    (("rename", "Old", "Stra\u00dfe"), "cannot be a keyword"),
    (("rename", "", "New"), "not empty"),
    (("rename", "Old", "OLD"), "case does not count"),
    (("merge", "Old", "Older", "old"), "case does not count"),
    (("rename", "Old"), "rename"),
    (("merge", "Old"), "merge"),
])
def test_wrong_arguments(maildir, args, reason):
    code, rows, said = flags(maildir, *args, user="dave")
    assert (code, rows) == (USAGE, []) and reason in said


def test_a_name_that_is_too_long(server):
    client = server.raw("errs")
    fill(client, "INBOX", "Langer", "Langer")
    before = state(client, "INBOX")
    for args in ((), ("-n",)):
        code, rows, said = flags(server, "rename", *args, "Langer", "n" * 60,
                                 user="errs")
        assert (code, rows) == (USAGE, []) and "too long" in said
    assert state(client, "INBOX") == before


def test_a_token_is_no_name(maildir):
    client = maildir.raw("erin")
    fill(client, "INBOX", "Einer", "Einer")
    before = state(client, "INBOX")
    code, rows, said = flags(maildir, "rename", "Einer", "rk1-" + "a" * 30,
                             user="erin")
    assert code != 0 and rows == [] and "INBOX" in said
    assert state(client, "INBOX")[0] == before[0]


def test_no_flag_is_lost_beside_busy_clients(make_server):
    """Old and New take turns while clients set and clear something else,
    and the one of them that a message does not have."""
    for storage in ("maildir", "sdbox"):
        server = make_server(storage, users=("alice",))
        fill(server.raw("alice"), "INBOX", *["Old Kept"] * 20)
        stop, failures = threading.Event(), []

        def toggle(word):
            client = server.raw("alice")
            client.ok("SELECT INBOX")
            number = 0
            while not stop.is_set():
                number = number % 20 + 1
                for sign in "+-":
                    answer = client.cmd("STORE %d %sFLAGS (%s)" % (
                        number, sign, word))
                    if not answer.ok:
                        failures.append(answer)

        busy = [threading.Thread(target=toggle, args=(word,))
                for word in ("One", "Two")]
        for thread in busy:
            thread.start()
        try:
            for old, new in [("Old", "New"), ("New", "Old")] * 6:
                code, rows, said = flags(server, "rename", old, new,
                                         user="alice")
                assert (code, said, changed(rows)) == (0, "", {"INBOX": 20})
        finally:
            stop.set()
            for thread in busy:
                thread.join()
        assert not failures
        found, _ = state(server.raw("alice"), "INBOX")
        assert [words for words, _ in found.values()] == \
            [{"old", "kept"}] * 20


# unused

def test_unused_names_are_told_and_stay(server):
    client = server.raw("purger")
    fill(client, "INBOX", "Used", "Unused Used")
    client.ok("SELECT INBOX")
    client.ok("STORE 2 -FLAGS (Unused)")
    client.ok("CLOSE")
    before = state(client, "INBOX")
    code, rows, said = flags(server, "unused", user="purger")
    assert (code, said) == (0, "")
    assert [(row["mailbox"], row["keyword"]) for row in rows] == [
        ("INBOX", "Unused")]
    assert ("letter" if server.storage == "maildir" else "rebuild") in \
        rows[0]["reason"]
    assert state(client, "INBOX") == before
    code, rows, said = flags(server, "unused", user="watcher")
    assert (code, rows, said) == (0, [], "")


def test_a_copy_has_only_the_names_in_use(server):
    """What the manual page advises."""
    client = server.raw("mover")
    fill(client, "INBOX", "Used", "Gone Used")
    client.ok("SELECT INBOX")
    client.ok("STORE 2 -FLAGS (Gone)")
    client.ok("CLOSE")
    copy = "%s:~/copy" % server.storage
    server.doveadm("backup", "-u", "mover", copy)
    option = ["-o", "mail_path=~/copy"] if servers.NEW else [
        "-o", "mail_location=" + copy]
    done = server.doveadm(*option, "-f", "json", "roost", "flags", "list",
                          "-u", "mover", "INBOX")
    assert counts(json.loads(done.stdout)) == {("INBOX", "used"): 2}
    done = server.doveadm(*option, "-f", "json", "fetch", "-u", "mover",
                          "uid flags", "mailbox", "INBOX")
    assert [(row["uid"], "Used" in row["flags"])
            for row in json.loads(done.stdout)] == [("1", True), ("2", True)]


# doctor

def findings(rows):
    return {(row["mailbox"], row["finding"], row["keyword"]):
            int(row["count"]) for row in rows}


def test_doctor_of_a_healthy_mailbox(server):
    fill(server.raw("doc"), "INBOX", "Plan $Forwarded", "Junk", "")
    assert flags(server, "doctor", "INBOX", user="doc") == (0, [], "")


def test_doctor_of_names(server):
    client = server.raw("doc")
    fill(client, "Names", "Junk", "$Junk", "$junk JunkRecorded", "NonJunk",
         "$NotJunk Junk", "NonJunk $Junk junk", "LABEL3", "$Label3",
         "$HasAttachment $HasNoAttachment", "$memo $hasmemo",
         "$muted $followed", "$muted", "Gone")
    client.ok("SELECT Names")
    client.ok("STORE 13 -FLAGS (Gone)")
    client.ok("CLOSE")
    code, rows, said = flags(server, "doctor", "Names", user="doc")
    assert (code, said) == (FOUND, "")
    assert findings(rows) == {
        ("Names", "alias", "Junk"): 3,
        ("Names", "alias", "JunkRecorded"): 1,
        ("Names", "alias", "NonJunk"): 2,
        ("Names", "alias", "LABEL3"): 1,
        ("Names", "both", "$Junk $NotJunk"): 2,
        ("Names", "both", "$HasAttachment $HasNoAttachment"): 1,
        ("Names", "both", "$hasmemo $memo"): 1,
        ("Names", "both", "$followed $muted"): 1,
        ("Names", "unused", "Gone"): 0}
    assert "$Junk" in [row for row in rows
                       if row["keyword"] == "JunkRecorded"][0]["advice"]
    assert flags(server, "merge", "-m", "Names", "$Junk", "Junk",
                 "JunkRecorded", user="doc")[0] == 0
    rows = flags(server, "doctor", "Names", user="doc")[1]
    assert ("Names", "alias", "Junk") not in findings(rows)


def test_unused_names_alone_are_no_finding(server):
    client = server.raw("doc")
    fill(client, "Unused", "Gone Kept")
    client.ok("SELECT Unused")
    client.ok("STORE 1 -FLAGS (Gone)")
    client.ok("CLOSE")
    code, rows, _ = flags(server, "doctor", "Unused", user="doc")
    assert (code, findings(rows)) == (0, {("Unused", "unused", "Gone"): 0})


def test_doctor_of_many_names(server):
    client = server.raw("doc")
    fill(client, "Many", "")
    client.ok("SELECT Many")
    for start in range(0, 201, 67):
        client.ok("STORE 1 +FLAGS (%s)" % " ".join(
            "name%d" % number for number in range(start, start + 67)))
    client.ok("CLOSE")
    code, rows, _ = flags(server, "doctor", "Many", user="doc")
    assert code == FOUND
    found = findings(rows)
    assert found[("Many", "many", "")] == 201
    if server.storage == "maildir":
        assert found.pop(("Many", "letters", "")) == 26
    assert list(found) == [("Many", "many", "")]


def test_doctor_of_letters(maildir):
    client = maildir.raw("alice")
    fill(client, "Few", " ".join("name%d" % number for number in range(19)))
    fill(client, "More", " ".join("name%d" % number for number in range(20)))
    assert flags(maildir, "doctor", "Few", user="alice")[:2] == (0, [])
    code, rows, _ = flags(maildir, "doctor", "More", user="alice")
    assert (code, findings(rows)) == (FOUND, {("More", "letters", ""): 20})


def keywords_file(server, user, mailbox):
    return os.path.join(server.home(user), "Maildir", "." + mailbox,
                        "dovecot-keywords")


def forget_index(server, user, mailbox):
    folder = os.path.dirname(keywords_file(server, user, mailbox))
    for path in glob.glob(os.path.join(folder, "dovecot.index*")):
        os.unlink(path)


def test_doctor_of_names_lost_twice(maildir):
    """The letter b lost its name, and what Dovecot would call it was taken:
    it appends a question mark.  That stands on disk as it is."""
    client = maildir.raw("bob")
    fill(client, "Twice", "One", "One Two")
    client.logout()
    path = keywords_file(maildir, "bob", "Twice")
    maildir.write(path, "0 unknown-1\n", 0o600)
    maildir.own(os.path.dirname(path))
    forget_index(maildir, "bob", "Twice")
    code, rows, _ = flags(maildir, "doctor", "Twice", user="bob")
    assert (code, findings(rows)) == (FOUND, {
        ("Twice", "unknown", "unknown-1"): 2,
        ("Twice", "unknown", "unknown-1?"): 1})
    with open(path, encoding="ascii") as file:
        assert sorted(file.read().split("\n")[:-1]) == [
            "0 unknown-1", "1 unknown-1?"]


def test_doctor_of_lost_names(maildir):
    client = maildir.raw("bob")
    fill(client, "Lost", "One", "One Two", "")
    client.logout()
    os.unlink(keywords_file(maildir, "bob", "Lost"))
    forget_index(maildir, "bob", "Lost")
    code, rows, _ = flags(maildir, "doctor", "Lost", user="bob")
    assert (code, findings(rows)) == (FOUND, {
        ("Lost", "unknown", "unknown-0"): 2,
        ("Lost", "unknown", "unknown-1"): 1})
    code, rows, _ = flags(maildir, "rename", "unknown-0", "One", "Lost",
                          user="bob")
    assert (code, changed(rows)) == (0, {"Lost": 2})
    found, _ = state(maildir.raw("bob"), "Lost")
    assert found[1][0] == {"one"} and found[2][0] == {"one", "unknown-1"}


def test_doctor_of_invalid_names(maildir):
    client = maildir.raw("carol")
    fill(client, "Bad", "\\Seen", "\\Seen", "\\Seen $Forwarded")
    client.logout()
    folder = os.path.dirname(keywords_file(maildir, "carol", "Bad"))
    maildir.write(os.path.join(folder, "dovecot-keywords"),
                  "0 $Forwarded\n1 bad(name\n2 w\x1b[31m\u00fc\n", 0o600)
    maildir.own(folder)
    for path in glob.glob(os.path.join(folder, "dovecot.index*")):
        os.unlink(path)
    files = sorted(glob.glob(os.path.join(folder, "cur", "*")))
    os.rename(files[0], files[0] + "b")
    os.rename(files[1], files[1] + "bc")
    code, rows, _ = flags(maildir, "doctor", "Bad", user="carol")
    assert (code, findings(rows)) == (FOUND, {
        ("Bad", "invalid", "bad(name"): 2,
        ("Bad", "invalid", "w\ufffd[31m\u00fc"): 1})
    code, rows, _ = flags(maildir, "rename", "bad(name", "Good",
                          user="carol")
    assert (code, changed(rows)["Bad"]) == (0, 2)
    found, _ = state(maildir.raw("carol"), "Bad")
    assert sum("good" in words for words, _ in found.values()) == 2
    assert not any("bad(name" in words for words, _ in found.values())


# doctor --fix

def lose_names(server, user, mailbox):
    """Takes the names of Maildir's letters away; returns the file that had
    them."""
    path = keywords_file(server, user, mailbox)
    with open(path, "rb") as file:
        content = file.read()
    os.unlink(path)
    forget_index(server, user, mailbox)
    return path, content


@pytest.fixture
def lost(make_server):
    """alice's mailbox Back lost the names of its letters; a copy of the file
    and one of all mail are a backup."""
    server = make_server("maildir", users=("alice", "bob"))
    client = server.raw("alice")
    fill(client, "Back", "Einer", "Einer Zweiter", "")
    client.logout()
    folder = os.path.join(server.home("alice"), "backup")
    shutil.copytree(os.path.join(server.home("alice"), "Maildir"), folder)
    lose_names(server, "alice", "Back")
    server.own(server.home("alice"))
    return server, folder, os.path.join(folder, ".Back", "dovecot-keywords")


def shown(server):
    """The keywords of each message."""
    with server.raw("alice") as client:
        return [words for _, (words, _) in
                sorted(state(client, "Back")[0].items())]


@pytest.mark.parametrize("form", ["file", "folder"])
def test_doctor_restores_from_a_backup(lost, form):
    server, folder, path = lost
    backup = folder if form == "folder" else path
    args = ("Back",) if form == "file" else ()
    code, rows, _ = flags(server, "doctor", *args, user="alice")
    assert (code, findings(rows)) == (FOUND, {
        ("Back", "unknown", "unknown-0"): 2,
        ("Back", "unknown", "unknown-1"): 1})
    assert all("nobody knows" in row["advice"] for row in rows)
    # It is only told until --fix is asked for.
    code, rows, _ = flags(server, "doctor", "--backup", backup, *args,
                          user="alice")
    assert code == FOUND
    assert ["--fix: it was Einer" in rows[0]["advice"],
            "--fix: it was Zweiter" in rows[1]["advice"]] == [True, True]
    assert shown(server) == [{"unknown-0"}, {"unknown-0", "unknown-1"}, set()]
    code, rows, said = flags(server, "doctor", "--fix", "--backup", backup,
                             *args, user="alice")
    assert (code, said, findings(rows)) == (0, "", {
        ("Back", "restored", "unknown-0"): 2,
        ("Back", "restored", "unknown-1"): 1})
    assert shown(server) == [{"einer"}, {"einer", "zweiter"}, set()]
    # Once more, nothing is left to do.
    code, rows, _ = flags(server, "doctor", "--fix", "--backup", backup,
                          *args, user="alice")
    assert code == 0 and {row["finding"] for row in rows} == {"unused"}
    # The names are private afterwards, as they were before.
    assert not server.find_on_disk(b"Einer", b"Zweiter", everywhere=True)


def test_doctor_restores_after_a_restart(lost):
    server, folder, _ = lost
    assert flags(server, "doctor", "--fix", "--backup", folder,
                 user="alice")[0] == 0
    forget_index(server, "alice", "Back")
    server.reload()
    assert shown(server) == [{"einer"}, {"einer", "zweiter"}, set()]


def test_doctor_restores_what_the_file_still_knows(lost):
    """The admin has put the file itself back."""
    server, _, backup = lost
    assert shown(server)[0] == {"unknown-0"}
    path = keywords_file(server, "alice", "Back")
    shutil.copy(backup, path)
    server.own(os.path.dirname(path))
    code, _, said = flags(server, "doctor", "--fix", "Back", user="alice")
    assert (code, said) == (0, "")
    assert shown(server) == [{"einer"}, {"einer", "zweiter"}, set()]


@pytest.mark.parametrize("content, why", [
    (b"0 unknown-0\n", "nobody knows"), (b"", "nobody knows"),
    (b"5 Einer\nx\n0\n99 Zweiter\n", "nobody knows"),
    (b"0 rk1-" + b"a" * 40 + b"\n", "token that does not open")])
def test_doctor_makes_no_name_up(lost, content, why):
    """A backup that does not know a name, or has one of another keyring."""
    server, _, backup = lost
    server.write(backup, content, 0o644)
    code, rows, _ = flags(server, "doctor", "--fix", "--backup", backup,
                          "Back", user="alice")
    assert code == FOUND
    assert {row["finding"] for row in rows} == {"unknown"}
    assert why in rows[0]["advice"]
    assert shown(server) == [{"unknown-0"}, {"unknown-0", "unknown-1"}, set()]


def test_doctor_tells_two_times_from_each_other(lost):
    """One number stands for two letters: neither is guessed."""
    server, _, backup = lost
    path = keywords_file(server, "alice", "Back")
    server.write(path, "0 unknown-1\n", 0o600)
    server.own(os.path.dirname(path))
    code, rows, _ = flags(server, "doctor", "--fix", "--backup", backup,
                          "Back", user="alice")
    assert code == FOUND
    left = {row["keyword"]: row["advice"] for row in rows
            if row["finding"] == "unknown"}
    assert "cannot be told" in left["unknown-1?"]


def test_doctor_refuses_a_wrong_backup(lost):
    server, folder, path = lost
    for args, why in (
            (("--backup", folder + "x", "-u", "alice"), "Cannot look at"),
            (("--backup", path, "-u", "alice"), "name the mailbox"),
            (("--backup", path, "-u", "alice", "B*"), "name the mailbox"),
            (("--backup", folder, "-A"), "name one with -u")):
        code, rows, said = flags(server, "doctor", "--fix", *args)
        assert (code, rows) == (USAGE, []) and why in said, (args, said)
    os.chmod(path, 0)
    if os.geteuid() == 0:
        code, rows, said = flags(server, "doctor", "--backup", path, "Back",
                                 user="alice")
        assert code == 75 and "Cannot read" in said and rows == []
    os.chmod(path, 0o600)
    assert shown(server)[0] == {"unknown-0"}


def test_doctor_fix_where_nothing_was_lost(server):
    client = server.raw("doc")
    fill(client, "Fine", "Plan", "Plan Rest")
    before = state(client, "Fine")
    client.logout()
    assert flags(server, "doctor", "--fix", "Fine", user="doc") == (0, [], "")
    assert state(server.raw("doc"), "Fine") == before


# Users, mailboxes, errors

def test_all_users(make_server):
    server = make_server("sdbox", users=("ann", "ben", "cat"))
    fill(server.raw("ann"), "INBOX", "Plan", "Junk $Junk")
    fill(server.raw("ben"), "INBOX", "plan")
    code, rows, _ = flags(server, "list", "-A")
    assert code == 0
    assert {(row["username"], row["mailbox"], row["keyword"],
             row["messages"]) for row in rows} == {
        ("ann", "INBOX", "Plan", "1"), ("ann", "INBOX", "Junk", "1"),
        ("ann", "INBOX", "$Junk", "1"), ("ann", "*", "Plan", "1"),
        ("ann", "*", "Junk", "1"), ("ann", "*", "$Junk", "1"),
        ("ben", "INBOX", "plan", "1"), ("ben", "*", "plan", "1")}
    code, rows, _ = flags(server, "rename", "-A", "PLAN", "Ziel")
    assert code == 0
    assert {(row["username"], row["changed"]) for row in rows
            if row["mailbox"] == "INBOX"} >= {("ann", "1"), ("ben", "1")}
    assert flags(server, "doctor", "-A")[0] == FOUND
    code, rows, _ = flags(server, "doctor", "-u", "b*")
    assert {row["finding"] for row in rows} == {"unused"} and code == 0
    socket = os.path.join(server.run_dir, "doveadm-server")
    code, rows, _ = flags(server, "rename", "-S", socket, "-n", "ziel",
                          "Neu", "INBOX", user="ann")
    assert (code, changed(rows)) == (0, {"INBOX": 1})
    # The protocol has no word for every exit code.
    code, rows, _ = flags(server, "doctor", "-S", socket, user="ann")
    assert code != 0 and "alias" in {row["finding"] for row in rows}
    code, rows, _ = flags(server, "merge", "-S", socket, "-m", "INBOX",
                          "Neu", "ziel", user="ann")
    assert (code, changed(rows)) == (0, {"INBOX": 1})


def test_who_and_what_does_not_exist(server):
    fill(server.raw("watcher"), "INBOX", "")
    for command in (("list",), ("doctor",), ("unused",), ("rename", "a", "b")):
        assert flags(server, *command, user="nobody")[0] == NOUSER
        code, rows, said = flags(server, *command, "Nowhere", user="watcher")
        assert (code, rows) == (NOTFOUND, []) and "Nowhere" in said
    assert flags(server, "list", "No*", user="watcher") == (0, [], "")
    code, rows, said = flags(server, "rename", "-n", "a", "b", "inb*",
                             "inbox", "INB*", "Nowhere", user="watcher")
    assert code == NOTFOUND and changed(rows) == {"INBOX": 0}
    assert "Nowhere" in said and "inbox" not in said.lower()


def test_one_bad_mailbox_keeps_no_other(make_server):
    for storage in STORAGES:
        server = make_server(storage, users=("alice",))
        client = server.raw("alice")
        for name in ("Aaa", "Bad", "Ccc"):
            fill(client, name, "Old")
        client.logout()
        bad = [path for path, _, _ in os.walk(server.home("alice"))
               if path.endswith((".Bad/cur", "/Bad/dbox-Mails"))]
        assert bad
        for path in bad:
            os.chmod(path, 0)
        code, rows, said = flags(server, "rename", "Old", "New",
                                 user="alice")
        assert code not in (0, FOUND) and "Bad" in said
        got = changed(rows)
        assert got.pop("INBOX", 0) == 0 and got == {"Aaa": 1, "Ccc": 1}
        code, rows, said = flags(server, "doctor", user="alice")
        assert code not in (0, FOUND) and "Bad" in said
        for path in bad:
            os.chmod(path, 0o700)


def test_progress_beside_the_data(server):
    client = server.raw("watcher")
    fill(client, "Big", "Tag")
    client.ok("SELECT Big")
    for _ in range(11):
        client.ok("COPY 1:* Big")
        client.ok("NOOP")
    client.ok("CLOSE")
    code, rows, said = flags(server, "list", "Big", user="watcher")
    assert (code, said) == (0, "")
    assert counts(rows) == {("Big", "tag"): 2048}
    done = server.doveadm("-v", "-f", "json", "roost", "flags", "list", "-u",
                          "watcher", "Big")
    assert json.loads(done.stdout) == rows
    assert b"Big: 1000/2048" in done.stderr
    before, highest = state(client, "Big")
    code, rows, _ = flags(server, "rename", "Tag", "Neu", "Big",
                          user="watcher")
    assert (code, changed(rows)) == (0, {"Big": 2048})
    after, now = state(client, "Big")
    assert {entry[1] for entry in after.values()} == {now}
    assert now <= highest + 2
