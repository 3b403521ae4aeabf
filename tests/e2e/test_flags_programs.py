# SPDX-License-Identifier: MIT
"""Custom flags that behave, beside other programs and plugins: replication,
import, virtual mailboxes, POP3, Sieve in IMAP, access lists; and copies that
keep what they can."""

import os
import re

import pytest

import flagkit
import server as servers
import keywordkit
import virtualbox
from flagkit import Box, admin, filled, flags_of, message
from server import NEW

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs roost_flags")

TRUST = "$istrusted"
QUIET_FLAGS = {"at_delivery": "none"}


def quiet(make_module_server, kind, flags=None, extra="", **options):
    storage, roost = kind
    return make_module_server(storage, roost=roost,
                       flags=dict(QUIET_FLAGS, **(flags or {})),
                       extra=flagkit.QUIET + extra, **options)


kinds = pytest.mark.parametrize("kind", flagkit.KINDS[:3],
                                ids=flagkit.kind_name)


# Replication: what one side has, the other gets

FREE = ("Junk NonJunk Own", "$Junk $NotJunk $memo $hasmemo",
        "$MailFlagBit0 LABEL1 $istrusted", "$Forwarded secret1",
        " ".join("tag%02d" % number for number in range(70)))


def free_sides(make_module_server, storage, roost):
    """Two servers of one user, both with rules; what one has knows none."""
    options = {"flags": dict(QUIET_FLAGS, deny="secret*",
                             on_violation="reject"),
               "extra": flagkit.QUIET}
    if roost:
        near, far = keywordkit.pair(make_module_server, storage,
                                       "private", **options)
    else:
        near = make_module_server(storage, roost=False, **options)
        far = make_module_server("sdbox" if storage != "sdbox" else "mdbox",
                                 roost=False, **options)
    filled(near, "alice", *[""] * len(FREE)).raw.logout()
    for number, names in enumerate(FREE):
        admin(near, "alice", "add", names, number + 1,
              options=flagkit.without_rules())
    return near, far


@pytest.mark.parametrize("roost", (False, True), ids=("plain", "roost"))
@pytest.mark.parametrize("storage", ("maildir", "sdbox"))
def test_dsync_both_ways(make_module_server, storage, roost):
    near, far = free_sides(make_module_server, storage, roost)
    sync = keywordkit.sync
    expected = [flagkit.low(names) for names in FREE]
    assert flags_of(near, "alice") == expected
    sync(near, far)
    assert flags_of(far, "alice") == expected
    # Changes that the rules make of a client's, and of an admin's.
    with Box(far, "alice") as there, Box(near, "alice") as here:
        there.ok("STORE 2 +FLAGS ($Junk)")
        there.ok("STORE 3 +FLAGS (\\Flagged)")
        here.ok("STORE 1 FLAGS (NonJunk)")
        admin(near, "alice", "remove", TRUST, 3)
        admin(far, "alice", "add", TRUST, 4)
        there_has, here_has = there.all_flags(), here.all_flags()
    # Both have each side's changes then: nobody's are corrected on the way.
    wanted = [here_has[1], there_has[2],
              {"\\flagged", "label1"},
              there_has[4], expected[4]]
    for one, other in ((near, far), (far, near), (near, far)):
        sync(one, other)
        assert flags_of(near, "alice") == wanted
        assert flags_of(far, "alice") == wanted
    for server in near, far:
        assert flags_of(server, "alice")[0] >= {"$notjunk"}


def test_backup_is_exact(make_module_server):
    near, far = free_sides(make_module_server, "sdbox", False)
    far.flags = dict(far.flags, at_delivery="$HasAttachment "
                     "$HasNoAttachment")
    far.reload()
    keywordkit.sync(near, far, "backup")
    assert flags_of(far, "alice") == [flagkit.low(names) for names in FREE]
    with Box(far, "alice") as client:
        client.no("NOPERM", "STORE 3 -FLAGS (%s)" % TRUST)


# Import

def old_maildir(server, user, names, letters):
    """A maildir with one message, whose keywords are those of the letters."""
    folder = os.path.join(server.home(user), "old")
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, name))
    server.write(os.path.join(folder, "cur", "1000.M1P1.host:2," + letters),
                 message("old").replace(b"\r\n", b"\n"), 0o600)
    server.write(os.path.join(folder, "dovecot-keywords"), "".join(
        "%d %s\n" % item for item in enumerate(names)), 0o600)
    server.own(server.mail_root)
    return folder


@kinds
def test_import(make_module_server, kind):
    """An admin's restore: protected flags come back, the rest is in order."""
    server = quiet(make_module_server, kind, start=False)
    folder = old_maildir(server, "alice", [TRUST, "NonJunk", "Own"], "Sabc")
    server.start()
    server.doveadm("import", "-u", "alice", "maildir:" + folder, "",
                   "mailbox", "INBOX")
    assert flags_of(server, "alice") == [{"\\seen", TRUST, "$notjunk",
                                          "own"}]


# Virtual mailboxes

@pytest.fixture(scope="module", params=flagkit.KINDS[:2],
                ids=flagkit.kind_name)
def virtuals(request, make_module_server):
    return flagkit.make(
        make_module_server, request.param, plugins=["virtual"],
        special={"reject": {"on_violation": "reject"},
                 "narrow": {"max_per_mailbox": "4", "reserve": "1"}},
        count=30,
        extra=virtualbox.SETTINGS)


def all_in_one(server, kind="user"):
    """A user of whose INBOX, Other and public mailbox one is made."""
    user = flagkit.another(server, kind)
    board = "Public/" + user
    virtualbox.add(server, user, "all", "INBOX", "Other", board, "  all")
    with server.raw(user) as client:
        for mailbox, names in (("INBOX", "Own"), ("Other", "Own"),
                               (board, "Ours")):
            client.cmd("CREATE %s" % mailbox)
            assert client.append(mailbox, message("one"), names).ok
    admin(server, user, "add", TRUST, mailbox=board)
    return user


@pytest.fixture
def virtual(virtuals):
    return virtuals, all_in_one(virtuals)


def number_of(box, key):
    number, = box.search(key)
    return number


def test_store_in_a_virtual_mailbox(virtual):
    server, user = virtual
    with Box(server, user, "virtual/all") as box, \
            Box(server, user) as other:
        box.ok("STORE 1:2 +FLAGS (%s NonJunk More)" % TRUST)
        found = box.all_flags()
        assert found[1] == found[2] == {"own", "$notjunk", "more"}
        box.ok("STORE 1:2 +FLAGS (Junk)")
        box.ok("STORE 1:2 FLAGS ($Junk \\Flagged $MailFlagBit0)")
        box.ok("STORE 1:2 -FLAGS (\\Flagged)")
        other.ok("NOOP")
        assert other.told == {1: {"$junk"}}
        assert box.flags(1) == box.flags(2) == {"$junk"}
    assert flags_of(server, user, "Other") == [{"$junk"}]


def test_permanent_flags_of_a_virtual_mailbox(virtual):
    server, user = virtual
    with Box(server, user, "virtual/all") as box:
        assert TRUST in box.known and TRUST not in box.permanent
        assert "own" in box.permanent and "\\*" in box.permanent


def test_search_in_a_virtual_mailbox(virtual):
    """By any spelling there, too."""
    server, user = virtual
    with Box(server, user, "virtual/all") as box:
        box.ok("STORE 1:2 +FLAGS (NonJunk)")
        for name in ("$NotJunk", "NOTJUNK", "NonJunk"):
            assert box.search("KEYWORD %s" % name) == [1, 2], name


@pytest.mark.parametrize("name", (TRUST, "$HasAttachment"))
@pytest.mark.parametrize("how", ("+FLAGS", "FLAGS"))
def test_virtual_mailbox_sets_nothing_protected(virtual, how, name):
    server, user = virtual
    with Box(server, user, "virtual/all") as box:
        box.ok("STORE 1 %s (%s)" % (how, name))
    assert name.lower() not in flags_of(server, user)[0]


@pytest.mark.parametrize("how", ("+FLAGS", "+FLAGS.SILENT", "FLAGS"))
def test_virtual_mailbox_shows_what_is_there(virtual, how):
    """Nothing that the mailbox below did not take."""
    server, user = virtual
    with Box(server, user, "virtual/all") as box:
        box.ok("STORE 1 %s (%s Own)" % (how, TRUST))
        assert box.flags(1) == {"own"}
        assert box.search("1:2 KEYWORD %s" % TRUST) == []
        with Box(server, user, "virtual/all") as other:
            assert other.flags(1) == {"own"}
        box.ok("COPY 1 Other")
    assert flags_of(server, user) == [{"own"}]
    assert flags_of(server, user, "Other")[-1] == {"own"}


def test_virtual_mailbox_clears_nothing_protected(virtual):
    server, user = virtual
    admin(server, user, "add", TRUST)
    with Box(server, user, "virtual/all") as box:
        number = number_of(box, "KEYWORD %s KEYWORD Own" % TRUST)
        box.ok("STORE %d -FLAGS (%s)" % (number, TRUST))
        assert box.flags(number) == {"own", TRUST}
    assert flags_of(server, user) == [{"own", TRUST}]


def test_rejected_in_a_virtual_mailbox(virtuals):
    user = all_in_one(virtuals, "reject")
    with Box(virtuals, user, "virtual/all") as box:
        before = box.all_flags()
        box.no("NOPERM", "STORE 1:* +FLAGS (More $autosent)")
        assert box.all_flags() == before
        box.ok("STORE 1:* +FLAGS (More)")
    assert flags_of(virtuals, user) == [{"own", "more"}]


def test_append_to_a_virtual_mailbox(make_module_server):
    server = quiet(make_module_server, ("sdbox", False), plugins=["virtual"],
                   extra=virtualbox.SETTINGS, start=False)
    virtualbox.add(server, "alice", "all", "!INBOX", "  all")
    server.start()
    with Box(server, "alice", "virtual/all") as box:
        assert box.append("%s NonJunk" % TRUST, mailbox="virtual/all").ok
        box.ok("NOOP")
        assert box.flags() == {"$notjunk"}
    assert flags_of(server, "alice") == [{"$notjunk"}]


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_virtual_mailbox_is_no_way_around(virtual, how):
    """What anybody may have set stays behind, seen through it or not."""
    server, user = virtual
    with Box(server, user, "virtual/all") as box:
        number = number_of(box, "KEYWORD Ours")
        assert box.flags(number) == {"ours", TRUST}
        box.cmd("%s %d INBOX" % (how, number))
        box.ok("COPY 1 Other")
    assert TRUST not in set().union(*flags_of(server, user))
    assert flags_of(server, user, "Other")[-1] == {"own"}


# POP3

@pytest.mark.parametrize("rules", (
    {}, {"allow": "own", "on_violation": "reject"},
    {"protect": "$POP3Deleted"}), ids=("usual", "allow", "protect"))
def test_pop3_deleted_flag(make_module_server, rules):
    """The server's own: what was fetched does not come again."""
    server = quiet(make_module_server, ("maildir", False), rules,
                   extra='pop3_deleted_flag = "$POP3Deleted"\n')
    filled(server, "alice", "Own", "")
    client = server.pop3("alice")
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    client = server.pop3("alice")
    assert client.stat()[0] == 1
    client.quit()
    assert flags_of(server, "alice") == [{"own", "$pop3deleted"}, set()]


# Sieve in IMAP

def imapsieve(path):
    if NEW:
        return """
sieve_plugins {
  sieve_imapsieve = yes
}
mailbox Watched {
  sieve_script watcher {
    type = before
    cause = append copy flag
    path = %s
  }
}
""" % path
    return """
plugin {
  sieve_plugins = sieve_imapsieve
  imapsieve_mailbox1_name = Watched
  imapsieve_mailbox1_causes = APPEND COPY FLAG
  imapsieve_mailbox1_before = file:%s
}
""" % path


WATCHER = """\
require ["imap4flags", "imapsieve", "environment"];
if header :is "Subject" "set" { setflag "$HasAttachment"; }
else { addflag ["%s", "JunkRecorded", "Watched"]; }
""" % TRUST


def watching(make_module_server, kind):
    server = quiet(make_module_server, kind, start=False,
                   protocol_plugins={"imap": ["imap_sieve"]})
    path = os.path.join(server.mail_root, "watcher.sieve")
    server.write(path, WATCHER)
    server.own(server.mail_root)
    server.extra += imapsieve(path)
    return server.start()


@kinds
def test_imapsieve(make_module_server, kind):
    """A script that runs in a client's session is as free as the client."""
    server = watching(make_module_server, kind)
    expected = {"watched", "$junk"}
    with filled(server, "alice", "Own") as box:
        box.ok("CREATE Watched")
        assert box.append("Own", mailbox="Watched").ok
        box.ok("COPY 1 Watched")
        assert flags_of(server, "alice", "Watched") == [
            expected | {"own"}] * 2
        box.select("Watched")
        box.ok("STORE 1 FLAGS (Other)")
        box.ok("NOOP")
        assert box.flags(1) == expected | {"other"}
        # Both at once, as if one had asked for both.
        box.ok("STORE 2 +FLAGS (NonJunk)")
        box.ok("NOOP")
        assert box.flags(2) == {"own", "watched"}
        box.ok("APPEND Watched ($MDNSent New) ", (message("set"),))
        box.ok("NOOP")
        assert box.flags(3) == {"$mdnsent"}


# Access lists

def test_acl_without_w(make_module_server):
    """Who may write no flags is told so, and writes none."""
    name = "Public/Board"
    server = quiet(make_module_server, ("sdbox", False), plugins=["acl"],
                   settings={} if NEW else {"acl": "vfile"}, start=False,
                   extra=flagkit.namespaces("sdbox") +
                   ("acl_driver = vfile\n" if NEW else ""))
    folder = os.path.join(server.mail_root, "public", "sdbox", "mailboxes")
    os.makedirs(folder)
    for place in (folder, os.path.dirname(folder)):
        server.write(os.path.join(place, "dovecot-acl"),
                     "authenticated lrwstipekxa\n")
    server.own(server.mail_root)
    server.start()
    with server.raw("alice") as client:
        client.ok("CREATE %s" % name)
        assert client.append(name, message("one"), "Own \\Flagged "
                             "$MailFlagBit0").ok
    admin(server, "alice", "add", TRUST, mailbox=name)
    server.write(os.path.join(folder, "Board", "dbox-Mails", "dovecot-acl"),
                 "authenticated lrst\n")
    server.own(server.mail_root)
    with Box(server, "bob", name) as box:
        assert box.permanent <= {"\\seen", "\\deleted"}, box.permanent
        before = box.flags()
        assert before == {"own", "\\flagged", "$mailflagbit0", TRUST}
        for command in ("+FLAGS (NonJunk)", "-FLAGS (Own)", "FLAGS (New)",
                        "-FLAGS (\\Flagged)", "FLAGS ()"):
            box.cmd("STORE 1 %s" % command)
            assert box.flags() == before, command
        assert box.permanent <= {"\\seen", "\\deleted"}, box.permanent
    # Nor does a copy bring what the list keeps away.
    server.write(os.path.join(folder, "Board", "dbox-Mails", "dovecot-acl"),
                 "authenticated lrsti\n")
    server.own(server.mail_root)
    with filled(server, "bob", "Own $Junk") as box:
        box.ok("COPY 1 %s" % name)
    assert flags_of(server, "bob", name)[1:] == [set()]


def shared_namespace(storage):
    """Each user's mail is there for the others as far as ACLs let it."""
    path = {"maildir": "Maildir", "sdbox": "sdbox"}[storage]
    place = """  prefix = shared/$user/
  mail_path = %%{owner_home}/%s
  mail_index_private_path = ~/shared/%%{owner_user}
""" % path if NEW else """  prefix = shared/%%%%u/
  location = %s:%%%%h/%s
""" % (storage, path)
    return """
namespace shared {
  type = shared
  separator = /
  list = children
  subscriptions = no
%s}
%s""" % (place, "acl_driver = vfile\n" if NEW else "")


@pytest.mark.parametrize("kind", (("maildir", False), ("sdbox", True)),
                         ids=flagkit.kind_name)
def test_shared_mailbox(make_module_server, kind):
    """A visitor is bound by rules, and neither believes the other's server
    flags."""
    server = quiet(make_module_server, kind, plugins=["acl"],
                   settings={} if NEW else {"acl": "vfile"},
                   protocol_plugins={"imap": ["imap_acl"]},
                   extra=shared_namespace(kind[0]))
    with server.raw("alice") as owner:
        owner.ok("CREATE Open")
        owner.ok("SETACL Open bob lrwstipekxa")
        for number in range(2):
            assert owner.append("Open", message("m%d" % number), "Own").ok
    admin(server, "alice", "add", TRUST, mailbox="Open")
    filled(server, "bob", "Mine")
    admin(server, "bob", "add", TRUST)
    with Box(server, "bob", "shared/alice/Open") as box:
        assert box.flags(1) == {"own", TRUST}
        assert TRUST not in box.permanent and "own" in box.permanent
        box.ok("STORE 1 -FLAGS (%s)" % TRUST)
        box.ok("STORE 2 +FLAGS (%s NonJunk)" % TRUST)
        assert box.all_flags() == {1: {"own", TRUST},
                                   2: {"own", "$notjunk"}}
        assert box.append("%s Junk" % TRUST, mailbox="shared/alice/Open").ok
        box.ok("COPY 1 INBOX")
        box.select()
        box.ok("COPY 1 shared/alice/Open")
    assert flags_of(server, "bob") == [{"mine", TRUST}, {"own"}]
    assert flags_of(server, "alice", "Open") == [
        {"own", TRUST}, {"own", "$notjunk"}, {"$junk"}, {"mine"}]


# Copies keep what they can

LONG = "z" * 60


@pytest.mark.parametrize("kind", flagkit.KINDS, ids=flagkit.kind_name)
def test_copy_keeps_valid_names(make_module_server, kind):
    """A name that may not be made any more takes no other with it."""
    server = quiet(make_module_server, kind,
                   extra="mail_max_keyword_length = 20\n" + flagkit.METRICS)
    expected = {"good", "$forwarded", "\\seen"}
    with filled(server, "alice", *["Good $Forwarded \\Seen"] * 3) as box:
        for number in range(1, 4):
            server.doveadm("-o", "mail_max_keyword_length=100", "flags",
                           "add", "-u", "alice", LONG, "mailbox", "INBOX",
                           str(number))
        admin(server, "alice", "add", TRUST)
        box.ok("NOOP")
        assert box.flags() == expected | {LONG, TRUST}
        before = flagkit.counts(server)["rescued"]
        for mailbox in ("Copied", "Moved"):
            box.ok("CREATE %s" % mailbox)
        box.ok("COPY 1:2 Copied")
        box.ok("MOVE 3 Moved")
    assert flags_of(server, "alice", "Copied") == [expected | {TRUST},
                                                   expected]
    assert flags_of(server, "alice", "Moved") == [expected]
    flagkit.wait_count(server, "rescued", before + 3)
    # One line a command.
    assert server.log_since(0).count("not valid here") == 2


@pytest.mark.parametrize("storage", ("maildir", "sdbox"))
def test_copy_of_a_long_token_of_another_keyring(make_module_server, storage):
    """Longer than what a client may name, and yet nothing of it is lost."""
    near = make_module_server("sdbox")
    far = quiet(make_module_server, (storage, True))
    name = keywordkit.SECRETS[4]
    for number in range(2):
        with near.raw("alice") as client:
            assert client.append("INBOX", message("m%d" % number),
                                 name + " $Forwarded").ok
    keywordkit.sync(near, far, "backup")
    token = keywordkit.tokens_on_disk(near).pop().decode()
    expected = {token, "$forwarded"}
    assert len(token) > 50 and flags_of(far, "alice")[0] == expected
    with Box(far, "alice") as box:
        for mailbox, how in (("One", "COPY"), ("Two", "MOVE")):
            box.ok("CREATE %s" % mailbox)
            box.ok("%s 1 %s" % (how, mailbox))
            assert flags_of(far, "alice", mailbox) == [expected]
        box.no("CANNOT", "STORE 1 +FLAGS (%s)" % ("l" * 51))


def test_copy_of_a_name_that_is_none(make_module_server):
    """Another program's dovecot-keywords may hold anything."""
    server = make_module_server("maildir", roost=False, extra=flagkit.QUIET,
                         flags=QUIET_FLAGS, start=False)
    home = server.home("alice")
    folder = old_maildir(server, "alice", ["a]b", "Good", "NonJunk", "c*"],
                         "Sabcd")
    os.rename(folder, os.path.join(home, "Maildir"))
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("CREATE Other")
        client.ok("COPY 1 Other")
        client.ok("MOVE 1 Other")
    assert flags_of(server, "alice", "Other") == [
        {"\\seen", "good", "$notjunk"}] * 2


# By doveadm

@kinds
def test_doveadm(make_module_server, kind):
    server = quiet(make_module_server, kind, {"deny": "secret*"})
    filled(server, "alice", "Own", "NotJunk")
    admin(server, "alice", "add", "%s Junk Secret1" % TRUST, 2)
    assert flags_of(server, "alice") == [{"own"}, {TRUST, "$junk"}]
    for key, expected in (("NonJunk", 0), ("JunkRecorded", 1), (TRUST, 1)):
        done = server.doveadm("-f", "flow", "search", "-u", "alice",
                              "mailbox", "INBOX", "keyword", key)
        assert len(done.stdout.splitlines()) == expected, key
    server.doveadm("mailbox", "create", "-u", "alice", "Other")
    server.doveadm("copy", "-u", "alice", "Other", "mailbox", "INBOX", "all")
    assert flags_of(server, "alice", "Other") == [{"own"}, {TRUST, "$junk"}]
    server.doveadm("save", "-u", "alice", "-m", "Other",
                   input=message("saved"))
    assert flags_of(server, "alice", "Other")[2] == set()
    assert not re.search("(Error|Panic): ", server.log_since(0))
