"""Attributes: DICOM PS3.15's basic application confidentiality profile, and stricter where a rule is simpler.

What may stay is listed; all else goes. So an attribute that the table of the standard does not know yet, or that a
scanner put where it does not belong, cannot slip through: free text, names, dates, addresses, ages, private and
unknown attributes, and whole groups about patient, visit, request, trial and report.
"""

from __future__ import annotations

import re
from enum import Enum

from pydicom import config
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, generate_uid

from fetalnet import __version__
from fetalnet.deidentification.report import Report

_GROUPS = {0x0008, 0x0018, 0x0020, 0x0028, 0x5200, 0x7FE0}
"""Identification, acquisition, relationship, picture, functional groups, pixels: what tells of the picture."""

_EMPTIED = {
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName", "ContentDate", "ContentTime", "PositionReferenceIndicator",
}  # fmt: skip
"""Action Z: must be there (type 2), but may be empty."""

_KEPT_TEXT = {
    "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "StackID",
    "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "ContextGroupVersion",
}  # fmt: skip
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

_KEPT_BYTES = {
    "PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "ICCProfile", "LUTData",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "AlphaPaletteColorLookupTableData",
}  # fmt: skip

_TEXT = {"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UN", "UR", "UT"}
_BYTES = {"OB", "OD", "OF", "OL", "OV", "OW"}

_CODE_TABLES = {"DCM", "SCT", "SRT", "SNM3", "LN", "UCUM", "FMA", "NCIt", "RADLEX", "UMLS", "I10", "I9C"}
"""Codes of other tables are a site's own, and their meanings are free text."""

_NAMES_A_CLASS = ("ClassUID", "TransferSyntaxUID", "ContextUID", "MappingResourceUID", "CodingSchemeUID")

_CODE_STRING = re.compile(r"[A-Z0-9 _-]*")

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


def deidentify_attributes(ds: Dataset, uids: NewUids, report: Report) -> None:
    """Strip ``ds`` in place, items of sequences included, and write down what was done to it."""
    with config.disable_value_validation():
        _clean(ds, uids, report)
    cleaned = not report.keep_pixels
    ds.PatientIdentityRemoved = "YES"
    ds.LongitudinalTemporalInformationModified = "REMOVED"
    ds.DeidentificationMethod = [
        f"FetalNet Sonographer Assistant {__version__}",
        "DICOM PS3.15 basic profile",
        "Pixels outside the ultrasound blackened" if cleaned else "Pixels kept",
    ]
    ds.DeidentificationMethodCodeSequence = Sequence(
        _code(value, meaning) for value, meaning in (BASIC_PROFILE, CLEAN_PIXELS)[: 2 if cleaned else 1]
    )
    if cleaned:
        ds.BurnedInAnnotation = "NO"


def _clean(ds: Dataset, uids: NewUids, report: Report) -> None:
    for tag in list(ds.keys()):
        action = _action(tag, _vr(ds, tag))
        keyword = keyword_for_tag(tag) or _group_name(tag)
        if tag.is_private:
            report.private += 1
            del ds[tag]
            continue
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001  whatever a library cannot read as its kind of value must not be passed on
            report.removed[keyword] += 1
            del ds[tag]
            continue
        if action is _Action.REMOVE or (element.VR == "CS" and not _is_code(element)):
            report.removed[keyword] += not element.is_empty
            del ds[tag]
        elif action is _Action.EMPTY:
            report.emptied[keyword] += not element.is_empty
            element.clear()
        elif action is _Action.NEW_UID:
            values = [element.value] if isinstance(element.value, str) else list(element.value or ())
            new = [uids.of(value) if value and value not in UID_dictionary else value for value in values]
            report.new_uids[keyword] += new != values
            element.value = new[0] if len(new) == 1 else new
        elif action is _Action.CLEAN and isinstance(element.value, Sequence):
            for item in element.value:
                _clean(item, uids, report)
                if not _is_of_known_table(item):
                    item.clear()
            element.value = Sequence(item for item in element.value if len(item))
            if element.is_empty:
                del ds[tag]
        elif action is _Action.CLEAN:
            report.removed[keyword] += 1
            del ds[tag]
    for counts in (report.removed, report.emptied, report.new_uids):
        for keyword in [name for name, count in counts.items() if not count]:
            del counts[keyword]


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


def _is_code(element: DataElement) -> bool:
    """Whether a code string is one: a name in lower case or with its carets is not."""
    values = [element.value] if isinstance(element.value, str) else list(element.value or ())
    return all(_CODE_STRING.fullmatch(str(value)) for value in values)


def _is_of_known_table(item: Dataset) -> bool:
    is_code = "CodeMeaning" in item or "CodeValue" in item
    return not is_code or item.get("CodingSchemeDesignator") in _CODE_TABLES


def _group_name(tag: BaseTag) -> str:
    """A name for attributes without one: overlays and curves repeat over groups."""
    if tag.group & 0xFF00 in (0x5000, 0x6000):
        return "Overlay" if tag.group >= 0x6000 else "Curve"
    return "Unknown"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
