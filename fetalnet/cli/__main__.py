"""``python -m fetalnet.cli`` is the same as ``fetalnet``."""

from fetalnet.cli import main

main()
