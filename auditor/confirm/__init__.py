"""Local confirmation: values looked up among the fingerprints of live tokens that the owner's own tables hold."""
