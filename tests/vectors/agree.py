# SPDX-License-Identifier: MIT
"""The core and roost_format.py on the same random inputs, both directions.

    agree.py [--helper build/tests/agree] [--rounds N] [--seed N]

What one writes the other must read; what is damaged at random both must
refuse at the same gate, after the same released bytes.  The seed is printed;
the same seed gives the same inputs, but for what the core draws itself.
Ends with "N passed, N failed".

The helper (agree.c) reads one request a line from standard input and answers
each with one line on standard output.  Words are separated by one space;
bytes are hexadecimal, "-" for none or for something not at hand; an epoch is
<number>:<private key>:<psk>.  A gate is its token, "ok" for none.

    seal <keyring id> <public key> <psk> <plaintext>
        -> <gate> <object>
    open <keyring id> <object> <epoch> ...      oldest epoch first
        -> <gate> <plaintext released>
    scrub <object>
        -> <gate>
    claim <first bytes>
        -> claimed | plaintext
    load <owner, escaped> <provider keys, one after another>
         none|provider|secret|recovery|escrow <secret, code or private key>
         <document>
        -> <gate> <epoch> ...                   none: no epochs
    make <owner, escaped> <provider key> <U of password> <U of app> <code>
         <public key of escrow>
        -> <gate> <document>    slots: provider, password (t 1, m 8192),
                                app, recovery, escrow
    escape <name>
        -> <gate> <escaped>
    code <text>
        -> <gate> <20 bytes> <as printed>       only the gate if not ok
    key-file <text>
        -> <gate> <key>                         only the gate if not ok
    escrow-file public|private <text>
        -> <gate> <key>                         only the gate if not ok
    blob <keyring id> <master key> <blob> <object id> <epoch> ...
        -> <gate> <object id> <data key> <item> ...     or only the gate
        the object id that is asked with is that of the blob beside it, or -
    seal-own <master key> <keyring id> <object id> <data key> <item> ...
        -> <gate> <blob>
    seal-beside <master key> <keyring id> <object id> <item> ...
        -> <gate> <blob>
    seal-new <data key> <H> <item> ...
        -> <gate> <blob>
    trim <room> <item> ...
        -> trimmed <item> ...           an item is <type>:<bytes>
    names
        -> names <name> ...
    seal-token <host key> <keyring id> <name>
        -> <gate> <token>
    token <host key> <keyring id> <text>
        -> <gate> claimed|clear <name>
"""
import argparse
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True

import roost_format as rf      # noqa: E402

SIZES = (0, 1, 2, 100, 16383, 16384, 16385, 32767, 32768, 32769)
SOME = b"\x00\x01\x02\x0a\x0d\x1a\x20\x7f\x80\x8e\xff"


class Helper:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        line = " ".join(words) + "\n"
        self.process.stdin.write(line.encode("ascii"))
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise SystemExit("agree: the helper died at: " + line[:2000])
        return answer.decode("ascii").rstrip("\n")

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def hexed(data):
    return data.hex() if data else "-"


class Run:
    def __init__(self, helper, seed):
        self.helper = helper
        self.rng = random.Random(seed)
        self.passed = self.failed = 0
        self.gates = {}

    def bytes(self, size):
        return bytes(self.rng.getrandbits(8) for _ in range(size))

    def same(self, what, core, ours, given=b""):
        gate = ours.split(" ")[0]
        self.gates[gate] = self.gates.get(gate, 0) + 1
        if core == ours:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= 20:
            print("%s: core %s, ours %s\n    %s" % (
                what, core[:120], ours[:120], given[:400]))

    # -- objects

    def epochs(self, count):
        return [(n + 1, self.bytes(32), self.bytes(32))
                for n in range(count)]

    def compare_object(self, what, data, ring_id, epochs):
        ours, released = rf.open_object(data, ring_id, epochs)
        words = ["%d:%s:%s" % (n, k.hex(), p.hex()) for n, k, p in epochs]
        core = self.helper.ask("open", ring_id.hex(), hexed(data), *words)
        self.same(what, core, ours + " " + hexed(released), data.hex())
        self.same(what + ", scrub", self.helper.ask("scrub", hexed(data)),
                  rf.scrub(data), data.hex())
        self.same(what + ", claim", self.helper.ask("claim",
                                                    hexed(data[:8])),
                  "claimed" if rf.claims(data) else "plaintext",
                  data[:8].hex())

    def objects(self):
        ring_id = self.bytes(16)
        epochs = self.epochs(self.rng.randint(1, 3))
        number, private, psk = self.rng.choice(epochs)
        size = self.rng.choice(SIZES + (self.rng.randrange(60000),))
        plain = self.bytes(size)
        public = rf.public_of(private)
        ours = rf.seal(ring_id, public, psk, plain, self.bytes(16),
                       self.bytes(32), self.bytes(24), self.bytes(32))
        self.compare_object("ours", ours, ring_id, epochs)
        answer = self.helper.ask("seal", ring_id.hex(), public.hex(),
                                 psk.hex(), hexed(plain)).split(" ")
        core = bytes.fromhex(answer[1])
        gate, released = rf.open_object(core, ring_id, epochs)
        self.same("core's object", answer[0] + " " + str(released == plain),
                  gate + " True", core.hex())
        self.same("core's length", str(len(core)), str(len(ours)))
        self.same("core's digest", "ok", rf.scrub(core), core.hex())
        for _ in range(6):
            self.compare_object("damaged", self.damage(ours), ring_id,
                                epochs)
        for _ in range(4):
            self.compare_object("crafted", self.craft(
                ring_id, epochs, public, psk), ring_id, epochs)

    def damage(self, data):
        data = bytearray(data)
        kind = self.rng.randrange(7)
        limit = self.rng.choice((64, 160, 220, len(data)))
        at = self.rng.randrange(min(limit, len(data)))
        if kind <= 1:
            data[at] ^= 1 << self.rng.randrange(8)
        elif kind == 2:
            data[at] = self.rng.choice(SOME)
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            del data[at:at + self.rng.randint(1, 20)]
        elif kind == 5:
            data[at:at] = self.bytes(self.rng.randint(1, 20))
        else:
            end = len(data) - self.rng.randint(0, 50)
            data = data[:end] + self.bytes(self.rng.randint(0, 40))
        data = bytes(data)
        if self.rng.randrange(2) and len(data) >= 32:
            data = rf.with_digest(data[:-32])
        return data

    def craft(self, ring_id, epochs, public, psk):
        """A header of random stanzas, some of which open."""
        data_key = self.bytes(32)
        kinds = [self.rng.choice((1, 1, 2, 3, 9, 0 if not
                                  self.rng.randrange(9) else 7))
                 for _ in range(self.rng.randint(1, 9))]
        lens = [self.rng.choice((80, 80, 79)) if k == 1 else
                self.rng.choice((1168, 1168, 80)) if k == 2 else
                self.rng.randrange(40) for k in kinds]
        ours = self.rng.randrange(len(kinds))
        kinds[ours], lens[ours] = 1, 80
        size = sum(lens) + 12 * len(kinds)
        fixed = rf.fixed_header(
            ring_id, self.bytes(16), len(kinds),
            size + self.rng.choice((0,) * 12 + (-1, 1)),
            self.rng.choice((0,) * 9 + (1 << self.rng.randrange(32),)))
        table, ids = b"", []
        for index, (kind, length) in enumerate(zip(kinds, lens)):
            kid = self.bytes(8)
            if ids and not self.rng.randrange(30):
                kid = self.rng.choice(ids)
            role = 1 if self.rng.randrange(40) else 2
            if index == ours:
                kid, role = rf.key_id(public), 1
            ids.append(kid)
            head = rf.stanza_head(kind, length, kid, role)
            body = self.bytes(length)
            if index == ours:
                body = rf.seal_stanza(fixed, head, public, psk, data_key,
                                      self.bytes(32))
            table += head + body
        header = fixed + table
        return rf.with_digest(header + rf.seal_body(
            data_key, self.bytes(24), header,
            self.bytes(self.rng.randrange(50))))

    # -- keyrings

    def writer(self):
        name = self.bytes(self.rng.randint(1, 12)).replace(b"\0", b"0")
        writer = rf.Writer(self.bytes, name)
        writer.generation = self.rng.choice((1, 2, rf.BIG_MAX))
        writer.policy = self.rng.choice((b"open", b"sealed"))
        for _ in range(self.rng.randint(1, 3)):
            writer.add_epoch(self.rng.choice((0, 1700000000, rf.BIG_MAX)))
        self.secrets = {"password": self.bytes(32), "app": self.bytes(32),
                        "recovery": self.bytes(20),
                        "escrow": self.bytes(32)}
        kinds = [self.rng.choice(("provider", "app", "recovery", "escrow"))
                 for _ in range(self.rng.randint(1, 3))] + ["password"]
        self.rng.shuffle(kinds)
        for kind in kinds:
            if kind == "provider":
                writer.add_provider()
            elif kind == "password":
                writer.add_password(self.secrets["password"])
            elif kind == "escrow":
                writer.add_escrow(rf.public_of(self.secrets["escrow"]))
            else:
                writer.add_salted(kind.encode(), self.secrets[kind])
        return writer

    def compare_load(self, what, text, owner, keys, unlock, given):
        try:
            ring = rf.load_keyring(text, owner, keys or None, unlock, given)
            ours = "ok" + "".join(
                " %d:%s:%s" % (n, k.hex(), p.hex())
                for n, k, p in ring.secrets or [])
        except rf.Gate as gate:
            ours = str(gate)
        core = self.helper.ask(
            "load", rf.escape_owner(owner).decode(),
            hexed(b"".join(keys)), unlock, hexed(given or b""), hexed(text))
        self.same(what + ", " + unlock, core, ours, text)

    def ways(self):
        return (("none", None), ("provider", None),
                ("secret", self.secrets["password"]),
                ("secret", self.secrets["app"]),
                ("recovery", self.secrets["recovery"]),
                ("escrow", self.secrets["escrow"]),
                ("secret", self.bytes(32)), ("recovery", self.bytes(20)),
                ("escrow", self.bytes(32)))

    def keyrings(self):
        writer = self.writer()
        text = writer.text()
        keys = [writer.provider_key]
        if self.rng.randrange(2):
            keys.insert(0, self.bytes(32))
        for unlock, given in self.ways():
            self.compare_load("our keyring", text, writer.owner, keys,
                              unlock, given)
        # "-" is an owner like any other, and stands for nothing.
        self.compare_load("another's keyring", text, b"-", keys, "none", None)
        unlock, given = self.rng.choice(self.ways()[:6])
        if unlock != "provider":
            self.compare_load("backup", text, writer.owner, [], unlock,
                              given)
        for _ in range(12):
            unlock, given = self.rng.choice(self.ways()[:6])
            self.compare_load("damaged keyring", self.damage_doc(writer),
                              writer.owner, keys, unlock, given)
        self.made_keyring(writer)

    def made_keyring(self, writer):
        key = writer.provider_key
        answer = self.helper.ask(
            "make", rf.escape_owner(writer.owner).decode(), key.hex(),
            self.secrets["password"].hex(), self.secrets["app"].hex(),
            self.secrets["recovery"].hex(),
            rf.public_of(self.secrets["escrow"]).hex()).split(" ")
        text = bytes.fromhex(answer[1].replace("-", ""))
        for unlock, given in self.ways():
            self.compare_load("core's keyring", text, writer.owner, [key],
                              unlock, given)
        try:
            ring = rf.load_keyring(text, writer.owner, [key], "provider")
            self.same("core's keyring", answer[0] + " 1", "ok %d"
                      % len(ring.secrets), text)
        except rf.Gate as gate:
            self.same("core's keyring", answer[0], str(gate), text)

    def damage_doc(self, writer):
        lines = writer.lines()
        at = self.rng.randrange(len(lines))
        kind = self.rng.randrange(9)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, self.rng.choice(lines))
        elif kind == 2:
            other = self.rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind <= 6:
            lines[at] = self.damage_line(lines[at])
        seed = self.rng.choice((writer.seed,) * 5 + (self.bytes(32),))
        signed = rf.sign(lines, seed, writer.host_key)
        if kind >= 7:
            return self.damage_text(signed)
        return signed

    def damage_line(self, line):
        fields = line.split(b" ")
        at = self.rng.randrange(len(fields))
        field = fields[at]
        kind = self.rng.randrange(7)
        if kind == 0:
            fields[at] = self.rng.choice((
                b"0", b"1", b"2", b"01", b"2147483647", b"2147483648",
                b"9007199254740991", b"9007199254740992", b"-1", b"1e3",
                b"18446744073709551617"))
        elif kind == 1:
            del fields[at]
        elif kind == 2:
            fields.insert(at, self.rng.choice(fields))
        elif kind == 3:
            fields[at] = self.rng.choice((
                b"open", b"provider", b"app", b"recovery", b"password",
                b"escrow",
                b"x25519", b"argon2id", b"%41", b"%2F", b"%2f", b"%00"))
        elif kind == 4 and field:
            pos = self.rng.randrange(len(field))
            fields[at] = (field[:pos] + bytes([self.rng.randrange(33, 127)])
                          + field[pos + self.rng.randrange(2):])
        elif kind == 5:
            fields[at] = field[:-1] or b"x"
        else:
            fields[at] = field + self.rng.choice((b"A", b"=", b"0"))
        return b" ".join(fields)

    def damage_text(self, text):
        at = self.rng.randrange(len(text))
        kind = self.rng.randrange(4)
        if kind == 0:
            return text[:at]
        if kind == 1:
            return text[:at] + bytes([text[at] ^ 1 << self.rng.randrange(8)]
                                     ) + text[at + 1:]
        extra = self.rng.choice((b" ", b"\n", b"\r", b"\t", b"\0", b"A"))
        return text[:at] + extra + text[at + kind - 2:]

    # -- what people and files give

    def texts(self):
        code = self.bytes(20)
        text = rf.print_code(code)
        self.compare_code(text)
        for _ in range(6):
            self.compare_code(self.damage_small(
                text, b"0OoiIlL1uU- \nZz.\0"))
        text = self.bytes(32).hex().encode() + self.rng.choice(
            (b"", b"\n", b"\r\n"))
        self.compare_key(text)
        for _ in range(4):
            self.compare_key(self.damage_small(text, b"0aFgG \n\r\0x"))
        text = rf.print_escrow_file(self.rng.choice(("public", "private")),
                                    self.bytes(32))
        self.compare_escrow(text)
        for _ in range(4):
            self.compare_escrow(self.damage_small(text, b"AZ/+= \n\r\0x"))
        name = self.bytes(self.rng.choice((0, 1, 20, 340, 350, 1025)))
        name = name.replace(b"\0", b"a")
        if self.rng.randrange(2):
            name = name.replace(name[:1], b"a") if name else name
        core = self.helper.ask("escape", hexed(name))
        ours = rf.escape_owner(name)
        fits = 1 <= len(ours) <= rf.OWNER_MAX
        self.same("escape", core, "ok " + ours.decode() if fits
                  else "limit -", name.hex())
        head = bytes(self.rng.choice((m, m, self.rng.choice(SOME)))
                     for m in rf.MAGIC)[:self.rng.randint(0, 8)]
        self.same("claim", self.helper.ask("claim", hexed(head)),
                  "claimed" if rf.claims(head) else "plaintext", head.hex())

    def damage_small(self, text, letters):
        for _ in range(self.rng.randint(1, 2)):
            at = self.rng.randrange(len(text) + 1)
            letter = bytes([self.rng.choice(letters)])
            text = text[:at] + letter + text[at + self.rng.randrange(2):]
        return text

    def compare_code(self, text):
        try:
            code = rf.read_code(text)
            ours = "ok %s %s" % (code.hex(), rf.print_code(code).decode())
        except rf.Gate as gate:
            ours = str(gate)
        self.same("code", self.helper.ask("code", hexed(text)), ours, text)

    def compare_key(self, text):
        try:
            ours = "ok " + rf.read_key_file(text).hex()
        except rf.Gate as gate:
            ours = str(gate)
        self.same("key file", self.helper.ask("key-file", hexed(text)),
                  ours, text)

    def compare_escrow(self, text):
        for kind in "public", "private":
            try:
                ours = "ok " + rf.read_escrow_file(kind, text).hex()
            except rf.Gate as gate:
                ours = str(gate)
            self.same("escrow file", self.helper.ask(
                "escrow-file", kind, hexed(text)), ours, text)

    # -- blobs

    def items(self, most):
        kinds = [kind for kind in range(1, 10) if self.rng.randrange(3)]
        items = [(kind, self.bytes(rf.FIXED_ITEMS.get(
            kind, self.rng.choice((0, 1, self.rng.randrange(most))))))
                 for kind in kinds]
        if self.rng.randrange(10):
            return [(k, d.replace(b"\0", b"a") if k in rf.TEXT_ITEMS else d)
                    for k, d in items]
        return items

    @staticmethod
    def words(items):
        return ["%d:%s" % (kind, data.hex()) for kind, data in items]

    def compare_blob(self, what, data, given, epochs):
        beside = given[2] if len(given) > 2 else None
        try:
            blob = rf.Blob(data, *given[:2], epochs, beside)
            ours = " ".join(["ok", blob.object_id.hex(),
                             (blob.data_key or bytes(32)).hex()]
                            + self.words(blob.items))
        except rf.Gate as gate:
            ours = str(gate)
        words = ["%d:%s:%s" % (n, k.hex(), p.hex()) for n, k, p in epochs]
        core = self.helper.ask("blob", given[0].hex(), given[1].hex(),
                               hexed(data), beside.hex() if beside else "-",
                               *words)
        self.same(what, core, ours, data)

    def core_seals(self, what, items, ours, given, epochs, *words):
        """The core's blob opens as ours does, or neither is made."""
        form = {"seal-own": rf.BLOB_OWN, "seal-new": rf.BLOB_NEW,
                "seal-beside": rf.BLOB_BESIDE}[words[0]]
        if any(not rf.item_is_good(form, *item) for item in items):
            ours, expect = None, "blob-content"
        else:
            expect = "ok" if ours else "limit"
        gate, text = self.helper.ask(*words, *self.words(items)).split(" ")
        self.same(what, gate, expect)
        if gate != "ok" or not ours:
            return
        core = bytes.fromhex(text)
        self.same(what + ", length", str(len(core)), str(len(ours)))
        try:
            seen = rf.Blob(core, *given[:2], epochs, given[2])
            self.same(what, " ".join(["ok"] + self.words(seen.items)),
                      " ".join(["ok"] + self.words(items)), core)
        except rf.Gate as gate:
            self.same(what, str(gate), "ok", core)

    def blobs(self):
        ring_id, master, object_id = (self.bytes(n) for n in (16, 32, 16))
        epochs = self.epochs(self.rng.randint(1, 3))
        _, private, psk = self.rng.choice(epochs)
        data_key = self.bytes(32)
        message = rf.seal(ring_id, rf.public_of(private), psk, b"",
                          object_id, data_key, self.bytes(24),
                          self.bytes(32))
        header = message[:156]
        items = self.items(self.rng.choice((20, 20, 400, 9000)))
        given = (ring_id, master, object_id)
        own = rf.seal_blob_own(master, ring_id, object_id, data_key, items,
                               self.bytes(12))
        new = rf.seal_blob_new(header, data_key, items, self.bytes(12))
        self.core_seals("core's blob", items, own, given, epochs, "seal-own",
                        master.hex(), ring_id.hex(), object_id.hex(),
                        data_key.hex())
        beside = rf.seal_blob_beside(master, ring_id, object_id, items,
                                     self.bytes(12))
        self.core_seals("core's blob beside", items, beside, given, epochs,
                        "seal-beside", master.hex(), ring_id.hex(),
                        object_id.hex())
        self.core_seals("core's new blob", items, new, given, epochs,
                        "seal-new", data_key.hex(), header.hex())
        for blob in (own, new, beside):
            if blob:
                self.compare_blob("blob", blob, given, epochs)
                self.compare_blob("blob, other ring", blob,
                                  (self.bytes(16), master, object_id), epochs)
                self.compare_blob("blob, other keys", blob,
                                  (ring_id, self.bytes(32), object_id),
                                  self.epochs(1))
                self.compare_blob("blob, beside another", blob,
                                  (ring_id, master, self.bytes(16)), epochs)
                self.compare_blob("blob, beside nothing", blob,
                                  (ring_id, master), epochs)
        for _ in range(6):
            self.compare_blob("damaged blob beside",
                              self.damage(beside or own or b"3"), given,
                              epochs)
            self.compare_blob("damaged blob", self.damage(own or new or b"1"),
                              given, epochs)
            self.compare_blob("damaged new blob",
                              self.damage(new or own or b"2"), given, epochs)
        for _ in range(20):
            plain = self.damage_items()
            if self.rng.randrange(5):
                plain = rf.pad_items(plain, 30535)
            ad, key, plain, *ids = self.rng.choice((
                (b"\1" + ring_id + object_id, rf.derive(master, b"cache"),
                 (data_key + plain)[:self.rng.choice((31, 32, 999, 999, 999))
                                    ]),
                (b"\2" + header, rf.derive(data_key, b"blob"), plain),
                (b"\3", rf.derive(master, b"cache"), plain,
                 ring_id + object_id)))
            self.compare_blob("crafted blob", rf.seal_blob(
                ad, key, plain, self.bytes(12), *ids), given, epochs)
        room = self.rng.randrange(len(rf.write_items(items)) + 10)
        self.same("trim", self.helper.ask("trim", str(room),
                                          *self.words(items)),
                  " ".join(["trimmed"] + self.words(rf.trim_items(items,
                                                                  room))))

    def damage_items(self):
        """Items of which something may be wrong, to be sealed as they
        are."""
        items = self.items(6)
        if items and not self.rng.randrange(4):
            items.insert(self.rng.randrange(len(items) + 1), (
                self.rng.randrange(11), self.bytes(self.rng.choice((0, 3,
                                                                    12)))))
        data = rf.write_items(items)
        kind = self.rng.randrange(5)
        if kind == 0 and data:
            return data[:self.rng.randrange(len(data))]
        if kind == 1:
            return data + self.bytes(self.rng.randint(1, 6))
        if kind == 2 and data:
            at = self.rng.randrange(len(data))
            return (data[:at] + bytes([self.rng.choice((0, 1, 2, 9, 255))])
                    + data[at + 1:])
        return data

    def names(self):
        self.same("names", self.helper.ask("names"), " ".join(
            ["names"] + [name.decode() for name in rf.STANDARD_NAMES]))

    # -- names of keywords

    def tokens(self):
        host_key, ring_id = self.bytes(32), self.bytes(16)
        name = self.bytes(self.rng.choice((0, 1, 4, 15, 16, 17, 255, 256,
                                           self.rng.randrange(256))))
        if self.rng.randrange(8):
            name = name.replace(b"\0", b"a")
        if self.rng.randrange(2):
            name = bytes(self.rng.choice(b"abcXYZ-$") for _ in name)
        token = rf.seal_token(host_key, ring_id, name)
        core = self.helper.ask("seal-token", host_key.hex(), ring_id.hex(),
                               hexed(name))
        self.same("token", core, "ok " + token.decode() if token
                  else "limit -", name)
        # Also a name that cannot exist, under a right tag.
        text = token or rf.token_text(rf.siv_seal(
            rf.token_key(host_key), rf.TOKEN_LABEL + ring_id, name))
        self.compare_token(host_key, ring_id, text)
        self.compare_token(host_key, ring_id, bytes(
            self.rng.choice((c, ord(chr(c).upper()))) for c in text))
        self.compare_token(self.bytes(32), ring_id, text)
        self.compare_token(host_key, self.bytes(16), text)
        for _ in range(20):
            self.compare_token(host_key, ring_id, self.damage_token(text))

    def damage_token(self, text):
        kind = self.rng.randrange(5)
        if kind == 0:
            return text[:self.rng.randrange(len(text))]
        if kind == 1:
            return text + self.bytes(1) * self.rng.randint(1, 9)
        if kind == 2:
            return text + self.rng.choice((b"a", b"=")) * self.rng.randint(
                1, 9)
        if kind == 3:
            at = self.rng.choice((self.rng.randrange(len(text)), 3,
                                  len(text) - 1))
            return text[:at] + self.bytes(1) + text[at + 1:]
        return self.damage_small(text, rf.TOKEN_ALPHABET + b"AZ0189-= ")

    def compare_token(self, host_key, ring_id, text):
        try:
            ours, name = "ok", rf.open_token(host_key, ring_id, text)
        except rf.Gate as gate:
            ours, name = str(gate), b""
        claim = "claimed" if rf.claims_token(text) else "clear"
        self.same("token", self.helper.ask(
            "token", host_key.hex(), ring_id.hex(), hexed(text)),
            "%s %s %s" % (ours, claim, hexed(name)), text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--helper", default="build/tests/agree")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int)
    args = parser.parse_args()
    seed = args.seed
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "big")
    print("agree: seed %d, %d rounds" % (seed, args.rounds))
    run = Run(Helper(args.helper), seed)
    run.names()
    for _ in range(args.rounds):
        run.objects()
        run.blobs()
        run.keyrings()
        run.texts()
        run.tokens()
    if run.helper.close() != 0:
        run.failed += 1
        print("the helper did not end well")
    print("gates met: " + ", ".join("%s %d" % pair for pair in sorted(
        run.gates.items()) if not pair[0].isdigit()))
    print("%d passed, %d failed" % (run.passed, run.failed))
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main())
