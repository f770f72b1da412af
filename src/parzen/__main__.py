"""`python -m parzen` is the command line."""

from parzen.cli import main

main()
