"""Where the bundled command line starts."""

from fetalnet.cli import main

main()
