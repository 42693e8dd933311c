"""The scopes that a token may have; `access` says what each opens."""

HOST_SCOPE = "host:report"
"""Of a host's agent: the token is good for that host alone."""

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
