"""The format of a file: kind, compression, encoding and, for CSV, the dialect."""

import codecs
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

Kind: TypeAlias = Literal["csv", "json", "parquet"]
Compression: TypeAlias = Literal["gzip", "zstd", "none"]


class Format(BaseModel):
    """The format of a feed's files. A landing without a mapping must have the default format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "csv"
    """`csv`, `json` (one object per line) or `parquet`."""
    compression: Compression = "gzip"
    encoding: str = "utf-8"
    """Name of a Python text encoding: `gb18030`, `utf-16`, `utf-8-sig` (with a byte order mark), …"""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    """Encloses fields with delimiters, (doubled) quotes or line breaks; empty if quotes have no special meaning."""
    escape: str = Field(default="", max_length=1)
    """Precedes a literal character, e.g. the backslash of MySQL; empty if there is no escape character."""
    names: tuple[str, ...] = ()
    """Column names for files without a header."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)  # also refuses codecs that are not text encodings, such as base64
        except LookupError:
            raise ValueError(
                f"{encoding!r} is not a Python text encoding; for Chinese text it is often gb18030"
            ) from None
        return codecs.lookup(encoding).name
