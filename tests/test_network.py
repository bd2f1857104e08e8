"""Nothing leaves the machine unasked: not at import, not at start, not with a question."""

import json
import re
import urllib.request

from tests.support.kernels import Kernel
from tests.support.servers import running

# Loaded by every Python that the server starts, worker and kernel included.
WATCH = """
import os, sys
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        where = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        with open(os.environ["WATCH_LOG"], "a") as out:
            out.write(f"{event} {where!r}\\n")
sys.addaudithook(watch)
"""
# An address of this machine, a name for it, no address at all, or a path of a socket.
HERE = re.compile(r"^socket\.\w+ (\(?'(127\.0\.0\.1|::1|localhost|0\.0\.0\.0|)'|None|b?'/)")


def test_a_question_from_start_to_answer_reaches_for_nothing_beyond_this_machine(tmp_path, monkeypatch):
    watch = tmp_path / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "connections.txt"
    log.touch()
    environment = {"PYTHONPATH": str(watch), "WATCH_LOG": str(log)}
    with running(tmp_path / "home", app="lab", **environment) as server:
        body = json.dumps({"message": "NameError: name 'x' is not defined"}).encode()
        headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(server.url + "tether/chat", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["content"]
        variables = {**environment, "JUPYTER_SERVER_URL": server.url, "JUPYTER_TOKEN": server.token}
        kernel = Kernel(tmp_path, variables)
        try:
            assert kernel.run("%load_ext tether_jupyter").reply["status"] == "ok"
            assert kernel.run("%tether hello").reply["status"] == "ok"
        finally:
            kernel.close()
    seen = log.read_text().splitlines()
    assert any("socket.connect" in line for line in seen), "the watch saw nothing at all"
    assert [line for line in seen if not HERE.match(line)] == []
