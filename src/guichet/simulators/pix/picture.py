"""The QR code in a picture that somebody uploads."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

LARGEST_BYTES = 6 * 2**20
_LARGEST_PIXELS = 40_000_000
_SIDE_PIXELS = 2400
_FORMATS = ("PNG", "JPEG")
_AT_ONCE = asyncio.Semaphore(2)


class NoCode(Exception):
    """No code was read; ``why`` is ``not-a-picture``, ``too-large``, ``no-code`` or ``several``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def read_picture(content: bytes) -> str:
    """The text of the one QR code in a PNG or JPEG picture; raises ``NoCode``.

    Decoding takes a thread, for two pictures at a time.
    """
    async with _AT_ONCE:
        return await asyncio.to_thread(_read, content)


def _read(content: bytes) -> str:
    # Not at the top: it complains on standard error when a program that never used it ends.
    import zxingcpp

    if len(content) > LARGEST_BYTES:
        raise NoCode("too-large")
    grey = _grey(content)
    grey.thumbnail((_SIDE_PIXELS, _SIDE_PIXELS))
    found = zxingcpp.read_barcodes(
        grey,
        formats=zxingcpp.barcode_formats_from_str("QRCode"),
        text_mode=zxingcpp.TextMode.Plain,
    )
    texts = {each.text for each in found}
    if not texts:
        raise NoCode("no-code")
    if len(texts) > 1:
        raise NoCode("several")
    return texts.pop()


def _grey(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            small_enough = picture.width * picture.height <= _LARGEST_PIXELS
            grey = picture.convert("L") if small_enough else None
    except Exception as error:  # foreign bytes may break a decoder in any way
        raise NoCode("not-a-picture") from error
    if grey is None:
        raise NoCode("too-large")
    return grey
