"""The published contract is the one that is served."""

import json
import re

import pytest

from tether_jupyter.server.base import UnknownHandler
from tether_jupyter.server.openapi import document
from tether_jupyter.server.routes import ROUTES


def test_every_route_and_verb_is_in_the_document():
    published = {
        (re.sub(r"\{[^}]+\}", "{}", path), verb)
        for path, verbs in document()["paths"].items()
        for verb in verbs
    }
    served = set()
    for pattern, handler in ROUTES:
        if handler is UnknownHandler:
            continue
        path = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "{}", pattern).replace("\\", "")
        for verb in ("get", "post", "put", "patch", "delete"):
            for cls in handler.__mro__:
                if cls.__module__.startswith("tether_jupyter") and verb in vars(cls):
                    served.add((path, verb))
    assert published == served


def test_every_reference_leads_somewhere():
    whole = json.dumps(document())
    named = set(re.findall(r"#/components/schemas/(\w+)", whole))
    assert named <= set(document()["components"]["schemas"])


@pytest.mark.parametrize(
    ("schema", "path", "method"),
    [
        ("Health", ["health"], "GET"),
        ("Answer", ["chat"], "POST"),
        ("ConversationList", ["conversations"], "GET"),
    ],
)
async def test_answers_are_what_the_document_says(ask, schema, path, method):
    from tether_jupyter.core import answers

    reply = await ask(*path, method=method, body={"message": "hi"})
    payload = json.loads(reply.body)
    getattr(answers, schema).model_validate(payload, strict=True)
    fields = getattr(answers, schema).model_fields
    assert {name for name, field in fields.items() if field.is_required()} <= set(payload) <= set(fields)


async def test_the_document_is_served_with_the_servers_own_address(ask, jp_base_url):
    reply = await ask("openapi.json", method="GET")
    assert json.loads(reply.body)["servers"] == [{"url": jp_base_url.rstrip("/")}]


async def test_the_page_tells_every_path_and_form_and_fetches_nothing(ask, jp_base_url):
    reply = await ask("docs", method="GET")
    page = reply.body.decode()
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    for path in document()["paths"]:
        assert f"<code>{path}</code>" in page
    for name in document()["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert jp_base_url in page
    assert set(re.findall(r'(?:href|src)="([^#"]+)"', page)) == {"openapi.json"}
    assert "<script" not in page


async def test_no_schema_is_named_that_the_page_does_not_hold(ask):
    page = (await ask("docs", method="GET")).body.decode()
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))
