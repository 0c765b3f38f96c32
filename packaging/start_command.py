"""Where the bundled command line starts."""

import sys

from fetalnet.cli import main

sys.exit(main())
