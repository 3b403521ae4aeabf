# SPDX-License-Identifier: MIT
"""imapclient: an IMAP client that keeps every byte of every answer.

imaplib parses answers and loses their exact bytes, which tests compare. Here
an answer consists of its untagged responses and the tagged line. Each response
is bytes, from `* ` to the last CRLF, with its literals where they stood.
"""

import re
import socket

TIMEOUT = 120

_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_TIMING = re.compile(rb" \(\d+\.\d+ \+ [^()]*secs\)")
_SECS = re.compile(rb" in \d+\.\d+ secs?")
_TIME = re.compile(rb" \[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]")


class Closed(Exception):
    """The server ended the connection; .seen holds the bytes of the answer
    that came before."""

    def __init__(self, seen):
        super().__init__("connection closed after %d bytes" % len(seen))
        self.seen = seen


class Answer:
    """The answer to one command: its untagged responses, and the tagged line
    without the times that Dovecot may add to it."""

    def __init__(self, untagged, tagged):
        self.untagged = untagged
        for changing in (_TIMING, _SECS, _TIME):
            tagged = changing.sub(b"", tagged)
        self.tagged = tagged

    @property
    def status(self):
        return self.tagged.split(b" ", 2)[1].decode()

    @property
    def text(self):
        return self.tagged.split(b" ", 2)[2].rstrip(b"\r\n")

    @property
    def ok(self):
        return self.status == "OK"

    def key(self):
        """Returns what must be the same for two servers: all but the tag."""
        return self.untagged, self.tagged.split(b" ", 1)[1]

    def __repr__(self):
        shown = b"".join(self.untagged)
        if len(shown) > 400:
            shown = shown[:300] + b" ... " + shown[-100:]
        return "%r %r" % (shown, self.tagged)


class Client:
    def __init__(self, address, user=None, password=None):
        family = socket.AF_UNIX if isinstance(address, str) \
            else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(address)
        self.port = self.sock.getsockname()[1] if family == socket.AF_INET \
            else None
        self.file = self.sock.makefile("rb")
        self.number = 0
        self.greeting = self.response()
        if user is not None:
            self.ok("LOGIN %s %s" % (user, password))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def logout(self):
        if self.file.closed:
            return
        try:
            self.cmd("LOGOUT")
        except (Closed, OSError):
            pass
        self.close()

    # Reading

    def _exactly(self, count, seen):
        got = self.file.read(count)
        if len(got) < count:
            raise Closed(seen + got)
        return got

    def response(self):
        """Reads one whole response with its literals; returns its bytes as
        they were sent."""
        parts = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise Closed(b"".join(parts) + line)
            parts.append(line)
            literal = _LITERAL.search(line)
            if literal is None:
                return b"".join(parts)
            parts.append(self._exactly(int(literal.group(1)),
                                       b"".join(parts)))

    # Commands

    def send(self, *parts):
        """Sends one command and returns its tag. A part that is a tuple
        (b"...",) is sent as a literal of LITERAL+, and a list [b"..."] as a
        binary literal8; strings and bytes are sent as they are."""
        self.number += 1
        tag = b"a%d" % self.number
        out = [tag, b" "]
        for part in parts:
            if isinstance(part, str):
                out.append(part.encode())
            elif isinstance(part, bytes):
                out.append(part)
            elif isinstance(part, tuple):
                out += [b"{%d+}\r\n" % len(part[0]), part[0]]
            else:
                out += [b"~{%d+}\r\n" % len(part[0]), part[0]]
        out.append(b"\r\n")
        self.sock.sendall(b"".join(out))
        return tag

    def finish(self, tag):
        """Reads up to the tagged line; returns the Answer."""
        untagged = []
        while True:
            try:
                line = self.response()
            except Closed as closed:
                raise Closed(b"".join(untagged) + closed.seen) from None
            if line.startswith(tag + b" "):
                return Answer(untagged, line)
            untagged.append(line)

    def cmd(self, *parts):
        """Sends one command and returns the Answer."""
        return self.finish(self.send(*parts))

    def ok(self, *parts):
        """Sends one command, which must succeed; returns the Answer."""
        answer = self.cmd(*parts)
        assert answer.ok, "%r: %r" % (parts[0], answer)
        return answer

    def append(self, mailbox, message, flags="", date=None, binary=False):
        """Appends one message to a mailbox; returns the Answer."""
        head = 'APPEND "%s" (%s) ' % (mailbox, flags)
        if date:
            head += '"%s" ' % date
        return self.cmd(head, [message] if binary else (message,))

    def fetch(self, number, item, uid=False):
        """Fetches one item of a message; returns the bytes of the literal or
        string in the answer, or None if there is NIL or nothing."""
        answer = self.ok("%sFETCH %d (%s)" % ("UID " if uid else "",
                                              number, item))
        for line in answer.untagged:
            if b" FETCH (" not in line:
                continue
            found = re.search(rb"~?\{(\d+)\}\r\n", line)
            if found:
                start = found.end()
                return line[start:start + int(found.group(1))]
            found = re.search(rb'\] "((?:[^"\\]|\\.)*)"', line, re.S)
            if found:
                return re.sub(rb"\\(.)", rb"\1", found.group(1))
        return None

    def count(self, mailbox="INBOX"):
        """Returns how many messages a mailbox has."""
        answer = self.ok('STATUS "%s" (MESSAGES)' % mailbox)
        return int(re.search(rb"MESSAGES (\d+)",
                             b"".join(answer.untagged)).group(1))

    # IDLE

    def idle(self):
        self.tag = self.send("IDLE")
        line = self.response()
        assert line.startswith(b"+"), line

    def done(self):
        """Ends the IDLE command; returns the Answer to it."""
        self.sock.sendall(b"DONE\r\n")
        return self.finish(self.tag)


def parse_list(text, pos=0):
    """Parses one value of IMAP that begins at a position; returns (value,
    position of its end). A list becomes a list, NIL becomes None, and
    everything else becomes bytes."""
    while text[pos:pos + 1] == b" ":
        pos += 1
    first = text[pos:pos + 1]
    if first == b"(":
        values, pos = [], pos + 1
        while True:
            while text[pos:pos + 1] == b" ":
                pos += 1
            if text[pos:pos + 1] == b")":
                return values, pos + 1
            value, pos = parse_list(text, pos)
            values.append(value)
    if first == b'"':
        found = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(text, pos)
        return re.sub(rb"\\(.)", rb"\1", found.group(1)), found.end()
    if first in (b"{", b"~"):
        found = re.compile(rb"~?\{(\d+)\}\r\n").match(text, pos)
        end = found.end() + int(found.group(1))
        return text[found.end():end], end
    found = re.compile(rb"[^ ()\r\n]+").match(text, pos)
    atom = found.group(0)
    return (None if atom.upper() == b"NIL" else atom), found.end()


def body_parts(structure, prefix=""):
    """Returns [(section, is_leaf, has_mime)] of the MIME parts that a parsed
    BODYSTRUCTURE names, in its order."""
    if isinstance(structure[0], list):
        found = []
        for index, part in enumerate(structure):
            if not isinstance(part, list):
                break
            section = "%s%d" % (prefix, index + 1)
            found.append((section, not isinstance(part[0], list), True))
            if isinstance(part[0], list):
                found += body_parts(part, section + ".")
            else:
                found += _nested(part, section)
        return found
    section = (prefix + "1") if not prefix.endswith(".") else prefix + "1"
    return [(section, True, bool(prefix))] + _nested(structure, section)


def _nested(part, section):
    """Returns the same for the parts of the message in a part, or nothing if
    the part is no message."""
    if part[0] is None or part[0].lower() != b"message" or \
            part[1] is None or part[1].lower() not in (b"rfc822", b"global") \
            or len(part) < 9 or not isinstance(part[8], list):
        return []
    return [(s, leaf, mime) for s, leaf, mime
            in body_parts(part[8], section + ".")]
