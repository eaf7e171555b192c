"""Measure the running consumer beside bare loops over the same source, in the same run: `make bench-watch`."""
