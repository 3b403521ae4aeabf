# SPDX-License-Identifier: MIT
"""cachefile: what stands in a dovecot.index.cache, and changing it in place.

The file begins with a header of 32 bytes. A list of fields (name, size,
type, decision) stands somewhere behind; a longer one is added later and the
old one points to it. A record belongs to one message: it has the offset of
the message's older record, its own size, and fields, each with the number of
the field, for one of variable size its length, and its bytes, padded to four.
Where the newest record of a message is, only the index knows: doveadm dump
tells it.
"""

import os
import re
import struct


VARIABLE = 0xffffffff
# Blobs of form 1: of each part; and one of all.
OWN, SUMMARY, PREVIEW = "roost.own", "roost.own.summary", "roost.own.preview"
HEADERS, LISTING = "roost.own.headers", "roost.own.listing"
PARTS = OWN, SUMMARY, PREVIEW, HEADERS, LISTING
NEW = "roost.new"
# (size, type) of Dovecot's own fields that tell what a message says.
NATIVE = {"date.sent": (8, 0), "mime.parts": (VARIABLE, 1),
          "binary.parts": (VARIABLE, 1), "imap.body": (VARIABLE, 2),
          "imap.bodystructure": (VARIABLE, 2), "imap.envelope": (VARIABLE, 2),
          "body.snippet": (VARIABLE, 1)}
SIZES = {"size.virtual": (8, 0), "size.physical": (8, 0)}
HEADER_TYPE = 4
KEPT_ALWAYS = 2


def is_telling(name):
    return name in NATIVE or name.lower().startswith("hdr.")


def header_value(line):
    """How a header line stands in a field hdr.*: its number, 0, and it."""
    return struct.pack("<II", 1, 0) + line + b"\n"


def index_folder(server, user, mailbox="INBOX"):
    home = server.home(user)
    if server.storage == "maildir":
        return os.path.join(home, "Maildir") if mailbox == "INBOX" else \
            os.path.join(home, "Maildir", "." + mailbox)
    return os.path.join(home, server.storage, "mailboxes", mailbox,
                        "dbox-Mails")


class Entry:
    """One field of one record."""

    def __init__(self, name, data, at):
        self.name, self.data, self.at = name, data, at


class Record:
    def __init__(self, at, size, older, entries):
        self.at, self.size, self.older = at, size, older
        self.entries = entries


class CacheFile:
    """A mailbox's cache as it is now. No session may be in the mailbox."""

    def __init__(self, server, user, mailbox="INBOX"):
        self.folder = index_folder(server, user, mailbox)
        self.path = os.path.join(self.folder, "dovecot.index.cache")
        self.reread()
        shown = server.doveadm(
            "dump", "-t", "index",
            os.path.join(self.folder, "dovecot.index")).stdout.decode(
                errors="replace")
        self.newest = {}
        for part in shown.split("RECORD: ")[1:]:
            uid = int(re.search(r"uid=(\d+)", part).group(1))
            at = re.search(r"- cache offset=(\d+)", part)
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
        at = _offset(self._u32(28))
        while True:
            after = _offset(self._u32(at))
            if after == 0:
                return at
            at = after

    def _read_fields(self, at):
        """[(name, size, type, decision)]."""
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
        """Newest first."""
        found, at = [], self.newest.get(uid, 0)
        while at:
            found.append(self.record(at))
            at = found[-1].older
        return found

    def entries(self, uid, name=None):
        return [entry for record in self.records(uid)
                for entry in record.entries if name in (None, entry.name)]

    def blob(self, uid, name=OWN):
        found = self.entries(uid, name)
        assert len(found) == 1, (uid, name, len(found))
        return found[0]

    def names(self):
        """The fields of which some message has a value, in lower case as
        Dovecot compares them."""
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
        """[(name, bytes)] as they stand in a record."""
        out = b""
        for name, data in values:
            number = self.number(name.lower())
            out += struct.pack("<I", number)
            if self.fields[number][1] == VARIABLE:
                out += struct.pack("<I", len(data))
            out += data + bytes(-len(data) % 4)
        return out

    def rewrite(self, record, values):
        """Other values in a record's place; at most as many bytes. Dovecot
        takes a record without any for a broken one."""
        body = self._pack(values or [("flags", bytes(4))])
        assert 8 + len(body) <= record.size
        self.write(record.at, struct.pack("<II", record.older,
                                          8 + len(body)) + body)

    def change(self, uid, name, data):
        """Another value, not longer, for the one field of that name."""
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
        """Makes the file know Dovecot's own fields, each to be kept
        always."""
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
        """More values for a message that has a record: [(name, bytes)]."""
        known = [field[0].lower() for field in self.fields]
        self.add_fields([name for name, _ in values if name not in known])
        body = self._pack(values)
        at = self._append(struct.pack("<II", 0, 8 + len(body)) + body)
        oldest = self.records(uid)[-1]
        self.write(oldest.at, struct.pack("<I", at))


def _offset(number):
    """Dovecot writes an offset that may change as four times seven bits, so
    that half of one is none."""
    number = struct.unpack(">I", struct.pack("<I", number))[0]
    if number & 0x80808080 != 0x80808080:
        return 0
    return sum((number >> 8 * i & 0x7f) << 7 * i for i in range(4)) << 2


def _packed(at):
    number = at >> 2
    return struct.pack(">I", 0x80808080 | sum(
        (number >> 7 * i & 0x7f) << 8 * i for i in range(4)))
