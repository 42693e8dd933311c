"""The scopes that a token may have; `access` says what each opens."""

SCOPES = (
    "quota:check",
    "quota:read",
    "claims:write",
    "limits:write",
    "projects:write",
    "hosts:write",
    "audit:read",
    "admin",
)
