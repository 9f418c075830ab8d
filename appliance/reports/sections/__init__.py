"""The sections of the printed report, one a file, each a function that draws at the running position."""
