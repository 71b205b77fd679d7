"""Photos whose parts are in order but say other things: colour profiles, second headers, boxes of false sizes."""

from __future__ import annotations

import random
import struct
import zlib

from mutations import edge_value, set_integer

_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"dinf": 0}
_TOLD = (b"ispe", b"tkhd", b"stsd", b"av1C", b"hvcC", b"iloc", b"iinf", b"ipma", b"pitm", b"irot", b"imir", b"colr",
         b"stsz", b"stco", b"stsc", b"iref", b"pixi", b"clap", b"auxC", b"mdat", b"idat")  # fmt: skip


def profile(rng: random.Random) -> bytes:
    """An ICC profile in order, or with edge values in its curves, colours and directory."""
    curve = _curve(rng)
    held = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Fuzz\0"}
    for letter in b"rgb":
        values = [rng.randrange(-1000, 60000) if rng.random() < 0.9 else edge_value(rng, 4) - 2**31 for _ in range(3)]
        held[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + struct.pack(">3i", *values)
        held[bytes([letter]) + b"TRC"] = curve if rng.random() < 0.9 else _curve(rng)
    held[b"kTRC"] = curve
    if rng.random() < 0.1:
        held.pop(rng.choice(sorted(held)))
    table, body = struct.pack(">I", len(held)), b""
    for tag, content in held.items():
        table += struct.pack(">4sII", tag, 132 + 12 * len(held) + len(body), len(content))
        body += content
    space = rng.choice((b"RGB ", b"RGB ", b"RGB ", b"GRAY", b"CMYK", b"Lab "))
    made = bytearray((bytes(16) + space + b"XYZ ").ljust(36, b"\0") + b"acsp".ljust(92, b"\0") + table + body)
    if rng.random() < 0.3:
        set_integer(rng, made, rng.randrange(128, len(made)), rng.choice((1, 2, 4)), "big")
    return bytes(made)


def _curve(rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        count = rng.choice((0, 1, 2, 1024))
        return b"curv\0\0\0\0" + struct.pack(">I", count) + rng.randbytes(2 * count)
    kind = rng.randrange(5)
    values = [rng.randrange(1, 200_000) if rng.random() < 0.8 else edge_value(rng, 4) - 2**31 for _ in range(7)]
    return b"para\0\0\0\0" + struct.pack(">HH7i", kind, 0, *values)


def with_profile(rng: random.Random, photo: bytes) -> bytes:
    """The photo with such a profile where its format has it; an AVIF or HEIF as it is."""
    icc = profile(rng)
    if photo.startswith(b"\xff\xd8"):
        half = rng.randrange(len(icc))
        parts = [icc] if rng.random() < 0.6 else [icc[:half], icc[half:]]
        segments = [b"ICC_PROFILE\0" + bytes([place + 1, len(parts)]) + part for place, part in enumerate(parts)]
        rng.shuffle(segments)
        return photo[:2] + b"".join(b"\xff\xe2" + struct.pack(">H", len(s) + 2) + s for s in segments) + photo[2:]
    if photo.startswith(b"\x89PNG"):
        chunk = b"iCCPx\0\0" + zlib.compress(icc * rng.choice((1, 1, 1, 3000)))
        if rng.random() < 0.2:
            chunk = b"cICP" + bytes([rng.randrange(20), rng.randrange(20), 0, 1])
        return (
            photo[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + photo[33:]
        )
    if photo.startswith(b"RIFF") and photo[12:16] == b"VP8X":
        body = photo[8:30] + b"ICCP" + struct.pack("<I", len(icc)) + icc + bytes(len(icc) % 2) + photo[30:]
        return b"RIFF" + struct.pack("<I", len(body)) + body[:12] + bytes([body[12] | 32]) + body[13:]
    return photo


def with_boxes(rng: random.Random, photo: bytes) -> bytes:
    """An AVIF or HEIF with boxes changed, left out or doubled; lengths are right, places of the pictures mostly."""
    if rng.random() < 0.3:  # one field of a box, in its place
        changed = bytearray(photo)
        places = [place for name in _TOLD if (place := photo.find(name)) >= 0]
        start = rng.choice(places or [0]) + 4
        set_integer(rng, changed, start + rng.randrange(40), rng.choice((1, 2, 4)), "big")
        return bytes(changed)
    return _rebuilt(rng, photo, 0, len(photo), rng.choice(_TOLD))


def _rebuilt(rng: random.Random, photo: bytes, place: int, end: int, chosen: bytes) -> bytes:
    made = b""
    while place + 8 <= end:
        length, kind = struct.unpack_from(">I4s", photo, place)
        stop = min(end, place + length if length >= 8 else end)
        held = photo[place + 8 : stop]
        if kind in _HOLDERS:
            skip = _HOLDERS[kind]
            held = held[:skip] + _rebuilt(rng, photo, place + 8 + skip, stop, chosen)
        elif kind == chosen and rng.random() < 0.7:
            changed = bytearray(held)
            for _ in range(rng.choice((1, 2))):
                set_integer(rng, changed, rng.randrange(max(1, min(len(held), 40))), rng.choice((1, 2, 4)), "big")
            held = bytes(changed)
            if rng.random() < 0.1:
                held = profile(rng) if kind == b"colr" else b""
        box = struct.pack(">I", len(held) + 8) + kind + held
        made += box * (rng.choice((0, 2, 30)) if kind == chosen and rng.random() < 0.05 else 1)
        place = stop
    return made + photo[place:end]
