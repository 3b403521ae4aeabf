# SPDX-License-Identifier: MIT
"""cachefile: reads a dovecot.index.cache, and changes it in place.

The file begins with a header of 32 bytes, which says where the list of fields
(name, size, type, decision) begins. A longer list may be added later; the old
one then points to it. A record belongs to one message. It consists of the
offset of the message's older record, its size, and the values of some fields.
A value consists of the number of its field, its length if the field has no
fixed size, and its bytes, padded to a multiple of four. Only the index knows
where the newest record of a message begins, so doveadm dump is asked for it.
"""

import os
import re
import struct


VARIABLE = 0xffffffff
# The first of these fields holds a blob of form 1, each other one of form 3
# beside it; each has some of the items.
FIELD_OWN, SUMMARY = "roost.own", "roost.own.summary"
PREVIEW, HEADERS = "roost.own.preview", "roost.own.headers"
LISTING = "roost.own.listing"
FIELDS_OWN = FIELD_OWN, SUMMARY, PREVIEW, HEADERS, LISTING
# This field holds one blob of all items, usually of form 2.
FIELD_NEW = "roost.new"
# Dovecot's own fields that tell what a message says, with (size, type).
NATIVE = {"date.sent": (8, 0), "mime.parts": (VARIABLE, 1),
          "binary.parts": (VARIABLE, 1), "imap.body": (VARIABLE, 2),
          "imap.bodystructure": (VARIABLE, 2), "imap.envelope": (VARIABLE, 2),
          "body.snippet": (VARIABLE, 1)}
SIZES = {"size.virtual": (8, 0), "size.physical": (8, 0)}
HEADER_TYPE = 4
KEPT_ALWAYS = 2


def is_telling(name):
    """Tells whether the field tells what a message says."""
    return name in NATIVE or name.lower().startswith("hdr.")


def header_value(line):
    """Returns the value of a field hdr.* with one header line: the line's
    number, 0, and the line."""
    return struct.pack("<II", 1, 0) + line + b"\n"


def index_folder(server, user, mailbox="INBOX"):
    """Returns the folder that holds a mailbox's index and cache."""
    home = server.home(user)
    if server.storage == "maildir":
        return os.path.join(home, "Maildir") if mailbox == "INBOX" else \
            os.path.join(home, "Maildir", "." + mailbox)
    return os.path.join(home, server.storage, "mailboxes", mailbox,
                        "dbox-Mails")


class Entry:
    """The value of one field in one record; `at` is its offset in the
    file."""

    def __init__(self, name, data, at):
        self.name, self.data, self.at = name, data, at


class Record:
    """A record at the offset `at`; `older` is the offset of the message's
    older record, or 0."""

    def __init__(self, at, size, older, entries):
        self.at, self.size, self.older = at, size, older
        self.entries = entries


class CacheFile:
    """A mailbox's cache as it is now. No session may have selected the
    mailbox."""

    def __init__(self, server, user, mailbox="INBOX"):
        self.folder = index_folder(server, user, mailbox)
        self.path = os.path.join(self.folder, "dovecot.index.cache")
        self.reread()
        shown = server.doveadm(
            "dump", "-t", "index",
            os.path.join(self.folder, "dovecot.index")).stdout.decode(
                errors="replace")
        self.newest = {}
        for shown_record in shown.split("RECORD: ")[1:]:
            uid = int(re.search(r"uid=(\d+)", shown_record).group(1))
            at = re.search(r"- cache offset=(\d+)", shown_record)
            if at:
                self.newest[uid] = int(at.group(1))

    def reread(self):
        with open(self.path, "rb") as file:
            self.bytes = file.read()
        major, word, self.minor, _ = self.bytes[:4]
        assert (major, word) == (1, 8), self.bytes[:4]
        self.fields_at = self._last_fields()
        self.fields = self._read_fields(self.fields_at)

    def _u32(self, at):
        return struct.unpack_from("<I", self.bytes, at)[0]

    def _last_fields(self):
        """Returns the offset of the newest list of fields."""
        at = _offset(self._u32(28))
        while True:
            after = _offset(self._u32(at))
            if after == 0:
                return at
            at = after

    def _read_fields(self, at):
        """Returns the list of fields that begins at an offset: [(name, size,
        type, decision)]."""
        size, count = self._u32(at + 4), self._u32(at + 8)
        body = self.bytes[at + 12:at + size]
        sizes = struct.unpack_from("<%dI" % count, body, 4 * count)
        types = body[8 * count:9 * count]
        decisions = body[9 * count:10 * count]
        names = body[10 * count:].split(b"\0")[:count]
        return list(zip([name.decode() for name in names], sizes, types,
                        decisions))

    def number(self, name):
        return [field[0].lower() for field in self.fields].index(name)

    # Reading

    def record(self, at):
        older, size = self._u32(at), self._u32(at + 4)
        entries, pos = [], at + 8
        while pos < at + size:
            name, length = self.fields[self._u32(pos)][:2]
            pos += 4
            if length == VARIABLE:
                length = self._u32(pos)
                pos += 4
            entries.append(Entry(name, self.bytes[pos:pos + length], pos))
            pos += (length + 3) & ~3
        assert pos == at + size, (pos, at, size)
        return Record(at, size, older, entries)

    def records(self, uid):
        """Returns the records of a message, the newest first."""
        found, at = [], self.newest.get(uid, 0)
        while at:
            found.append(self.record(at))
            at = found[-1].older
        return found

    def entries(self, uid, name=None):
        return [entry for record in self.records(uid)
                for entry in record.entries if name in (None, entry.name)]

    def blob(self, uid, name=FIELD_OWN):
        """Returns the only Entry of that field that a message has."""
        found = self.entries(uid, name)
        assert len(found) == 1, (uid, name, len(found))
        return found[0]

    def names(self):
        """Returns the names of the fields of which some message has a value,
        in lower case, because Dovecot ignores their case."""
        return {entry.name.lower() for uid in self.newest
                for entry in self.entries(uid)}

    # Changing

    def write(self, at, data):
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(data)
        self.reread()

    def flip(self, entry, at, bit):
        self.write(entry.at + at, bytes([entry.data[at] ^ 1 << bit]))

    def _pack(self, values):
        """Returns [(name, bytes)] as a record has them."""
        out = b""
        for name, data in values:
            number = self.number(name.lower())
            out += struct.pack("<I", number)
            if self.fields[number][1] == VARIABLE:
                out += struct.pack("<I", len(data))
            out += data + bytes(-len(data) % 4)
        return out

    def rewrite(self, record, values):
        """Writes values, [(name, bytes)], over those of a record. They must
        need no more bytes. If there are none, the record gets flags, because
        Dovecot takes an empty record for a broken one."""
        body = self._pack(values or [("flags", bytes(4))])
        assert 8 + len(body) <= record.size
        self.write(record.at, struct.pack("<II", record.older,
                                          8 + len(body)) + body)

    def change(self, uid, name, data):
        """Gives a field of a message another value, which must not be longer.
        The value None removes the field."""
        for record in self.records(uid):
            values = [(entry.name, data if entry.name == name
                       else entry.data) for entry in record.entries]
            if name in [entry.name for entry in record.entries]:
                self.rewrite(record, [value for value in values
                                      if value[1] is not None])

    def drop(self, uid, *names):
        for name in names:
            self.change(uid, name, None)

    def _append(self, data):
        end = (len(self.bytes) + 3) & ~3
        self.write(end, data)
        return end

    def add_fields(self, names):
        """Adds fields of Dovecot's own to the list of fields, with the
        decision to keep each always."""
        fields = self.fields + [
            (name, *{**NATIVE, **SIZES}.get(name, (VARIABLE, HEADER_TYPE)),
             KEPT_ALWAYS)
            for name in names]
        count = len(fields)
        stamp = 2000000000
        body = struct.pack("<%dI" % count, *[stamp] * count)
        body += struct.pack("<%dI" % count, *[f[1] for f in fields])
        body += bytes(f[2] for f in fields) + bytes(f[3] for f in fields)
        body += b"".join(f[0].encode() + b"\0" for f in fields)
        at = self._append(struct.pack("<III", 0, 12 + len(body), count) +
                          body)
        self.write(self.fields_at, _packed(at))

    def plant(self, uid, values):
        """Adds values, [(name, bytes)], to a message that has a record."""
        known = [field[0].lower() for field in self.fields]
        self.add_fields([name for name, _ in values if name not in known])
        body = self._pack(values)
        at = self._append(struct.pack("<II", 0, 8 + len(body)) + body)
        oldest = self.records(uid)[-1]
        self.write(oldest.at, struct.pack("<I", at))


def _offset(number):
    """Returns the offset that a number stands for. Dovecot writes an offset
    that may change as four times seven bits and marks each byte, so that one
    that is not written to the end is not taken for an offset."""
    number = struct.unpack(">I", struct.pack("<I", number))[0]
    if number & 0x80808080 != 0x80808080:
        return 0
    return sum((number >> 8 * i & 0x7f) << 7 * i for i in range(4)) << 2


def _packed(at):
    """Returns the bytes that stand for an offset in the way of _offset()."""
    number = at >> 2
    return struct.pack(">I", 0x80808080 | sum(
        (number >> 7 * i & 0x7f) << 8 * i for i in range(4)))
