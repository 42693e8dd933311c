from tests.unit.provider.claim_scenarios import ClaimScenarios


class TestClaim(ClaimScenarios):
    """The scenarios of a claim against the fake API."""
