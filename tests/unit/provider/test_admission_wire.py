from tests.unit.provider.admission_scenarios import AdmissionScenarios


class TestAdmission(AdmissionScenarios):
    """The scenarios of an admission against the fake API."""
