"""DICOM files as frames."""
