"""What a process compiles once and uses for every unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.detect.detector import Detector, Tells, always
from auditor.detect.engines import make_engine
from auditor.detect.hits import Prefilter
from auditor.detect.rulebook import Rulebook, load_rulebook
from auditor.identity import AuditKey
from auditor.model import Gap, Note
from auditor.protocols import Problems


@dataclass(frozen=True, slots=True)
class Toolkit:
    """Rules, the prefilter made from their expressions, and the key. Used by one thread at a time."""

    rulebook: Rulebook
    prefilter: Prefilter
    key: AuditKey

    @classmethod
    def load(cls, rule_files: Sequence[Path], engine: str, key: AuditKey) -> Toolkit:
        """Load and compile the shipped rules and the user's."""
        rulebook = load_rulebook(rule_files)
        return cls(rulebook, Prefilter(rulebook, make_engine(rulebook.expressions, engine)), key)

    def detector(self, uri: str, problems: Problems, tells: Tells = always) -> Detector:
        """Return a detector for one input, which is named by ``uri`` in its gaps."""
        return Detector(self.rulebook, self.prefilter, self.key, uri=uri, problems=problems, tells=tells)

    def scrub(self, text: str) -> str:
        """Return a text without the secrets in it; see `Detector.scrub`."""
        return self.detector("", _Unheeded()).scrub(text)


class _Unheeded:
    """Takes problems that belong to no input."""

    def gap(self, gap: Gap) -> None:
        """Drop it: a name too long to unwrap is shown as the detector leaves it."""

    def note(self, note: Note) -> None:
        """Drop it."""
