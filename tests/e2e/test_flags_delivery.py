# SPDX-License-Identifier: MIT
"""Flags that the server sets while it saves, and what delivery and Sieve may
do to flags."""

import os
import re
import time

import pytest

import flagkit
import server as servers
from flagkit import Box, admin, another, flags_of

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs roost_flags")

RULES = """\
# what lists send
header List-Id: * set $list
header Subject: *rechnung* set Rechnung
header subject: *gr\u00fc\u00dfe set $Greeting
header X-Spam-Flag: yes set Junk
header X-Bait: *set me* set Baited
"""
SPECIAL = {
    "plain": {"at_delivery": "none"},
    "trusting": {"authserv": "mx.roost.test"},
    "off": {},
    "reject": {"on_violation": "reject", "deny": "Own"},
}
HEAD = (b"From: news@sender.test\r\nTo: b@roost.test\r\nSubject: %s\r\n"
        b"Date: Tue, 1 Apr 2025 10:00:00 +0000\r\n"
        b"Message-ID: <%d@sender.test>\r\n")
TEXT = b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"
PARTS = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
         b"boundary=\"=b\"\r\n\r\n--=b\r\nContent-Type: text/plain\r\n\r\n"
         b"See this.\r\n--=b\r\nContent-Type: application/pdf\r\n"
         b"Content-Transfer-Encoding: base64\r\nContent-Disposition: "
         b"attachment; filename=\"a.pdf\"\r\n\r\n%s\r\n--=b--\r\n")
HTTPS = b"List-Unsubscribe: <https://sender.test/u?id=1>\r\n"
CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
ALT = TEXT.replace(b"text/plain", b"multipart/alternative; boundary=c") \
    .replace(b"Hello.\r\n", b"--c\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
             b"--c\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--c--\r\n")
NONE = "$hasnoattachment"
SOME = "$hasattachment"


def mail(subject=b"hello", more=b"", rest=TEXT, number=1):
    return HEAD % (subject, number) + more + rest


def attached(size=300):
    return PARTS % b"\r\n".join([b"QUJD" * 18] * (size // 72))


MAILS = {
    "text": (mail(), {NONE}),
    "attachment": (mail(rest=attached()), {SOME}),
    "large": (mail(rest=attached(400000), more=b"List-Id: <x.y>\r\n"),
              {SOME, "$list"}),
    "newsletter": (mail(more=HTTPS + CLICK + b"List-Id: News <n.s>\r\n"),
                   {NONE, "$canunsubscribe", "$list"}),
    "alternative": (mail(subject=b"Ihre RECHNUNG 7", rest=ALT),
                    {NONE, "rechnung"}),
}


@pytest.fixture(scope="module", params=flagkit.KINDS[:3],
                ids=flagkit.kind_name)
def server(request, make_module_server):
    server = flagkit.make(
        make_module_server, request.param, special=SPECIAL, count=80,
        extra="recipient_delimiter = +\n", start=False, flags={
            "at_delivery": "$HasAttachment $HasNoAttachment "
            "$canunsubscribe $Sealed"})
    path = os.path.join(server.root, "site.rules")
    server.write(path, RULES.encode())
    server.flags["map"] = path
    for name, fields in server.users.items():
        if name.startswith("off"):
            fields["roost_enable"] = "no"
    server.write_users()
    return server.start()


@pytest.fixture
def user(server):
    return another(server)


def sealed(server):
    return {"$sealed"} if server.roost else set()


# Ways in

def by_lmtp(server, user, data):
    assert server.deliver(data, user)[0][0] == 250


def by_lda(server, user, data):
    assert server.lda(user, data).returncode == 0


def by_fileinto(server, user, data):
    server.sieve(user, 'require ["fileinto", "imap4flags"];\n'
                 'fileinto :flags "Own" "Other";')
    by_lmtp(server, user, data)


def by_append(server, user, data):
    with server.raw(user) as client:
        assert client.append("INBOX", data, "Own").ok


def by_multiappend(server, user, data):
    with server.raw(user) as client:
        client.ok("APPEND INBOX ", (flagkit.message("first"),), " (Own) ",
                  (data,))


def by_catenate(server, user, data):
    with server.raw(user) as client:
        client.ok("APPEND INBOX (Own) CATENATE (TEXT ", (data[:200],),
                  " TEXT ", (data[200:],), ")")


WAYS = {by_lmtp: set(), by_lda: set(), by_fileinto: {"own"},
        by_append: {"own"}, by_multiappend: {"own"}, by_catenate: {"own"}}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__[3:])
def test_set_while_it_is_saved(server, user, way):
    with server.raw(user) as client:
        client.ok("CREATE Other")
    mailbox = "Other" if way == by_fileinto else "INBOX"
    for name, (data, expected) in MAILS.items():
        way(server, user, data)
        found = flags_of(server, user, mailbox)[-1]
        assert found == expected | WAYS[way] | sealed(server), name
    with Box(server, user, mailbox) as box:
        assert len(box.search("KEYWORD $hasattachment")) == 2
        assert len(box.search("KEYWORD $list")) == 2
        assert box.search("KEYWORD $HasAttachment KEYWORD "
                          "$HasNoAttachment") == []


def test_several_recipients(server):
    """Each one's own rules, and none of another's flags."""
    names = [another(server, kind)
             for kind in ("user", "plain", "off", "user")]
    server.sieve(names[0], 'require "imap4flags"; addflag "Own";')
    for data, expected in (MAILS["newsletter"], MAILS["large"]):
        codes = [code for code, _ in server.deliver(data, *names)]
        assert codes == [250] * 4
        found = [flags_of(server, name)[-1] for name in names]
        all_of = expected | sealed(server)
        assert found == [all_of | {"own"}, expected & {"$list"}, expected,
                         all_of]


def test_forged_by_the_sender(server, user):
    """Nothing in a message names a flag, but the headers of the rules."""
    more = b"X-Keywords: $istrusted Forged\r\nX-IMAPbase: 1 1 $istrusted\r\n" \
        b"Keywords: $istrusted\r\nStatus: RO\r\n"
    by_lmtp(server, user, mail(more=more))
    assert flags_of(server, user) == [{NONE} | sealed(server)]


@pytest.mark.parametrize("forged", ("$canunsubscribe", "$Sealed", "$imported",
                                    "$HasAttachment $HasNoAttachment"))
def test_forged_by_the_client(server, user, forged):
    with server.raw(user) as client:
        assert client.append("INBOX", mail(), "Own " + forged).ok
    assert flags_of(server, user) == [{NONE, "own"} | sealed(server)]


def test_index_lost(server, user):
    """Maildir keeps them in its file names."""
    if server.storage != "maildir":
        return      # others have flags in their index alone
    expected = []
    for number, (data, flags) in enumerate(MAILS.values()):
        (by_lmtp if number % 2 else by_append)(server, user, data)
        expected.append(flags | sealed(server) |
                        (set() if number % 2 else {"own"}))
    server.stop()
    server.remove_indexes(user)
    server.start()
    assert sorted(map(sorted, flags_of(server, user))) == \
        sorted(map(sorted, expected))


def test_client_copies_what_the_server_set(server, user):
    by_lmtp(server, user, MAILS["newsletter"][0])
    expected = MAILS["newsletter"][1] | sealed(server)
    with Box(server, user) as box:
        for mailbox, how in (("One", "COPY"), ("Two", "MOVE")):
            box.ok("CREATE %s" % mailbox)
            box.ok("%s 1 %s" % (how, mailbox))
            assert flags_of(server, user, mailbox) == [expected]


def test_copy_from_elsewhere_is_looked_at(server, user):
    """The server's flags stay behind; it looks at the message itself."""
    name = "Public/%s" % user
    with server.raw(user) as client:
        client.ok("CREATE %s" % name)
        assert client.append(name, MAILS["attachment"][0], "Own").ok
        client.ok("SELECT %s" % name)
        admin(server, user, "add", "$istrusted", mailbox=name)
        client.ok("COPY 1 INBOX")
    found, = flags_of(server, user)
    assert "$istrusted" not in found and "own" in found
    assert NONE not in found


# What counts as an offer to unsubscribe

OFFERS = {
    "both": (HTTPS + CLICK, True),
    "folded": (b"List-Unsubscribe: <mailto:u@sender.test>,\r\n"
               b"\t<https://sender.test/u>\r\n" + CLICK, True),
    "case": (HTTPS.replace(b"https", b"HTTPS") +
             CLICK.replace(b"One-Click", b"One-Click "), True),
    "post first": (CLICK + HTTPS, True),
    "no post": (HTTPS, False),
    "post alone": (CLICK, False),
    "mailto": (b"List-Unsubscribe: <mailto:u@sender.test>\r\n" + CLICK,
               False),
    "http": (HTTPS.replace(b"https:", b"http:") + CLICK, False),
    "other post": (HTTPS + CLICK.replace(b"One-Click", b"Two-Click"), False),
    "in a comment": (b"List-Unsubscribe: <mailto:u@sender.test> "
                     b"(<https://sender.test/u>)\r\n" + CLICK, False),
    "no angles": (b"List-Unsubscribe: https://sender.test/u\r\n" + CLICK,
                  False),
    "in the subject": (b"X-Other: https://sender.test/\r\n" + CLICK, False),
}


def test_offers(server, user):
    for name, (more, expected) in OFFERS.items():
        by_lmtp(server, user, mail(more=more))
        found = flags_of(server, user)[-1]
        assert ("$canunsubscribe" in found) == expected, name
    # The headers of a part are not the message's.
    inner = TEXT.replace(b"text/plain\r\n", b"message/rfc822\r\n").replace(
        b"Hello.", HTTPS + CLICK + b"\r\nHello.")
    by_lmtp(server, user, mail(rest=inner))
    assert "$canunsubscribe" not in flags_of(server, user)[-1]


RESULTS = "Authentication-Results: %s\r\n"
VOUCHERS = {
    "none": ([], False),
    "pass": (["mx.roost.test; dkim=pass header.d=sender.test"], True),
    "case": (["MX.Roost.Test 1; spf=fail; DKIM=Pass"], True),
    "folded": (["mx.roost.test;\r\n spf=pass;\r\n\tdkim=pass"], True),
    "second": (["evil.test; dkim=fail", "mx.roost.test; dkim=pass"], True),
    "comment": (["mx.roost.test; dkim (my) = pass (ok)"], True),
    "evil": (["evil.test; dkim=pass"], False),
    "longer": (["mx.roost.test.evil.test; dkim=pass"], False),
    "shorter": (["roost.test; dkim=pass"], False),
    "fail": (["mx.roost.test; dkim=fail"], False),
    "spf": (["mx.roost.test; spf=pass (dkim=pass); dmarc=pass"], False),
    "quoted": (["mx.roost.test; dkim=fail reason=\"; dkim=pass\""], False),
    "other word": (["mx.roost.test; xdkim=pass; dkim=passed"], False),
    "property": (["mx.roost.test; spf=fail x.dkim=pass"], False),
    "quoted address": (["mx.roost.test; dkim=none; spf=pass smtp.mailfrom="
                        "\"a; dkim=pass b\"@evil.test"], False),
    "topmost": (["mx.roost.test; dkim=fail", "mx.roost.test; dkim=pass"],
                False),
    "version": (["mx.roost.test; dkim/1=pass"], True),
    "long": (["mx.roost.test" + 30000 * " ;\r\n" + " dkim=pass"], False),
    "end of a long one": ([30000 * "x;\r\n " +
                           "mx.roost.test; dkim=pass"], False),
}


def test_trusted_hosts(server):
    user = another(server, "trusting")
    for name, (values, expected) in VOUCHERS.items():
        more = "".join(RESULTS % value for value in values).encode()
        by_lmtp(server, user, mail(more=more + HTTPS + CLICK))
        found = flags_of(server, user)[-1]
        assert ("$canunsubscribe" in found) == expected, name


# Header rules

HEADERS = {
    "encoded": (b"Subject: =?utf-8?B?TGllYmUgR3LDvMOfZQ==?=\r\n",
                {"$greeting"}),
    "raw": ("Subject: Viele Gr\u00fc\u00dfe\r\n".encode(), {"$greeting"}),
    "folded": (b"Subject: Ihre\r\n Rechnung\r\n", {"rechnung"}),
    "fold in a pattern": (b"X-Bait: now set\r\n\tme up\r\n", {"baited"}),
    "second": (b"Subject: hello\r\nX-Spam-Flag: no\r\nX-Spam-Flag: YES\r\n",
               {"$junk"}),
    "not all of it": (b"X-Spam-Flag: yes, maybe\r\n", set()),
    "with set": (b"x-bait: now set me up\r\n", {"baited"}),
    "empty": (b"List-Id:\r\n", {"$list"}),
    "like it": (b"List-Ids: 1\r\nX-List-Id: 1\r\nX-Subject: Rechnung\r\n",
                set()),
}


def test_header_rules(server, user):
    for name, (header, expected) in HEADERS.items():
        data = b"From: a@roost.test\r\n" + header + TEXT
        by_lmtp(server, user, data)
        assert flags_of(server, user)[-1] == expected | {NONE} | sealed(
            server), name


def test_header_of_a_part_is_none(server, user):
    rest = attached().replace(b"Content-Type: application/pdf",
                              b"List-Id: <a.b>\r\nContent-Type: a/pdf")
    by_lmtp(server, user, mail(rest=rest))
    assert flags_of(server, user) == [{SOME} | sealed(server)]


# Scripts

SCRIPTS = {
    'addflag ["%s", "Own"];': {"own"},
    'setflag ["Own", "%s"]; keep;': {"own"},
    'keep :flags ["%s", "Own"];': {"own"},
    'fileinto :flags ["Own", "%s"] "INBOX";': {"own"},
    'setflag "";': set(),
    'addflag "NonJunk"; addflag "Own";': {"$notjunk", "own"},
    'addflag ["$Junk", "$NotJunk", "Own"];': {"own"},
    'addflag ["$MailFlagBit0", "Own"];': {"own"},
    'addflag ["\\\\Flagged", "$MailFlagBit1"];': {"\\flagged",
                                                  "$mailflagbit1"},
    'addflag "$Phishing";': {"$phishing", "$junk"},
    'removeflag ["$HasNoAttachment", "$Sealed"]; addflag "Own";': {"own"},
    'addflag ["$HasAttachment", "Own"];': {"own"},
}


@pytest.mark.parametrize("body", SCRIPTS)
def test_scripts(server, user, body):
    server.sieve(user, 'require ["imap4flags", "fileinto"];\n' + (
        body % "$istrusted" if "%s" in body else body))
    expected = SCRIPTS[body] | {NONE} | sealed(server)
    by_lmtp(server, user, mail())
    by_lda(server, user, mail())
    assert flags_of(server, user) == [expected] * 2


def test_delivery_fails_for_no_flag(server):
    """Whatever a client would be told."""
    user = another(server, "reject")
    server.sieve(user, 'require ["imap4flags", "fileinto"];\n'
                 'addflag ["$istrusted", "Own", "Fine"];')
    by_lmtp(server, user, mail())
    by_lda(server, user, mail())
    assert flags_of(server, user) == [{NONE, "fine"} | sealed(server)] * 2


def test_header_rule_has_the_last_word(server, user):
    """The script's $NotJunk, then a rule's $Junk, which clears it."""
    server.sieve(user, 'require "imap4flags"; addflag "NonJunk";')
    by_lmtp(server, user, mail(more=b"X-Spam-Flag: yes\r\n"))
    assert flags_of(server, user) == [{"$junk", NONE} | sealed(server)]


# What else saves

def test_events(server, user):
    before = flagkit.counts(server)
    by_lmtp(server, user, mail())
    deadline = time.monotonic() + 20
    while flagkit.counts(server)["set_at_delivery"] == \
            before["set_at_delivery"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_is_wrong(server):
    """Last of all: no test made the server complain."""
    lines = [line for line in server.log_since(0).splitlines()
             if re.search(r"(Error|Panic|Fatal): ", line)]
    assert lines == []


# With the plugin, without, and with it again

@pytest.mark.parametrize("kind", flagkit.KINDS[1:4:2], ids=flagkit.kind_name)
def test_plugin_taken_away_and_put_back(make_module_server, kind):
    """Mail and flags stay what they are."""
    server = make_module_server(kind[0], roost=kind[1], flags={},
                                extra=flagkit.QUIET)
    user = "alice"
    for data, _ in MAILS.values():
        by_lmtp(server, user, data)
    with Box(server, user) as box:
        box.ok("STORE 1:3 +FLAGS (Own NonJunk \\Flagged $MailFlagBit0)")
        expected = box.all_flags()
        bodies = [box.raw.fetch(number, "BODY.PEEK[]")
                  for number in expected]
    flags, server.flags = server.flags, None
    server.reload()
    with Box(server, user) as box:
        assert box.all_flags() == expected
        assert bodies == [box.raw.fetch(number, "BODY.PEEK[]")
                          for number in expected]
        assert box.search("KEYWORD $NotJunk") == [1, 2, 3]
        box.ok("STORE 1 +FLAGS (NonJunk $istrusted)")
        box.ok("STORE 2 -FLAGS (\\Flagged)")
    server.flags = flags
    server.reload()
    with Box(server, user) as box:
        assert box.flags(1) == expected[1] | {"nonjunk", "$istrusted"}
        assert box.flags(2) == expected[2] - {"\\flagged"}
        box.ok("STORE 1 -FLAGS (NotJunk)")
        box.ok("STORE 1:2 +FLAGS (Later)")
        assert box.flags(1) == (expected[1] - {"$notjunk"}) | {
            "$istrusted", "later"}
        assert box.flags(2) == (expected[2] - {"\\flagged",
                                               "$mailflagbit0"}) | {"later"}
