"""The record of a one-off audit, on disk: memory stays bounded, and a run can be resumed."""
