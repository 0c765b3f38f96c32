"""A DICOM receiver: what scanners and archives send is written to a folder. See ``receiver``."""

from fetalnet.receiver.receiver import Received, Receiver
from fetalnet.receiver.settings import PORT, ReceiverSettings

__all__ = ["PORT", "Received", "Receiver", "ReceiverSettings"]
