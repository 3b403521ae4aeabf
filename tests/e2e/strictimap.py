# SPDX-License-Identifier: MIT
"""strictimap: reads what an IMAP server sends, and refuses everything that the
grammar of RFC 9051, and of the extensions that the tests use, does not have.

A client that forgives a missing parenthesis would not notice that one answer
runs into the next.
"""

import re

NUMBER = rb"(?:0|[1-9][0-9]*)"
ATOM = rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+"
FLAG = rb"\\?" + ATOM
TEXT = re.compile(rb"[^\x00\r\n]+\Z")
SECTION = rb"\[[^\]\r\n]*\](?:<[0-9]+>)?"


class Malformed(Exception):
    """The server has sent what the grammar does not allow. The message shows
    the last bytes up to there."""


class Stream:
    """The responses of one connection, which are read from a binary file."""

    def __init__(self, file):
        self.file = file
        self.seen = b""
        self.next = None

    def peek(self):
        """Returns the next byte, which the next take() returns again; b"" at
        the end."""
        if self.next is None:
            self.next = self.file.read(1)
        return self.next

    def take(self, count=1):
        """Reads and returns exactly that many bytes."""
        taken = self.peek() if count else b""
        if count:
            self.next = None
            taken += self.file.read(count - 1) if count > 1 else b""
        self.seen += taken
        if len(taken) < count:
            self.fail("the end")
        return taken

    def fail(self, met):
        raise Malformed("%s after %r" % (met, self.seen[-300:]))

    def want(self, text):
        """Reads bytes that must be this text."""
        for byte in text:
            got = self.take()
            if got[0] != byte:
                self.fail("%r where %r is due" % (got, text))

    def word(self, stop=b" ()\r\n[]"):
        """Reads and returns what stands before the next of some bytes."""
        found = b""
        while self.peek() not in [stop[at:at + 1] for at in range(len(stop))]:
            found += self.take()
        return found

    def match(self, pattern, text):
        """Returns a text, which must match the whole pattern."""
        if not re.fullmatch(pattern, text):
            self.fail("%r" % text)
        return text

    def number(self):
        return int(self.match(NUMBER, self.word()))

    # Values

    def quoted(self):
        self.want(b'"')
        found = b""
        while True:
            byte = self.take()
            if byte == b'"':
                return found
            if byte == b"\\":
                byte = self.take()
                if byte not in (b'"', b"\\"):
                    self.fail("an escaped %r" % byte)
            elif byte in b"\r\n\0":
                self.fail("%r in a string" % byte)
            found += byte

    def literal(self):
        if self.peek() == b"~":
            self.take()
        self.want(b"{")
        size = int(self.match(NUMBER, self.word(b"}\r\n ")))
        self.want(b"}\r\n")
        return self.take(size) if size else b""

    def nstring(self):
        if self.peek() == b'"':
            return self.quoted()
        if self.peek() in (b"{", b"~"):
            return self.literal()
        self.match(rb"NIL", self.word())
        return None

    def value(self):
        """Reads a value as a body structure has them: a number, a string, NIL
        or a list of values."""
        if self.peek() == b"(":
            return self.list()
        if self.peek() in (b'"', b"{", b"N"):
            return self.nstring()
        return self.number()

    def list(self):
        self.want(b"(")
        found = [self.value()]
        while self.peek() != b")":
            # The parts of a body follow each other without a space between.
            if not (self.peek() == b"(" and isinstance(found[-1], list)):
                self.want(b" ")
            found.append(self.value())
        self.want(b")")
        return found

    def words(self, pattern):
        """Reads a list of words that each match a pattern and differ from
        each other in more than case. It may be empty."""
        self.want(b"(")
        found = []
        while self.peek() != b")":
            if found:
                self.want(b" ")
            found.append(self.match(pattern, self.word(b" ()\r\n")))
        self.want(b")")
        if len({word.lower() for word in found}) != len(found):
            self.fail("one word twice")
        return found

    # FETCH

    def item_name(self):
        name = self.word(b" ()\r\n[")
        if self.peek() == b"[":
            # The brackets may hold names of headers in parentheses, which end
            # no word here.
            while not name.endswith(b"]"):
                name += self.take()
            while self.peek() != b" ":
                name += self.take()
        return name

    def item_value(self, name):
        bare = re.sub(SECTION + rb"\Z", b"[]", name)
        if bare == b"FLAGS":
            return self.words(FLAG)
        if bare in (b"UID", b"RFC822.SIZE", b"X-REAL-UID", b"BINARY.SIZE[]"):
            return self.number()
        if bare == b"MODSEQ":
            return self.words(NUMBER)
        if bare == b"INTERNALDATE" or bare == b"X-SAVEDATE":
            return self.quoted()
        if bare == b"SNIPPET":
            self.want(b"(FUZZY ")
            found = self.nstring()
            self.want(b")")
            return found
        if bare in (b"X-GUID", b"X-MAILBOX"):
            return self.nstring() if self.peek() in (b'"', b"{") else \
                self.match(ATOM, self.word())
        if bare in (b"ENVELOPE", b"BODY", b"BODYSTRUCTURE"):
            found = self.list()
            if bare == b"ENVELOPE" and len(found) != 10:
                self.fail("an envelope of %d" % len(found))
            return found
        if bare in (b"PREVIEW", b"SAVEDATE", b"RFC822", b"RFC822.HEADER",
                    b"RFC822.TEXT", b"BODY[]", b"BINARY[]"):
            return self.nstring()
        return self.fail("an item %r" % name)

    def fetch(self):
        self.want(b"(")
        items = {}
        while True:
            name = self.item_name()
            if name in items:
                self.fail("%r twice" % name)
            self.want(b" ")
            items[name] = self.item_value(name)
            if self.peek() == b")":
                break
            self.want(b" ")
        self.want(b")\r\n")
        return items

    # Responses

    def rest(self):
        line = self.word(b"\r\n")
        self.want(b"\r\n")
        if not TEXT.match(line):
            self.fail("a line %r" % line)
        return line

    def untagged(self):
        word = self.word()
        self.want(b" ")
        if word in (b"OK", b"NO", b"BAD", b"BYE", b"VANISHED", b"SEARCH",
                    b"ENABLED", b"STATUS", b"LIST"):
            return word, self.rest()
        if word == b"FLAGS":
            found = self.words(FLAG)
            self.want(b"\r\n")
            return word, found
        number = int(self.match(NUMBER, word))
        kind = self.word()
        if kind == b"FETCH":
            self.want(b" ")
            return kind, (number, self.fetch())
        self.want(b"\r\n")
        return self.match(rb"EXISTS|RECENT|EXPUNGE", kind), number

    def response(self):
        """Reads one response. Returns (tag, line) of a tagged one, (None,
        (kind, value)) of an untagged one, and None where the connection ends
        between two responses."""
        if self.peek() == b"":
            return None
        self.seen = self.seen[-2000:]
        tag = self.word()
        self.want(b" ")
        if tag == b"*":
            return None, self.untagged()
        line = self.rest()
        self.match(rb"(OK|NO|BAD) .+", line)
        return tag, line

    def finish(self, tag):
        """Reads all up to the line with this tag. Returns the untagged
        responses and that line, or None in its place if the server has ended
        the connection after a BYE."""
        said = []
        while True:
            response = self.response()
            if response is None:
                if not said or said[-1][0] != b"BYE":
                    self.fail("the end without a BYE")
                return said, None
            if response[0] is not None:
                if response[0] != tag:
                    self.fail("the tag %r" % response[0])
                return said, response[1]
            said.append(response[1])
