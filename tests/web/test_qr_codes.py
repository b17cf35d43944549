"""QR pictures, read back by a program that shares nothing with the one that made them."""

from __future__ import annotations

import base64
import random
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from absent import program
from guichet.web.qr_codes import qr_svg_data_uri

#: The Manual's own example of a dynamic code.
BR_CODE = (
    "00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd4415204000"
    "053039865802BR5913Fulano de Tal6008BRASILIA62070503***630464E4"
)
_PREFIX = "data:image/svg+xml;base64,"
_SVG = "{http://www.w3.org/2000/svg}"
_PIXELS_A_MODULE = 4


def svg_of(uri: str) -> ET.Element:
    assert uri.startswith(_PREFIX)
    return ET.fromstring(base64.b64decode(uri.removeprefix(_PREFIX), validate=True))


def modules_of(uri: str) -> list[list[bool]]:
    """Which modules are dark, row by row, as the picture's only stroked path says."""
    svg = svg_of(uri)
    side = int(svg.attrib["viewBox"].split()[2])
    dark = [[False] * side for _ in range(side)]
    background, strokes = svg.findall(f"{_SVG}path")
    assert background.attrib == {"fill": "#fff", "d": f"M0 0h{side}v{side}h-{side}z"}
    assert strokes.attrib["stroke"] == "#000"
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-0-9. ]+)", strokes.attrib["d"]):
        values = [float(each) for each in numbers.split()]
        if command == "h":
            for column in range(int(x), int(x + values[0])):
                dark[int(y)][column] = True
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return dark


def drawn(uri: str) -> bytes:
    """The picture as a portable greymap."""
    rows = [
        b"".join((b"\x00" if dark else b"\xff") * _PIXELS_A_MODULE for dark in row)
        for row in modules_of(uri)
        for _ in range(_PIXELS_A_MODULE)
    ]
    return b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + b"".join(rows)


def read_back(uri: str, folder: Path) -> str:
    reader = program("zbarimg", "zbar-tools", "no QR code was read")
    path = folder / "code.pgm"
    path.write_bytes(drawn(uri))
    done = subprocess.run(
        [reader, "--raw", "--quiet", "-Sdisable", "-Sqrcode.enable", path],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().removesuffix("\n")


def texts() -> list[str]:
    """As short and as long as BR Codes are; the same ones on every run."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ./-*"
    dice = random.Random(4)
    return [BR_CODE, *("".join(dice.choices(letters, k=n)) for n in (60, 110, 180, 250, 340, 512))]


@pytest.mark.parametrize("text", texts(), ids=len)
def test_picture_says_the_text(text: str, tmp_path: Path) -> None:
    assert read_back(qr_svg_data_uri(text), tmp_path) == text


def test_code_stands_in_a_quiet_zone_of_four_modules() -> None:
    rows = modules_of(qr_svg_data_uri(BR_CODE))
    columns = list(zip(*rows, strict=True))
    for lines in (rows, rows[::-1], columns, columns[::-1]):
        assert [any(line) for line in lines[:5]] == [False, False, False, False, True]


def test_picture_can_be_scaled_and_has_a_size_of_its_own() -> None:
    svg = svg_of(qr_svg_data_uri(BR_CODE))
    assert svg.attrib == {"width": "61mm", "height": "61mm", "viewBox": "0 0 61 61"}


def test_picture_is_compact() -> None:
    assert len(qr_svg_data_uri(BR_CODE)) < 8_000


def test_same_text_is_the_same_picture() -> None:
    first = qr_svg_data_uri(BR_CODE)
    qr_svg_data_uri.cache_clear()
    assert qr_svg_data_uri(BR_CODE) == first


def test_text_that_fits_into_no_code_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        qr_svg_data_uri("x" * 2332)
