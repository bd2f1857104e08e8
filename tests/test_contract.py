"""The published contract against a running server, by whatever a generator of requests comes up with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.fake_hub import Hub
from tests.support.servers import running

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# A socket speaks no HTTP once it is open; tests/server/test_socket.py speaks with it.
LEFT_OUT = "chat/ws"
SEED = "20261121"


def hub_at(hub: Hub) -> list[str]:
    """Return the options for a hub on this machine, which has none of the models that are asked for."""
    return [f"--LocalLLM.hub_endpoint={hub.url}"]


def test_no_request_gets_a_5xx_or_an_answer_that_is_not_in_the_contract(tmp_path: Path) -> None:
    with Hub() as hub, running(tmp_path, "--Tether.backend=mock", *hub_at(hub), app="tether") as server:
        found = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run"),
                f"{server.url}tether/openapi.json",
                *("-H", f"Authorization: token {server.token}", "--checks", CHECKS),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", "4", "--seed", SEED),
                *("--exclude-path-regex", LEFT_OUT, "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert found.returncode == 0, found.stdout[-8000:]
