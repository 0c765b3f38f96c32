"""Files that are no recordings here but that people have beside them: what each is, and what to do with it."""

from __future__ import annotations

from pathlib import Path

_UNPACK = "is a packed archive that is not opened here; unpack it and open the folder."
_SAVE = "is a picture in a form that is not opened here; save it as PNG or TIFF."
_VOLUME = "is a volume, not a recording; export the pictures from it as DICOM, MP4 or PNG."
_OFFICE = "is a document; save the pictures in it as PNG, or export the recording from the scanner."
_PLAYLIST = "is a list of other files and not a video; open the recording that it names."
_PROJECT = "is in the scanner's own form; export it there as DICOM, MP4 or AVI."

_BY_START: tuple[tuple[bytes, str], ...] = (
    (b"Rar!\x1a\x07", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", _UNPACK),
    (b"\x1f\x8b", _UNPACK),
    (b"BZh", _UNPACK),
    (b"\xfd7zXZ\x00", _UNPACK),
    (b"\x28\xb5\x2f\xfd", _UNPACK),
    (b"%PDF-", _OFFICE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"\x00\x00\x00\x0cjP  ", _SAVE),
    (b"\xff\x4f\xff\x51", _SAVE),
    (b"8BPS", _SAVE),
    (b"NRRD", _VOLUME),
    (b"KRETZFILE", _VOLUME),
    (b"#EXTM3U", _PLAYLIST),
    (b"ObjectType", _VOLUME),
)
"""What a file begins with says more than its name."""

_BY_SUFFIX: dict[str, str] = {
    **dict.fromkeys((".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".cab"), _UNPACK),
    **dict.fromkeys((".webp", ".jp2", ".j2k", ".jpx", ".heic", ".heif", ".avif", ".jxl", ".psd", ".svg"), _SAVE),
    **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr", ".nii", ".vol", ".v00", ".raw"), _VOLUME),
    **dict.fromkeys((".pdf", ".doc", ".docx", ".ppt", ".pptx", ".odp", ".odt", ".xls", ".xlsx"), _OFFICE),
    **dict.fromkeys((".m3u", ".m3u8", ".pls", ".ifo", ".bup", ".xspf"), _PLAYLIST),
    **dict.fromkeys((".4dv", ".bin", ".dat", ".mvl"), _PROJECT),
}

_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"heim", b"heis")


def unsupported_text(path: Path) -> str | None:
    """The sentence for a file type that is not supported; None for unknown types."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return None
    said = next((sentence for start, sentence in _BY_START if head.startswith(start)), None)
    if (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS):
        said = _SAVE
    if head[257:262] == b"ustar":
        said = _UNPACK
    if path.name.lower().endswith(".igs.mha"):
        said = "is a sequence of PLUS or 3D Slicer; export it there as MP4 or DICOM, or watch it live over OpenIGTLink."
    said = said or _BY_SUFFIX.get(path.suffix.lower())
    return None if said is None else f"{path.name} {said}"
