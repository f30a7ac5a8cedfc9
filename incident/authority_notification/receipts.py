"""Receipts: files that an authority gave back, kept byte by byte, and what they are by their content."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext as _

from foundation.errors import Invalid

MOST_BYTES: Final = 10 * 1024 * 1024  # a photo from a phone
_MARKS: Final = 1024  # bytes in which a kind shows itself
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_HTML: Final = re.compile(
    r"\s*+(?><\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_HEADER: Final = re.compile(r"[!-9;-~]+:[^\n]*(\n[ \t][^\n]*)*\n?")
_SENT: Final = {"date", "subject", "to", "received", "message-id"}  # one of them beside From


@dataclass(frozen=True, slots=True)
class Proof:
    """What the authority gave back: a file, kept byte by byte."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def check(proof: Proof) -> str:
    """The media type of a receipt. Raises: Invalid for an empty file, a large one, or another type."""
    if not proof.data.strip():
        raise Invalid(_("The receipt is an empty file."), next_step=_("Save it again from the portal."))
    if len(proof.data) > MOST_BYTES:
        raise Invalid(
            _("The receipt is larger than 10 MiB."),
            next_step=_("Save it as a smaller file, such as a PDF of the page; the authority keeps its own."),
        )
    found = media_type(proof.data)
    if found is None:
        raise Invalid(
            _("The receipt is no PDF, picture (PNG, JPEG), e-mail (EML), web page or text."),
            next_step=_("Save it as one of them, such as a PDF from the print dialogue."),
        )
    return found


def media_type(data: bytes) -> str | None:
    """What a file is by its content: PDF, PNG, JPEG, an e-mail, HTML or text; None for anything else."""
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    text = _text(data)
    if text is None:
        return None
    if _is_email(text):
        return "message/rfc822"
    return "text/html" if _HTML.match(text[:_MARKS]) else "text/plain"


def _text(data: bytes) -> str | None:
    """A file as text with plain line ends, or None when it is none."""
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text.replace("\r\n", "\n")
    return None


def _is_email(text: str) -> bool:
    """Whether it begins with the headers of a message: whom it is from, and what every message has."""
    names, place = set(), 0
    while found := _HEADER.match(text, place):
        names.add(found.group().partition(":")[0].lower())
        place = found.end()
    whole = place == len(text) or text[place : place + 1] == "\n"
    return whole and "from" in names and bool(names & _SENT)


def safe_name(name: str) -> str:
    """A file's name without folders and control characters; never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable()).strip(". ")[-120:] or "receipt"
