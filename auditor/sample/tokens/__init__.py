"""
Token generators by family, written from published facts: prefixes, alphabets, lengths, checksums, structures.

Every text is worthless: keys and signatures are random, and no address belongs to anybody.
"""
