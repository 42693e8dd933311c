# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""The options that every module of the API has; documented in plugins/doc_fragments/api.py."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.limen.platform.plugins.module_utils.client import Client, resolve_token

DEFAULT_TIMEOUT = 10


def api_arguments(**own: t.Any) -> dict[str, t.Any]:
    """The argument spec of a module: its own options and the common ones."""
    return {
        "api_url": {"type": "str", "required": True, "fallback": (env_fallback, ["LIMEN_API_URL"])},
        # LIMEN_TOKEN and LIMEN_TOKEN_FILE are read by `client_for`: an option of the task goes before both.
        "api_token": {"type": "str", "no_log": True},
        "api_token_file": {"type": "path", "no_log": False},
        "ca_file": {"type": "path", "fallback": (env_fallback, ["LIMEN_CA_FILE"])},
        "timeout": {"type": "int", "default": DEFAULT_TIMEOUT},
        **own,
    }


def client_for(module: AnsibleModule) -> Client:
    """A client by the module's common options; raises InvalidInput where one can't be used."""
    options = module.params
    token = resolve_token(options["api_token"], options["api_token_file"], os.environ)
    # A token that came from a file or from the environment is to be kept out of the results as well.
    module.no_log_values.add(token)
    return Client(options["api_url"], token, options["ca_file"], options["timeout"])
