# SPDX-License-Identifier: MIT
"""flagkit: servers with roost_flags, and clients that check the flags they are
told."""

import re
import time

from server import NEW

# Pairs of a storage and whether Roost is loaded beside roost_flags.
KINDS = (("maildir", True), ("sdbox", False), ("mdbox", True),
         ("maildir", False), ("sdbox", True), ("mdbox", False))
EVENTS = ("denied", "changed", "rescued", "set_at_delivery")
METRICS = "".join("metric flags_%s {\n  filter = event=roost_flags_%s\n}\n"
                  % (name, name) for name in EVENTS)
# Without this, a Dovecot that knows the setting looks for attachments itself
# and sets keywords.
QUIET = "mail_attachment_detection_options =\n" if NEW else ""
# With these settings roost_flags has no rules.
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
    """Returns the configuration of two namespaces: a public one without access
    lists, and a second private one."""
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
    """Returns the arguments of doveadm that take all rules away."""
    where = "" if NEW else "plugin/"
    return [word for name, value in OFF.items()
            for word in ("-o", "%sroost_flags_%s=%s" % (where, name, value))]


def pool(special, count):
    """Returns the users of one server: `count` usual ones, and 12 of each
    special kind, which have the kind's rules in their userdb fields."""
    users = {"user%d" % number: {} for number in range(count)}
    for kind, fields in special.items():
        users.update({"%s%d" % (kind, number): {
            "roost_flags_" + name: value for name, value in fields.items()}
            for number in range(12)})
    return users


def another(server, kind="user"):
    """Returns a user of that kind whom no test has used yet."""
    name = next(name for name in server.users
                if name not in server.used and
                re.fullmatch(kind + r"\d+", name))
    server.used.add(name)
    return name


def low(names):
    """Returns the set of names in lower case, because their case never counts,
    without \\Recent."""
    if isinstance(names, str):
        names = names.split()
    return {name.lower() for name in names} - {"\\recent"}


def listed(line, what):
    """Returns the names in parentheses behind a word of one response, which
    must differ in more than case."""
    found = re.search(what + rb" \(([^)]*)\)", line)
    names = found.group(1).decode().split()
    assert len(low(names)) == len(set(names) - {"\\Recent"}), line
    return names


def fetches(lines):
    """Returns [(number, flags)] of the FETCH responses that tell flags."""
    return [(int(line.split()[1]), low(listed(line, rb"FLAGS")))
            for line in lines if re.match(rb"\* \d+ FETCH .*FLAGS \(", line)]


def permanent(lines):
    """Returns the flags of the last PERMANENTFLAGS, or None."""
    found = [line for line in lines if b"[PERMANENTFLAGS " in line]
    return low(listed(found[-1], rb"PERMANENTFLAGS")) if found else None


class Box:
    """A client with a selected mailbox that remembers the flags it was told of
    (told), the last FLAGS (known) and the last PERMANENTFLAGS (permanent)."""

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
        """Remembers what untagged responses tell of flags."""
        for line in lines:
            if line.startswith(b"* FLAGS ("):
                self.known = low(listed(line, rb"FLAGS"))
            if b"[PERMANENTFLAGS " in line:
                self.permanent = permanent([line])
            for number, names in fetches([line]):
                self.told[number] = names
                # Some clients ignore flags that FLAGS has not announced.
                assert names <= self.known, (line, self.known)

    def ok(self, *parts):
        answer = self.cmd(*parts)
        assert answer.ok, "%r: %r" % (parts, answer)
        return answer

    def no(self, code, *parts):
        """Sends a command that must be refused with that response code;
        returns the Answer."""
        answer = self.cmd(*parts)
        assert answer.status == "NO", "%r: %r" % (parts, answer)
        assert answer.text.startswith(b"[%s]" % code.encode()), answer
        return answer

    def append(self, *flags, mailbox="INBOX"):
        """Appends one message for each string of flags in one command;
        returns the Answer."""
        parts = ["APPEND %s" % mailbox]
        for names in flags:
            parts[-1:] = [parts[-1] + " (%s) " % names, (message("m"),), ""]
        return self.cmd(*parts[:-1])

    def flags(self, number=1):
        """Fetches and returns the flags of a message."""
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
    """Returns a Box with one message for each string of flags, appended by the
    client."""
    box = Box(server, user)
    for names in flags:
        answer = box.append(names, mailbox=mailbox)
        assert answer.ok, answer
    box.select(mailbox)
    return box


def admin(server, user, change, names, number=1, mailbox="INBOX",
          options=()):
    """Changes the flags of a message with doveadm flags."""
    server.doveadm(*options, "flags", change, "-u", user, names, "mailbox",
                   mailbox, str(number))


def flags_of(server, user, mailbox="INBOX"):
    """Returns the list of the flags of a mailbox's messages, as a new session
    sees them."""
    with Box(server, user, mailbox, "EXAMINE") as box:
        return [names for _, names in sorted(box.all_flags().items())]


def make(make_server, kind, flags=None, special=None, count=40, extra="",
         **options):
    """Makes a server of a kind of KINDS whose settings of roost_flags are
    `flags`, with the users of pool()."""
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
    """Returns {name: how often} for EVENTS."""
    shown = server.doveadm("-f", "tab", "stats", "dump").stdout.decode()
    lines = [line.split("\t") for line in shown.splitlines()]
    column = lines[0].index("count")
    return {name: sum(int(line[column]) for line in lines[1:]
                      if line[:2] == ["flags_" + name, "duration"])
            for name in EVENTS}


def wait_count(server, name, wanted):
    """Waits until an event was counted as often as wanted, because events
    reach the stats process a little later, and asserts that it was not counted
    more often."""
    deadline = time.monotonic() + 20
    while counts(server)[name] < wanted:
        assert time.monotonic() < deadline, (counts(server), wanted)
        time.sleep(0.05)
    assert counts(server)[name] == wanted


def wait_counts(server, before, **more):
    """Waits until each of EVENTS was counted as often as `before` says plus
    as often as `more` says."""
    for name in EVENTS:
        wait_count(server, name, before[name] + more.get(name, 0))
