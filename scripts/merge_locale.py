"""Merges locale/parts/*.po into locale/zh_Hans/LC_MESSAGES/django.po and compiles it; needs no gettext.

    python scripts/merge_locale.py            write the catalogue; says what has no Chinese yet
    python scripts/merge_locale.py --missing  print what has no Chinese yet, ready to paste into a part
    python scripts/merge_locale.py --check    fail on anything missing, fuzzy, conflicting, malformed or stale

Every room keeps its translations in a part of its own: plain msgid/msgstr entries without a header.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from governance.stack.translations import compile_catalogues  # noqa: E402

ROOMS = ("governance", "cases", "partymembers", "grids")
PARTS = ROOT / "locale" / "parts"
TARGET = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HEADER = """\
# Merged by scripts/merge_locale.py from locale/parts/; edit the parts, not this file.
msgid ""
msgstr ""
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
KEYWORDS: dict[str, tuple[object, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdif]|\{(\w*)\}")

#: The portal says 你 to everybody and never raises its voice: see "Words" in docs/frontend.md.
TONE = re.compile("[您！]")

Key = tuple[str, str]  # context, singular msgid


@dataclass
class Source:
    """A msgid of the code, and where it stands."""

    plural: str = ""
    places: list[str] = field(default_factory=list)


@dataclass
class Merge:
    """What came together, and what is wrong with it."""

    catalog: Catalog
    missing: list[Key] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def source_files(root: Path = ROOT) -> Iterator[Path]:
    """Python files and templates of the rooms, without migrations."""
    for room in ROOMS:
        yield from (path for path in sorted((root / room).rglob("*.py")) if "migrations" not in path.parts)
        yield from sorted((root / room).rglob("templates/**/*.html"))
    yield from sorted((root / "templates").rglob("*.html"))
    yield from sorted((root / "templates").rglob("*.txt"))


def messages_of(path: Path) -> Iterator[tuple[int, object, str]]:
    """Line, msgid (or singular and plural) and context of each message of a file."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        # What templatize leaves is code between blanks; without indentation Python can tokenize it.
        text = "\n".join(line.strip() for line in templatize(text, str(path)).split("\n"))
    found = extract("python", BytesIO(text.encode()), KEYWORDS)  # type: ignore[arg-type]
    for line, message, _comments, context in found:
        yield line, message, context or ""


def sources(root: Path = ROOT) -> dict[Key, Source]:
    """Every msgid of the code."""
    found: dict[Key, Source] = {}
    for path in source_files(root):
        for line, message, context in messages_of(path):
            singular, plural = message[:2] if isinstance(message, tuple | list) else (str(message), "")
            if not singular:
                continue
            entry = found.setdefault((context, singular), Source())
            entry.plural = entry.plural or plural
            entry.places.append(f"{path.relative_to(root)}:{line}")
    return found


def _text(message: Message) -> str:
    string = message.string
    return string if isinstance(string, str) else (string[0] if string else "")


def translations(parts: Path = PARTS) -> tuple[dict[Key, str], list[str]]:
    """Chinese by msgid out of all parts, and what contradicts or is fuzzy."""
    known: dict[Key, str] = {}
    origin: dict[Key, str] = {}
    problems: list[str] = []
    for path in sorted(parts.glob("*.po")):
        with path.open("rb") as lines:
            catalog = read_po(lines, locale="zh_Hans", abort_invalid=True)
        for message in catalog:
            if not message.id:
                continue
            singular = message.id if isinstance(message.id, str) else message.id[0]
            key, text = (message.context or "", singular), _text(message)
            if message.fuzzy:
                problems.append(f"{path.name}: fuzzy: {singular!r}")
            elif text and known.setdefault(key, text) != text:
                problems.append(f"{singular!r}: {origin[key]} says {known[key]!r}, {path.name} says {text!r}")
            else:
                origin.setdefault(key, path.name)
    return known, problems


def _placeholders(text: str) -> set[str]:
    return {"".join(groups) for groups in PLACEHOLDER.findall(text)}


def merge(root: Path = ROOT) -> Merge:
    """The whole catalogue, sorted by msgid; untranslated msgids are left out of it and listed."""
    known, problems = translations(root / "locale" / "parts")
    merged = Merge(Catalog(locale="zh_Hans", fuzzy=False), problems=problems)
    for key, source in sorted(sources(root).items(), key=lambda item: (item[0][1], item[0][0])):
        context, singular = key
        text = known.get(key, "")
        if not text:
            merged.missing.append(key)
            continue
        if not _placeholders(text) <= _placeholders(singular) | _placeholders(source.plural):
            merged.problems.append(f"{singular!r}: {text!r} uses a placeholder that the msgid has not")
        if TONE.search(text):
            merged.problems.append(f"{singular!r}: {text!r} should say 你, without an exclamation mark")
        message_id: str | tuple[str, str] = (singular, source.plural) if source.plural else singular
        string: str | tuple[str, ...] = (text,) if source.plural else text
        merged.catalog.add(message_id, string, context=context or None)
    return merged


def rendered(merged: Merge) -> str:
    """The catalogue as it is written: no dates, no line numbers; the same input gives the same file."""
    body = BytesIO()
    write_po(body, merged.catalog, width=0, no_location=True, omit_header=True, sort_output=True)
    return HEADER + body.getvalue().decode()


def _print_missing(merged: Merge, found: dict[Key, Source]) -> None:
    for context, singular in merged.missing:
        source = found[(context, singular)]
        quoted = singular.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        print(f"#: {' '.join(source.places[:3])}")
        if context:
            print(f'msgctxt "{context}"')
        print(f'msgid "{quoted}"')
        if source.plural:
            plural = source.plural.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            print(f'msgid_plural "{plural}"\nmsgstr[0] ""\n')
        else:
            print('msgstr ""\n')


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail on anything wrong")
    parser.add_argument("--missing", action="store_true", help="print what has no Chinese yet")
    options = parser.parse_args(arguments)
    if not settings.configured:
        settings.configure(USE_I18N=True)
    merged = merge()
    if options.missing:
        _print_missing(merged, sources())
        return 0
    text = rendered(merged)
    for problem in merged.problems:
        print(f"merge_locale: {problem}", file=sys.stderr)
    if merged.missing:
        shown = ", ".join(repr(singular) for _context, singular in merged.missing[:10])
        print(f"merge_locale: {len(merged.missing)} without Chinese: {shown}", file=sys.stderr)
    if options.check:
        is_stale = not TARGET.exists() or TARGET.read_text("utf-8") != text
        if is_stale:
            print("merge_locale: django.po is stale; run scripts/merge_locale.py", file=sys.stderr)
        return 1 if merged.problems or merged.missing or is_stale else 0
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, "utf-8")
    compile_catalogues(ROOT / "locale")
    return 1 if merged.problems else 0


if __name__ == "__main__":
    sys.exit(main())
