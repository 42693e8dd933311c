"""The fake API of the unit tests and the real one must not differ: the same scenarios against the latter."""

from tests.unit.provider.admission_scenarios import AdmissionScenarios
from tests.unit.provider.claim_scenarios import ClaimScenarios


class TestClaim(ClaimScenarios):
    """The scenarios of a claim against limen-api."""


class TestAdmission(AdmissionScenarios):
    """The scenarios of an admission against limen-api."""
