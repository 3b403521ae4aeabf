# SPDX-License-Identifier: MIT
"""Rules of custom flags: wrong ones are named and let nobody in, none at all
make no difference."""

import concurrent.futures
import os
import re
import shutil

import pytest

import flagkit
import server as servers
import keywordkit
import virtualbox
from flagkit import OFF, Box, flags_of, message
from server import NEW
from refusals import assert_session_refused

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs roost_flags")

CORPUS = os.path.join(servers.TOP, "tests", "flagrules")


def corpus():
    """{file: (line, column, what was expected)}"""
    found = {}
    with open(os.path.join(CORPUS, "EXPECT")) as file:
        for line in file:
            if line.startswith("#"):
                continue
            name, where, phrase = line.rstrip("\n").split(" ", 2)
            found[name] = tuple(map(int, where.split(":"))) + (phrase,)
    return found


FILES = corpus()
# A word of each kind where it cannot stand: (value, column, phrase).
SETTINGS = {
    "protect": ("fine(", 5, "expected a keyword's character"),
    "keep": ('$a"b', 3, "expected a keyword's character"),
    "deny": ("a*]", 3, "expected a keyword's character"),
    "allow": ("\\Seen", 1, "expected a keyword's character"),
    "alias": ("Junk", 5, "expected '=' after the alias"),
    "exclusive": ("$a|$b*", 6, "expected a name without wildcards"),
    "imply": ("$a=$a", 4, "expected a name that does not imply the left one"),
    "colors": ("maybe", 1, "expected yes or no"),
    "max_per_message": ("0", 1, "expected a number within its bounds"),
    "max_per_mailbox": ("10001", 1, "expected a number within its bounds"),
    "reserve": ("1x", 2, "expected a number"),
    "on_violation": ("refuse", 1, "expected ignore or reject"),
    "at_delivery": ("$Junk", 1, "expected a keyword of the server's"),
}
MISSING = {"absent": "/nonexistent/rules", "folder": "/tmp"}


def file_user(name):
    return "file" + name[:3]


def users():
    found = {"fine": {}, "mended": {}}
    found.update((file_user(name), {}) for name in FILES)
    for name, (value, _, _) in SETTINGS.items():
        found["set" + name.replace("_", "")] = {"roost_flags_" + name: value}
    for name, path in MISSING.items():
        found[name] = {"roost_flags_map": path}
    return found


@pytest.fixture(scope="module")
def server(make_module_server):
    # Each file is wrong by itself: there is no rule before it.
    server = make_module_server("maildir", roost=False, flags=OFF,
                                users=users(), extra=flagkit.QUIET,
                                start=False)
    # Where users can read it.
    server.corpus = os.path.join(server.root, "rules")
    shutil.copytree(CORPUS, server.corpus)
    for name in FILES:
        server.users[file_user(name)]["roost_flags_map"] = os.path.join(
            server.corpus, name)
    server.write_users()
    return server.start()


def assert_refused(server, user, pattern):
    """No session, no delivery, nothing lost: the sender keeps the mail."""
    assert_session_refused(server, user, pattern)
    mark = server.log_mark()
    code, text = server.deliver(message("kept"), user)[0]
    assert code // 100 == 4, (code, text)
    server.wait_log(pattern, mark)
    assert server.mail_files(user) == []


def assert_refused_everywhere(server, user, pattern):
    assert_refused(server, user, pattern)
    done = server.lda(user, message("kept"))
    assert done.returncode == 75, done
    assert server.mail_files(user) == []
    assert server.doveadm("fetch", "-u", user, "flags", "mailbox", "INBOX",
                          check=False).returncode != 0


def test_corpus_is_large():
    assert len(FILES) >= 60
    assert set(FILES) == set(os.listdir(CORPUS)) - {"EXPECT"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_wrong_file(server, name):
    line, column, phrase = FILES[name]
    if NEW and "-nul-" in name:
        # Dovecot reads the file, and says so.
        assert_refused(server, file_user(name), "%s contains NUL" % name)
        return
    # How many rules are too many depends on those before.
    line = r"\d+" if "-many-" in name else line
    assert_refused(server, file_user(name), "%s.*line %s, column %d.*%s" % (
        re.escape(os.path.join(server.corpus, name)), line, column,
        re.escape(phrase)))


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_wrong_setting(server, name):
    _, column, phrase = SETTINGS[name]
    assert_refused_everywhere(server, "set" + name.replace("_", ""),
                              "roost_flags_%s.*column %d.*%s" % (
                                  name, column, re.escape(phrase)))


@pytest.mark.parametrize("name", sorted(MISSING))
def test_no_file(server, name):
    assert_refused_everywhere(server, name, MISSING[name])


def test_others_go_on(server):
    """One user's mistake is nobody else's."""
    codes = [code for code, _ in server.deliver(
        message("one"), "fine", file_user(sorted(FILES)[0]))]
    assert codes[0] == 250 and codes[1] // 100 == 4
    assert flags_of(server, "fine") == [set()]


def test_mended_rules_let_it_in(server):
    path = os.path.join(server.root, "mended.rules")
    server.write(path, "# of the site\n\nalias Wichtig=\n")
    server.change_user("mended", roost_flags_map=path)
    assert_refused(server, "mended",
                   re.escape(path) + ".*line 3, column 15.*a keyword")
    server.write(path, "# of the site\r\n\r\nalias Wichtig=$Important\r\n"
                 "deny X-* \t secret?\nmax_per_message 2")
    assert server.deliver(message("kept"), "mended")[0][0] == 250
    with Box(server, "mended") as box:
        box.ok("STORE 1 +FLAGS (wichtig X-a SECRET1 Own)")
        assert box.flags() == {"$important", "own"}
        box.no("LIMIT", "STORE 1 +FLAGS (More)")


def test_all_of_it_in_the_configuration(make_module_server):
    """As a site writes it: a file beside settings, and it adds to them."""
    server = make_module_server(
        "sdbox", roost=False, start=False, extra=flagkit.QUIET,
        flags={"deny": "one two", "alias": "none", "at_delivery": "none"})
    path = os.path.join(server.root, "site.rules")
    server.write(path, "deny three\nprotect $site\n")
    server.flags["map"] = path
    server.start()
    with flagkit.filled(server, "alice", "one THREE $site Own NonJunk"
                        " $istrusted") as box:
        assert box.flags() == {"own", "nonjunk"}
        assert "alias" not in server.log_since(0)


def test_set_at_delivery_without_a_rule(make_module_server):
    """The server's own keywords need no rule beside them."""
    server = make_module_server(
        "maildir", roost=False, extra=flagkit.QUIET,
        flags=dict(OFF, at_delivery="$HasAttachment $HasNoAttachment"))
    with flagkit.filled(server, "alice", "$istrusted Junk $Junk") as box:
        assert box.flags() == {"$istrusted", "junk", "$junk",
                               "$hasnoattachment"}
    assert server.deliver(message("one"), "alice")[0][0] == 250
    assert flags_of(server, "alice")[1] == {"$hasnoattachment"}


def test_the_example_is_understood(make_module_server):
    """As it is packaged, behind a configuration that has the plugin."""
    path = os.path.join(servers.TOP, "packaging", "conf",
                        "2.4" if NEW else "2.3", "enable-flags.conf")
    with open(path) as file:
        server = make_module_server("maildir", roost=False,
                                    plugins=["roost_flags"],
                                    extra=file.read())
    with flagkit.filled(server, "alice", "$istrusted NonJunk") as box:
        assert box.flags() == {"$notjunk", "$hasnoattachment"}
        assert "$hasnoattachment" not in box.permanent


# No rules: nobody notices

@pytest.mark.parametrize("kind", flagkit.KINDS[:3], ids=flagkit.kind_name)
def test_off_makes_no_difference(make_module_server, kind):
    """Every answer of a program of many flags, byte for byte."""
    storage, roost = kind
    scripts = keywordkit.SCRIPTS + (keywordkit.letters,) * (
        storage == "maildir")
    control, server = [
        make_module_server(storage, roost=roost and flags is not None,
                    users=[script.__name__ for script in scripts],
                    plugins=["virtual"], extra=virtualbox.SETTINGS,
                    flags=flags, start=False)
        for flags in (None, OFF)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(
            lambda one: keywordkit.played(one.start(), scripts),
            (control, server)))
    for script, expected, got in zip(scripts, *seen):
        keywordkit.compare(script, expected, got)

def test_defaults_leave_others_alone(make_module_server):
    """Names that no rule speaks of, on a server with the usual rules."""
    def plain(session):
        cmd = session.cmd
        for number in range(4):
            cmd(1, "APPEND INBOX (Own Tag-%d) " % number,
                (message("m%d" % number),))
        for command in (
                "SELECT INBOX", "FETCH 1:* (FLAGS MODSEQ)",
                "STORE 1:2 +FLAGS (New \\Seen)", "STORE 3 FLAGS.SILENT (X)",
                "STORE 2:4 -FLAGS.SILENT (Own)", "SEARCH KEYWORD new",
                "SEARCH NOT KEYWORD X UNKEYWORD Tag-1", "CREATE Other",
                "COPY 1:3 Other", "UID MOVE 2 Other", "NOOP",
                "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (Late)",
                "FETCH 1:* (FLAGS)", "SELECT Other", "EXAMINE INBOX"):
            cmd(1, command)
            cmd(2, "NOOP" if command != "SELECT INBOX" else command)
    seen = [keywordkit.played(make_module_server(
        "sdbox", roost=False, users=["plain"], flags=flags,
        extra=flagkit.QUIET), [plain])[0]
        for flags in (None, {"at_delivery": "none"})]
    keywordkit.compare(plain, *seen)
