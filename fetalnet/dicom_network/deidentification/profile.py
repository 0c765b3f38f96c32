"""Attributes: DICOM PS3.15's basic application confidentiality profile, and stricter where a rule is simpler.

What may stay is listed; all else goes. So an attribute that the table of the standard does not know yet, or that a
scanner put where it does not belong, cannot slip through: free text, names, dates, addresses, ages, private and
unknown attributes, and whole groups about patient, visit, request, trial and report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from io import BufferedIOBase
from numbers import Real
from types import UnionType

from pydicom import config
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, generate_uid

from fetalnet import __version__
from fetalnet.dicom_network.deidentification.report import Report
from fetalnet.dicom_network.deidentification.terms import defined_terms, keep_public_code

_GROUPS = {0x0008, 0x0018, 0x0020, 0x0028, 0x5200, 0x7FE0}
"""Identification, acquisition, relationship, picture, functional groups, pixels: what tells of the picture."""

_EMPTIED = {
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName", "ContentDate", "ContentTime", "PositionReferenceIndicator",
}  # fmt: skip
"""Action Z: must be there (type 2), but may be empty."""

_IN_ITEMS = {"CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "ContextGroupVersion"}
"""Text of a code, which has its place in an item of a sequence and is looked at there."""

_KEPT_TEXT = {"Manufacturer", "ManufacturerModelName", *_IN_ITEMS}
"""Text that the scanner's maker or a code table writes, never a person."""

_KEPT_ELSEWHERE = {
    "MeasurementUnitsCodeSequence", "PurposeOfReferenceCodeSequence", "ConceptNameCodeSequence", "ConceptCodeSequence",
    "PresentationLUTShape",
}  # fmt: skip
"""Codes from a group that else goes."""

_REMOVED = {
    "InstitutionCodeSequence", "InstitutionalDepartmentTypeCodeSequence", "AdmittingDiagnosesCodeSequence",
    "ReferencedPatientSequence", "ReferencedPerformedProcedureStepSequence", "ProcedureCodeSequence",
    "ReasonForVisitCodeSequence", "IssuerOfAccessionNumberSequence", "ContributingEquipmentSequence",
    "PatientSetupUIDSequence", "BurnedInAnnotation",
    "LongitudinalTemporalInformationModified",
}  # fmt: skip
"""Action X, where the rules by group and kind of value would keep it; and what is said anew or not known any more."""

_KEPT_TABLES = {
    "LUTData", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "AlphaPaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
}  # fmt: skip
"""Numbers written as bytes, each with a description of how many they are."""
_KEPT_BYTES = {"PixelData", *_KEPT_TABLES}

_MANY_NUMBERS = {"DimensionIndexValues", "DepthsOfFocus"}
"""Binary numbers of any count that measuring or sorting may need."""

_TEXT = {"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UN", "UR", "UT"}
_BYTES = {"OB", "OD", "OF", "OL", "OV", "OW"}
_KINDS: Mapping[str, type | UnionType] = {
    **dict.fromkeys(_TEXT, str), **dict.fromkeys(_BYTES, bytes | BufferedIOBase)
}  # fmt: skip
"""What the value of each kind must be, whatever kind the file says it is; all others are numbers."""

_ONCE = {"PixelData"}
"""Attributes that belong at the top level only; within a sequence they are removed."""

_NAMES_A_CLASS = ("ClassUID", "TransferSyntaxUID", "ContextUID", "MappingResourceUID", "CodingSchemeUID")

_UID = re.compile(r"[0-9.]{1,64}")

BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")


class _Action(Enum):
    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    NEW_UID = "U"
    CLEAN = "C"
    """Of a sequence: keep it, and treat each item by the same rules."""


class NewUids:
    """New UIDs for old ones: the same for the same throughout a run, and random, so that nobody computes them back."""

    def __init__(self) -> None:
        self._new: dict[str, UID] = {}

    def of(self, uid: str) -> UID:
        return self._new.setdefault(uid, generate_uid(prefix=None))


def deidentify_attributes(ds: Dataset, uids: NewUids, report: Report, *, text_hidden: bool) -> None:
    """Strip ``ds`` in place, items of sequences included, and write down what was done to it.

    ``text_hidden``: all text beside the ultrasound is black, so that the file may say that none is burned in.
    """
    with config.disable_value_validation():
        _clean(ds, uids, report)
    if report.keep_pixels:
        pixels = "Pixels kept"
    else:
        pixels = f"Pixels outside the {'ultrasound' if text_hidden else 'regions'} blackened"
    ds.PatientIdentityRemoved = "YES"
    ds.LongitudinalTemporalInformationModified = "REMOVED"
    ds.DeidentificationMethod = [
        f"FetalNet Sonographer Assistant {__version__}",
        "DICOM PS3.15 basic profile",
        pixels,
    ]
    ds.DeidentificationMethodCodeSequence = Sequence(
        _code(value, meaning) for value, meaning in (BASIC_PROFILE, CLEAN_PIXELS)[: 2 if text_hidden else 1]
    )
    if text_hidden:
        ds.BurnedInAnnotation = "NO"


def _clean(ds: Dataset, uids: NewUids, report: Report, *, nested: bool = False) -> None:
    for tag in list(ds.keys()):
        vr = _vr(ds, tag)
        keyword = keyword_for_tag(tag) or _group_name(tag)
        action = _Action.REMOVE if keyword in (_ONCE if nested else _IN_ITEMS) else _action(tag, vr)
        if tag.is_private:
            report.private += 1
            del ds[tag]
            continue
        if action is _Action.REMOVE:
            report.removed[keyword] += not _is_empty(ds, tag)
            del ds[tag]
            continue
        try:
            element = ds[tag]
            is_kept = _treat(element, action, vr, uids, report)
        except Exception:  # noqa: BLE001  whatever a library cannot read as its kind of value must not be passed on
            is_kept = False
        if not is_kept or (keyword in _KEPT_TABLES and not _is_table(ds, keyword)):
            report.removed[keyword] += 1
            del ds[tag]
    for counts in (report.removed, report.emptied, report.new_uids):
        for keyword in [name for name, count in counts.items() if not count]:
            del counts[keyword]


def _treat(element: DataElement, action: _Action, vr: str, uids: NewUids, report: Report) -> bool:
    """Treat an element that may stay; False where it turns out that it may not."""
    keyword = element.keyword
    if action is _Action.EMPTY:
        report.emptied[keyword] += not element.is_empty
        element.clear()
        return True
    if vr == "SQ":
        if not isinstance(element.value, Sequence):
            return False
        for item in element.value:
            _clean(item, uids, report, nested=True)
            if not keep_public_code(item):
                item.clear()
        element.value = Sequence(item for item in element.value if len(item))
        return not element.is_empty
    values = [element.value] if not isinstance(element.value, list | MultiValue) else list(element.value)
    if element.is_empty:
        return True
    if vr == "CS":
        kept = defined_terms(keyword, [str(value) for value in values])
        if kept is not None:
            report.removed[keyword] += kept != [str(value).strip() for value in values]
            element.value = kept[0] if len(kept) == 1 else kept
        return kept is not None
    if vr == "UI":
        if action is _Action.KEEP:
            return all(_UID.fullmatch(value) for value in values)
        new = [value if not value or value in UID_dictionary else uids.of(value) for value in values]
        report.new_uids[keyword] += new != values
        element.value = new[0] if len(new) == 1 else new
        return True
    if " or " in element.VR:
        return False  # what kind of value it is depends on others that do not say it, so that it cannot be written
    kind = _KINDS.get(element.VR if " or " in vr else vr, Real)
    if not all(value == "" or isinstance(value, kind) for value in values):
        return False
    return kind is not Real or vr in {"DS", "IS"} or _are_as_many_numbers(keyword, element.tag, values)


def _action(tag: BaseTag, vr: str) -> _Action:
    keyword = keyword_for_tag(tag)
    if keyword in _EMPTIED:
        return _Action.EMPTY
    if not keyword or tag.is_private or keyword in _REMOVED or keyword.endswith("IdentificationSequence"):
        return _Action.REMOVE
    if tag.group not in _GROUPS and keyword not in _KEPT_ELSEWHERE and keyword not in _KEPT_TEXT:
        return _Action.REMOVE
    if vr == "SQ":
        return _Action.CLEAN
    if vr == "UI":
        return _Action.KEEP if keyword.endswith(_NAMES_A_CLASS) else _Action.NEW_UID
    if (vr in _TEXT and keyword not in _KEPT_TEXT) or (vr in _BYTES and keyword not in _KEPT_BYTES):
        return _Action.REMOVE
    return _Action.KEEP


def _vr(ds: Dataset, tag: BaseTag) -> str:
    """The kind of value by the standard, whatever the file says; the file's where the standard leaves a choice."""
    try:
        known = dictionary_VR(tag)
    except KeyError:
        return "UN"
    written = ds.get_item(tag)
    return str(getattr(written, "VR", None) or known) if " or " in known else str(known)


def _is_empty(ds: Dataset, tag: BaseTag) -> bool:
    """Without reading what may be large."""
    written = ds.get_item(tag)
    return not written.length if isinstance(written, RawDataElement) else written is None or written.is_empty


def _are_as_many_numbers(keyword: str, tag: BaseTag, values: list[float]) -> bool:
    """Whether binary numbers are as many as belong there: words can be read as numbers too, but as many."""
    most = dictionary_VM(tag).rpartition("-")[2]
    if most.isdigit():
        return len(values) <= int(most)
    if keyword == "FrameIncrementPointer":
        return all(keyword_for_tag(int(value)) for value in values)
    return keyword in _MANY_NUMBERS and all(abs(value) < 1 << 20 for value in values)


def _is_table(ds: Dataset, keyword: str) -> bool:
    """Whether a table of numbers is described, and as long as that says."""
    described = ds.get(keyword.removeprefix("Segmented").removesuffix("Data") + "Descriptor")
    if not isinstance(described, list | MultiValue) or len(described) != 3:
        return False
    value = ds[keyword].value
    if keyword.startswith("Segmented") or not isinstance(value, bytes):
        return True
    entries = int(described[0]) or 1 << 16
    return len(value) in {entries, entries + entries % 2, 2 * entries}


def _group_name(tag: BaseTag) -> str:
    """A name for attributes without one: overlays and curves repeat over groups."""
    if tag.group & 0xFF00 in (0x5000, 0x6000):
        return "Overlay" if tag.group >= 0x6000 else "Curve"
    return "Unknown"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
