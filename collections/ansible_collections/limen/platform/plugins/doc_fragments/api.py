# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What the documentation of every module of the API has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of module_utils/arguments.py, and what check mode and diff mode do."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - URL of limen-api, such as V(https://limen.example) or V(http://127.0.0.1:18443).
      - Plain HTTP is refused except to a loopback address, since it would show the token.
      - If it is not given, the environment variable E(LIMEN_API_URL) is used.
    type: str
    required: true
  api_token:
    description:
      - Bearer token for the API.
      - If neither it nor O(api_token_file) is given, the environment variable E(LIMEN_TOKEN) is used, then
        the file that E(LIMEN_TOKEN_FILE) names.
    type: str
  api_token_file:
    description:
      - File that holds the token, on the machine where the module runs.
      - O(api_token) goes before it.
    type: path
  ca_file:
    description:
      - PEM file of the authorities that may have signed the API's certificate, instead of the system's.
      - If it is not given, the environment variable E(LIMEN_CA_FILE) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for an answer of the API. What waits on purpose waits longer.
    type: int
    default: 10
notes:
  - The module talks to the API from where it runs, and the environment variables are those of that place. Use
    C(delegate_to=localhost) or a play on C(localhost) where only the controller has the token.
  - The token is never part of a result, a message or a diff.
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say what would be changed, without changing it.
  diff_mode:
    description: Returns what would change or was changed, in a form that C(--diff) shows.
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: >-
      Use C(group/limen.platform.api) in C(module_defaults) to set O(api_url), O(api_token),
      O(api_token_file), O(ca_file) and O(timeout) for all modules of the API.
    support: full
    membership:
      - limen.platform.api
"""
