"""Which proofs there are: none is forgotten, and each can have come to be."""

from tests.proof import inputs, proofs
from tests.proof.proofs import SCENARIO


def test_every_scenario_is_proven_on_containers_of_both_debians() -> None:
    names = {proof.name for proof in proofs.known()}
    for role in inputs.roles():
        assert {f"molecule/{role}/container/{suite}" for suite in proofs.SUITES} <= names
    assert {f"site/container/{suite}" for suite in proofs.SUITES} <= names
    assert "site/vm/bookworm" in names


def test_what_a_container_leaves_out_is_proven_on_a_vm() -> None:
    names = {proof.name for proof in proofs.known()}
    for role in inputs.roles():
        tests = (inputs.ROOT / "roles" / role / SCENARIO / "tests").glob("*.py")
        if any("needs_kernel(" in path.read_text() for path in tests):
            assert f"molecule/{role}/vm/bookworm" in names, f"{role}: kernel.txt has to say why"


def test_all_that_says_since_when_there_is_a_proof_is_there() -> None:
    for proof in proofs.known():
        assert all((inputs.ROOT / path).exists() for path in proof.origin), proof.name


def test_names_are_of_one_proof_each() -> None:
    names = [proof.name for proof in proofs.known()]
    assert len(names) == len(set(names))
