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
import glob
import hashlib
import os
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
FUZZERS = sorted(KINDS) + ["fuzz_flagrule"]


def vectors():
    """(kind, bytes) of each vector that is not too large."""
    for path in sorted(glob.glob(os.path.join(TESTS, "vectors", "*.vec"))):
        with open(path, "rb") as file:
            head, _, payload = file.read().partition(b"\n\n")
        kind = next(line[6:].decode() for line in head.split(b"\n")
                    if line.startswith(b"kind: "))
        if len(payload) <= SIZE_MAX:
            yield kind, payload


def seeds(fuzzer):
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
