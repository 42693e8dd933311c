"""The policies of the pack, in the order in which they are documented."""

from limen_policy.policies import admitted, checked_images, clear_secrets, owned, protected_disks

POLICIES = (
    admitted.POLICY,
    protected_disks.POLICY,
    owned.POLICY,
    checked_images.POLICY,
    clear_secrets.POLICY,
)
