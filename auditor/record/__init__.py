"""The record of a one-off audit: its findings and what was read, on disk, so that memory stays bounded and a run can be resumed."""
