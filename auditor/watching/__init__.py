"""One feed that never ends: read, inspected, recorded, acknowledged, and kept going."""
