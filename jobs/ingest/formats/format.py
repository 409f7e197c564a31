"""How a file is written: kind, compression, encoding and, for CSV, its dialect."""

import codecs
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

Kind: TypeAlias = Literal["csv", "json", "parquet"]
Compression: TypeAlias = Literal["gzip", "zstd", "none"]


class Format(BaseModel):
    """How the files of a feed are written; the defaults are what a landing without a mapping has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "csv"
    """`csv`, `json` (an object a line) or `parquet`."""
    compression: Compression = "gzip"
    encoding: str = "utf-8"
    """Of the text, by a name that Python knows: `gb18030`, `utf-16`, `utf-8-sig` (with a byte order mark), …"""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    """Around a field that holds delimiters, quotes (twice each) or line breaks; empty where quotes mean nothing."""
    escape: str = Field(default="", max_length=1)
    """Before a character that is meant literally, e.g. the backslash of MySQL; empty where there is none."""
    names: tuple[str, ...] = ()
    """Names of the columns of files without a header."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)  # which refuses what is no encoding of text, such as base64
        except LookupError:
            raise ValueError(
                f"{encoding!r} is no encoding that Python knows; for Chinese text it is often gb18030"
            ) from None
        return codecs.lookup(encoding).name
