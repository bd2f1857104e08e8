"""`tether doctor`: what is there, what is not, and what to type about it."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from tether_jupyter.cli import configuration
from tether_jupyter.cli.models import active
from tether_jupyter.core.redact import safe
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import ModelNotReady, TetherError
from tether_jupyter.llm.local import build, demo, hardware
from tether_jupyter.llm.local.gguf import GGUFError
from tether_jupyter.llm.local.model_file import ModelFile
from tether_jupyter.llm.models import facts
from tether_jupyter.llm.models.library import Library
from tether_jupyter.llm.models.shelf import size_of
from tether_jupyter.llm.registry import Backends
from tether_jupyter.settings import GROUPS, SECRETS, Settings, load

State = Literal["ok", "note", "warning", "problem"]
MARKS: dict[str, str] = {"ok": "ok", "note": "-", "warning": "!", "problem": "PROBLEM"}
PACKAGES = (
    "tether-jupyter",
    "jupyter-server",
    "jupyterlab",
    "notebook",
    "llama-cpp-python",
    "openai",
    "aiohttp",
)
EXTENSION = "@tether/jupyterlab"
LITTLE = 5 * 10**9
"""Bytes of free disk under which hardly a model fits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    area:
        The heading that it stands under.
    state:
        Whether anything need be done: only a `problem` makes the command fail.
    text:
        What was found.
    advice:
        What to do or to type, or `None`.
    """

    area: str
    state: State
    text: str
    advice: str | None = None


def show(*, as_json: bool) -> int:
    """Look at everything, print it, and return 1 where there is a problem."""
    findings = list(look())
    problems = sum(finding.state == "problem" for finding in findings)
    if as_json:
        print(json.dumps({"problems": problems, "findings": [asdict(f) for f in findings]}, indent=2))
        return 1 if problems else 0
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            print(f"\n{area}")
        print(f"  {MARKS[finding.state]:>2} {finding.text}")
        for line in (finding.advice or "").splitlines():
            print(f"       {line}")
    print(f"\n{problems or 'No'} problem{'' if problems == 1 else 's'} found.")
    return 1 if problems else 0


def look() -> Iterator[Finding]:
    """Yield what is found. What cannot be looked at is a problem of its own, and no end of the rest."""
    try:
        settings = configuration.read()
    except TetherError as reason:
        yield Finding("Settings", "problem", reason.message)
        settings = load(environment={})
    engine: dict[str, Any] = build.ask()
    needed = settings.tether.backend == "local"
    areas: dict[str, Callable[[], Iterator[Finding]]] = {
        "System": system,
        "Engine": lambda: build_state(engine, needed=needed),
        "Graphics cards": lambda: graphics(engine, hardware.cards()),
        "Models": lambda: models(settings),
        "Backend": lambda: backend(settings),
        "Jupyter": jupyter,
        "Settings in effect": lambda: in_effect(settings),
    }
    for area, find in areas.items():
        try:
            yield from find()
        except TetherError as reason:
            yield Finding(area, "problem", reason.message, reason.hint)
        except Exception as reason:  # noqa: BLE001 - a doctor does not faint
            yield Finding(area, "problem", f"This could not be looked at ({type(reason).__name__}).")


def system() -> Iterator[Finding]:
    """Look at Python and the packages."""
    yield Finding("System", "ok", f"Python {platform.python_version()} on {platform.platform()}")
    yield Finding("System", "note", f"{sys.executable}")
    for package in PACKAGES:
        if found := version(package):
            yield Finding("System", "ok", f"{package} {found}")
        else:
            yield Finding("System", "note", f"{package} is not installed")


def version(package: str) -> str | None:
    """Return the version of a package that is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def build_state(engine: dict[str, Any], *, needed: bool) -> Iterator[Finding]:
    """Look at the installed llama.cpp."""
    if "problem" in engine:
        yield Finding("Engine", "problem" if needed else "note", engine["problem"])
        return
    yield Finding("Engine", "ok", f"llama-cpp-python {engine['version']} starts")
    yield Finding("Engine", "note", f"computes with: {', '.join(engine['backends']) or 'nothing'}")
    on = [
        name if value == "1" else f"{name}={value}" for name, value in engine["flags"].items() if value != "0"
    ]
    yield Finding("Engine", "note", f"built with: {', '.join(on) or 'nothing that it tells'}")
    if platform.machine().lower() in ("x86_64", "amd64") and "AVX2" not in engine["flags"]:
        yield Finding(
            "Engine",
            "warning",
            "the build does without AVX2, which makes it several times slower",
            install_line("-DGGML_NATIVE=on"),
        )


def graphics(engine: dict[str, Any], cards: list[hardware.Card]) -> Iterator[Finding]:
    """Compare the cards of the machine with those that the build can use."""
    area = "Graphics cards"
    used = [d for d in engine.get("devices", []) if d["kind"] in ("gpu", "igpu")]
    for device in used:
        free, total = human(device["memory_free"]), human(device["memory_total"])
        text = f"the build computes on {device['description']} ({free} of {total} free)"
        yield Finding(area, "ok", text)
    for card in cards:
        size = f", {human(card.memory)}" if card.memory else ""
        driver = "" if card.driver else "; its driver for computing is not installed"
        yield Finding(
            area, "note", f"the system has {card.name} ({hardware.NAMES[card.vendor]}{size}){driver}"
        )
    best = hardware.recommended(cards)
    if not cards and not used:
        yield Finding(area, "note", "none found; models run on the processor")
    elif not used and best is not None:
        yield Finding(
            area, "warning", f"the build does not use it. To build for {best.name}:", recipe_text(best)
        )
    if not used:
        others = [recipe for recipe in hardware.RECIPES if recipe is not best or not cards]
        lines = "\n".join(f"{recipe.name + ':':<8}{recipe_text(recipe)}" for recipe in others)
        yield Finding(area, "note", "to build for a card:" if not cards else "other ways to build:", lines)
    if shutil.which("vulkaninfo"):
        yield Finding(area, "note", "Vulkan is installed")


def recipe_text(recipe: hardware.Recipe) -> str:
    """Return what to type for a kind of card, and what that needs."""
    absent = hardware.missing(recipe)
    if recipe.vendors == ("apple",) and platform.system() != "Darwin":
        return f"{install_line(recipe.option)}   # on a Mac"
    needs = f"   # first install {recipe.source}: {', '.join(absent)} is missing" if absent else ""
    return f"{install_line(recipe.option)}{needs}"


def install_line(option: str) -> str:
    """Return the command that builds llama-cpp-python with an option, in the shell of this system."""
    wanted = "llama-cpp-python"
    try:
        required = [line for line in metadata.requires("tether-jupyter") or [] if line.startswith(wanted)]
    except metadata.PackageNotFoundError:
        required = []
    requirement = required[0].partition(";")[0].strip() if required else wanted
    command = f'"{sys.executable}" -m pip install --force-reinstall --no-deps --no-cache-dir "{requirement}"'
    if os.name == "nt":
        return f'$env:CMAKE_ARGS="{option}"; & {command}'
    return f'CMAKE_ARGS="{option}" {command}'


def models(settings: Settings) -> Iterator[Finding]:
    """Look at the models folder and the model that answers."""
    library = Library.from_settings(settings)
    folder = library.shelf.folder
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        advice = "Set `LocalLLM.models_dir` (TETHER_MODELS_DIR) to a folder of yours."
        yield Finding("Models", "problem", f"{folder} cannot be written to.", advice)
    else:
        free = shutil.disk_usage(nearest).free
        state: State = "ok" if free >= LITTLE else "warning"
        yield Finding("Models", state, f"{folder} has {human(free)} left")
    for entry in library.shelf.list():
        if entry.problem:
            advice = f"`tether rm {entry.name}` removes it."
            yield Finding("Models", "warning", f"{entry.name}: {entry.problem}", advice)
        else:
            yield Finding("Models", "ok", f"{entry.name}, {human(entry.size)}")
    for part in library.shelf.partial():
        advice = f"Pull it again to go on, or `tether rm {part.name}`."
        yield Finding("Models", "note", f"{part.name} was broken off after {human(part.size)}", advice)
    if settings.tether.backend == "local":
        name, path = active(settings, library)
        yield answering(name, ModelFile(settings.local, library.shelf, path))


def answering(name: str, file: ModelFile) -> Finding:
    """Look at the file of the model that answers."""
    path = file.path
    try:
        facts.read(path)
        file.header()
    except FileNotFoundError:
        problem = f"{path} is not there."
    except OSError as reason:
        problem = f"{path} cannot be read: {os.strerror(reason.errno or 0)}."
    except GGUFError as reason:
        problem = f"{path} is no model that can be loaded: {reason}."
    except ModelNotReady as reason:
        return Finding("Models", "problem", reason.message)
    else:
        size = sum(size_of(each) for each in file.files())
        demonstration = ", a toy; `tether models` lists real ones" if path == demo.PATH else ""
        return Finding("Models", "ok", f"{name} answers ({human(size)}{demonstration})")
    return Finding("Models", "problem", problem, "Correct `LocalLLM.model_path` (TETHER_MODEL_PATH).")


def backend(settings: Settings) -> Iterator[Finding]:
    """Look at who answers: of the local engine, which has its own headings, only whether it is meant."""
    name = settings.tether.backend
    if name == "local":
        if (names := unused(settings)) and not settings.local.model_path:
            are = "is" if len(names) == 1 else "are"
            text = f"{' and '.join(names)} {are} set, but only what names `openai:MODEL` goes to the API"
            choose = "To have the API answer every question, set TETHER_LLM_BACKEND=openai."
            yield Finding("Backend", "warning", text, choose)
        return
    service = Backends(settings).get()
    problem = asyncio.run(service.describe()).get("problem")
    if not problem:
        yield Finding("Backend", "ok", f"{name}: {service.model_name}")
        return
    key = settings.openai.api_key_name
    unset = name == "openai" and key and not settings.secret(key)
    advice = f"`OpenAILLM.api_key_name` names {key}, which is not set." if unset else None
    yield Finding("Backend", "problem", f"{name}: {problem}", advice)


def unused(settings: Settings) -> list[str]:
    """Return what is set for an API, where nobody has said who answers: the engine does by default."""
    if "Tether.backend" in settings.sources:
        return []
    own = settings.openai.api_key_name
    keys = [own] if own else ["OPENAI_API_KEY", "OPENROUTER_API_KEY"]
    return [*filter(settings.secret, keys), *(["OPENAI_BASE_URL"] if settings.openai.base_url else [])]


def jupyter() -> Iterator[Finding]:
    """Look at the two halves of the extension."""
    area = "Jupyter"
    yield verdict(
        area, "the server extension", server_extension, "jupyter server extension enable tether_jupyter"
    )
    if version("jupyterlab") is None and version("notebook") is None:
        yield Finding(area, "note", "neither JupyterLab nor Notebook is installed: there is no sidebar")
        return
    yield verdict(area, "the sidebar", lab_extension, f"jupyter labextension enable {EXTENSION}")


def verdict(area: str, what: str, look: Callable[[], bool | None], command: str) -> Finding:
    """Return what was found of one half: it is on, off, or not there."""
    state = look()
    if state:
        return Finding(area, "ok", f"{what} is enabled")
    if state is None:
        advice = "Install it anew: python -m pip install --force-reinstall --no-deps tether-jupyter"
        return Finding(area, "problem", f"{what} is not installed in this environment", advice)
    return Finding(area, "problem", f"{what} is disabled", command)


def server_extension() -> bool | None:
    """Return whether a server loads the extension; `None` where nothing names it."""
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    manager = ExtensionConfigManager(read_config_path=jupyter_config_path())
    known = manager.get_jpserver_extensions()  # type: ignore[no-untyped-call]  # Jupyter's own
    return bool(known["tether_jupyter"]) if "tether_jupyter" in known else None


def lab_extension() -> bool | None:
    """Return whether JupyterLab loads the sidebar; `None` where it is not installed."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings"
    page = get_page_config(jupyter_path("labextensions"), str(settings))
    if all(each["name"] != EXTENSION for each in page["federated_extensions"]):
        return None
    return not any(str(name).split(":")[0] == EXTENSION for name in page.get("disabledExtensions", []))


def in_effect(settings: Settings) -> Iterator[Finding]:
    """Tell the settings that something sets, and of the secrets only whether they are there."""
    area = "Settings in effect"
    for group in GROUPS.values():
        for name in sorted(group.class_traits(config=True)):
            full = f"{group.__name__}.{name}"
            if full in settings.sources:
                value = getattr(next(s for s in groups(settings) if type(s) is group), name)
                yield Finding(area, "note", f"{full} = {shown(value)} ({settings.sources[full]})")
    for name in SECRETS:
        if settings.secret(name):
            yield Finding(area, "note", f"{name} is set")
    if not settings.sources:
        yield Finding(area, "note", "every setting has its default")


def groups(settings: Settings) -> list[Any]:
    return [getattr(settings, name) for name in GROUPS]


def shown(value: Any) -> str:
    """Return a value without what an address may carry beside the address: a password or a query."""
    if isinstance(value, str) and "://" in value:
        try:
            parts = urlsplit(value)
        except ValueError:
            return "an address that is none"
        value = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return safe(repr(value), limit=200)
