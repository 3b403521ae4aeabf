# SPDX-License-Identifier: MIT
"""lint: rules about the text of the tree, which check runs.

    lint.py RULE          prints a line for each place that breaks the rule
    lint.py --title RULE  prints the rule's title

It must run in the tree's top folder.
"""
import ast
import glob
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "e2e"))
import documents  # noqa: E402

CODE = ("plugin", "include", "tests")
SKIPPED_DIRS = {".git", "__pycache__", ".pytest_cache"}
FUNCTION_LINES_MAX = 60
LISTED = "tests/shape/long-functions"
# These words are split, so that this file does not break its own rules.
NOTE = re.compile("FIX" "ME|TO" "DO")
NUMBERED = re.compile(r"#\d+")
FOREIGN = re.compile(r"(?<![\w.$}\])'\"-])/wo" r"rk/|\.\./sha" r"red(?![\w-])"
                     r"|iss" r"ue\s+#", re.I)


def walk(tops, suffixes=None):
    """Yields (path, lines) of every text file below the folders."""
    for top in tops:
        for folder, dirs, names in os.walk(top):
            dirs[:] = [name for name in dirs if name not in SKIPPED_DIRS and
                       not (folder == "." and name.startswith("build"))]
            for name in sorted(set(names) - SKIPPED_DIRS):
                path = os.path.normpath(os.path.join(folder, name))
                if suffixes and not name.endswith(suffixes):
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                if b"\0" in data or name.endswith(".vec"):
                    continue
                yield path, data.decode("utf-8", "replace").split("\n")


def c_files(tops=CODE):
    return walk(tops, (".c", ".h"))


def blanked(lines, strings=True):
    """Returns the lines with blanks in the place of comments and, if `strings`
    is true, of what strings contain."""
    text = "\n".join(lines)

    def space(match):
        found = match.group(0)
        if found.startswith("/*") or found.startswith("//"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1] \
            if strings else found
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\""
                  r"|'(?:\\.|[^'\\\n])*'", space, text,
                  flags=re.S).split("\n")


def told(path, idx, what):
    return f"{path}:{idx + 1}: {what}"


def rule_memcmp():
    """bans: memcmp() on public bytes only, and it says so"""
    for path, lines in c_files(("plugin", "include")):
        for idx, line in enumerate(blanked(lines)):
            if not re.search(r"\bmemcmp\s*\(", line):
                continue
            # The comment may stand on any line of the statement.
            end = idx
            while end + 1 < len(lines) and end < idx + 4 and \
                    ";" not in lines[end] and "{" not in lines[end]:
                end += 1
            if "/* public */" not in "\n".join(lines[idx:end + 1]):
                yield told(path, idx, line.strip())


def rule_functions():
    """bans: strcpy strcat sprintf atoi alloca"""
    banned = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|atoi|alloca)"
                        r"\s*\(")
    for path, lines in c_files():
        for idx, line in enumerate(blanked(lines)):
            if banned.search(line):
                yield told(path, idx, line.strip())


def rule_disabled():
    """bans: no code that is switched off"""
    for path, lines in c_files():
        for idx, line in enumerate(lines):
            if re.match(r"\s*#\s*if\s+0\b", line):
                yield told(path, idx, line.strip())


def rule_notes():
    """bans: notes to oneself carry a number"""
    for path, lines in walk(CODE + ("packaging",)):
        for idx, line in enumerate(lines):
            if NOTE.search(line) and not NUMBERED.search(line):
                yield told(path, idx, line.strip())


def rule_log():
    """bans: events only, no i_debug i_info i_warning"""
    for path, lines in c_files(("plugin", "include")):
        for idx, line in enumerate(blanked(lines)):
            if re.search(r"\bi_(debug|info|warning)\b", line):
                yield told(path, idx, line.strip())


def rule_columns():
    """width: C has at most 80 columns"""
    for path, lines in c_files():
        for idx, line in enumerate(lines):
            width = len(line.expandtabs(8))
            if width > 80:
                yield told(path, idx, f"{width} columns")


def rule_tabs():
    """tabs: C is indented by tabs"""
    for path, lines in c_files():
        for idx, line in enumerate(blanked(lines)):
            # Up to seven spaces may align what tabs cannot.
            if re.match(r"\t* {8}", line) and line.strip():
                yield told(path, idx, "indented by spaces")
            elif re.match(r"[ \t]* \t", line) and line.strip():
                yield told(path, idx, "a space before a tab")


def rule_blanks():
    """blanks: none at the end of a line, LF at the end of a file"""
    for path, lines in walk(CODE + ("packaging",)):
        for idx, line in enumerate(lines):
            if line.endswith((" ", "\t", "\r")):
                yield told(path, idx, "ends with a blank")
        if lines[-1] != "":
            yield told(path, len(lines) - 1, "no LF at the end of the file")
        elif len(lines) > 1 and lines[-2] == "":
            yield told(path, len(lines) - 2, "empty line at the end")


def listed_functions():
    """Returns {"path:function": reason} of the functions that may be long."""
    names = {}
    if os.path.exists(LISTED):
        with open(LISTED, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, _, reason = line.strip().partition(" ")
                    names[name] = reason.strip()
    return names


def functions(lines):
    """Yields (name, first line, number of lines) of each function."""
    clean = blanked(lines)
    start = None
    for idx, line in enumerate(clean):
        if line.startswith("{"):
            start = idx
        elif line.startswith("}") and start is not None:
            head = " ".join(clean[max(0, start - 12):start])
            head = re.split(r"[;}]", head)[-1]
            names = re.findall(r"(\w+)\s*\(", head)
            names = [name for name in names if name != "__attribute__"]
            yield (names or ["?"])[0], start, idx - start + 1
            start = None


def rule_length():
    """functions: at most 60 lines, or listed with a reason"""
    listed = listed_functions()
    seen = set()
    for path, lines in c_files():
        for name, idx, count in functions(lines):
            key = f"{path}:{name}"
            seen.add(key)
            if count > FUNCTION_LINES_MAX and not listed.get(key):
                yield told(path, idx, f"{name} has {count} lines")
    for key in listed:
        if key not in seen:
            yield f"{LISTED}: there is no {key}"


def rule_words():
    """words: nothing of the place where it was written"""
    for path, lines in walk((".",)):
        for idx, line in enumerate(lines):
            if FOREIGN.search(line):
                yield told(path, idx, line.strip()[:100])


def rule_licence():
    """licence: SPDX first in every C, Python and shell file"""
    mark = "SPDX-License-Identifier: MIT"
    for path, lines in walk(("plugin", "include", "tests", "packaging")):
        first = lines[0]
        is_script = first.startswith("#!")
        if not is_script and not path.endswith((".c", ".h", ".py", ".sh")):
            continue
        if is_script and len(lines) > 1:
            first = lines[1]
        if first.strip(" /*#") != mark:
            yield told(path, 0, "no SPDX line")


def vector_headers():
    """Yields (file name, {field: value}) of the header of each vector."""
    for name in sorted(os.listdir("tests/vectors")):
        if not name.endswith(".vec"):
            continue
        with open(os.path.join("tests/vectors", name), "rb") as file:
            head = file.read().partition(b"\n\n")[0].decode("ascii",
                                                            "replace")
        yield name, dict(re.findall(r"^([\w-]+): (.*)$", head, re.M))


def rule_numbers():
    """FORMAT.md: each clause has its own number, one after another"""
    last = (0, 0)
    with open("plugin/FORMAT.md", encoding="utf-8") as file:
        for chapter, clause in re.findall(r"^\*\*(\d+)\.(\d+)\*\*",
                                          file.read(), re.M):
            number = int(chapter), int(clause)
            if number not in (last[:1] + (last[1] + 1,),
                              (number[0], 1)) or number <= last:
                yield f"plugin/FORMAT.md: {chapter}.{clause} after " \
                      f"{last[0]}.{last[1]}"
            last = number


def rule_fixtures():
    """tests: what tests share stands in no module of tests"""
    for path, lines in walk(("tests",), (".py",)):
        for node in ast.walk(ast.parse("\n".join(lines))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) \
                else [alias.name for alias in node.names] \
                if isinstance(node, ast.Import) else []
            for name in names:
                if name.split(".")[-1].startswith("test_"):
                    yield f"{path}:{node.lineno}: imports {name}"


def rule_version():
    """version: one for the news, packages and each module, that of VERSION"""
    with open("VERSION", encoding="utf-8") as file:
        version = file.read().strip()
    with open("packaging/NEWS.md", encoding="utf-8") as file:
        newest = re.search(r"^## (\S+)", file.read(), re.M).group(1)
    if newest.rstrip(",") != version:
        yield f"packaging/NEWS.md: begins with {newest}, VERSION is {version}"
    with open("packaging/debian/changelog", encoding="utf-8") as file:
        packaged = re.search(r"\((\S+)\)", file.read()).group(1)
    if packaged != version:
        yield f"packaging/debian/changelog: begins with {packaged}"
    for path in sorted(glob.glob(os.environ.get("BUILD", "build") +
                                 "/**/*.so", recursive=True)):
        with open(path, "rb") as file:
            if b"\0roost " + version.encode() + b"\0" not in \
                    b"\0" + file.read():
                yield f"{path}: does not say that it is roost {version}"


def names_given(tree):
    """Yields (name, line) for each name that a module defines at its top
    level."""
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for item in ast.walk(target):
                    if isinstance(item, ast.Name) and \
                            isinstance(item.ctx, ast.Store):
                        yield item.id, node.lineno


def rule_twice():
    """tests: no Python module gives a name twice"""
    for path, lines in walk(("tests",), (".py",)):
        seen = set()
        for name, line in names_given(ast.parse("\n".join(lines))):
            if name in seen and name != "_":
                yield f"{path}:{line}: {name} again"
            seen.add(name)


def rule_clauses():
    """vectors: every refusal of FORMAT.md 6, 7, 9, 10 has one"""
    with open("plugin/FORMAT.md", encoding="utf-8") as file:
        text = file.read()
    tested = set()
    for _, head in vector_headers():
        tested.update(re.findall(r"\d+\.\d+", head.get("clause", "")))
    clauses = re.findall(r"^\*\*(\d+\.\d+)\*\*(.*?)(?=^\*\*\d|^## |\Z)", text,
                         re.M | re.S)
    refusals = [number for number, words in clauses
                if number.split(".")[0] in ("6", "7", "9", "10") and
                re.search(r"MUST\s+refuse", words)]
    if len(refusals) < 20:
        yield f"plugin/FORMAT.md: only {len(refusals)} refusals found"
    for number in refusals:
        if number not in tested:
            yield f"plugin/FORMAT.md: no vector for {number}"


def rule_negatives():
    """vectors: four that must fail for each that succeeds"""
    good = bad = 0
    for name, head in vector_headers():
        expect = head.get("expect")
        if expect is None:
            yield f"tests/vectors/{name}: no expect"
        elif expect == "ok":
            good += 1
        elif expect not in ("claimed", "plaintext"):
            bad += 1
    if good == 0 or bad < 4 * good:
        yield f"tests/vectors: {bad} fail, {good} succeed"


SETTING_LISTS = ("plugin/settings/roost.def", "plugin/settings/flags.def")
# All of these may name settings, but only ones that exist; so may the documents.
SETTINGS_NAMED = tuple(glob.glob("packaging/conf/*/*.conf"))
SETTING_SET = re.compile(r"(?<![\w/.])(?:plugin/|userdb_)?(roost_\w+) *= *(\S*)")
# These words are values of mail_plugins and no settings.
PLUGIN_NAMES = ("roost_flags",)


def settings():
    """Yields (name, default, sentence) of each entry of the lists. For a list
    with a malformed entry it yields the path and what is wrong."""
    for path in SETTING_LISTS:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for name, value, sentence in re.findall(
                r'^SETTING\((\w+), \w+, "([^"]*)",\s+"([^"]*)"\)$', text,
                re.M):
            yield name, value, sentence
        if text.count("\nSETTING(") != len(re.findall(
                r'^SETTING\(\w+, \w+, "[^"]*",\s+"[^"]*\."\)$', text, re.M)):
            yield path, "", "an entry has another form, or no sentence"


def settings_set(path):
    """Yields (line, name, value, is_default) for each place where a document
    sets a setting; is_default tells whether it says that this is the
    default."""
    is_default = False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = documents.plain(line)
            found = [match.groups() for match in SETTING_SET.finditer(line)]
            if "all of these are the defaults" in line:
                is_default = True
            elif not found:
                is_default = False
            for name, value in found:
                if name not in PLUGIN_NAMES:
                    yield number, name, value, is_default


def rule_settings():
    """settings: the documents name those of the lists, and all of them"""
    listed = {}
    for name, value, sentence in settings():
        if not name.startswith("roost_"):
            yield f"{name}: {sentence}"
        listed[name] = value
    for path in (*SETTINGS_NAMED, *documents.paths()):
        for number, name, value, is_default in settings_set(path):
            if name not in listed:
                yield f"{path}:{number}: {name} is no setting"
            elif is_default and value != listed[name]:
                yield f"{path}:{number}: {name} has another default"


def letters(text):
    """Returns a text in lower case with one space in the place of markup,
    line ends and punctuation, so that two texts can be compared."""
    return re.sub(r"[\W_]+", " ", text).strip().lower()


PROMISED = (("README.md", "What is protected", "What is not protected stands"),
            ("packaging/doc/threats.md", "What is not protected", "## "))


def promised():
    """Returns what the documents say is protected, and what is not."""
    found = ""
    for path, heading, end in PROMISED:
        with open(path, encoding="utf-8") as file:
            found += re.search(rf"^## {heading}.*?\n(.*?)^{end}", file.read(),
                               re.M | re.S).group(1)
    return found


def promises():
    """Returns the rows of tests/PROMISES.md: a sentence, and the tests that
    show it."""
    with open("tests/PROMISES.md", encoding="utf-8") as file:
        rows = re.findall(r"^\| (.*?) \| (.*?) \|$", file.read(), re.M)
    return [row for row in rows if row[0] != "promise"]


def is_test(reference):
    """Tells whether FILE::NAME is a test of this tree."""
    name, _, test = reference.partition("::")
    paths = [os.path.join("tests", folder, name)
             for folder in ("core", "e2e", "glue", "vectors")]
    for path in filter(os.path.exists, paths):
        with open(path, encoding="utf-8") as file:
            if re.search(rf"^\s*(?:def )?{re.escape(test)}\(", file.read(),
                         re.M):
                return True
    return False


def rule_promises():
    """promises: each sentence on what is protected names its test"""
    rows = promises()
    wanted = letters(promised())
    for sentence, shown in rows:
        quoted = letters(sentence)
        if not wanted.startswith(quoted):
            yield (f"tests/PROMISES.md: \"{sentence}\" is not what the documents "
                   f"go on with: \"{wanted[:60]}...\"")
            return
        wanted = wanted[len(quoted):].strip()
        tests = re.findall(r"`([\w.]+::\w+)`", shown)
        if not tests and not shown.startswith("no test: "):
            yield f"tests/PROMISES.md: no test for \"{sentence}\""
        for test in tests:
            if not is_test(test):
                yield f"tests/PROMISES.md: there is no {test}"
    if wanted:
        yield f"tests/PROMISES.md: nothing shows \"{wanted[:60]}...\""


def main(names):
    """Run the rule that the command line names, or say its title.  names are
    the globals of the module that has the rule.  Returns the exit status."""
    if len(sys.argv) == 3 and sys.argv[1] == "--title":
        print(names["rule_" + sys.argv[2]].__doc__)
        return 0
    broken = list(names["rule_" + sys.argv[1]]())
    for line in broken:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(globals()))
