"""Read landed files of all formats as records. The check of the landing and ingest both use `records`."""

from jobs.ingest.formats.format import Compression, Format, Kind
from jobs.ingest.formats.record import ERASED, USER_ID, Record, names, records

__all__ = ["ERASED", "USER_ID", "Compression", "Format", "Kind", "Record", "names", "records"]
