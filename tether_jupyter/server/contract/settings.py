"""Settings per front end, presets, and suggestions."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import operation, parameter, ref, response

Forms = tuple[list[type], list[type]]

KINDS = {
    "llm": ("what a model is asked with", "ModelSettings"),
    "tts": ("how answers are spoken", "FreeSettings"),
    "stt": ("how questions are heard", "FreeSettings"),
    "ui": ("how the front end looks", "FreeSettings"),
}
FREE = (
    "JSON under names of your own, 64 KB at most. A key, token, password or address is refused: those belong "
    "into the server's configuration."
)


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.server import client_forms as settings
    from tether_jupyter.server import suggestion_forms as prompts

    return (
        [
            settings.ModelSettings,
            settings.FreeSettings,
            settings.NewPreset,
            settings.ChangedPreset,
            settings.PresetImport,
            prompts.NewSuggestion,
            prompts.ChangedSuggestion,
            prompts.WhichSuggestion,
        ],
        [
            settings.ClientState,
            settings.EffectiveValue,
            settings.PresetState,
            settings.PresetList,
            settings.PresetFile,
            settings.DeletedPreset,
            prompts.SuggestionState,
            prompts.SuggestionList,
            prompts.DeletedSuggestion,
        ],
    )


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    client = parameter("client_id", "path", pattern="^[A-Za-z0-9_.:-]{1,128}$")
    parts = [part(kind, client) for kind in KINDS]
    return {
        "/tether/clients/{client_id}": {
            "get": operation("All four parts of a front end's settings", "ClientState", parameters=[client])
        },
        **{path: verbs for each in parts for path, verbs in each.items()},
        **presets(client),
        **suggestions(),
    }


def part(kind: str, client: dict[str, Any]) -> dict[str, Any]:
    """Return the paths of one part."""
    what, form = KINDS[kind]
    effective = parameter("effective", "query", enum=["true", "false"], default="false")
    look = operation(
        f"Settings: {what}. With `effective=true`, each value in force and the layer it came from",
        form,
        parameters=[client, effective],
    )
    in_force = {"type": "object", "additionalProperties": ref("EffectiveValue")}
    look["responses"]["200"]["content"]["application/json"]["schema"] = {"anyOf": [ref(form), in_force]}
    put = operation(f"Replace the part: {what}; null is not set", form, body=form, parameters=[client])
    patch = operation(f"Set what is named, reset what is null: {what}", form, body=form, parameters=[client])
    reset = operation("As if it had never been set; an active preset stays active", form, parameters=[client])
    if kind != "llm":
        put["description"] = patch["description"] = FREE
    where = f"/tether/clients/{{client_id}}/{kind}"
    return {where: {"get": look, "put": put, "patch": patch}, f"{where}/reset": {"post": reset}}


def presets(client: dict[str, Any]) -> dict[str, Any]:
    """Return the paths of presets."""
    download = parameter("download", "query", enum=["true", "false"], default="false")
    named = [client, parameter("name", "path", minLength=1, maxLength=80)]
    root = "/tether/clients/{client_id}/presets"
    put = operation("Replace a preset, rename it, or make it", "PresetState", body="ChangedPreset")
    put["responses"]["201"] = response("PresetState", "It is new.")
    put["parameters"] = named
    doors = {
        root: {
            "get": operation(
                "A front end's presets, or a file of them", "PresetList", parameters=[client, download]
            ),
            "post": operation(
                "Keep a preset: values, or what is in force now",
                "PresetState",
                body="NewPreset",
                parameters=[client],
                status="201",
            ),
        },
        f"{root}/import": {
            "post": operation(
                "Take in a file of presets, whole or not at all",
                "PresetList",
                body="PresetImport",
                parameters=[client],
            )
        },
        f"{root}/{{name}}": {
            "get": operation("One preset, or a file of it", "PresetState", parameters=[*named, download]),
            "put": put,
            "delete": operation("Remove a preset", "DeletedPreset", parameters=named),
        },
        f"{root}/{{name}}/apply": {
            "post": operation("Copy its values over the `llm` settings", "ModelSettings", parameters=named)
        },
        f"{root}/{{name}}/set-active": {
            "post": operation(
                "Let it lie over the settings, in place of any other", "PresetState", parameters=named
            ),
            "delete": operation("Let it no longer lie over the settings", "PresetState", parameters=named),
        },
    }
    for path in (root, f"{root}/{{name}}"):
        answered = doors[path]["get"]["responses"]["200"]["content"]["application/json"]
        answered["schema"] = {"anyOf": [answered["schema"], ref("PresetFile")]}
    return doors


def suggestions() -> dict[str, Any]:
    """Return the paths of suggestions."""
    hidden = parameter("hidden", "query", enum=["true", "false"], default="false")
    one = [parameter("suggestion_id", "path", pattern="^[A-Za-z0-9_.:-]{1,128}$")]
    change = "New words for one of yours, or hide one that comes with Tether"
    return {
        "/tether/suggestions": {
            "get": operation("Quick prompts, in order", "SuggestionList", parameters=[hidden]),
            "post": operation("Add one", "SuggestionState", body="NewSuggestion", status="201"),
            "put": operation(change, "SuggestionState", body="ChangedSuggestion"),
            "delete": operation(
                "Remove one of yours, or hide one", "DeletedSuggestion", body="WhichSuggestion"
            ),
        },
        "/tether/suggestions/{suggestion_id}": {
            "put": operation(change, "SuggestionState", body="ChangedSuggestion", parameters=one),
            "delete": operation("Remove one of yours, or hide one", "DeletedSuggestion", parameters=one),
        },
    }
