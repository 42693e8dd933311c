from limen_policy.policies.protected_disks import POLICY
from limen_provider.properties import UNKNOWN
from tests.unit.policy.stacks import admission, claim, domain, found, image, volume

DISK = admission("disk:web")
DATA = "web: is a data disk without protection: `pulumi destroy` would delete it"


def test_a_data_disk_is_protected() -> None:
    assert found(POLICY, claim(), DISK, volume(DISK, protect=True)) == []
    assert found(POLICY, claim(), DISK, volume(DISK)) == [DATA]


def test_a_disk_without_an_admission_is_judged_too() -> None:
    assert found(POLICY, volume()) == [DATA]


def test_a_root_disk_can_be_made_again_from_its_image() -> None:
    root = volume(DISK, image())
    stack = (claim(), DISK, image(), root, domain(admission(), root))
    assert found(POLICY, *stack) == []
    assert found(POLICY, *stack, roots=True) == [
        "web: is a root disk without protection: `pulumi destroy` would delete it"
    ]


def test_a_disk_from_an_image_that_no_vm_boots_from_holds_data() -> None:
    assert found(POLICY, claim(), DISK, image(), volume(DISK, image())) == [DATA]


def test_a_blank_disk_is_a_data_disk_even_if_it_is_the_first_of_a_vm() -> None:
    blank = volume(DISK)
    assert found(POLICY, claim(), DISK, blank, domain(admission(), blank)) == [DATA]


def test_sandboxes_are_the_projects_that_are_charged_not_those_that_an_admission_names() -> None:
    sandbox = claim(project="demo")
    assert found(POLICY, sandbox, DISK, volume(DISK)) == []
    assert found(POLICY, sandbox, DISK, volume(DISK), sandboxes=[]) == [DATA]
    pretending = admission("disk:web", project="demo")
    assert found(POLICY, claim(), pretending, volume(pretending)) == [DATA]


def test_a_project_that_is_not_known_is_said() -> None:
    assert found(POLICY, claim(project=UNKNOWN), DISK, volume(DISK)) == [
        "web: protected-data-disks cannot judge it yet, `project` is not known before the update"
    ]
