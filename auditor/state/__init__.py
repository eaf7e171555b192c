"""What outlives a unit of work: the record of findings and of what was read."""
