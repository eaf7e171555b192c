"""What a process compiles once and uses for every unit of work: rules, policies, the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.columns.profiles import Profiles
from auditor.columns.sampling import Source
from auditor.confirm.confirmer import Confirmer
from auditor.confirming import LIVE_TOKEN, TEXT_OF_LIVE_TOKEN, Confirming, Learning
from auditor.detect.detector import Detector, Tells, always
from auditor.detect.engines import make_engine
from auditor.detect.hits import Prefilter
from auditor.detect.rulebook import Rulebook, load_rulebook
from auditor.identity import AuditKey, digest_of
from auditor.model import FindingText, Gap, Note
from auditor.policies import Policies
from auditor.policing import ANY, Outlet, Policing
from auditor.profiling import RAW_COLUMN
from auditor.protocols import Inspector, Problems

#: How the rule ids of policies' findings begin.
_POLICY = "policy."


@dataclass(frozen=True, slots=True)
class Toolkit:
    """
    Rules, the prefilter made from their expressions, policies if there are any, and the key. Used by one thread at a time.

    ``confirmer`` knows the fingerprints of live tokens, if any are declared.
    """

    rulebook: Rulebook
    prefilter: Prefilter
    key: AuditKey
    policies: Policies | None = None
    confirmer: Confirmer | None = None

    @classmethod
    def load(
        cls,
        rule_files: Sequence[Path],
        engine: str,
        key: AuditKey,
        policy_files: Sequence[Path] = (),
        confirmer: Confirmer | None = None,
    ) -> Toolkit:
        """Load and compile the shipped rules and the user's, and the policies. Raise `ConfigError`."""
        rulebook = load_rulebook(rule_files)
        policies = Policies.load(policy_files, allowed_ids(rulebook)) if policy_files else None
        return cls(rulebook, Prefilter(rulebook, make_engine(rulebook.expressions, engine)), key, policies, confirmer)

    @property
    def digest(self) -> str:
        """Return what tells these rules, policies and fingerprints from others, in the coverage of what was read under them."""
        digest = self.rulebook.digest
        for more in (self.policies, self.confirmer):
            digest = digest if more is None else digest_of([digest.encode(), more.digest.encode()])
        return digest

    def inspector(self, detector: Detector, *, tells: Tells = always, outlet: Outlet = ANY) -> Inspector:
        """Return what inspects rows on their way through an outlet: a detector, and policies and fingerprints if any."""
        policies = self.policies
        inner = detector if policies is None else Policing(policies, detector, self.key, tells=tells, outlet=outlet)
        return self.confirming(inner, detector, tells)

    def has_policy(self, table: str, outlet: Outlet) -> bool:
        """Tell whether policies say anything of a table's columns on their way through an outlet."""
        policies = self.policies
        policy = None if policies is None else policies.for_table(outlet.canonical(table), outlet.destinations)
        return policy is not None and not policy.unlisted

    def confirming(self, inner: Inspector, detector: Detector, tells: Tells = always) -> Inspector:
        """Return an inspector that looks for live tokens, too, if their fingerprints are declared."""
        return inner if self.confirmer is None else Confirming(inner, self.confirmer, detector, self.key, tells=tells)

    def learning(self) -> Inspector:
        """Return what learns fingerprints; only where some are declared."""
        assert self.confirmer is not None
        return Learning(self.confirmer)

    def hidden(self, text: str) -> str:
        """Return a text without live tokens."""
        return text if self.confirmer is None else self.confirmer.scrub(text)

    def profiles(self, horizons: Mapping[Source, int] | None = None) -> Profiles:
        """Return empty profiles; ``horizons`` are the bounds of other units (see `Profiles`)."""
        return Profiles(self.key, horizons)

    def detector(self, uri: str, problems: Problems, tells: Tells = always) -> Detector:
        """Return the inspector of raw tokens in one input, which is named by ``uri`` in its gaps."""
        return Detector(self.rulebook, self.prefilter, self.key, uri=uri, problems=problems, tells=tells)

    def describe(self, rule_id: str, table: str, column: str, path: str) -> FindingText:
        """Return what is said of findings; see `described`."""
        return described(self.rulebook, self.policies, rule_id, (table, column, path))

    def scrub(self, text: str) -> str:
        """Return a text without the secrets in it; see `Detector.scrub`."""
        return self.hidden(self.detector("", _Unheeded()).scrub(text))


def allowed_ids(rulebook: Rulebook) -> frozenset[str]:
    """Return the ids that a policy may allow: those of the rules, and that of columns of raw tokens."""
    return frozenset((*rulebook.by_id, RAW_COLUMN))


def described(rulebook: Rulebook, policies: Policies | None, rule_id: str, place: tuple[str, str, str]) -> FindingText:
    """
    Return what is said of findings of a rule or clause at a place: table, column and path.

    What is gone, since rules and policies change, is told by its id.
    """
    table, column, path = place
    if rule_id == LIVE_TOKEN:
        return TEXT_OF_LIVE_TOKEN
    if rule_id.startswith(_POLICY):
        said = None if policies is None else policies.text(rule_id, table, column, path)
        if said is None:
            return FindingText(rule_id, "policy", "", "")
        return FindingText(said.title, "policy", said.gains, said.remedy, said.policy_id, said.owner, said.observed)
    compiled = rulebook.by_id.get(rule_id)
    if compiled is None:
        return FindingText(rule_id, "", "", "")
    rule = compiled.rule
    return FindingText(rule.name, rule.kind.value, rule.gains, rule.remedy)


class _Unheeded:
    """Takes problems that belong to no input."""

    def gap(self, gap: Gap) -> None:
        """Drop it: a name too long to unwrap is shown as the detector leaves it."""

    def note(self, note: Note) -> None:
        """Drop it."""
