"""Detection: the only place where plaintext of a secret exists, and never for longer than a batch."""
