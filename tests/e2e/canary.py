# SPDX-License-Identifier: MIT
"""canary: words that no disk may show, and a blunt search for them.

Every word begins with one of two stems and ends in a number of its own. The
search looks for the stems in every spelling and encoding a program might
write them in, and reads the number that follows: so one pass over a file
finds every word, even one that nobody thought of. A hit without a number is
a hit, too.
"""

import base64
import collections
import os
import re
import stat

# One of letters only; one that mail has to encode.
STEM = "QvarNix"
STEM8 = "W\u00fclfN\u00e4r"

Hit = collections.namedtuple("Hit", "path form kind word")
Needle = collections.namedtuple("Needle", "bytes form number is_lowered")


class Book:
    """Gives out words and remembers what each of them stands for."""

    def __init__(self):
        self.kinds = {}
        self.by_kind = collections.defaultdict(list)

    def _add(self, stem, kind):
        word = "%s%04d" % (stem, len(self.kinds) + 1)
        assert len(self.kinds) < 9999, "no numbers are left"
        self.kinds[len(self.kinds) + 1] = kind
        self.by_kind[kind].append(word)
        return word

    def word(self, kind):
        """A new word: a valid atom, local part, domain label and keyword."""
        return self._add(STEM, kind)

    def word8(self, kind):
        """A new word that is no ASCII."""
        return self._add(STEM8, kind)

    def numbers(self, *but):
        """The numbers of all words but those of some kinds."""
        return {number for number, kind in self.kinds.items()
                if kind not in but}


# The search

def _spellings(text):
    return sorted({text, text.lower(), text.upper()})


def phases(data):
    """(characters before, base64) of the bytes at each place in a group of
    three: only the characters that depend on nothing beside them."""
    for skip in range(3):
        text = base64.b64encode(b"\0" * skip + data)
        whole = len(data) + skip
        yield (skip * 8 + 5) // 6, text[(skip * 8 + 5) // 6:whole * 8 // 6]


def _plain_number(step, at):
    """Reads four digits, each the byte `at` of `step` bytes."""
    def read(content, end):
        digits = content[end + at:end + 4 * step:step]
        return int(digits) if re.fullmatch(rb"\d{4}", digits) else 0
    return read


def _hex_number(mark):
    """Reads four digits written as hexadecimal, each behind a mark."""
    form = re.compile((re.escape(mark) + rb"3(\d)") * 4)

    def read(content, end):
        found = form.match(content, end)
        return int(b"".join(found.groups())) if found else 0
    return read


def _base64_number(before, length):
    def read(content, end):
        start = end - length
        text = content[start:start + 80].replace(b"-", b"+") \
            .replace(b"_", b"/")
        text = b"A" * before + re.match(rb"[A-Za-z0-9+/]*", text).group(0)
        data = base64.b64decode(text[:-1] if len(text) % 4 == 1 else
                                text + b"=" * (-len(text) % 4))
        found = re.search(rb"(?s)^.{,26}?(\d{4})", data.replace(b"\0", b""))
        return int(found.group(1)) if found else 0
    return read


def _base64_needles(data, form):
    for before, text in phases(data):
        for spelt in {text, text.replace(b"+", b"-").replace(b"/", b"_")}:
            yield Needle(spelt, "base64 of " + form,
                         _base64_number(before, len(spelt)), False)


def _escaped(data, mark, is_all):
    """The bytes as =XX or %XX: all of them or what is not ASCII."""
    return b"".join(b"%s%02x" % (mark, byte) if is_all or byte > 126
                    else bytes([byte]) for byte in data)


def _word_needles(text, charset):
    data = text.encode(charset)
    step = 2 if charset.startswith("utf-16") else 1
    yield Needle(data.lower(), charset,
                 _plain_number(step, int(charset == "utf-16-be")), True)
    yield from _base64_needles(data, charset)
    if step == 2:
        return
    yield Needle(data.hex().encode(), "hex of " + charset, _hex_number(b""),
                 True)
    for mark, form in ((b"=", "quoted-printable"), (b"%", "percent")):
        yield Needle(_escaped(data, mark, True), "%s of %s" % (form, charset),
                     _hex_number(mark), True)
        if not text.isascii():
            yield Needle(_escaped(data, mark, False).lower(),
                         "%s of %s" % (form, charset), _plain_number(1, 0),
                         True)


def word_needles():
    found = {}
    for stem in (STEM, STEM8):
        for text in _spellings(stem):
            for charset in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
                for needle in _word_needles(text, charset):
                    found.setdefault((needle.bytes, needle.is_lowered),
                                     needle)
    return list(found.values())


def secret_needles(name, raw):
    """For a secret of 32 bytes that is written as hexadecimal."""
    found = [Needle(raw, "raw " + name, None, None),
             Needle(raw.hex().encode(), "hex " + name, None, True)]
    for data in (raw, raw.hex().encode(), raw.hex().upper().encode()):
        found += _base64_needles(data, name)
    return found


def _search(content, needles):
    """(needle, number) for every place; the line ends that split base64 and
    quoted-printable are taken out before."""
    joined = content.replace(b"=\r\n", b"").replace(b"=\n", b"") \
        .replace(b"\r", b"").replace(b"\n", b"")
    lowered = joined.lower()
    for needle in needles:
        where = content if needle.is_lowered is None else \
            lowered if needle.is_lowered else joined
        start = where.find(needle.bytes)
        while start >= 0:
            end = start + len(needle.bytes)
            yield needle, needle.number(where, end) if needle.number else 0
            start = where.find(needle.bytes, end)


class Search:
    """Looks through folders for the words of a book and for secrets."""

    def __init__(self, book, secrets=None):
        self.book = book
        self.words = word_needles()
        self.secrets = [needle for name, raw in (secrets or {}).items()
                        for needle in secret_needles(name, raw)]
        self.names = {needle.form for needle in self.secrets}
        self.files = 0

    def file(self, path):
        """The hits in one file and in its name."""
        with open(path, "rb") as file:
            content = file.read()
        self.files += 1
        hits = []
        for text in (content, os.fsencode(os.path.basename(path))):
            for needle, number in _search(text, self.words):
                hits.append(Hit(path, needle.form, self.book.kinds.get(
                    number, "?"), number))
            for needle, _ in _search(text, self.secrets):
                hits.append(Hit(path, needle.form, "secret", 0))
        return hits

    def folders(self, *tops, but=()):
        """The hits in every file below, sockets and pipes aside, and in
        the names of folders; `but` are paths of files and folders."""
        hits = []
        for top in tops:
            for folder, names, files in os.walk(top):
                names[:] = [name for name in names
                            if os.path.join(folder, name) not in but]
                for name in names:
                    hits += [Hit(os.path.join(folder, name), needle.form,
                                 self.book.kinds.get(number, "?"), number)
                             for needle, number
                             in _search(os.fsencode(name), self.words)]
                for path in (os.path.join(folder, name) for name in files):
                    if path not in but and self._is_file(path):
                        hits += self.file(path)
        return hits

    def changed(self, top, seen, but=()):
        """The hits in files that are new or other than when last seen."""
        hits = []
        for folder, names, files in os.walk(top):
            names[:] = [name for name in names
                        if os.path.join(folder, name) not in but]
            for path in (os.path.join(folder, name) for name in files):
                try:
                    is_file = path not in but and self._is_file(path)
                    state = os.lstat(path)
                    state = state.st_ino, state.st_mtime_ns, state.st_size
                    if is_file and seen.get(path) != state:
                        seen[path] = state
                        hits += self.file(path)
                except FileNotFoundError:
                    pass
        return hits

    @staticmethod
    def _is_file(path):
        try:
            return stat.S_ISREG(os.lstat(path).st_mode)
        except FileNotFoundError:
            return False


def place(path, root):
    """A path without what differs from message to message."""
    path = os.path.relpath(path, root)
    if os.path.basename(os.path.dirname(path)) in ("cur", "new", "tmp"):
        return os.path.join(os.path.dirname(path), "*")
    return re.sub(r"/([um])\.\d+\Z", r"/\1.*", path)


def table(hits, root):
    """The hits as text, those of one place, form and kind on one line."""
    counted = collections.Counter(
        (place(hit.path, root), hit.kind, hit.form) for hit in hits)
    return "\n".join("%6d  %s: %s (%s)" % (count, *what)
                     for what, count in sorted(counted.items()))
