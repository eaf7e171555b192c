"""
Write realistic feeds and exports with planted synthetic tokens, and the truth about where each one lies.

It knows nothing of `auditor.detect`: what the sample plants comes from published facts about token formats, so that the
rules can be judged by it.
"""
