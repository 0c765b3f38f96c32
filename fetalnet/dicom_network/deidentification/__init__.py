"""Recordings without the patient: DICOM by PS3.15's basic profile, burned-in text outside the ultrasound blackened."""

from fetalnet.dicom_network.deidentification.files import check_places, deidentify_file, deidentify_folder
from fetalnet.dicom_network.deidentification.report import Report

__all__ = ["Report", "check_places", "deidentify_file", "deidentify_folder"]
