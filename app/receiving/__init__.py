"""Recordings that scanners and archives send by DICOM: the reception and its dialog."""
