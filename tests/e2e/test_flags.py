# SPDX-License-Identifier: MIT
"""Custom flags that behave: what STORE, APPEND, COPY and MOVE make of them,
and what clients are told."""

import re
import threading

import pytest

import flagkit
import server as servers
from flagkit import Box, admin, another, filled, flags_of, low, message

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs roost_flags")

TRUST = "$istrusted"
SPECIAL = {
    "reject": {"on_violation": "reject"},
    "deny": {"deny": "secret*"},
    "denyno": {"deny": "secret*", "on_violation": "reject"},
    "allow": {"allow": "proj-?"},
    "gray": {"colors": "no"},
    "few": {"max_per_message": "3"},
    "narrow": {"max_per_mailbox": "8", "reserve": "2"},
    "nogroups": {"exclusive": "none", "imply": "none", "alias": "none"},
}


@pytest.fixture(scope="module", params=flagkit.KINDS, ids=flagkit.kind_name)
def server(request, make_module_server):
    return flagkit.make(make_module_server, request.param, special=SPECIAL,
                        count=120)


@pytest.fixture
def user(server):
    return another(server)


def board(server, user, *flags, owner=None):
    """A public mailbox with one message for each."""
    name = "Public/%s" % user
    with server.raw(owner or user) as client:
        client.ok("CREATE %s" % name)
        for names in flags:
            assert client.append(name, message("board"), names).ok
    return name


def trusted(server, user, *flags):
    """Messages of which the last is one that the server trusts."""
    filled(server, user, *flags).raw.logout()
    admin(server, user, "add", TRUST, len(flags))
    return Box(server, user)


# Protected: only the server's

HOWS = ("+FLAGS", "+FLAGS.SILENT", "FLAGS", "FLAGS.SILENT")


@pytest.mark.parametrize("how", HOWS)
def test_client_sets_no_protected_flag(server, user, how):
    with filled(server, user, "", "") as box, Box(server, user) as other:
        before = box.permanent
        for number, names in ((1, "Own %s \\Seen"), (2, "%s Own \\Seen")):
            box.ok("STORE %d %s (%s)" % (number, how, names % TRUST.upper()))
            assert box.flags(number) == {"own", "\\seen"}
        other.ok("NOOP")
        assert other.told == {1: {"own", "\\seen"}, 2: {"own", "\\seen"}}
        assert box.search("KEYWORD %s" % TRUST) == []
        assert box.permanent - before <= {"own"}


@pytest.mark.parametrize("how", ("-FLAGS (%s Own)", "-FLAGS.SILENT (%s Own)",
                                 "FLAGS (\\Seen)", "FLAGS.SILENT ()"))
def test_client_clears_no_protected_flag(server, user, how):
    command = how % TRUST if "%s" in how else how
    with trusted(server, user, "", "Own Other") as box, \
            Box(server, user) as other:
        box.ok("STORE 2 %s" % command)
        expected = {TRUST} | ({"other"} if "Own" in command else set()) | (
            {"\\seen"} if "Seen" in command else set())
        # It is told although it was to be silent: it is not what was asked.
        assert box.told == {2: expected}
        assert box.flags(2) == expected
        other.ok("NOOP")
        assert other.told == {2: expected}
        assert box.search("KEYWORD %s" % TRUST) == [2]


@pytest.mark.parametrize("command", (
    "STORE 1 +FLAGS ($HasAttachment)", "store 1 +flags ($hasattachment)",
    "Store 1 -Flags.Silent ($HasNoAttachment)", "store 1 flags ()",
    "uid store 1 flags ($HasNoAttachment)", "store 1 flags ($HasAttachment)"))
def test_client_is_no_server(server, user, command):
    """Core sets these two for itself; a client's command is a client's, in
    whatever case it is written."""
    with filled(server, user, "$Forwarded Own") as box:
        admin(server, user, "add", "%s $HasNoAttachment" % TRUST)
        box.ok(command)
        own = set() if " flags (" in command else {"own"}
        assert box.flags() == own | {"$forwarded", TRUST, "$hasnoattachment"}


def test_append_forges_nothing(server, user):
    with filled(server, user, "Own %s" % TRUST) as box:
        box.append("$Sealed %s" % TRUST, "$IsTrusted Own \\Seen")
        box.ok("NOOP")
        assert box.all_flags() == {1: {"own"}, 2: set(),
                                   3: {"own", "\\seen"}}
        assert box.search("KEYWORD %s" % TRUST) == []


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_foreign_copy_forges_nothing(server, user, how):
    """Who could set it in a namespace of everybody's?"""
    name = board(server, user, "Own")
    admin(server, user, "add", TRUST, mailbox=name)
    with Box(server, user, name) as box:
        assert box.flags() == {"own", TRUST}
        box.ok("%s 1 INBOX" % how)
    assert flags_of(server, user) == [{"own"}]


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_own_copy_carries_it(server, user, how):
    with trusted(server, user, "Own \\Seen") as box:
        box.ok("CREATE Other")
        box.ok("%s 1 Other" % how)
        box.select("Other")
        assert box.flags() == {"own", "\\seen", TRUST}
        assert box.search("KEYWORD %s" % TRUST) == [1]


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_own_archive_carries_it(server, user, how):
    """Another namespace, but nobody else's."""
    with trusted(server, user, "Own") as box:
        box.ok("CREATE Archive/Old")
        box.ok("%s 1 Archive/Old" % how)
        box.select("Archive/Old")
        assert box.flags() == {"own", TRUST}
        box.ok("COPY 1 INBOX")
    assert flags_of(server, user)[-1] == {"own", TRUST}


def test_neomutt_edits_tags(server, user):
    """It names what was there, then what is to be there."""
    with trusted(server, user, "Old1 Old2") as box:
        box.ok("UID STORE 1 -FLAGS.SILENT (Old1 %s Old2)" % TRUST)
        assert box.told == {1: {TRUST}}
        box.ok("UID STORE 1 +FLAGS.SILENT (%s New1 Old2)" % TRUST)
        assert box.flags() == {TRUST, "new1", "old2"}


def test_admin_may(server, user):
    with filled(server, user, "Own") as box:
        admin(server, user, "add", "%s $HasAttachment" % TRUST)
        box.ok("NOOP")
        assert box.told == {1: {"own", TRUST, "$hasattachment"}}
        admin(server, user, "remove", TRUST)
        box.ok("NOOP")
        assert box.told == {1: {"own", "$hasattachment"}}
        admin(server, user, "replace", "Mine")
        assert box.flags() == {"mine"}


# on_violation = reject

def unchanged(box, action):
    """Neither flags nor MODSEQ nor messages are others after it."""
    def shown():
        box.ok("NOOP")
        return (box.ok("FETCH 1:* (UID FLAGS MODSEQ)").untagged[-9:],
                box.highest(), box.raw.count())
    shown()
    before = shown()
    action()
    assert shown() == before


@pytest.mark.parametrize("command", (
    "STORE 1:3 +FLAGS (Own $istrusted)", "STORE 1 FLAGS ($istrusted)",
    "STORE 1:3 +FLAGS.SILENT ($IsTrusted \\Seen)",
    "UID STORE 1:* -FLAGS (\\Seen $istrusted First)",
    "STORE 1:3 -FLAGS ($Forwarded Own)",
    "STORE 3,1 FLAGS (\\Answered $istrusted)"))
def test_rejected_store_changes_nothing(server, command):
    """One message of three may not be changed so."""
    user = another(server, "reject")
    with trusted(server, user, "First", "$Forwarded \\Seen",
                 "Third") as box:
        unchanged(box, lambda: box.no("NOPERM", command))
        box.ok("STORE 1:3 +FLAGS (Works)")


def test_rejected_append_appends_nothing(server):
    user = another(server, "reject")
    with filled(server, user, "Own") as box:
        def bad(*flags):
            answer = box.append(*flags)
            assert answer.text.startswith(b"[NOPERM]"), answer
        unchanged(box, lambda: bad("Own %s" % TRUST))
        unchanged(box, lambda: bad("Own", "Other %s" % TRUST))
        unchanged(box, lambda: bad(TRUST, "Own"))
        assert box.append("Own", "Other").ok
    assert flags_of(server, user) == [{"own"}, {"own"}, {"other"}]


def test_leaving_out_is_no_attempt(server):
    user = another(server, "reject")
    with trusted(server, user, "$Forwarded Own") as box:
        box.ok("STORE 1 FLAGS (New)")
        assert box.flags() == {"$forwarded", TRUST, "new"}
        box.ok("STORE 1 +FLAGS (%s More)" % TRUST)
        assert box.flags() == {"$forwarded", TRUST, "new", "more"}
        box.ok("STORE 1 -FLAGS ($maskedemail More)")
        assert box.flags() == {"$forwarded", TRUST, "new"}


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_copy_never_fails(server, how):
    for kind in ("reject", "denyno", "few"):
        user = another(server, kind)
        name = board(server, user, "One Two Secret1 Four",
                     owner=another(server))
        admin(server, user, "add", TRUST, mailbox=name)
        with Box(server, user, name) as box:
            box.ok("%s 1 INBOX" % how)
        found, = flags_of(server, user)
        assert found == {"reject": {"one", "two", "secret1", "four"},
                         "denyno": {"one", "two", "four"},
                         "few": {"one", "two", "secret1"}}[kind]


# Kept, denied, allowed

@pytest.mark.parametrize("how", (
    "-FLAGS ($Forwarded Own)", "-FLAGS.SILENT ($MDNSent)", "FLAGS (\\Seen)",
    "FLAGS ()", "-FLAGS (Forwarded)"))
def test_kept_once_set(server, user, how):
    with filled(server, user, "", "Own") as box:
        box.ok("STORE 1:2 +FLAGS ($Forwarded $MDNSent)")
        assert box.flags() == {"$forwarded", "$mdnsent"}
        box.ok("STORE 2 %s" % how)
        left = {"own"} if how[0] == "-" and "Own" not in how else set()
        seen = {"\\seen"} if "Seen" in how else set()
        assert box.flags(2) == {"$forwarded", "$mdnsent"} | left | seen
        box.select()
        assert {"$forwarded", "$mdnsent"} <= box.permanent


def test_denied_by_pattern(server):
    user = another(server, "deny")
    with filled(server, user, "Own seCRet1", "SECRET") as box:
        assert box.all_flags() == {1: {"own"}, 2: set()}
        box.ok("STORE 1:2 +FLAGS (Secret-plan More \\Seen)")
        assert box.all_flags() == {1: {"own", "more", "\\seen"},
                                   2: {"more", "\\seen"}}
        box.ok("STORE 2 FLAGS (Secret)")
        assert box.flags(2) == set()
        box.ok("STORE 2 +FLAGS (NoSecret)")
        assert box.flags(2) == {"nosecret"}
        box.select()
        assert not [name for name in box.permanent
                    if name.startswith("secret")]
        assert "\\*" in box.permanent


def test_denied_may_go(server):
    """What was there before the rule can be removed."""
    user = another(server, "deny")
    name = board(server, user, "Secret1 Own", owner=another(server))
    with Box(server, user, name) as box:
        assert box.flags() == {"secret1", "own"}
        assert "secret1" not in box.permanent
        box.ok("STORE 1 +FLAGS (More)")
        assert box.flags() == {"secret1", "own", "more"}
        box.ok("STORE 1 -FLAGS (Secret1)")
        assert box.flags() == {"own", "more"}


def test_denied_by_rejection(server):
    user = another(server, "denyno")
    with filled(server, user, "Own", "") as box:
        for command in ("STORE 1:2 +FLAGS (Fine Secret1)",
                        "STORE 2 FLAGS.SILENT (SECRET)"):
            unchanged(box, lambda: box.no("NOPERM", command))
        assert box.append("Fine", "secret2").text.startswith(b"[NOPERM]")
        assert box.raw.count() == 2


def test_allowed_alone(server):
    user = another(server, "allow")
    with filled(server, user, "Proj-1 Own", "proj-12 \\Seen") as box:
        assert box.all_flags() == {1: {"proj-1"}, 2: {"\\seen"}}
        box.ok("STORE 1:2 +FLAGS (PROJ-2 $Junk $Forwarded \\Flagged)")
        assert box.all_flags() == {1: {"proj-1", "proj-2", "\\flagged"},
                                   2: {"\\seen", "proj-2", "\\flagged"}}
        box.ok("STORE 1 -FLAGS (proj-1)")
        assert box.flags() == {"proj-2", "\\flagged"}
        admin(server, user, "add", "%s Own" % TRUST)
        assert box.flags() == {"proj-2", "\\flagged"}


# Aliases

ALIASES = {"$Junk": ["Junk", "JunkRecorded"],
           "$NotJunk": ["NonJunk", "NotJunk"], "$Forwarded": ["Forwarded"]}
ALIASES.update({"$label%d" % number: ["$Label%d" % number,
                                      "LABEL%d" % number]
                for number in range(1, 6)})


@pytest.mark.parametrize("how", HOWS)
def test_one_meaning_one_name(server, user, how):
    with filled(server, user, "") as box:
        for name, aliases in ALIASES.items():
            for alias in aliases:
                expected = {name.lower()} - {"$forwarded"}
                spellings = aliases + [name, alias.swapcase()]
                box.ok("STORE 1 %s (%s)" % (how, alias))
                assert box.flags() - {"$forwarded"} == expected
                for key in spellings:
                    assert box.search("KEYWORD %s" % key) == [1], key
                    assert box.search("UNKEYWORD %s" % key) == [], key
                box.ok("STORE 1 -FLAGS (%s)" % spellings[-1])
                assert box.flags() <= {"$forwarded"}
                if expected:
                    assert box.search("NOT KEYWORD %s" % alias) == [1]


@pytest.mark.parametrize("how", ("+FLAGS", "+FLAGS.SILENT"))
def test_alias_is_told_by_its_name(server, user, how):
    """One who says NonJunk learns what became of it, as others do."""
    with filled(server, user, "") as box, Box(server, user) as other:
        box.ok("STORE 1 %s (NonJunk Own)" % how)
        assert box.told == {1: {"$notjunk", "own"}}
        other.ok("NOOP")
        assert other.told == {1: {"$notjunk", "own"}}
        box.ok("STORE 1 -FLAGS (NOTJUNK)")
        other.ok("NOOP")
        assert box.told == other.told == {1: {"own"}}


def test_append_and_copy_with_an_alias(server, user):
    with filled(server, user, "NonJunk", "LABEL3 \\Seen") as box:
        assert box.all_flags() == {1: {"$notjunk"}, 2: {"$label3", "\\seen"}}
        box.ok("CREATE Other")
        box.ok("COPY 1:2 Other")
        assert box.search("KEYWORD NotJunk") == [1]
        assert box.search("OR KEYWORD $Label3 KEYWORD nonjunk") == [1, 2]
        box.ok("STORE 2 FLAGS (Junk JunkRecorded)")
        assert box.flags(2) == {"$junk"}
    assert flags_of(server, user, "Other") == [{"$notjunk"},
                                               {"$label3", "\\seen"}]


def test_old_spellings(server):
    """Set before there were rules: found and removed by any spelling."""
    user = another(server, "nogroups")
    with filled(server, user, "Junk", "JunkRecorded Own", "$Junk") as box:
        assert box.all_flags() == {1: {"junk"}, 2: {"junkrecorded", "own"},
                                   3: {"$junk"}}
    server.change_user(user, roost_flags_alias="Junk=$Junk")
    server.change_user(user, roost_flags_exclusive="$Junk|$NotJunk")
    with Box(server, user) as box:
        for key in ("$Junk", "JUNK"):
            assert box.search("KEYWORD %s" % key) == [1, 3], key
        box.ok("STORE 1 -FLAGS ($Junk)")
        assert box.flags(1) == set()
        box.ok("STORE 3 +FLAGS (Junk)")
        assert box.flags(3) == {"$junk"}
        box.ok("STORE 3 +FLAGS ($NotJunk)")
        assert box.flags(3) == {"$notjunk"}


# Exclusive groups, implied names, colours

PAIRS = (("$Junk", "$NotJunk"), ("NonJunk", "Junk"), ("$memo", "$hasmemo"),
         ("$muted", "$followed"))


def one_step(box, number, command, expected):
    """One untagged FETCH of the final set, for one's own session and for
    another's, and a MODSEQ that is the mailbox's highest."""
    with Box(box.server, box.user) as other:
        other.ok("ENABLE CONDSTORE")
        before, rest = other.modseq(number), other.highest()
        answer = box.ok(command)
        assert fetches_of(answer) == [(number, expected)], answer
        # Its own change is told by CONDSTORE as well, maybe.
        answer = other.ok("NOOP")
        assert fetches_of(answer) == [(number, expected)], answer
        assert before <= rest < other.modseq(number) == other.highest()


def fetches_of(answer):
    return flagkit.fetches(answer.untagged)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_one_clears_the_other(server, user, pair):
    names = {"nonjunk": "$notjunk", "junk": "$junk"}
    one, two = [names.get(name.lower(), name.lower()) for name in pair]
    with filled(server, user, "", "%s Own" % pair[0]) as box:
        one_step(box, 2, "STORE 2 +FLAGS (%s)" % pair[1], {"own", two})
        one_step(box, 2, "STORE 2 FLAGS (%s)" % pair[0], {one})
        one_step(box, 2, "STORE 2 +FLAGS.SILENT (%s)" % pair[1], {two})
        assert box.search("KEYWORD %s" % pair[0]) == []
        assert box.search("KEYWORD %s" % pair[1]) == [2]


BOTH = (("$Junk $NotJunk", set()), ("NotJunk JunkRecorded", set()),
        ("$memo $hasmemo", set()), ("$muted $followed", {"$followed"}),
        ("$followed $muted", {"$followed"}))


@pytest.mark.parametrize("both,left", BOTH, ids=[pair[0] for pair in BOTH])
def test_both_at_once(server, user, both, left):
    with filled(server, user, both + " Own", "", both.split()[0]) as box:
        assert box.flags(1) == left | {"own"}
        box.ok("STORE 2:3 +FLAGS (%s Own)" % both)
        assert box.flags(2) == box.flags(3) == left | {"own"}
        box.ok("STORE 3 FLAGS (%s)" % both)
        assert box.flags(3) == left
        box.append("", both + " \\Seen")
        box.ok("NOOP")
        assert box.flags(5) == left | {"\\seen"}


def test_both_from_elsewhere(server, user):
    """They were set where nothing forbade it."""
    name = board(server, user, "$Junk $NotJunk Own",
                 owner=another(server, "nogroups"))
    with Box(server, user, name) as box:
        assert box.flags() == {"$junk", "$notjunk", "own"}
        box.ok("COPY 1 INBOX")
        box.ok("STORE 1 +FLAGS ($Junk)")
        assert box.flags() == {"$junk", "own"}
    assert flags_of(server, user) == [{"own"}]


def test_implied(server, user):
    with filled(server, user, "", "$Phishing Own", "$NotJunk") as box:
        assert box.flags(2) == {"$phishing", "$junk", "own"}
        one_step(box, 3, "STORE 3 +FLAGS ($Phishing)", {"$phishing", "$junk"})
        one_step(box, 3, "STORE 3 -FLAGS (Junk)", set())
        one_step(box, 2, "STORE 2 -FLAGS ($Phishing)", {"$junk", "own"})


def test_colours_need_flagged(server, user):
    with filled(server, user, "$MailFlagBit0 Own", "\\Flagged $MailFlagBit2",
                "") as box:
        assert box.all_flags() == {1: {"own"}, 3: set(),
                                   2: {"\\flagged", "$mailflagbit2"}}
        box.ok("STORE 1 +FLAGS ($MailFlagBit1)")
        box.ok("STORE 1 FLAGS ($MailFlagBit1 Own)")
        assert box.flags() == {"own"}
        one_step(box, 1, "STORE 1 +FLAGS (\\Flagged $mailflagbit0)",
                 {"own", "\\flagged", "$mailflagbit0"})
        one_step(box, 1, "STORE 1 +FLAGS ($MailFlagBit1)", {
            "own", "\\flagged", "$mailflagbit0", "$mailflagbit1"})
        box.append("$MailFlagBit0", "\\Flagged $MailFlagBit0")
        box.ok("NOOP")
        assert (box.flags(4), box.flags(5)) == (
            set(), {"\\flagged", "$mailflagbit0"})


@pytest.mark.parametrize("command,left", (
    ("-FLAGS (\\Flagged)", {"own"}), ("-FLAGS.SILENT (\\Flagged)", {"own"}),
    ("FLAGS (Own $MailFlagBit0)", {"own"}), ("FLAGS ($MailFlagBit1)", set()),
    ("FLAGS.SILENT (\\Seen $MailFlagBit1)", {"\\seen"}),
    ("-FLAGS (\\Flagged $MailFlagBit0)", {"own"})))
def test_colours_go_with_flagged(server, user, command, left):
    names = "\\Flagged $MailFlagBit0 $MailFlagBit1 Own"
    with filled(server, user, "", names) as box:
        one_step(box, 2, "STORE 2 %s" % command, left)
        assert box.flags(2) == left


def test_colours_go_with_flagged_by_admin(server, user):
    with filled(server, user, "\\Flagged $MailFlagBit0 Own") as box:
        admin(server, user, "remove", "\\Flagged")
        box.ok("NOOP")
        assert box.told == {1: {"own"}}


def test_colours_without_rules(server):
    with filled(server, another(server, "gray"), "$MailFlagBit0",
                "\\Flagged $MailFlagBit1") as box:
        box.ok("STORE 2 -FLAGS (\\Flagged)")
        assert box.all_flags() == {1: {"$mailflagbit0"}, 2: {"$mailflagbit1"}}


# Limits

def test_limit_of_a_message(server):
    user = another(server, "few")
    with filled(server, user, "a", "") as box:
        for command in ("STORE 1:2 +FLAGS (b c d)",
                        "STORE 2 FLAGS (a b c d)",
                        "STORE 2,1 +FLAGS.SILENT (\\Seen b c d)"):
            unchanged(box, lambda: box.no("LIMIT", command))
        box.ok("STORE 2 +FLAGS (b c d \\Seen \\Flagged \\Answered)")
        unchanged(box, lambda: box.no("LIMIT", "STORE 2 +FLAGS (e)"))
        box.ok("STORE 2 +FLAGS (B c)")
        box.ok("STORE 2 FLAGS (e f $Junk)")
        # It takes the other's place.
        box.ok("STORE 2 +FLAGS ($NotJunk)")
        assert box.flags(2) == {"e", "f", "$notjunk"}
        for flags in (("a b c d",), ("a", "a b c d"), ("a b c d", "a")):
            assert box.append(*flags).text.startswith(b"[LIMIT]")
        assert box.raw.count() == 2
        box.ok("COPY 2 INBOX")
    server.sieve(user, 'require "imap4flags";\n'
                 'addflag ["v", "w", "x", "y", "z"];')
    assert server.deliver(message("one"), user)[0][0] == 250
    found = flags_of(server, user)
    assert found[2] == {"e", "f", "$notjunk"}
    assert len(found[3]) == 3 and found[3] < {"v", "w", "x", "y", "z"}


def test_default_limit_of_a_message(server, user):
    names = " ".join("tag%d" % number for number in range(64))
    with filled(server, user, "", "") as box:
        unchanged(box, lambda: box.no(
            "LIMIT", "STORE 1 +FLAGS (%s more)" % names))
        box.ok("STORE 2 +FLAGS (%s)" % names)
        assert len(box.flags(2)) == 64
        unchanged(box, lambda: box.no("LIMIT", "STORE 2 +FLAGS (more)"))


MANY = ["tag-%d" % number for number in range(1100)]


@pytest.mark.parametrize("how", ("COPY", "MOVE"))
def test_copy_of_very_many_names(server, user, how):
    """More than the rules look at: mail is not stopped by it."""
    with filled(server, user, "Own") as box:
        admin(server, user, "add", " ".join(MANY),
              options=flagkit.without_rules())
        box.ok("CREATE Other")
        box.ok("%s 1 Other" % how)
    assert len(flags_of(server, user, "Other")) == 1


def test_very_many_names_at_once(server, user):
    with filled(server, user, "Own") as box:
        unchanged(box, lambda: box.no(
            "LIMIT", "STORE 1 +FLAGS (%s)" % " ".join(MANY)))
        assert box.append(" ".join(MANY)).text.startswith(b"[LIMIT]")
    server.sieve(user, 'require "imap4flags";\naddflag [%s];' % ", ".join(
        '"%s"' % name for name in MANY))
    assert server.deliver(message("one"), user)[0][0] == 250
    assert server.lda(user, message("two")).returncode == 0
    assert len(flags_of(server, user)) == 3


def test_removing_from_very_many_names(server, user):
    with filled(server, user, "") as box:
        admin(server, user, "add", " ".join(MANY),
              options=flagkit.without_rules())
        box.ok("STORE 1 -FLAGS (tag-7 %s)" % TRUST)
        assert len(box.flags()) == 1099
        box.no("LIMIT", "STORE 1 FLAGS (Own)")
        box.ok("STORE 1 FLAGS (tag-8)")
        assert box.flags() == {"tag-8"}


NO_COMMANDS = (b"", b"a", b"(", b"+ NOOP", b"a \xff", b"a UID", b"a%b NOOP",
               b"a (", b'"a" NOOP', b"a " + 20000 * b"y")


@pytest.mark.parametrize("line", NO_COMMANDS, ids=lambda line: repr(line[:9]))
def test_line_that_is_no_command(server, user, line):
    with filled(server, user, "Own") as box:
        box.raw.sock.sendall(line + b"\r\n")
        box.ok("NOOP")
        assert box.flags() == {"own"}


def fill_mailbox(box, count=6):
    for number in range(count):
        assert "\\*" in box.permanent, number
        box.ok("STORE 1 +FLAGS (k%d)" % number)


def test_limit_of_a_mailbox(server):
    user = another(server, "narrow")
    with filled(server, user, "", "") as box, Box(server, user) as other:
        fill_mailbox(box, 5)
        assert "\\*" in box.permanent
        answer = box.ok("STORE 1 +FLAGS (k5)")
        # Told as soon as it is so.
        assert "\\*" not in flagkit.permanent(answer.untagged)
        other.ok("NOOP")
        assert "\\*" not in other.permanent
        for command in ("STORE 2 +FLAGS (k6)", "STORE 1:2 FLAGS (k0 new)",
                        "STORE 2 +FLAGS.SILENT ($Junk)"):
            unchanged(box, lambda: box.no("LIMIT", command))
        assert box.append("k0", "k7").text.startswith(b"[LIMIT]")
        box.ok("STORE 2 +FLAGS (K0 k5)")
        assert box.append("k1").ok
        box.select()
        assert "\\*" not in box.permanent
        assert {"k%d" % number for number in range(6)} <= box.permanent
        box.select(how="EXAMINE")
        assert "\\*" not in box.permanent
    with Box(server, user) as box:
        assert "\\*" not in box.permanent
        box.ok("CREATE Other")
        box.select("Other")
        assert "\\*" in box.permanent


def test_limit_within_one_command(server):
    """Names that the same command has brought count, once each."""
    user = another(server, "narrow")
    with filled(server, user, "") as box:
        def many():
            answer = box.append("k0 k1 k2", "k3 k4 k5", "k6")
            assert answer.text.startswith(b"[LIMIT]"), answer
        unchanged(box, many)
        assert box.append("k0 k1 k2", "k2 k1 k0", "k3 k4 k5").ok
        box.ok("NOOP")
        assert box.all_flags()[4] == {"k3", "k4", "k5"}


def test_full_mailbox_takes_mail(server):
    """Copies and deliveries leave behind what has no room."""
    user = another(server, "narrow")
    with filled(server, user, "") as box:
        fill_mailbox(box)
        box.ok("CREATE Other")
        assert box.append("k1 o1 o2", mailbox="Other").ok
        box.select("Other")
        box.ok("COPY 1 INBOX")
    server.sieve(user, 'require "imap4flags"; addflag ["o1", "k2"];')
    assert server.deliver(message("one"), user)[0][0] == 250
    assert flags_of(server, user)[1:] == [{"k1"}, {"k2"}]


def test_reserved_for_the_server(server):
    user = another(server, "narrow")
    server.change_user(user, roost_flags_at_delivery="$HasNoAttachment")
    with Box(server, user) as box:
        box.ok("CREATE Other")
        assert box.append("k0 k1 k2 k3 k4 k5", mailbox="Other").ok
    server.sieve(user, 'require "fileinto"; fileinto "Other";')
    assert server.deliver(message("one"), user)[0][0] == 250
    found = flags_of(server, user, "Other")
    assert found[1] == {"$hasnoattachment"}, found


def test_search_uses_no_slot(server):
    with filled(server, another(server, "narrow"), "") as box:
        for number in range(20):
            box.search("KEYWORD never%d" % number)
        assert "\\*" in box.permanent
        box.ok("STORE 1 +FLAGS (k0 k1 k2 k3 k4 k5)")


def test_refused_names_use_no_slot(server):
    user = another(server, "narrow")
    with filled(server, user, "") as box:
        for number in range(9):
            box.no("LIMIT", "STORE 1 +FLAGS (%s)" % " ".join(
                "n%d-%d" % (number, other) for other in range(7)))
        box.ok("STORE 1 +FLAGS (k0 k1 k2 k3 k4 k5)")
        box.no("LIMIT", "STORE 1 +FLAGS (k6)")


def test_impossible_names(server, user):
    with filled(server, user, "Own") as box:
        for name in ("z" * 51, "$" + "y" * 200):
            unchanged(box, lambda: box.no(
                "CANNOT", "STORE 1 +FLAGS (Fine %s)" % name))
            assert box.append("Fine %s" % name).text.startswith(b"[CANNOT]")
        for name in ("a]b", "a*b", "a%b", "\\Nonsense"):
            answer = box.cmd("STORE 1 +FLAGS (%s)" % name)
            assert not answer.ok, answer
        assert box.all_flags() == {1: {"own"}}


# What a client may change

def test_permanent_flags(server, user):
    with trusted(server, user, "$Forwarded Own \\Seen") as box:
        for _ in range(2):
            assert "\\*" in box.permanent and "\\seen" in box.permanent
            assert {"own", "$forwarded"} <= box.permanent
            assert TRUST not in box.permanent and TRUST in box.known
            # All is listed anew, or not at all.
            box.ok("STORE 1 +FLAGS (New)")
        assert "new" in box.permanent
        answer = box.select(how="EXAMINE")
        assert flagkit.permanent(answer.untagged) == set()
        assert TRUST in box.known
        answer = box.select()
        assert flagkit.permanent(answer.untagged) >= {"own", "new", "\\*"}


def test_permanent_flags_of_others(server, user):
    """A protected name comes up while a session looks on."""
    with filled(server, user, "Own") as box:
        admin(server, user, "add", "%s Else" % TRUST)
        box.ok("NOOP")
        assert box.told == {1: {"own", TRUST, "else"}}
        assert TRUST not in box.permanent


def watch(session, how):
    """A client that says nothing more, and is told what happens."""
    if how == "IDLE":
        session.raw.idle()
        return
    session.ok("NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))")


def watched(session, how):
    """The end of it: what was told last."""
    answer = session.raw.done() if how == "IDLE" else session.ok("NOOP")
    session.read(answer.untagged)
    return answer.untagged


class Appending(threading.Thread):
    """Somebody who goes on appending: after each command and each event,
    NOTIFY looks away for a second, and hears of what came then with the
    next event alone."""

    def __init__(self, server, user):
        super().__init__()
        self.box = Box(server, user)
        self.is_done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.join()
        self.box.raw.logout()

    def run(self):
        while not self.is_done.wait(0.2):
            self.box.append("")


def until(session, event):
    """What a client is told up to an event."""
    lines = []
    while not lines or event not in lines[-1]:
        lines.append(session.raw.response())
    session.read(lines)
    return lines


@pytest.mark.parametrize("how", ("IDLE", "NOTIFY"))
def test_permanent_flags_of_others_while_nothing_is_asked(server, user, how):
    """The last word is the truth when it comes, not with the next command:
    the second of two events comes after all that is said of the first."""
    with filled(server, user, "Own") as box, Box(server, user) as other:
        watch(other, how)
        admin(server, user, "add", "%s Else" % TRUST)
        with Appending(server, user):
            until(other, b"* 1 FETCH (")
            until(other, b"EXISTS")
            until(other, b"EXISTS")
            assert other.told[1] == {"own", TRUST, "else"}
            assert TRUST in other.known
            assert {"own", "else"} <= other.permanent
            assert TRUST not in other.permanent and "\\*" in other.permanent
            # Nothing is new: nothing is said again.
            lines = until(other, b"EXISTS") + until(other, b"EXISTS")
        lines += watched(other, how)
        assert flagkit.permanent(lines) is None, lines


@pytest.mark.parametrize("how", ("IDLE", "NOTIFY"))
def test_limit_of_a_mailbox_while_nothing_is_asked(server, how):
    user = another(server, "narrow")
    with filled(server, user, "", "") as box, Box(server, user) as other:
        watch(other, how)
        fill_mailbox(box, 6)
        assert "\\*" not in box.permanent
        with Appending(server, user):
            for _ in range(3):
                until(other, b"EXISTS")
            assert "\\*" not in other.permanent
            assert "k5" in other.permanent
        watched(other, how)


def test_permanent_flags_of_a_public_mailbox(server, user):
    name = board(server, user, "Own")
    admin(server, user, "add", TRUST, mailbox=name)
    with Box(server, user, name) as box:
        assert "own" in box.permanent and TRUST not in box.permanent


def test_examine_changes_nothing(server, user):
    with trusted(server, user, "Own") as box:
        before = box.highest()
        box.select(how="EXAMINE")
        for how in ("+FLAGS (New)", "+FLAGS (%s)" % TRUST, "FLAGS (Junk)"):
            box.cmd("STORE 1 %s" % how)
        assert box.flags() == {"own", TRUST}
        assert box.highest() == before


# MODSEQ

def ignored(box, number, command):
    before = box.modseq(number), box.highest()
    box.told = {}
    answer = box.ok(command)
    assert b"MODIFIED" not in answer.tagged
    assert fetches_of(answer) == [], answer
    assert (box.modseq(number), box.highest()) == before


def test_ignored_store_is_no_change(server, user):
    with trusted(server, user, "Own", "$Forwarded") as box:
        box.ok("ENABLE CONDSTORE")
        ignored(box, 1, "STORE 1 +FLAGS.SILENT (%s)" % TRUST)
        ignored(box, 2, "STORE 2 -FLAGS.SILENT (%s)" % TRUST)
        ignored(box, 2, "STORE 2 -FLAGS.SILENT ($Forwarded)")
        ignored(box, 1, "STORE 1 +FLAGS.SILENT ($MailFlagBit0)")
        ignored(box, 1, "STORE 1 +FLAGS.SILENT ($Junk $NotJunk)")
        before = box.highest()
        box.ok("STORE 2 FLAGS ($Forwarded)")
        box.ok("STORE 1 -FLAGS (%s)" % TRUST)
        assert box.highest() == before
        with Box(server, user) as other:
            box.ok("STORE 1 +FLAGS (%s)" % TRUST)
            assert fetches_of(other.ok("NOOP")) == []


def test_unchangedsince(server, user):
    with trusted(server, user, "Own", "Own") as box:
        box.ok("ENABLE CONDSTORE")
        old = box.modseq(1)
        box.ok("STORE 1 +FLAGS (New)")
        answer = box.ok("STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT "
                        "(%s Late)" % (max(old, box.modseq(2)), TRUST))
        assert b"[MODIFIED 1]" in answer.tagged, answer
        assert box.flags(1) == {"own", "new"}
        assert box.flags(2) == {"own", TRUST, "late"}
        for names in (TRUST, "$Junk", "NonJunk \\Flagged"):
            answer = box.ok("STORE 1 (UNCHANGEDSINCE %d) +FLAGS (%s)"
                            % (box.modseq(1), names))
            assert b"MODIFIED" not in answer.tagged, answer
        assert box.flags(1) == {"own", "new", "$notjunk", "\\flagged"}


def test_qresync_tells_what_changed(server, user):
    changes = ("+FLAGS (%s)" % TRUST, "+FLAGS (NonJunk)", "+FLAGS ($Junk)",
               "-FLAGS ($Forwarded)", "FLAGS (\\Seen)", "-FLAGS (\\Flagged)",
               "+FLAGS ($MailFlagBit1)", "-FLAGS.SILENT (%s Own)" % TRUST)
    starts = ("", "", "$NotJunk", "$Forwarded", "$MDNSent Own",
              "\\Flagged $MailFlagBit0", "Own", "Own")
    with trusted(server, user, *starts) as box:
        found = box.select().untagged
        valid = re.search(rb"UIDVALIDITY (\d+)", b"".join(found)).group(1)
        modseq = box.highest()
        for number, change in enumerate(changes):
            box.ok("STORE %d %s" % (number + 1, change))
        expected = box.all_flags()
    with Box(server, user) as box:
        box.ok("ENABLE QRESYNC")
        box.ok("UNSELECT")
        box.select(more=" (QRESYNC (%s %d))" % (valid.decode(), modseq))
        assert box.told == {number: expected[number]
                            for number in (2, 3, 5, 6, 8)}
    assert expected == {
        1: set(), 2: {"$notjunk"}, 3: {"$junk"}, 4: {"$forwarded"},
        5: {"\\seen", "$mdnsent"}, 6: set(), 7: {"own"}, 8: {TRUST}}


def test_silent_as_asked_is_silent(server, user):
    with trusted(server, user, "Own", "$NotJunk") as box:
        box.told = {}
        for command in ("1 +FLAGS.SILENT (New)", "2 -FLAGS.SILENT ($NotJunk)",
                        "2 +FLAGS.SILENT ($Junk Own)",
                        "1 FLAGS.SILENT (\\Flagged $MailFlagBit0)"):
            assert fetches_of(box.ok("STORE " + command)) == [], command
        assert fetches_of(box.ok("NOOP")) == []


def test_idle_session_sees_one_final_set(server, user):
    with filled(server, user, "NotJunk Own") as box, \
            Box(server, user) as other:
        other.raw.idle()
        box.ok("STORE 1 +FLAGS.SILENT (%s Junk \\Flagged)" % TRUST)
        lines = []
        while not flagkit.fetches(lines):
            lines.append(other.raw.response())
        lines += other.raw.done().untagged
        assert flagkit.fetches(lines) == [
            (1, {"own", "$junk", "\\flagged"})], lines


# One command about many messages

SIX = ["one", "two", "$Junk", "four", "NonJunk", "\\Flagged"]


def test_each_of_many_messages(server, user):
    """Two of each set of six flags, far apart: what becomes of one is what
    becomes of it alone."""
    sets = [[name for bit, name in enumerate(SIX) if number >> bit & 1]
            for number in range(64)] * 2
    with filled(server, user) as box:
        box.append(*[" ".join(names) for names in sets])
        box.select()
        box.ok("STORE 1:* +FLAGS ($MailFlagBit1 NonJunk)")
        box.select()
        found = [names for _, names in sorted(box.all_flags().items())]
    wanted = [low(names) - {"$junk", "nonjunk"} | {"$notjunk"} |
              ({"$mailflagbit1"} if "\\Flagged" in names else set())
              for names in sets]
    assert found == wanted


# Maildir has 26 letters

def test_many_names(server, user):
    names = ["tag-%02d" % number for number in range(40)]
    with filled(server, user, "", "Own") as box:
        for number, name in enumerate(names):
            box.ok("STORE %d +FLAGS (%s)" % (number % 2 + 1, name))
        box.ok("STORE 2 +FLAGS (NonJunk %s)" % TRUST)
    server.doveadm("force-resync", "-u", user, "INBOX")
    found = flags_of(server, user)
    if server.storage == "maildir":
        # Those beyond the letters are in the index alone.
        assert set(names[0:20:2]) <= found[0] <= set(names[::2])
        assert "own" in found[1]
    else:
        assert found == [set(names[::2]),
                         set(names[1::2]) | {"own", "$notjunk"}]


# Events

def test_events(server):
    user = another(server)
    before = flagkit.counts(server)
    with filled(server, user, "") as box:
        box.ok("STORE 1 +FLAGS (%s Own)" % TRUST)
        flagkit.wait_counts(server, before, denied=1)
        box.ok("STORE 1 +FLAGS (NonJunk)")
        flagkit.wait_counts(server, before, denied=1, changed=1)
        box.ok("STORE 1 +FLAGS (Plain)")
        box.ok("STORE 1 +FLAGS (%s)" % TRUST)
        flagkit.wait_counts(server, before, denied=2, changed=1)


def test_each_message_is_counted(server):
    """By a metric and without debugging, also those with keywords that another
    message of the command has."""
    user = another(server)
    names = ("", "Own", "", "Own", "$Junk", "")
    with filled(server, user, *names) as box:
        before = flagkit.counts(server)
        box.ok("STORE 1:* +FLAGS (%s)" % TRUST)
        flagkit.wait_counts(server, before, denied=6)
        box.ok("STORE 1:* +FLAGS (NonJunk)")
        flagkit.wait_counts(server, before, denied=6, changed=6)
        box.ok("STORE 1:* +FLAGS (Plain)")
        box.ok("STORE 1:* FLAGS (NonJunk)")
        flagkit.wait_counts(server, before, denied=6, changed=12)
    assert flags_of(server, user) == [{"$notjunk"}] * 6


def test_each_refused_message_is_counted(server):
    user = another(server, "reject")
    with filled(server, user, "", "Own", "", "Own") as box:
        before = flagkit.counts(server)
        box.no("NOPERM", "STORE 1:* +FLAGS (%s)" % TRUST)
        flagkit.wait_counts(server, before, denied=4)
    assert flags_of(server, user) == [set(), {"own"}] * 2


def test_each_copy_is_counted(server):
    """That leaves behind what only the server may set."""
    user = another(server)
    public = board(server, user, "", "Own", "Plain", "", "Own", "")
    for number in (1, 2, 4, 5):
        admin(server, user, "add", TRUST, number, mailbox=public)
    with Box(server, user, public) as box:
        before = flagkit.counts(server)
        box.ok("COPY 1:* INBOX")
        flagkit.wait_counts(server, before, denied=4)
        box.ok("COPY 1:* INBOX")
        flagkit.wait_counts(server, before, denied=8)
    assert flags_of(server, user) == \
        [set(), {"own"}, {"plain"}, set(), {"own"}, set()] * 2


# Each filter of the log, and the UIDs of what it shows of a command about six
# messages.
LOGGED = {
    "event=roost_flags_changed": [1, 2, 3, 4, 5, 6],
    "event=roost_flags_changed and uid=2": [2],
    "event=roost_flags_changed and not uid=2": [1, 3, 4, 5, 6],
    "event=roost_flags_* and rule=policy and mailbox=INBOX":
        [1, 2, 3, 4, 5, 6],
    "event=roost_flags_denied": [],
    "event=roost_flags_changed and mailbox=Other": [],
}


@pytest.mark.parametrize("asked", LOGGED)
def test_each_message_is_logged(make_server, asked):
    """Where a filter of the log asks for it, though none of Dovecot's own
    debugging is on."""
    server = make_server("sdbox", roost=False, flags={"at_delivery": "none"},
                         extra="log_debug = %s\n" % asked)
    names = ("", "Own", "", "Own", "", "")
    with filled(server, "alice", *names) as box:
        mark = server.log_mark()
        box.ok("STORE 1:* +FLAGS (NonJunk)")
    server.settle_log()
    found = re.findall(r"roost_flags_(\w+): \w+ \(UID (\d+)\)",
                       server.log_since(mark))
    assert found == [("changed", str(uid)) for uid in LOGGED[asked]]


def test_nothing_is_wrong(server):
    """Last of all: no test made the server complain."""
    lines = [line for line in server.log_since(0).splitlines()
             if re.search(r"(Error|Panic|Fatal): ", line)]
    assert lines == []
