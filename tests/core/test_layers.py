"""Which layer's value is in force."""

import pytest

from tether_jupyter.core.layers import FIELDS, InForce, Layers, in_force
from tether_jupyter.core.request import ChatRequest

SERVER = {"temperature": InForce(0.7, "environment"), "tools": InForce("off", "default")}
WEAKEST_FIRST = [
    ({}, 0.7, "environment"),
    ({"client": {"temperature": 0.4}}, 0.4, "client settings"),
    ({"active": {"temperature": 0.3}}, 0.3, "preset"),
    ({"named": {"temperature": 0.2}}, 0.2, "preset"),
]


def request(**fields):
    return ChatRequest(message="hi", **fields)


def test_each_layer_gives_way_to_the_ones_above_it():
    layers = {}
    for layer, value, name in WEAKEST_FIRST:
        layers |= layer
        found = in_force({}, **layers, server=SERVER)["temperature"]
        assert (found.value, found.layer) == (value, name)
    assert in_force({"temperature": 0.0}, **layers, server=SERVER)["temperature"] == InForce(0.0, "request")


def test_every_field_has_a_value_and_a_layer():
    found = in_force({}, server=SERVER)
    assert set(found) == set(FIELDS)
    assert found["seed"].payload() == {"value": None, "layer": "default"}


def test_a_named_preset_takes_the_place_of_the_active_one_as_a_whole():
    found = in_force({}, named={"seed": 1}, active={"temperature": 1.9, "seed": 2}, server=SERVER)
    assert found["seed"].value == 1
    assert found["temperature"].layer == "environment"


def test_a_preset_that_sets_nothing_still_takes_the_active_ones_place():
    assert in_force({}, named={}, active={"seed": 2})["seed"].value is None


class TestFillingARequest:
    def test_fills_what_the_request_leaves_open_and_nothing_else(self):
        asked = request(temperature=0.1)
        filled = Layers(client={"temperature": 0.9, "system": "Be kind."}).apply(asked)
        assert (filled.temperature, filled.system, filled.message) == (0.1, "Be kind.", "hi")
        assert asked.system is None

    def test_an_empty_system_prompt_is_a_value(self):
        assert Layers(client={"system": "Be kind."}).apply(request(system="")).system == ""

    def test_null_leaves_a_field_open(self):
        assert Layers(client={"seed": 7}).apply(request(seed=None)).seed == 7

    @pytest.mark.parametrize(("given", "then"), [({}, "ask"), ({"tools": "off"}, "off")])
    def test_a_default_that_nobody_wrote_gives_way_and_one_that_was_written_stays(self, given, then):
        assert Layers(active={"tools": "ask"}).apply(request(**given)).tools == then

    def test_where_nothing_is_set_the_request_is_the_same(self):
        asked = request()
        assert Layers().apply(asked) is asked

    def test_keeps_what_a_later_version_may_have_written_out_of_the_request(self):
        filled = Layers(client={"unheard_of": 1, "seed": 3}).apply(request())
        assert filled.seed == 3
        assert not hasattr(filled, "unheard_of")

    def test_what_it_fills_in_counts_as_set(self):
        filled = Layers(client={"seed": 3}).apply(request())
        assert Layers(client={"seed": 4}).apply(filled).seed == 3
