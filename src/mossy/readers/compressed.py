"""A file packed alone in .gz or .zip is read as the file inside it.

Metadata names the packed file as the source and, as its origin, the file inside with its own hash and reader. An
archive with several files is refused, as is one in another, and one that unpacks to more than 1 GB: the archive's own
statement of its size is not trusted, the unpacking stops there.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, cast

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.derived import AREA_OPTION
from mossy.readers.spectra import SIGN_OPTION
from mossy.records import Record

LARGEST = 1_000_000_000
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""How an archive starts that holds something, and one that holds nothing."""
_NOT_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_OFFICE = {"[Content_Types].xml", "mimetype"}
_AGAIN = "copy the whole file again, or unpack it and give the file inside"


def sniff(path: Path, head: bytes) -> bool:
    """A gzip stream, or a zip archive that is not the file format of another program."""
    if head.startswith(_GZIP):
        return True
    if not head.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except Exception:  # noqa: BLE001  damaged archives raise kinds of their own; the reader that takes it says so
        return path.suffix.lower() == ".zip"
    return not ("data.ndc" in names or names & _OFFICE)


def read(path: Path, request: Request) -> list[Record]:
    """The records of the one file inside."""
    data = read_bytes(path)
    name, content = _unzipped(data) if data.startswith(_ZIP) else (_name_within(path), _unpacked_gzip(data))
    if not content:
        raise InputError(f"holds '{name}', which is empty", remedy="give a file with data in it")
    if content.startswith(_GZIP) or (content.startswith(_ZIP) and name.lower().endswith(".zip")):
        raise InputError(f"holds '{name}', an archive again", remedy="unpack it and give the file inside")
    return _read_inside(name, content, request)


def _read_inside(name: str, content: bytes, request: Request) -> list[Record]:
    from mossy import readers

    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / name
        try:
            inside.write_bytes(content)
            found = readers.read(inside, kind=request.kind, columns=request.columns, **request.options)
        except InputError as error:
            raise InputError(
                f"the file inside, '{name}': {error.problem}", key=error.key, remedy=error.remedy
            ) from None
        except (OSError, ValueError):
            raise InputError(f"'{name}' inside it is no file name", remedy=_AGAIN) from None
    stamp = {"source_path": name, "source_sha256": hashlib.sha256(content).hexdigest()}
    return [record.with_metadata(**stamp) for record in found]


def _name_within(path: Path) -> str:
    return path.stem if path.suffix.lower() in (".gz", ".gzip") and path.stem else path.name


def _unpacked_gzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        return _whole(cast(IO[bytes], stream))


def _unzipped(data: bytes) -> tuple[str, bytes]:
    """The name and the content of the one file of an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [part for part in archive.infolist() if not part.is_dir() and not _is_litter(part.filename)]
            if len(files) != 1:
                shown = ", ".join(part.filename for part in files[:3]) + (" and more" if len(files) > 3 else "")
                what = f"holds {len(files)} files ({shown})" if files else "holds no file"
                raise InputError(what, remedy="unpack it and give one file, or the folder")
            if files[0].flag_bits & 1:
                raise InputError("is locked with a password", remedy="unpack it and give the file inside")
            with archive.open(files[0]) as stream:
                return PurePosixPath(files[0].filename.replace("\\", "/")).name or "file", _whole(stream)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  damaged archives make zipfile and zlib raise kinds of their own
        raise InputError(f"is a damaged archive ({error})", remedy=_AGAIN) from None


def _is_litter(name: str) -> bool:
    return name.startswith(_NOT_FILES[0]) or name.rpartition("/")[2] in _NOT_FILES[1:]


def _whole(stream: IO[bytes]) -> bytes:
    """All that unpacks from a stream, up to the limit."""
    try:
        content = stream.read(LARGEST + 1)
    except Exception as error:  # noqa: BLE001  fastnda, once imported, puts another zlib with errors of its own in place
        raise InputError(f"is a damaged archive ({error})", remedy=_AGAIN) from None
    if len(content) > LARGEST:
        raise InputError(f"unpacks to more than {LARGEST // 10**6} MB", remedy="unpack it and look at what is inside")
    return content


_OPTIONS = ("columns", "missing", "delimiter", "decimal", "constants", SIGN_OPTION, AREA_OPTION, "time_unit")
READER = Reader("packed", (".gz", ".zip"), sniff, read, _OPTIONS)
