#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""corpus: what the fuzzers begin with.

    corpus.py write DIR      DIR/<fuzzer>/ is filled
    corpus.py keep DIR       what a fuzzer has found there goes into the tree;
                             make each small before, by -merge=1

Seeds are made of the vectors and of the tests' rules; what fuzzing has found
besides stands in <fuzzer>.txt here, one input a line, in base64.
"""
import base64
import bz2
import glob
import gzip
import hashlib
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
SIZE_MAX = 4096		# what libFuzzer takes by itself
KEPT_MAX = 30000	# bytes of base64 for each fuzzer
KINDS = {
    "fuzz_header": ("object", "claim"), "fuzz_object": ("object",),
    "fuzz_blob": ("blob",), "fuzz_token": ("token",),
    "fuzz_keyring": ("keyring", "recovery", "key-file",
                     "escrow-file"),
}
FUZZERS = sorted(KINDS) + ["fuzz_dbox", "fuzz_flagrule", "fuzz_index",
                           "fuzz_uidlist", "fuzz_unpack"]
# What storages leave on the disk.
DBOX_BODIES = ((b"one\n",), (b"", b"two"), (b"a", b"b\1\2", b"c\n\1\3\n"))
UIDLISTS = (
    b"3 V1700000000 N9 G00112233\n1 :1.M1.host\n4 W9 :2.M2.host,S=3:2,S\n",
    b"1 7 4\n1 same\n3 same\n", b"0 $Forwarded\n25 rk1-aaaa\n",
    b"1700000000.M1P2.host,S=12,W=13:2,FSTab")


def vectors():
    """(kind, bytes) of each vector that is not too large."""
    for path in sorted(glob.glob(os.path.join(TESTS, "vectors", "*.vec"))):
        with open(path, "rb") as file:
            head, _, payload = file.read().partition(b"\n\n")
        kind = next(line[6:].decode() for line in head.split(b"\n")
                    if line.startswith(b"kind: "))
        if len(payload) <= SIZE_MAX:
            yield kind, payload


def dbox_file(bodies):
    """A file of mdbox as Dovecot writes it."""
    return b"2 M1e C65000000\n" + b"".join(
        b"\1\2N          %016X\n%s\n\1\3\nR65f00d00\nGab\nBA/B\n\n" % (
            len(body), body) for body in bodies)


def log_record(kind, data):
    size = (len(data) + 8) // 4
    return bytes(0x80 | size >> shift & 0x7f for shift in (21, 14, 7, 0)) + \
        struct.pack("<I", kind) + data


def index_files():
    """A main file with the messages 3 and 5, and a log that changes them."""
    words = b"Work\0Urlaub\0"
    keywords = struct.pack("<IIHHHH8sIIIII", 4 + 16 + len(words), 0, 8, 4, 1,
                           8, b"keywords", 2, 0, 0, 0, 5) + words
    keywords += bytes(-len(keywords) % 8)
    mdbox = struct.pack("<IIHHHH5s3x", 0, 7, 12, 8, 4, 5, b"mdbox")
    size = 120 + len(keywords) + len(mdbox)
    base = bytearray(struct.pack("<BBHIIB3xIIIII", 7, 3, 120, size, 20, 1, 0,
                                 0, 1700000000, 9, 2).ljust(120, b"\0"))
    base[60:72] = struct.pack("<III", 4, 40, 40)
    main = bytes(base) + keywords + mdbox + b"".join(
        struct.pack("<IIIII", uid, 8, 1, 100 + uid, 0) for uid in (3, 5))
    log = struct.pack("<BBHIII", 1, 3, 40, 1, 4, 3).ljust(40, b"\0") + \
        log_record(0x2, struct.pack("<II", 9, 0)) + \
        log_record(0x4, struct.pack("<III", 3, 5, 0x0802)) + \
        log_record(0x400, struct.pack("<HH4sII", 0, 3, b"Neu", 5, 9)) + \
        log_record(0x40, struct.pack("<IIIHHHH", 1, 7, 0, 8, 4, 0, 0)) + \
        log_record(0x200, struct.pack("<III", 9, 109, 0)) + \
        log_record(0x1000cd91, struct.pack("<II", 5, 5))
    return main, log


def index_seeds():
    """What fuzz_index takes: both, and a log alone, as it divides them."""
    main, log = index_files()
    for sixteenths in range(1, 16):
        # Zeros behind the main file are no part of it.
        both = max(len(main) * 16 // sixteenths,
                   len(log) * 16 // (16 - sixteenths)) + 16
        cut = both * sixteenths // 16
        if cut >= len(main) and both - cut >= len(log):
            yield bytes([sixteenths]) + main.ljust(cut, b"\0") + log
    yield b"\0" + log[:12] + bytes(28) + log[40:]


def packed_seeds():
    """What Dovecot's plugin for compression writes."""
    text = b"Subject: packed\n\n" + b"a line, and again\n" * 20
    lz4 = b"Dovecot-LZ4\r*\x9b\xc5" + struct.pack(">I", 65536)
    # Literals alone, and a match that repeats them.
    chunks = b"\x50hello", b"\x44abcd\4\0\x10e"
    # Blocks of zstd: raw, one byte many times, and a last one.
    blocks = struct.pack("<I", 5 << 3)[:3] + b"hello" + \
        struct.pack("<I", 300 << 3 | 2)[:3] + b"x" + b"\1\0\0"
    zstd = b"\x28\xb5\x2f\xfd\0\x58" + blocks
    gz = gzip.compress(text, mtime=0)
    for data in (gz, gz + gz, bz2.compress(text), zstd, zstd + zstd,
                 lz4, lz4 + b"".join(struct.pack(">I", len(chunk)) + chunk
                                     for chunk in chunks)):
        yield b"\x10" + data


def seeds(fuzzer):
    if fuzzer == "fuzz_unpack":
        yield from packed_seeds()
        return
    if fuzzer == "fuzz_index":
        yield from index_seeds()
        return
    if fuzzer == "fuzz_dbox":
        yield from map(dbox_file, DBOX_BODIES)
        return
    if fuzzer == "fuzz_uidlist":
        yield from UIDLISTS
        return
    if fuzzer == "fuzz_flagrule":
        for path in sorted(glob.glob(os.path.join(TESTS, "flagrules",
                                                  "*.rules"))):
            with open(path, "rb") as file:
                text = file.read()
            if len(text) <= SIZE_MAX:
                # A few changes under these rules follow.
                yield text + b"\0" + bytes(range(0, 240, 4))
        return
    for kind, payload in vectors():
        if kind in KINDS[fuzzer]:
            # Its first byte says how an object is repaired and read.
            yield b"\x0e" + payload if fuzzer == "fuzz_object" else payload


def kept(fuzzer):
    path = os.path.join(HERE, fuzzer + ".txt")
    if os.path.exists(path):
        with open(path, "rb") as file:
            for line in file:
                yield base64.b64decode(line)


def name_of(data):
    return hashlib.sha1(data).hexdigest()


def write(top):
    for fuzzer in FUZZERS:
        folder = os.path.join(top, fuzzer)
        os.makedirs(folder, exist_ok=True)
        for data in (*seeds(fuzzer), *kept(fuzzer)):
            with open(os.path.join(folder, name_of(data)), "wb") as file:
                file.write(data)


def keep(top):
    for fuzzer in FUZZERS:
        known = {name_of(data) for data in seeds(fuzzer)}
        lines = []
        for path in glob.glob(os.path.join(top, fuzzer, "*")):
            with open(path, "rb") as file:
                data = file.read()
            if data and name_of(data) not in known:
                lines.append(base64.b64encode(data))
        # The short ones first; sorted, so that the file changes little.
        lines.sort(key=lambda line: (len(line), line))
        while sum(map(len, lines)) > KEPT_MAX:
            lines.pop()
        with open(os.path.join(HERE, fuzzer + ".txt"), "wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "keep"):
        sys.exit(__doc__)
    {"write": write, "keep": keep}[sys.argv[1]](sys.argv[2])


if __name__ == "__main__":
    main()
