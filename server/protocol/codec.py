"""Bytes to validated messages and back, one codec a subprotocol.

Shape and ranges are checked by msgspec while it decodes. A bound also refuses NaN and infinity, and every
float that a client may send is bounded (a test holds that). In both encodings unknown fields are skipped
unread, of a field given twice the last one counts, and a second, different `type` is refused.
"""

from typing import Protocol

import msgspec

from dispatch.errors import Refusal

from .codes import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK
from .messages import ClientMessage, ServerMessage

MAX_FRAME = 64 * 1024
MAX_TEXT = 200  # of a refusal: it may quote the frame


class BadFrame(Refusal):
    """The frame is refused; `path` is the field at fault: `$.points[0][2]`."""

    def __init__(self, code: str, template: str, /, path: str | None = None, **values: object) -> None:
        super().__init__(code, template, plural="", **values)
        self.path = path


class _Decoder(Protocol):
    def decode(self, frame: bytes, /) -> ClientMessage: ...


class _Encoder(Protocol):
    def encode(self, message: ServerMessage, /) -> bytes: ...


class Codec:
    """One encoding of the protocol. `binary` says which kind of websocket frame carries it."""

    __slots__ = ("_decode", "binary", "encode", "subprotocol")

    def __init__(self, subprotocol: str, binary: bool, decoder: _Decoder, encoder: _Encoder) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        self.encode = encoder.encode
        self._decode = decoder.decode

    def decode(self, frame: bytes) -> ClientMessage:
        """The message in this frame; raises nothing but BadFrame."""
        if len(frame) > MAX_FRAME:
            raise BadFrame(
                "too_large", "{size:number} bytes, at most {limit:number}", size=len(frame), limit=MAX_FRAME
            )
        try:
            return self._decode(frame)
        except msgspec.MsgspecError as error:
            raise _refusal(str(error)) from None
        except UnicodeDecodeError:
            raise BadFrame("bad_frame", "Text is not UTF-8") from None
        except RecursionError:
            raise BadFrame("bad_frame", "Nested too deeply") from None


def _refusal(text: str) -> BadFrame:
    """Splits msgspec's "Expected ... - at `$.path`"; a fault in a key reads "... - at `key` in `$.path`"."""
    message, _, place = text.rpartition(" - at ")
    if not place.endswith("`") or "`$" not in place:
        return BadFrame("bad_frame", text[:MAX_TEXT])
    return BadFrame("bad_frame", message[:MAX_TEXT], place[place.index("`$") + 1 : -1])


MSGPACK = Codec(SUBPROTOCOL_MSGPACK, True, msgspec.msgpack.Decoder(ClientMessage), msgspec.msgpack.Encoder())
JSON = Codec(SUBPROTOCOL_JSON, False, msgspec.json.Decoder(ClientMessage), msgspec.json.Encoder())
CODECS: dict[str, Codec] = {codec.subprotocol: codec for codec in (MSGPACK, JSON)}
