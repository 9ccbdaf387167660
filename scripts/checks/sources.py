"""The project's own C++ files and what they include of each other; used by the checks beside it."""
import hashlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINGS = ("core", "dataplane", "decoder", "exporters", "src", "tests")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def files(*suffixes):
    """Paths relative to the root, sorted."""
    found = []
    for wing in WINGS:
        for suffix in suffixes:
            found += (path.relative_to(ROOT) for path in (ROOT / wing).rglob("*" + suffix))
    return sorted(found)


def includes(path):
    """(line number, is_quoted, name) for each #include."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for match in _INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]


def own_includes(path):
    """Own files that `path` includes directly."""
    for _, _, name in includes(path):
        target = pathlib.PurePosixPath(name)
        if target.parts[0] in WINGS and (ROOT / target).is_file():
            yield pathlib.Path(target)


def closure(path):
    """`path` and all own files that it includes, directly or not, sorted."""
    seen, todo = set(), [pathlib.Path(path)]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += own_includes(at)
    return sorted(seen)


def fingerprint(paths, *more):
    """A digest of these files' contents and of the texts in `more`."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\0".encode())
        digest.update((ROOT / path).read_bytes())
    for text in more:
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()


class Passed:
    """Remembers in a file which fingerprints have passed a check, so that unchanged files are skipped."""

    def __init__(self, path):
        self._path = pathlib.Path(path)
        self._known = set(self._path.read_text().split()) if self._path.is_file() else set()

    def __contains__(self, mark):
        return mark in self._known

    def add(self, mark):
        self._known.add(mark)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as out:
            out.write(mark + "\n")
