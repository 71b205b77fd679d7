"""What a photo's file says before it is decoded: its format, size and orientation, and that it is whole.

The parts of a file are walked to find what OpenCV does not tell: it turns no photo that is read with its alpha, and
some of its versions fill what a cut JPEG lacks with grey. On the way lies the size. (imagesize 2.0.1, which gave it
before, takes 40 ms to import, and cannot read an AVIF that is turned.)

Sources: JPEG: ITU-T T.81, annex B. PNG: W3C, third edition. WebP: RFC 9649. AVIF: ISO/IEC 23008-12. Exif: CIPA DC-008.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from edge_tagger.errors import PhotoError

# Segments or chunks: a million of them take about a second to walk, and a file made of nothing else would take minutes.
_MAX_PARTS = 1_000_000
_MAX_AVIF_META_BYTES = 2**20
_MAX_PROFILE_BYTES = 2**22
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; the three are tables
_JPEG_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_READ = "JPEG, PNG, WebP, BMP, AVIF and HEIC are read"
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"heif"}
)
_HEIF_UNKNOWN = frozenset({b"unci", b"mski", b"j2k1", b"vvc1", b"avc1"})  # their coded sizes are not read

# What else lies among photos: (offset, first bytes, what it is, the way out)
_OTHERS = (
    (0, b"GIF8", "a GIF", "save it as a PNG"),
    (4, b"ftypcrx", "a camera's raw file", "develop it to a JPEG"),
    (4, b"ftyp", "a video", "save one frame of it as a JPEG"),
    (0, b"II*\0", "a TIFF or a camera's raw file", "save it as a JPEG or PNG"),
    (0, b"MM\0*", "a TIFF or a camera's raw file", "save it as a JPEG or PNG"),
    (0, b"FUJIFILM", "a camera's raw file", "develop it to a JPEG"),
    (0, b"IIU\0", "a camera's raw file", "develop it to a JPEG"),
    (0, b"\xff\x0a", "a JPEG XL", "save it as a JPEG"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL", "save it as a JPEG"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000", "save it as a JPEG"),
    (0, b"8BPS", "a Photoshop file", "export it as a JPEG or PNG"),
    (0, b"%PDF", "a PDF", "save the picture in it as a JPEG or PNG"),
    (0, b"<svg", "an SVG drawing", "export it as a PNG"),
    (0, b"<?xml", "an SVG drawing or other XML", "export it as a PNG"),
    (0, b"<!doctype html", "a web page", "download the photo itself"),
    (0, b"<html", "a web page", "download the photo itself"),
    (0, b"PK\x03\x04", "a ZIP archive", "unpack it"),
)


@dataclass(frozen=True)
class Header:
    """`width` and `height` in pixels as stored; `orientation` (Exif, 1 to 8) then turns the photo.

    `scans` is how often decoding passes over all pixels: more than once in a progressive JPEG. `clear` is the one
    transparent level of a grey PNG, as OpenCV decodes it. `profile` is the ICC profile; where there is none, `colours`
    are the numbers of its primaries and transfer (ITU-T H.273).
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    scans: int = 1
    clear: int | None = None
    profile: bytes = b""
    colours: tuple[int, int] | None = None


def read_header(name: str, data: bytes) -> Header:
    """The header of an encoded photo; `name` is what messages call it. The file's suffix is not asked.

    Raises PhotoError for what is no JPEG, PNG, WebP, BMP, AVIF or HEIF, for a broken header, and for a file that is cut
    off.
    """
    kind = _kind(name, data)
    try:
        header = _READERS[kind](data)
    except (struct.error, IndexError):
        reason = "is cut off in its header"
    except ValueError as error:
        reason = str(error)
    else:
        if header.width > 0 and header.height > 0:
            return header
        reason = "gives no size in its header"
    raise PhotoError(f"{name} starts as a {kind} but {reason}; copy or save the photo again")


def _kind(name: str, data: bytes) -> str:
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes); copy the photo again")
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith(b"BM"):
        return "BMP"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1") and b"avif" in data[:64]:
        return "AVIF"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "HEIF"
    head = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip() if data[:1] in b"\xef< \t\r\n" else data[:64]
    for offset, magic, other, way_out in _OTHERS:
        if head[offset : offset + len(magic)].lower() == magic.lower():
            raise PhotoError(f"{name} is not a photo that can be read but {other} ({_READ}); {way_out}")
    raise PhotoError(
        f"{name} is not a photo: its content is none of JPEG, PNG, WebP, BMP, AVIF, HEIC; convert it to one"
    )


def _jpeg(data: bytes) -> Header:
    width = height = components = 0
    progressive, orientation = False, 0
    profile: dict[int, bytes] = {}
    for marker, start, end in _jpeg_segments(data):
        if marker in _JPEG_SIZES:
            if components:
                raise ValueError("gives two sizes")
            height, width, components = struct.unpack_from(">HHB", data, start + 1)
            progressive = marker in _JPEG_PROGRESSIVE
        elif marker == 0xE1 and not orientation and data.startswith(b"Exif\0\0", start):
            orientation = _exif_orientation(data[start:end])
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0", start):
            profile.setdefault(data[start + 12], data[start + 14 : end])
        elif marker == 0xDA:  # the picture itself: no marker occurs in it by chance, so its end is told by a search
            last = data.rfind(b"\xff\xd9", end)
            if last < 0:
                raise ValueError("is cut off (its end marker is missing)")
            several = progressive or data[start] < components
            scans = 1 + data.count(b"\xff\xda", end, last) if several else 1
            icc = b"".join(profile[part] for part in sorted(profile))
            return Header("JPEG", width, height, orientation or 1, scans, profile=icc)
    raise ValueError("has no picture in it")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end of what it holds) up to the first scan. What lies between segments is skipped, as libjpeg
    does."""
    place = 2
    for _ in range(_MAX_PARTS):
        place = data.find(b"\xff", place)
        if place < 0:
            break
        marker = data[place + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:  # no segment; a second 0xFF only fills
            place += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            break
        (length,) = struct.unpack_from(">H", data, place + 2)
        yield marker, place + 4, place + 2 + length
        place += 2 + length


def _png(data: bytes) -> Header:
    width, height, depth, colours = struct.unpack_from(">IIBB", data, 16)
    if depth not in (1, 2, 4, 8, 16):
        raise ValueError(f"says {depth} bits a sample, of which there are 1, 2, 4, 8 and 16")
    if data[8:16] != b"\0\0\0\x0dIHDR" or sum(chunk == b"IHDR" for chunk, _, _ in _png_chunks(data)) > 1:
        raise ValueError("does not begin with its one header")
    orientation, clear, profile, numbers = 1, None, b"", None
    view = memoryview(data)
    for chunk, start, end in _png_chunks(data):
        # libpng would write about a wrong checksum to stderr. It matters only where the picture needs the chunk.
        if chunk[0] & 0x20 == 0 and zlib.crc32(view[start - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise ValueError("is damaged (a wrong checksum)")
        if chunk == b"eXIf":
            orientation = _exif_orientation(data[start:end])
        elif chunk == b"tRNS" and colours == 0:  # OpenCV reads the others; levels of 1, 2 and 4 bits it scales to 8
            (level,) = struct.unpack_from(">H", data, start)
            clear = level * (255 // (2**depth - 1)) if depth < 8 else level
        elif chunk == b"iCCP" and not profile:
            profile = _unpacked_profile(data[start:end])
        elif chunk == b"cICP" and end - start == 4:
            numbers = (data[start], data[start + 1])
        elif chunk == b"IEND":
            profile = b"" if numbers else profile  # the numbers count, says the standard
            return Header("PNG", width, height, orientation, clear=clear, profile=profile, colours=numbers)
    raise ValueError("is cut off (its end is missing)")


def _unpacked_profile(chunk: bytes) -> bytes:
    """What cannot be unpacked is left as it is: a profile that is damaged."""
    packed = chunk[chunk.find(b"\0") + 2 :]
    try:
        return zlib.decompressobj().decompress(packed, _MAX_PROFILE_BYTES) or chunk
    except zlib.error:
        return chunk


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end of what it holds) of each chunk that is whole."""
    place = 8
    for _ in range(_MAX_PARTS):
        if place + 12 > len(data):
            break
        length, chunk = struct.unpack_from(">I4s", data, place)
        if place + 12 + length > len(data):
            break
        yield chunk, place + 8, place + 8 + length
        place += 12 + length


def bare_png(data: bytes) -> bytes:
    """A PNG that read_header has read, without what its picture does not need: profiles, texts, times, animations.

    libpng writes lines to stderr about faults in those. A tRNS that it would refuse is left out for the same reason.
    """
    depth, colours = data[24], data[25]
    kept, palette, whole = [data[:8]], 0, True
    for chunk, start, end in _png_chunks(data):
        if chunk == b"PLTE":
            palette = min((end - start) // 3, 2**depth)
        if chunk == b"tRNS":
            allowed = {0: range(2, 3), 2: range(6, 7), 3: range(1, palette + 1)}.get(colours, range(0))
            is_needed = end - start in allowed
        else:
            is_needed = chunk[0] & 0x20 == 0
        if is_needed:
            kept.append(data[start - 8 : end + 4])
        else:
            whole = False
        if chunk == b"IEND":
            break
    return data if whole else b"".join(kept)


def _webp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise ValueError("is cut off (its end is missing)")
    first = data[12:16]
    if first == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
        orientation, profile = _webp_extras(data)
        return Header("WebP", width, height, orientation, profile=profile)
    if first == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if first == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    raise ValueError("holds no picture that WebP knows")


def _webp_extras(data: bytes) -> tuple[int, bytes]:
    """(orientation, ICC profile)"""
    place, orientation, profile = 12, 1, b""
    for _ in range(_MAX_PARTS):
        if place + 8 > len(data):
            break
        chunk, length = struct.unpack_from("<4sI", data, place)
        if chunk == b"EXIF":
            orientation = _exif_orientation(data[place + 8 : place + 8 + length])
        elif chunk == b"ICCP":
            profile = data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2
    return orientation, profile


def _bmp(data: bytes) -> Header:
    start, size_bytes = struct.unpack_from("<II", data, 10)
    if size_bytes == 12:  # of OS/2
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)  # negative: the first row is the top one
    if compression in (0, 3) and start + (width * depth + 31) // 32 * 4 * height > len(data):  # 3: bit masks
        raise ValueError("is cut off (its end is missing)")
    return Header("BMP", width, height)


def _avif(data: bytes) -> Header:
    from edge_tagger.photos.coded_size import coded_sizes  # only such photos need them
    from edge_tagger.photos.isobmff import boxes

    found = boxes(data)
    meta = next((box for box in found if box.path == (b"meta",)), None)
    if meta is None or meta.end - meta.start > _MAX_AVIF_META_BYTES:
        raise ValueError("does not begin with its description")
    sizes = coded_sizes(data)
    turned = [box for box in found if box.path[:3] == (b"meta", b"iprp", b"ipco")]
    turn = next((data[box.start] for box in turned if box.kind == b"irot"), 0)
    mirror = next((data[box.start] for box in turned if box.kind == b"imir"), None)
    # First it is turned counter-clockwise by quarters, then mirrored. Its Exif does not count.
    quarters = turn & 3
    orientation = (1, 8, 3, 6)[quarters]
    if mirror is not None:
        orientation = ((4, 5, 2, 7), (2, 7, 4, 5))[mirror & 1][quarters]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    profile, numbers = b"", None
    for box in turned:
        if box.kind == b"colr":
            kind, held = data[box.start : box.start + 4], data[box.start + 4 : box.end]
            if kind in (b"prof", b"rICC"):
                profile = profile or held
            elif kind == b"nclx":
                primaries, transfer = struct.unpack_from(">HH", held)
                numbers = numbers or (primaries, transfer)
    return Header("AVIF", width, height, orientation, profile=profile, colours=numbers)


def _heif(data: bytes) -> Header:
    from edge_tagger.photos.isobmff import boxes, items

    header = _avif(data)
    if any(kind in _HEIF_UNKNOWN for kind, _ in items(data, boxes(data))):
        raise ValueError("is of a rare kind")
    return replace(header, kind="HEIF", orientation=1)  # libheif turns it


_READERS: dict[str, Callable[[bytes], Header]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _webp,
    "BMP": _bmp,
    "AVIF": _avif,
    "HEIF": _heif,
}


def _exif_orientation(exif: bytes) -> int:
    """1 to 8; 1 where there is none, or where the metadata is broken: the picture may be whole all the same."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for place in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, place)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
