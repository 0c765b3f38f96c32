"""A DICOM receiver: what scanners and archives send is written to a folder.

``receiver.Receiver`` is not loaded here: what knows DICOM takes a tenth of a second, and most who start do not receive.
"""

from fetalnet.dicom_network.received import Received
from fetalnet.dicom_network.settings import PORT, ReceiverSettings

__all__ = ["PORT", "Received", "ReceiverSettings"]
