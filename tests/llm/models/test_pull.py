"""Pulling: whole, in pieces, after cuts, from servers that lie; what is on the shelf is always right."""

import asyncio
import hashlib
import json
import os
import shutil

import pytest

from tests.llm.models.conftest import FILE, REPO
from tests.support import gguf_bytes
from tests.support.fake_hub import Fault
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    TooLarge,
    UpstreamError,
)
from tether_jupyter.llm.models import catalogue
from tether_jupyter.llm.models.library import Library

PART = FILE + ".part"


def starts(hub):
    """Return where each answer with bytes was asked to begin."""
    return [int(asked[6:-1]) if asked else 0 for asked in hub.ranges()]


@pytest.fixture
def folder(shelf):
    return shelf.folder


async def test_a_model_comes_whole_with_a_note_of_where_from(pull, offered, folder, content):
    pulled, reports = await pull()
    assert (pulled.name, pulled.size, pulled.already) == ("small-q4_k_m", len(content), False)
    assert pulled.path.read_bytes() == content
    note = json.loads((folder / "small-q4_k_m.json").read_text())
    assert note["files"] == {FILE: hashlib.sha256(content).hexdigest()}
    assert (note["repo"], note["license"]) == (REPO, "apache-2.0")
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [FILE, "small-q4_k_m.json"]
    assert reports[-1].bytes == reports[-1].total == len(content)


async def test_the_bytes_asked_for_are_those_of_one_commit(pull, offered):
    await pull()
    assert offered.asked("hub")[-1].path.startswith(f"/{REPO}/resolve/{'a' * 40}/")


async def test_no_token_reaches_the_host_of_the_files(pull, offered):
    await pull()
    assert {request.headers.get("authorization") for request in offered.asked("hub")} == {"Bearer hf_right"}
    assert offered.asked("host")
    assert not any("hf_right" in str(request) for request in offered.asked("host"))


class TestAfterACut:
    async def test_a_pull_goes_on_where_it_stopped(self, pull, offered, clock, content):
        offered.faults = [Fault(cut=1_500_000), Fault(cut=700_000)]
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == content
        first, second = starts(offered)[1:]
        assert 1_000_000 < first <= 1_500_000
        assert first + 300_000 < second <= first + 700_000
        tags = [request.headers.get("if-range") for request in offered.asked("host")]
        assert tags == [None, offered.tag(content), offered.tag(content)]
        assert len(clock.waits) == 2

    async def test_the_next_pull_goes_on_where_this_one_gave_up(self, pull, offered, folder, content):
        offered.faults = [Fault(cut=1_200_000)] + [Fault(cut=0)] * 6
        with pytest.raises(UpstreamError) as failed:
            await pull()
        assert failed.value.retryable
        kept = (folder / PART).stat().st_size
        assert 800_000 < kept <= 1_200_000
        assert f"{human(kept)} of small-q4_k_m.gguf are kept" in str(failed.value.hint)
        assert not (folder / FILE).exists()
        pulled, reports = await pull()
        assert starts(offered)[-1] == kept
        assert reports[0].bytes == min(kept, 2**20), "what is there counts from the start"
        assert pulled.path.read_bytes() == content

    async def test_pauses_grow_and_end(self, pull, offered, clock):
        offered.faults = [Fault(status=503)] * 20
        with pytest.raises(UpstreamError, match="failed \\(503\\)"):
            await pull()
        assert len(clock.waits) == 6
        assert all(b > a for a, b in zip(clock.waits[:-1], clock.waits[1:], strict=True) if a < 20)
        assert max(clock.waits) <= 40

    async def test_bytes_that_come_renew_the_patience(self, pull, offered, clock, content):
        offered.add(REPO, FILE, big := gguf_bytes.model(floats=3_000_000))
        offered.faults = [Fault(cut=1_100_000)] * 10
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == big
        assert len(clock.waits) == 10

    async def test_a_server_that_ignores_ranges_begins_anew(self, pull, offered, content):
        offered.faults = [Fault(cut=2_000_000), Fault(ignore_range=True)]
        pulled, reports = await pull()
        assert pulled.path.read_bytes() == content
        assert max(report.bytes for report in reports) == len(content)

    async def test_a_tag_that_changed_begins_anew(self, pull, offered, content):
        offered.faults = [Fault(cut=2_000_000, tag='"old"'), Fault(tag='"new"')]
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == content
        assert offered.asked("host")[1].headers["if-range"] == '"old"'

    async def test_a_weak_tag_is_not_sent_back(self, pull, offered, content):
        offered.faults = [Fault(cut=2_000_000, tag='W/"x"')]
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == content
        assert "if-range" not in offered.asked("host")[1].headers

    async def test_another_piece_than_the_one_asked_for_is_not_taken(self, pull, offered, content):
        offered.faults = [Fault(cut=1_000_000), Fault(shift=500)]
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == content

    async def test_a_part_that_is_longer_than_the_file_is_summed_and_cut(
        self, pull, offered, folder, content
    ):
        await self.leave_part(folder, content + b"more", hashlib.sha256(content).hexdigest())
        pulled, _ = await pull()
        assert pulled.path.read_bytes() == content
        assert offered.asked("host") == []

    async def test_a_part_of_another_file_is_not_used(self, pull, offered, folder, content):
        await self.leave_part(folder, b"GGUF" + b"x" * 10_000, "0" * 64)
        pulled, _ = await pull()
        assert offered.ranges() == [None]
        assert pulled.path.read_bytes() == content

    async def test_a_part_without_its_note_is_not_used(self, pull, offered, folder):
        folder.mkdir()
        (folder / PART).write_bytes(b"GGUF" + b"x" * 10_000)
        await pull()
        assert offered.ranges() == [None]

    async def leave_part(self, folder, data, total):
        folder.mkdir()
        (folder / PART).write_bytes(data)
        (folder / f"{PART}.json").write_text(json.dumps({"sha256": total}))


class TestWrongBytes:
    async def test_they_are_refused_and_nothing_of_them_stays(self, pull, offered, folder, content):
        offered.faults = [Fault(bytes=content[:-1] + b"!")]
        with pytest.raises(UpstreamError, match="SHA-256 sum differs"):
            await pull()
        assert [path.name for path in folder.iterdir()] == [".locks"]
        assert (await pull())[0].path.read_bytes() == content

    @pytest.mark.parametrize("change", [lambda c: c + b"x" * 100, lambda c: c[:-100]])
    async def test_a_wrong_length_is_refused_before_the_bytes_come(
        self, pull, offered, folder, content, change
    ):
        offered.faults = [Fault(bytes=change(content))]
        with pytest.raises(UpstreamError, match=r"there are (more|fewer) of them"):
            await pull()
        assert not list(folder.glob("*.part*"))

    async def test_a_web_page_in_place_of_a_model_is_refused_at_its_first_bytes(self, pull, offered, folder):
        offered.add(REPO, FILE, b"<html>" + b"x" * 3_000_000)
        with pytest.raises(InvalidRequest, match="is no GGUF file"):
            await pull()
        assert not list(folder.glob("*.part*"))

    @pytest.mark.parametrize(
        "bad",
        [b"GGUF" + b"\xff" * 5000, gguf_bytes.model(floats=5000)[:-3000], gguf_bytes.model(split=(1, 2))],
    )
    async def test_what_is_no_model_is_refused_though_its_sum_is_right(self, pull, offered, folder, bad):
        offered.add(REPO, FILE, bad)
        with pytest.raises(InvalidRequest, match="is no model that can be loaded"):
            await pull()
        assert [path.name for path in folder.iterdir()] == [".locks"]

    async def test_a_file_without_a_sum_is_not_even_asked_for(self, pull, offered):
        offered.sums[FILE] = "none"
        with pytest.raises(UpstreamError, match="tells no SHA-256 sum"):
            await pull()
        assert offered.asked("host") == []


class TestRefusals:
    async def test_a_model_that_is_not_there(self, pull, hub):
        with pytest.raises(NotFound, match=r"nobody/nothing\. Check the name"):
            await pull("nobody/nothing")

    async def test_a_stranger_is_told_that_it_may_be_private(self, hub, shelf):
        with pytest.raises(UpstreamError, match="for a private model set HF_TOKEN"):
            await Library(shelf, endpoint=hub.url).pull("nobody/nothing", print)

    async def test_a_gated_model_says_what_to_accept_and_set(self, offered, shelf, clock):
        offered.gated = REPO
        library = Library(shelf, endpoint=offered.url)
        with pytest.raises(UpstreamError, match="HF_TOKEN") as failed:
            await library.pull(REPO, print)
        assert not failed.value.retryable
        assert "Accept the terms." in failed.value.message

    @pytest.mark.parametrize("token", ["hf_…", "hf_one\nhf_two"])
    async def test_a_token_that_can_be_none_is_told_before_anything_is_asked(self, offered, shelf, token):
        with pytest.raises(InvalidRequest, match="HF_TOKEN holds characters that no token has") as told:
            await Library(shelf, endpoint=offered.url, token=token).pull(REPO, print)
        assert "hf_" not in str(told.value)
        assert not offered.requests

    async def test_a_private_model_opens_with_the_right_token(self, pull, offered, shelf):
        offered.private = REPO
        with pytest.raises(UpstreamError, match="for a private model set HF_TOKEN"):
            await Library(shelf, endpoint=offered.url).pull(REPO, print)
        assert (await pull())[0].name == "small-q4_k_m"

    async def test_a_hub_with_too_much_to_do_is_waited_for(self, pull, offered, clock):
        offered.refusals = [(429, {"Retry-After": "7"})]
        await pull()
        assert len(clock.waits) == 1
        assert clock.waits[0] >= 7

    async def test_a_hub_that_asks_for_an_hour_is_not_waited_for(self, pull, offered, clock):
        offered.refusals = [(429, {"Retry-After": "3600"})]
        with pytest.raises(RateLimited, match="3600 seconds"):
            await pull()
        assert clock.waits == []

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 500])
    async def test_no_refusal_quotes_a_secret(self, pull, offered, status):
        offered.refusals = [(status, {"Content-Type": "application/json"})] * 9
        with pytest.raises((UpstreamError, NotFound)) as failed:
            await pull()
        assert "hf_" not in failed.value.message
        assert "?" not in failed.value.message

    async def test_a_refusal_of_the_file_host_is_not_taken_for_the_hubs(self, pull, offered):
        offered.faults = [Fault(status=403)]
        with pytest.raises(UpstreamError, match="does not hand out") as failed:
            await pull()
        assert failed.value.retryable

    async def test_a_server_that_is_no_hub_is_named(self, pull, offered):
        offered.body = b"<html>login</html>"
        with pytest.raises(UpstreamError, match="does not answer as a hub does"):
            await pull()

    async def test_an_endless_list_is_not_read_to_its_end(self, pull, offered, monkeypatch):
        monkeypatch.setattr("tether_jupyter.llm.models.hub.MAX_JSON", 1000)
        offered.body = b"[" + b" " * 5000
        with pytest.raises(UpstreamError, match="more than it should"):
            await pull()

    async def test_a_hub_that_cannot_be_reached_is_said_in_words(self, shelf, clock, library):
        library.endpoint = "http://127.0.0.1:9"
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await library.pull(REPO, print)
        assert len(clock.waits) == 3

    @pytest.mark.parametrize("endpoint", ["", "huggingface.co", "ftp://x", "http://a:b@c", "https://x/?t=1"])
    async def test_an_address_that_is_none_is_refused(self, shelf, endpoint):
        with pytest.raises(InvalidRequest, match="HF_ENDPOINT"):
            await Library(shelf, endpoint=endpoint).pull(REPO, print)


class TestRedirects:
    @pytest.mark.parametrize(
        "target",
        ["http://files.example/x", "http://127.0.0.1.example/x", "ftp://127.0.0.1/x", "file:///etc/passwd"],
    )
    async def test_one_to_an_address_that_is_not_encrypted_is_not_followed(self, pull, offered, target):
        offered.faults = [Fault(redirect=target)]
        with pytest.raises(UpstreamError, match="not encrypted"):
            await pull()

    async def test_a_circle_ends(self, pull, offered):
        to = f"{offered.url}/{REPO}/resolve/{'a' * 40}/{FILE}"
        offered.faults = [Fault(redirect=to)] * 20
        with pytest.raises(UpstreamError, match="in circles"):
            await pull()
        assert len(offered.asked("hub")) == 7

    async def test_a_token_does_not_go_out_over_a_connection_that_anyone_can_read(self, hub, shelf):
        from tether_jupyter.llm.models.hub import Hub

        assert not Hub("http://mirror.example", "hf_right").tells_token
        assert Hub("https://mirror.example", "hf_right").tells_token
        assert Hub(hub.url, "hf_right").tells_token
        assert "hf_right" not in repr(Hub(hub.url, "hf_right"))


class TestAMirrorWithAnotherList:
    async def test_is_read_page_by_page(self, pull, offered, content):
        offered.plain = True
        offered.add(REPO, "other-q8_0.gguf", gguf_bytes.model())
        assert (await pull())[0].path.read_bytes() == content


class TestASplitModel:
    async def test_comes_as_a_set(self, pull, pieces, shelf):
        pulled, reports = await pull()
        assert pulled.name == "large-Q4_K_M"
        assert [path.read_bytes() for path in shelf.list()[0].files] == pieces
        assert shelf.path("large-Q4_K_M").name == "large-Q4_K_M-00001-of-00003.gguf"
        assert {report.total for report in reports} == {sum(map(len, pieces))}

    async def test_is_not_there_before_its_last_piece_is(self, pull, hub, pieces, shelf, clock):
        hub.faults = [Fault(), Fault(), *[Fault(cut=100)] * 9]
        with pytest.raises(UpstreamError):
            await pull()
        assert shelf.list() == []
        assert shelf.partial()[0].name == "large-Q4_K_M"
        hub.faults = []
        hub.requests.clear()
        await pull()
        assert len(hub.ranges()) == 1, "the pieces that were whole are not fetched again"
        assert starts(hub)[0] > 0

    async def test_is_refused_where_a_piece_belongs_to_another(self, pull, hub, pieces, shelf):
        hub.add(REPO, "Q4_K_M/large-Q4_K_M-00002-of-00003.gguf", gguf_bytes.model(split=(2, 3)))
        with pytest.raises(InvalidRequest, match="another split model"):
            await pull()
        assert shelf.list() == []


class TestTheShelf:
    async def test_a_model_that_is_here_is_not_fetched_again(self, pull, offered):
        await pull()
        offered.requests.clear()
        assert (await pull())[0].already
        assert offered.asked("host") == []

    async def test_a_model_that_is_here_is_found_where_nothing_can_be_written(
        self, pull, offered, shelf, monkeypatch
    ):
        await pull()

        def refuses(name):
            raise PermissionError(13, "Permission denied", name)

        monkeypatch.setattr(shelf, "lock", refuses)
        assert (await pull())[0].already

    async def test_another_model_of_that_name_is_not_overwritten(self, pull, offered, folder):
        folder.mkdir()
        (folder / FILE).write_bytes(b"mine")
        with pytest.raises(Conflict, match="tether rm small-q4_k_m"):
            await pull()
        assert (folder / FILE).read_bytes() == b"mine"

    async def test_a_model_of_the_list_gets_the_lists_name(self, pull, hub, content):
        known = catalogue.SUGGESTIONS[0]
        hub.add(known.repo, known.file, content)
        pulled, _ = await pull(known.name.upper())
        assert pulled.path.name == f"{known.name}.gguf"

    async def test_a_full_disk_is_said_before_the_first_byte(self, pull, offered, monkeypatch, content):
        usage = shutil.disk_usage("/")._replace(free=len(content))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(TooLarge, match=r"3\.00 MB are still to come"):
            await pull()
        assert offered.asked("host") == []

    async def test_a_disk_that_fills_up_meanwhile_keeps_the_part(self, pull, offered, folder, monkeypatch):
        def full(_):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(TooLarge, match="is full"):
            await pull()
        assert (folder / PART).exists()

    async def test_two_pulls_of_one_model_do_not_mix(self, library, pull, offered, content):
        offered.faults = [Fault(hold=True)]
        first = asyncio.create_task(pull())
        await asyncio.to_thread(offered.held.wait, 20)
        with pytest.raises(Conflict, match="being pulled or removed already"):
            await pull()
        with pytest.raises(Conflict):
            await library.remove("small-q4_k_m")
        offered.release.set()
        assert (await first)[0].path.read_bytes() == content

    async def test_a_pull_that_is_cancelled_keeps_what_came_and_frees_the_lock(
        self, library, pull, offered, folder, content
    ):
        offered.faults = [Fault(hold=True)]
        some = asyncio.Event()
        first = asyncio.create_task(library.pull(REPO, lambda _: some.set()))
        await asyncio.wait_for(some.wait(), 20)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        kept = (folder / PART).read_bytes()
        assert content.startswith(kept)
        assert len(kept) >= 2**20
        assert (await pull())[0].path.read_bytes() == content
        assert offered.ranges()[-1] == f"bytes={len(kept)}-"

    async def test_only_so_many_come_at_once(self, library, offered, pull, monkeypatch):
        monkeypatch.setattr("tether_jupyter.llm.models.library.MAX_PULLS", 0)
        with pytest.raises(RateLimited):
            await pull()


class TestProgress:
    async def test_it_is_told_four_times_a_second_at_most(self, pull, offered, clock):
        offered.add(REPO, FILE, gguf_bytes.model(floats=10_000_000))
        clock.step = 0.05
        _, reports = await pull()
        assert 3 < len(reports) <= clock.moment * 4 + 2

    async def test_it_tells_rate_and_time_left(self, pull, offered, clock):
        offered.add(REPO, FILE, gguf_bytes.model(floats=5_000_000))
        clock.step = 0.2
        _, reports = await pull()
        told = [report for report in reports[:-1] if report.rate]
        assert told
        for report in told:
            assert report.eta == pytest.approx((report.total - report.bytes) / report.rate)
        assert [report.bytes for report in reports] == sorted(report.bytes for report in reports)
        assert set(reports[0].event()["pull"]) == {"name", "file", "bytes", "total", "rate", "eta"}
