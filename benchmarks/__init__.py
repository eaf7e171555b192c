"""Measure the auditor beside other scanners, on the same files in the same run: `make bench`."""
