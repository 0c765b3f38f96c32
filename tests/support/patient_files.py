"""Pictures of a scanner with everything in them that should not leave the house."""

from __future__ import annotations

import cv2
import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage, generate_uid

ROWS, COLUMNS = 120, 160
X0, Y0, X1, Y1 = 20, 30, 139, 99
SECRETS = (
    "Doe^Jane", "MRN-4711", "19870203", "20240517", "101112", "ACC-99", "Miller^Greg", "St Elsewhere", "Room 7 scanner",
    "Mrs Doe at 20 weeks", "PRIVATE-NAME", "Jane was here", "NESTED-NAME", "REQUEST-TEXT", "Doe Clinic Code", "034Y",
    "OVERLAY-TEXT", "AETITLE1", "Unknown^Person", "SERIAL-1",
)  # fmt: skip


def screen(seed: int = 0, shape: tuple[int, ...] = (ROWS, COLUMNS, 3)) -> np.ndarray:
    """Ultrasound in the region; above it a name, burned in."""
    pixels = np.zeros(shape, np.uint8)
    speckle = np.random.default_rng(seed).integers(20, 240, (Y1 - Y0 + 1, X1 - X0 + 1), np.uint8)
    pixels[Y0 : Y1 + 1, X0 : X1 + 1] = speckle if pixels.ndim == 2 else speckle[..., None]
    cv2.putText(pixels, "DOE JANE", (20, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3)
    return pixels


def region(**more: object) -> Dataset:
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionLocationMinX0": X0, "RegionLocationMinY0": Y0,
        "RegionLocationMaxX1": X1, "RegionLocationMaxY1": Y1, "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.02, "PhysicalDeltaY": -0.02,
    }  # fmt: skip
    for keyword, value in (values | more).items():
        setattr(item, keyword, value)
    return item


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


STUDY, SERIES, FRAME_OF_REFERENCE = generate_uid(), generate_uid(), generate_uid()


def dicom(pixels: np.ndarray, *, instance: str, refers_to: str = "", regions: bool = True) -> Dataset:
    """A picture of a scanner with everything in it that should not leave the house."""
    frames = pixels if pixels.ndim == 4 else pixels[None]
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.SourceApplicationEntityTitle = "AETITLE1"
    ds.preamble = b"Jane was here".ljust(128, b"\0")
    ds.SOPClassUID = UltrasoundMultiFrameImageStorage if len(frames) > 1 else UltrasoundImageStorage
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = instance, STUDY, SERIES
    ds.FrameOfReferenceUID = FRAME_OF_REFERENCE
    ds.Modality, ds.ImageType = "US", ["ORIGINAL", "PRIMARY"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Jane", "MRN-4711", "19870203", "F"
    ds.PatientAge, ds.PregnancyStatus, ds.PatientComments = "034Y", 3, "Jane was here"
    ds.LastMenstrualDate = ds.StudyDate = ds.ContentDate = ds.AcquisitionDateTime = "20240517"
    ds.StudyTime, ds.AccessionNumber, ds.StudyID = "101112", "ACC-99", "ACC-99"
    ds.ReferringPhysicianName = ds.OperatorsName = ds.PerformingPhysicianName = "Miller^Greg"
    ds.InstitutionName, ds.StationName, ds.DeviceSerialNumber = "St Elsewhere", "Room 7 scanner", "SERIAL-1"
    ds.StudyDescription = ds.SeriesDescription = ds.ImageComments = ds.ProtocolName = "Mrs Doe at 20 weeks"
    ds.Manufacturer, ds.ManufacturerModelName = "Maker", "Model 5"
    ds.RequestAttributesSequence = [item(RequestedProcedureDescription="REQUEST-TEXT")]
    ds.OtherPatientIDsSequence = [item(PatientID="MRN-4711")]
    ds.OperatorIdentificationSequence = [item(InstitutionName="St Elsewhere")]
    local_code = item(CodeValue="1", CodingSchemeDesignator="99DOE", CodeMeaning="Doe Clinic Code")
    ds.AnatomicRegionSequence = [
        local_code,
        item(CodeValue="87878005", CodingSchemeDesignator="SCT", CodeMeaning="Fetal structure"),
    ]
    ds.SourceImageSequence = [
        item(
            ReferencedSOPClassUID=UltrasoundImageStorage,
            ReferencedSOPInstanceUID=refers_to or instance,
            ContentCreatorName="Unknown^Person",
            PurposeOfReferenceCodeSequence=[item(CodeMeaning="NESTED-NAME", CodingSchemeDesignator="99X")],
        )
    ]
    block = ds.private_block(0x0019, "PRIVATE-NAME", create=True)
    block.add_new(1, "LO", "PRIVATE-NAME")
    block.add_new(2, "SQ", Sequence([item(PatientName="Doe^Jane")]))
    ds.add_new(0x60000022, "LO", "OVERLAY-TEXT")
    ds.add_new(0x00081199 + 0x2, "LO", "Jane was here")  # of the standard's range, but in no dictionary
    ds.BurnedInAnnotation = "NO"
    if regions:
        ds.SequenceOfUltrasoundRegions = [region(), region(RegionSpatialFormat=3, RegionLocationMinY0=100,
                                                           RegionLocationMaxY1=119)]  # fmt: skip
    ds.Rows, ds.Columns, ds.SamplesPerPixel = *frames.shape[1:3], frames.shape[3]
    ds.PhotometricInterpretation = "RGB" if frames.shape[3] == 3 else "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if frames.shape[3] == 3:
        ds.PlanarConfiguration = 0
    if len(frames) > 1:
        ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = len(frames), 40.0, 0x00181063
    ds.PixelData = frames.tobytes()
    return ds


def fan_screen(size: int = 320) -> np.ndarray:
    pixels = np.zeros((size, size), np.uint8)
    cv2.ellipse(pixels, (size // 2, 60), (220, 220), 90, -40, 40, 1, -1)
    pixels *= np.random.default_rng(1).integers(60, 220, pixels.shape, np.uint8)
    cv2.putText(pixels, "DOE JANE", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255)
    return pixels
