"""Code strings and codes: only what DICOM PS3.3 and PS3.16 define may stay, for people type names into such fields."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BODY_PARTS = _words(
    "ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF "
    "CAROTID CEREBELLUM CERVIX CHEEK CHEST CHESTABDOMEN CHESTABDPELVIS CIRCLEOFWILLIS CLAVICLE COCCYX COLON CORNEA "
    "CORONARYARTERY CSPINE CTSPINE DUODENUM EAR ELBOW ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR FINGER FOOT "
    "GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS ILEUM ILIUM IAC JAW JAWREGION KIDNEY KNEE LARYNX LEG LIVER "
    "LSPINE LSSPINE LUNG MANDIBLE MAXILLA MEDIASTINUM MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE "
    "ORBIT OVARY PANCREAS PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE RADIUS RADIUSULNA RECTUM RIB SACRUM SCALP "
    "SCAPULA SCLERA SCROTUM SHOULDER SKULL SPINE SPLEEN SSPINE STERNUM STOMACH SUBMANDIBULAR TESTIS THIGH THUMB "
    "THYMUS THYROID TIBIAFIBULA TLSPINE TOE TONGUE TRACHEA TSPINE ULNA UMBILICAL UMBILICUS URETER URETHRA UTERUS "
    "VAGINA VULVA WHOLEBODY WRIST ZYGOMA FETUS FETAL PLACENTA OBSTETRIC"
)
"""PS3.16 annex L, and what scanners write of a fetus."""

_EXAMINATIONS = _words(
    "ABDOMINAL BREAST CHEST ENDOCAVITARY ENDORECTAL ENDOVAGINAL EPICARDIAL FETAL GYNECOLOGY INTRACARDIAC "
    "INTRAOPERATIVE INTRAVASCULAR MUSCULOSKELETAL NEONATAL NEONATAL_HEAD OBSTETRICAL OPHTHALMIC PEDIATRIC PELVIC "
    "RETROPERITONEAL SCROTAL SMALL_PARTS SMALLPART THYROID TRANSESOPHAGEAL TRANSTHORACIC TRANSVAGINAL VASCULAR "
    "PERIPHERAL_VASCULAR RENAL RADIOLOGY CARDIAC"
)
"""Third value of an ultrasound picture's Image Type (PS3.3 C.8.5.6.1.1)."""

_ANSWERS = frozenset({"YES", "NO"})
_SIDES = frozenset("RLUB")

_TERMS: dict[str, frozenset[str]] = {
    "Modality": _words("US IVUS OT SC CT MR XA XC ES GM SM OP OPT DX CR MG NM PT RF ECG HD"),
    "ImageType": _EXAMINATIONS
    | _words(
        "ORIGINAL DERIVED MIXED PRIMARY SECONDARY VOLUME NONE RESAMPLED MAX_IP MIN_IP MEAN_IP MEDIAN_IP MPR CPR "
        "STEREO INVALID"),
    "ConversionType": _words("DV DI DF WSD SD SI DRW SYN"),
    "PresentationIntentType": frozenset({"FOR PRESENTATION", "FOR PROCESSING"}),
    "MappingResource": frozenset({"DCMR", "SDM"}),
    "ContextGroupExtensionFlag": frozenset("YN"),
    "PixelPresentation": _words("COLOR MONOCHROME MIXED TRUE_COLOR COLOR_RANGE"),
    "VolumetricProperties": _words("VOLUME SAMPLED DISTORTED MIXED"),
    "VolumeBasedCalculationTechnique": _words(
        "MAX_IP MIN_IP MEAN_IP MEDIAN_IP VOLUME_RENDER SURFACE_RENDER MPR CURVED_MPR NONE MIXED"),
    "ComplexImageComponent": _words("MAGNITUDE PHASE REAL IMAGINARY MIXED"),
    "BodyPartExamined": _BODY_PARTS,
    "AnatomicStructure": _BODY_PARTS,
    "TransducerType": _words(
        "SECTOR_PHASED SECTOR_MECH SECTOR_ANNULAR LINEAR ANNULAR_ARRAY "
        "SECTOR CONVEX PHASED")
    | {"CURVED LINEAR", "SINGLE CRYSTAL CWD", "SPLIT XTAL CWD", "PENCIL PROBE", "SECTOR PHASED", "SECTOR MECHANICAL"},
    "PositionMeasuringDeviceUsed": frozenset({"RIGID", "FREEHAND"}),
    "ContentQualification": _words("PRODUCT RESEARCH SERVICE"),
    "SynchronizationTrigger": frozenset({"SOURCE", "EXTERNAL", "PASSTHRU", "NO TRIGGER"}),
    "AcquisitionTimeSynchronized": frozenset("YN"),
    "OffsetDirection": frozenset("XYZ"),
    "Laterality": _SIDES,
    "ImageLaterality": _SIDES,
    "FrameLaterality": _SIDES,
    "UltrasoundAcquisitionGeometry": frozenset({"PATIENT", "APEX"}),
    "PatientFrameOfReferenceSource": frozenset({"TABLE", "ESTIMATED", "REGISTRATION"}),
    "DimensionOrganizationType": frozenset({"3D", "3D_TEMPORAL", "TILED_FULL", "TILED_SPARSE"}),
    "PhotometricInterpretation": frozenset(
        {
            "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
            "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
        }
    ),
    "PixelSpacingCalibrationType": frozenset({"GEOMETRY", "FIDUCIAL"}),
    "PixelIntensityRelationship": _words("LIN LOG DISP"),
    "VOILUTFunction": frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"}),
    "PresentationLUTShape": frozenset({"IDENTITY", "INVERSE"}),
    "RecommendedViewingMode": _words("SUB NAT"),
    "DataPathAssignment": _words(
        "PRIMARY_PVALUES PRIMARY_SINGLE SECONDARY_SINGLE PRIMARY_HIGH PRIMARY_LOW SECONDARY_HIGH SECONDARY_LOW"),
    "LossyImageCompression": frozenset({"00", "01"}),
    "LossyImageCompressionMethod": frozenset(
        {"ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_13818_2", "ISO_14496_10", "ISO_23008_2"}
    ),
    "SpatialLocationsPreserved": _ANSWERS | {"REORIENTED_ONLY"},
    "PatientPosition": _words("HFP HFS HFDR HFDL FFDR FFDL FFP FFS LFP LFS RFP RFS AFDR AFDL PFDR PFDL"),
}  # fmt: skip
_TERMS["FrameType"] = _TERMS["ImageType"]
for _keyword in (
    "SyntheticData", "QualityControlImage", "RecognizableVisualFeatures", "AcousticCouplingMediumFlag",
    "IlluminationTranslationFlag",
):  # fmt: skip
    _TERMS[_keyword] = _ANSWERS

_PATTERNS = {
    "SpecificCharacterSet": re.compile(r"(ISO(_IR| 2022 IR) \d{1,3})?|GB18030|GBK"),
    "ImageType": re.compile(r"0[0-9A-F]{3}|\d{4}"),  # which modes of the scanner are in the picture
    "PatientOrientation": re.compile(r"[APLRHF]{1,3}"),
    "ContextIdentifier": re.compile(r"\d{1,6}"),
}

_CODES = {
    "DCM": r"\d{5,6}", "SCT": r"\d{6,18}", "SRT": r"[A-Z]\d?-[0-9A-F]{4,6}", "SNM3": r"[A-Z]\d?-[0-9A-F]{4,6}",
    "LN": r"\d{1,7}-\d", "UCUM": r"[a-zA-Z%\[\]{}0-9./*^-]{1,6}", "FMA": r"\d{1,8}", "NCIt": r"C\d{3,8}",
    "RADLEX": r"RID\d{1,8}", "UMLS": r"C\d{7}", "I10": r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    "I9C": r"[EV]?\d{2,3}(\.\d{1,2})?",
}  # fmt: skip
"""The form of a code in each public table. Codes of other tables are a site's own."""


def defined_terms(keyword: str, values: list[str]) -> list[str] | None:
    """The values of a code string that DICOM defines, each in its place; None where none of them is left."""
    terms, pattern = _TERMS.get(keyword, frozenset()), _PATTERNS.get(keyword)
    kept = [
        value if value in terms or (pattern is not None and pattern.fullmatch(value)) else ""
        for value in (each.strip(" \0") for each in values)
    ]
    while kept and not kept[-1]:
        kept.pop()
    return kept or None


def keep_public_code(item: Dataset) -> bool:
    """Whether an item is no code, or one of a public table; its meaning, which anybody may word, becomes the code."""
    if not any(keyword in item for keyword in ("CodeMeaning", "CodeValue", "CodingSchemeDesignator")):
        return True
    scheme, code = item.get("CodingSchemeDesignator"), item.get("CodeValue")
    if not isinstance(code, str) or scheme not in _CODES or not re.fullmatch(_CODES[scheme], code):
        return False
    item.CodeMeaning = code
    for keyword in ("CodingSchemeVersion", "ContextGroupVersion"):
        if keyword in item and not re.fullmatch(r"[\d.]{0,14}", str(item[keyword].value)):
            del item[keyword]
    return True
