# SPDX-License-Identifier: MIT
"""flagkit: servers with roost_flags, and clients that look at flags."""

import re
import time

from server import NEW

# Each storage; with Roost and without.
KINDS = (("maildir", True), ("sdbox", False), ("mdbox", True),
         ("maildir", False), ("sdbox", True), ("mdbox", False))
EVENTS = ("denied", "changed", "rescued", "set_at_delivery")
METRICS = "".join("metric flags_%s {\n  filter = event=roost_flags_%s\n}\n"
                  % (name, name) for name in EVENTS)
# Dovecot looks for attachments itself, from 2.4 on.
QUIET = "mail_attachment_detection_options =\n" if NEW else ""
OFF = {name: "none" for name in (
    "protect", "keep", "deny", "allow", "alias", "exclusive", "imply",
    "max_per_message", "max_per_mailbox", "reserve", "at_delivery")}
OFF["colors"] = "no"
MESSAGE = (b"From: a@roost.test\r\nTo: b@roost.test\r\nSubject: %s\r\n"
           b"Message-ID: <%s@roost.test>\r\n"
           b"Date: Tue, 1 Apr 2025 10:00:00 +0000\r\n\r\nbody of %s\r\n")


def kind_name(kind):
    return kind[0] + ("-roost" if kind[1] else "")


def message(word):
    word = word.encode()
    return MESSAGE % (word, word, word)


def namespaces(storage):
    """One of everybody's, without access lists, and a second of one's own."""
    path = {"maildir": "Maildir", "sdbox": "sdbox", "mdbox": "mdbox"}[storage]
    text = ""
    for name, kind, where in (("Public", "public", "/../public/"),
                              ("Archive", "private", "/archive/")):
        place = "mail_path = %%{home}%s%s" % (where, path) if NEW else \
            "location = %s:%%h%s%s" % (storage, where, path)
        text += """
namespace %s {
  type = %s
  separator = /
  prefix = %s/
  list = children
  subscriptions = no
  %s
}
""" % (kind + "box", kind, name, place)
    return text


def without_rules():
    """doveadm's -o that take all rules away."""
    where = "" if NEW else "plugin/"
    return [word for name, value in OFF.items()
            for word in ("-o", "%sroost_flags_%s=%s" % (where, name, value))]


def pool(special, count):
    """The users of one server: some usual ones, and some of each special
    kind with its userdb fields."""
    users = {"user%d" % number: {} for number in range(count)}
    for kind, fields in special.items():
        users.update({"%s%d" % (kind, number): {
            "roost_flags_" + name: value for name, value in fields.items()}
            for number in range(12)})
    return users


def another(server, kind="user"):
    """A user of that kind whom no other test knows."""
    name = next(name for name in server.users
                if name not in server.used and
                re.fullmatch(kind + r"\d+", name))
    server.used.add(name)
    return name


# Names are compared in lower case: their case never counts.

def low(names):
    if isinstance(names, str):
        names = names.split()
    return {name.lower() for name in names} - {"\\recent"}


def listed(line, what):
    """The flags of one response: `FLAGS (...)`."""
    found = re.search(what + rb" \(([^)]*)\)", line)
    names = found.group(1).decode().split()
    assert len(low(names)) == len(set(names) - {"\\Recent"}), line
    return names


def fetches(lines):
    """[(number, flags)] of the FETCH responses that tell flags."""
    return [(int(line.split()[1]), low(listed(line, rb"FLAGS")))
            for line in lines if re.match(rb"\* \d+ FETCH .*FLAGS \(", line)]


def permanent(lines):
    """The last PERMANENTFLAGS, or None."""
    found = [line for line in lines if b"[PERMANENTFLAGS " in line]
    return low(listed(found[-1], rb"PERMANENTFLAGS")) if found else None


class Box:
    """A client with a mailbox selected, that believes what it is told."""

    def __init__(self, server, user, mailbox="INBOX", how="SELECT"):
        self.server, self.user = server, user
        self.raw = server.raw(user)
        self.told = {}
        self.known = self.permanent = None
        self.select(mailbox, how)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.logout()

    def select(self, mailbox="INBOX", how="SELECT", more=""):
        self.told = {}
        return self.ok("%s %s%s" % (how, mailbox, more))

    def cmd(self, *parts):
        answer = self.raw.cmd(*parts)
        self.read(answer.untagged)
        return answer

    def read(self, lines):
        for line in lines:
            if line.startswith(b"* FLAGS ("):
                self.known = low(listed(line, rb"FLAGS"))
            if b"[PERMANENTFLAGS " in line:
                self.permanent = permanent([line])
            for number, names in fetches([line]):
                self.told[number] = names
                # Some clients drop what FLAGS has not announced.
                assert names <= self.known, (line, self.known)

    def ok(self, *parts):
        answer = self.cmd(*parts)
        assert answer.ok, "%r: %r" % (parts, answer)
        return answer

    def no(self, code, *parts):
        """The command is refused, by that response code."""
        answer = self.cmd(*parts)
        assert answer.status == "NO", "%r: %r" % (parts, answer)
        assert answer.text.startswith(b"[%s]" % code.encode()), answer
        return answer

    def append(self, *flags, mailbox="INBOX"):
        """Each one's flags in one command."""
        parts = ["APPEND %s" % mailbox]
        for names in flags:
            parts[-1:] = [parts[-1] + " (%s) " % names, (message("m"),), ""]
        return self.cmd(*parts[:-1])

    def flags(self, number=1):
        """The flags of a message, asked for."""
        answer = self.ok("FETCH %d (FLAGS)" % number)
        return dict(fetches(answer.untagged))[number]

    def all_flags(self):
        return dict(fetches(self.ok("FETCH 1:* (FLAGS)").untagged))

    def modseq(self, number=1):
        answer = self.ok("FETCH %d (MODSEQ)" % number)
        return int(re.search(rb"MODSEQ \((\d+)\)",
                             b"".join(answer.untagged)).group(1))

    def highest(self, mailbox="INBOX"):
        answer = self.ok("STATUS %s (HIGHESTMODSEQ)" % mailbox)
        return int(re.search(rb"HIGHESTMODSEQ (\d+)",
                             b"".join(answer.untagged)).group(1))

    def search(self, key):
        lines = [line.split() for line in self.ok("SEARCH " + key).untagged]
        numbers, = [line[2:] for line in lines if line[1] == b"SEARCH"]
        return [int(number) for number in numbers]


def filled(server, user, *flags, mailbox="INBOX"):
    """A Box with one message for each, as a client may append them."""
    box = Box(server, user)
    for names in flags:
        answer = box.append(names, mailbox=mailbox)
        assert answer.ok, answer
    box.select(mailbox)
    return box


def admin(server, user, change, names, number=1, mailbox="INBOX",
          options=()):
    server.doveadm(*options, "flags", change, "-u", user, names, "mailbox",
                   mailbox, str(number))


def flags_of(server, user, mailbox="INBOX"):
    """[flags] of a mailbox's messages, as a new session sees them."""
    with Box(server, user, mailbox, "EXAMINE") as box:
        return [names for _, names in sorted(box.all_flags().items())]


def make(make_server, kind, flags=None, special=None, count=40, extra="",
         **options):
    storage, roost = kind
    settings = {"at_delivery": "none"}
    settings.update(flags or {})
    server = make_server(
        storage, roost=roost, flags=settings,
        users=pool(special or {}, count),
        extra=extra + namespaces(storage) + METRICS + QUIET,
        **options)
    server.used = set()
    return server


# Events

def counts(server):
    """{name: how often} of EVENTS."""
    shown = server.doveadm("-f", "tab", "stats", "dump").stdout.decode()
    lines = [line.split("\t") for line in shown.splitlines()]
    column = lines[0].index("count")
    return {name: sum(int(line[column]) for line in lines[1:]
                      if line[:2] == ["flags_" + name, "duration"])
            for name in EVENTS}


def wait_count(server, name, wanted):
    """Events reach the stats process a little later; not too many do."""
    deadline = time.monotonic() + 20
    while counts(server)[name] < wanted:
        assert time.monotonic() < deadline, (counts(server), wanted)
        time.sleep(0.05)
    assert counts(server)[name] == wanted


def wait_counts(server, before, **more):
    for name in EVENTS:
        wait_count(server, name, before[name] + more.get(name, 0))
