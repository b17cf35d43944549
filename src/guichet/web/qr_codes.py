"""QR codes (ISO/IEC 18004) as pictures that need no file and no address of their own."""

from __future__ import annotations

import base64
import io
from functools import lru_cache

import segno

#: Light modules around the code: readers need them to find it.
_QUIET_ZONE = 4
#: Choosing the most pleasing of the eight masks takes ten times as long as all the rest, in which
#: the process would do nothing else. Readers take any.
_MASK = 3
_REMEMBERED_MAX = 512


@lru_cache(maxsize=_REMEMBERED_MAX)
def qr_svg_data_uri(text: str) -> str:
    """The QR code of ``text`` as a ``data:`` address of an SVG picture, about 6 kB.

    Error correction M, dark on light whatever is behind it, a millimetre a module, free to be
    scaled. Raises ``ValueError`` for a text that fits into no code (2331 bytes).
    """
    picture = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False, mask=_MASK).save(
        picture,
        kind="svg",
        border=_QUIET_ZONE,
        unit="mm",
        light="#fff",
        xmldecl=False,
        nl=False,
        svgclass=None,
        lineclass=None,
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode('ascii')}"
