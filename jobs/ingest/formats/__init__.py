"""Reads a landed file, whatever its format, as records: `records` decides for the landing's check and for ingest alike."""

from jobs.ingest.formats.format import Compression, Format, Kind
from jobs.ingest.formats.record import ERASED, USER_ID, Record, names, records

__all__ = ["ERASED", "USER_ID", "Compression", "Format", "Kind", "Record", "names", "records"]
