"""YAML that a stranger may put into a file of a registry: whole files, whether podium reads them, and what is meant."""

from __future__ import annotations

from collections.abc import Mapping

FINE = b'description: x\nowners: ["@a"]\n'


def _bomb() -> bytes:
    lines = [b"a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [b"%c: &%c [" % (97 + n, 97 + n) + b", ".join([b"*%c" % (96 + n)] * 9) + b"]" for n in range(1, 9)]
    return b"\n".join(lines)


def _listed(item: bytes, count: int) -> bytes:
    return b"description: x\ntags: [" + b",".join([item] * count) + b"]\n"


def _keys(form: str, count: int, before: bytes = b"description: x\n") -> bytes:
    return before + "".join(form.format(number) for number in range(count)).encode()


def described(text: bytes) -> bytes:
    """Give the file of a model with a description as it is written."""
    return b"description: " + text + b'\nowners: ["@a"]\n'


LARGE: Mapping[str, bytes] = {
    "a bomb of anchors": _bomb(),
    "flow lists that never end": b"description: " + b"[" * 500_000,
    "flow lists, a hundred thousand deep": b"description: " + b"[" * 100_000 + b"]" * 100_000,
    "flow mappings": b"description: " + b"{a: " * 100_000,
    "mappings as JSON writes them": b'{"a":' * 100_000,
    "block lists": b"description:\n " + b"- " * 100_000,
    "block mappings": b"".join(b" " * depth + b"a:\n" for depth in range(1200)),
    "keys of keys": b"? " * 100_000,
    "lists and mappings by turns": b"description: " + b"[{a: " * 100_000,
    "a long key": b"x" * 1_000_000 + b": 1\ndescription: x\n",
    "a long key in quotes": b'"' + b"x" * 1_000_000 + b'": 1\ndescription: x\n',
    "more than a mebibyte": b"description: " + b"x" * 1024 * 1024,
    "80,000 keys that are none": _keys("k{}: 1\n", 80_000),
    "20,000 keys that are none": _keys("k{}: 1\n", 20_000),
    "the same tag 300,000 times": _listed(b"a", 300_000),
    "the same tag 60,000 times": _listed(b"a", 60_000),
    "60,000 numbers for tags": _listed(b"1", 60_000),
    "250,000 empty lists": _listed(b"[]", 250_000),
    "60,000 empty lists": _listed(b"[]", 60_000),
    "60,000 empty mappings": _listed(b"{}", 60_000),
    "30,000 tags that are none": _keys('"!{}", ', 30_000, b"description: x\ntags: [") + b"]\n",
    "30,000 owners that are none": _keys("x{}, ", 30_000, b"description: x\nowners: [") + b"]\n",
    "30,000 withdrawn versions that are none": _keys("x{}: y, ", 30_000, b"description: x\nwithdrawn: {") + b"}\n",
}
"""Files of up to a mebibyte and beyond; none of them is read."""

REFUSED: Mapping[str, bytes] = {
    "an anchor and its alias": b"description: &a x\nowners: [*a]\n",
    "an anchor alone": described(b"&a x"),
    "an alias of nothing": described(b"*a"),
    "a merge key": b"<<: {description: x}\n",
    "a merge key of an anchor": b"x: &x {description: a}\n<<: *x\n",
    "a merge key inside": b"description: x\nwithdrawn: {<<: [{v0: a}, {v1: b}]}\n",
    "a merge key in quotes": b'"<<": x\ndescription: x\n',
    "an object of Python": described(b'!!python/object/apply:os.system ["touch escaped"]'),
    "binary": described(b"!!binary aGk="),
    "a tag for text": described(b"!!str x"),
    "a tag that is not there": described(b"! x"),
    "a local tag": described(b"!x x"),
    "a tag on the top": b"!!map\ndescription: x\n",
    "a tag in full": described(b"!<tag:yaml.org,2002:str> x"),
    "a key twice": b"description: x\ndescription: y\n",
    "a key twice, once in quotes": b'description: x\n"description": y\n',
    "a key twice inside": b"description: x\nwithdrawn: {v0: a, v0: b}\n",
    "a key twice, once escaped": b'description: x\nwithdrawn: {v0: a, "v\\x30": b}\n',
    "nothing": b"",
    "a line end": b"\n",
    "a marker": b"---\n",
    "an end": b"...\n",
    "a comment": b"# c\n",
    "a list": b"[]",
    "text": b"x",
    "a number": b"1",
    "null": b"null",
    "nul": b"\0",
    "a nul inside": described(b"a\0b"),
    "half of UTF-16": b"\xff\xfe",
    "two documents": FINE + b"---\n" + FINE,
    "a second document that is empty": FINE + b"---\n",
    "a document after an end": FINE + b"...\n---\nx: 1\n",
    "YAML 1.1": b"%YAML 1.1\n---\n" + FINE,
    "YAML 1.2": b"%YAML 1.2\n---\n" + FINE,
    "YAML 9.9": b"%YAML 9.9\n---\n" + FINE,
    "a tag directive": b"%TAG ! tag:x,2000:\n---\n" + FINE,
    "another directive": b"%FOO bar\n---\n" + FINE,
    "NEL for line ends": FINE.replace(b"\n", "\x85".encode()),
    "LS for line ends": FINE.replace(b"\n", "\u2028".encode()),
    "PS for line ends": FINE.replace(b"\n", "\u2029".encode()),
    "a tab before a key": b"\tdescription: a\n",
    "a tab that folds": b"description: a\n\towners: b\n",
    **{f"the escape {text}": described(f'"{text}"'.encode()) for text in (
        "\\0", "\\x1b", "\\e", "\\a", "\\b", "\\N", "\\u202e", "\\u2066", "\\x9b", "\\ud800", "\\udc00\\ud800",
        "\\ud83d\\ude00", "\\U00110000", "\\UFFFFFFFF", "\\x", "\\q", "\\u12",
    )},
    "a surrogate": described(b"\xed\xa0\x80"),
    "two bytes for a nul": described(b"\xc0\x80"),
    "beyond Unicode": described(b"\xf4\x90\x80\x80"),
    "four bytes for two": described(b"\xf0\x80\x80\x80"),
    "a character that is none": described("\ufffe".encode()),
    "a byte order mark": "\ufeff".encode() + FINE,
    "delete": described(b"\x7f"),
    "NEL": described("\x85".encode()),
    "a bidirectional override": described("\u202e".encode()),
    **{f"the key {text.decode()}": text + b": x\ndescription: x\n" for text in (
        b"1", b"true", b"null", b"~", b"", b"[a]", b"{a: b}", b"yes", b"on", b"1.5", b".inf", b"0x1", b"2026-01-01",
        b"__proto__", b"Description", b"? {a: b}\n", "\u00c4".encode(), b"apiVersion", b"remote",
    )},
    **{f"the description {text.decode()}": described(text) for text in (
        b"null", b"", b"~", b"[]", b"{}", b"1", b"true", b".nan", b"-.inf", b"1e999", b"9" * 5000, b"0." + b"1" * 5000,
        b"9223372036854775808", b"-9223372036854775809", b"@a", b"`a", b"%a", b"- a", b"a: b", b"[a", b'"a', b"'a",
        b"{a",
        b"|99\n  a",
    )},
    **{f"the owners {text.decode()}": b"description: x\nowners: " + text + b"\n" for text in (
        b'"@a"', b"[@a]", b'["a b"]', b'["@a/b/c"]', b'["@a\\n* @evil"]', b'["@a @evil"]', b'["@a#"]', b'[""]',
        b'["@"]',
        b'["@a", "@a"]', b"null", b'["*"]', b'["/x"]',
    )},
    "no colon": b"description\n",
    "a conflict": b"<<<<<<< HEAD\n" + FINE + b"=======\n" + FINE + b">>>>>>> evil\n",
    "gzip": b"\x1f\x8b\x08",
    "zip": b"PK\x03\x04",
    "a pickle": b"\x80\x04\x95",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    **{name: FINE.decode().encode(name)
       for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp037")},
}  # fmt: skip
"""Small files that are not read, or not as a model's."""

READ: Mapping[str, bytes] = {
    "as podium writes it": FINE,
    "with an end": FINE + b"...\n",
    "with a beginning": b"---\n" + FINE,
    "CRLF": FINE.replace(b"\n", b"\r\n"),
    "CR": FINE.replace(b"\n", b"\r"),
    "in quotes": b'"description": x\n"owners": ["@a"]\n',
    "as JSON": b'{"description":"x","owners":["@a"]}',
    "a mebibyte of comments": FINE + b"# x\n" * 260_000,
    "a mebibyte of empty lines": FINE + b"\n" * 1_000_000,
    "20,000 tags": _keys("t{}, ", 20_000, FINE + b"tags: [") + b"]\n",
    **{f"the description {text.decode()[:20]}": described(text) for text in (
        b"a\tb", b'"a\\tb"', b'"\\_"', b'"\\U0001F600"', "\u200b".encode(), b"|\n  a\n  b", b">-\n  a\n  b",
        b"|9\n         a",
        b"yes", b"2026-01-01", b"1:30", b"0x10", b"012", b"+3", b"1_000", b"True", b"a\n b", b"a\n  - b",
        b"x" * 1_000_000,
        b'"' + b"x" * 1_000_000 + b'"',
    )},
}  # fmt: skip
"""Files that read as a model's: odd or large, and nothing is wrong with them."""

NUMBERS = (
    b"9" * 5000, b"-" + b"9" * 5000, b"1e5000", b"1e999999999", b"1" * 400 + b".0", b"0." + b"1" * 5000, b"0xff",
    b"1_000",
    b"190:20:30", b"0o17", b"017", b"0b1", b".nan", b".NaN", b".inf", b"-.inf", b"+.inf", b"NaN", b"Infinity", b"1e400",
    b"9223372036854775808", b"-9223372036854775809", b"1.5", b"-0", b"-0.0", b"00", b"+1", b"1e", b"--1", b"2026-01-01",
    "\u0661".encode(), "\uff11".encode(), b"true", b"yes", b"~", b"", b'"9"', b"4.9e-324", b"0", b"-1", b"1.0",
)  # fmt: skip
"""What is no generation of an alias: no whole number from 1 on that fits in 64 bits."""
