"""Every setting as a traitlet with help, and the layers that fill them.

Strongest first: command line and `jupyter_server_config.py`, environment, `.env` in the Jupyter config
folder, `tether.yaml` there, default. A trait tagged `env` is filled by those variables, the first that is
set wins. Nothing under the contents root is ever read: a workspace sets no URL, no key and no model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, TraitType, Unicode
from traitlets.config import Config, Configurable

from tether_jupyter.errors import InvalidRequest


class Tether(Configurable):
    """What holds for all of Tether."""

    backend = Unicode(
        "local",
        help="Who answers: `local`, `openai`, `mock`, an installed plug-in, or `module:Class`.",
    ).tag(config=True, env=["TETHER_LLM_BACKEND"])
    system_prompt = Unicode(
        "You are Tether, an assistant inside a Jupyter notebook. Answer briefly. "
        "Put Python code in fenced blocks that run as they stand.",
        help="What a model is told before every conversation. Empty for nothing.",
    ).tag(config=True)
    default_temperature = Float(0.7, min=0.0, max=2.0, help="Temperature where a request has none.").tag(
        config=True, env=["TETHER_DEFAULT_TEMPERATURE"]
    )
    default_max_tokens = Int(1024, min=1, help="Answer length in tokens where a request has none.").tag(
        config=True, env=["TETHER_DEFAULT_MAX_TOKENS", "LLM__MAX_TOKENS"]
    )
    max_message_length = Int(10000, min=1, help="The longest question, in characters.").tag(
        config=True, env=["MAX_MESSAGE_LENGTH"]
    )
    max_body_size = Int(8 * 2**20, min=1024, help="The largest request body, in bytes.").tag(config=True)
    keep_history = Bool(
        True, help="Keep conversations in the database; `False` keeps them in memory, until the server ends."
    ).tag(config=True)
    max_upload_size = Int(20 * 2**20, min=1024, help="The largest file that may be uploaded, in bytes.").tag(
        config=True, env=["TETHER_MAX_UPLOAD_SIZE"]
    )
    max_uploads = Int(
        10**9, min=0, help="How many bytes the uploads of one user may have together; 0 for no uploads."
    ).tag(config=True, env=["TETHER_MAX_UPLOADS"])
    uploads_url = Unicode(
        "",
        help="Where uploaded files are kept: any fsspec address, such as `s3://bucket/prefix`, without "
        "credentials. Empty for a folder in Jupyter's data folder.",
    ).tag(config=True, env=["TETHER_UPLOADS_URL"])
    see = Enum(
        ["auto", "off", "schema", "samples", "values"],
        "auto",
        help="How much of the data a model may see where nobody has said: `off`, `schema` (names, types and "
        "shapes), `samples` (a few rows too) or `values`. `auto`: samples for a model on this machine, and "
        "the schema for any other.",
    ).tag(config=True, env=["TETHER_SEE"])
    see_at_most = Enum(
        ["off", "schema", "samples", "values"],
        "values",
        help="The most that any request or user may let a model see of the data.",
    ).tag(config=True, env=["TETHER_SEE_AT_MOST"])
    context_budget = Int(
        0, min=0, help="Tokens of the notebook that go with a question; 0 for half of the model's window."
    ).tag(config=True, env=["TETHER_CONTEXT_BUDGET"])
    mask_secrets = Bool(
        True, help="Take keys, tokens and passwords out of whatever goes to a model; this machine's included."
    ).tag(config=True)
    mask_rules = List(
        Unicode(),
        help="More to take out: `module:name` of functions from text to text, or of pairs of a name and a "
        "regular expression.",
    ).tag(config=True)
    max_turns = Int(
        1024, min=1, help="How many turns may run at once. One more is refused with `rate_limited`."
    ).tag(config=True)
    max_answer_size = Int(
        4 * 2**20, min=1024, help="The longest answer, in characters; what is longer is cut."
    ).tag(config=True)
    collector_threshold = Int(
        10_000,
        min=0,
        help="New objects between two looks of Python's collector, at least, once a model is awake; what the "
        "server starts with is set aside. 0 leaves the collector of this server as it is.",
    ).tag(config=True)
    cors_origins = List(
        Unicode(),
        help="Origins of other sites whose pages may call Tether with a token; none by default.",
    ).tag(config=True, env=["CORS_ORIGINS"])


class LocalLLM(Configurable):
    """A GGUF model in a worker process on this machine, through llama.cpp."""

    model_path = Unicode("", help="A GGUF file. Empty for the demo model that comes with Tether.").tag(
        config=True, env=["TETHER_MODEL_PATH"]
    )
    models_dir = Unicode(
        "", help="Where pulled models are kept. Empty for `tether/models` in Jupyter's data folder."
    ).tag(config=True, env=["TETHER_MODELS_DIR"])
    hub_endpoint = Unicode(
        "https://huggingface.co", help="The hub that models are pulled from: Hugging Face, or a mirror of it."
    ).tag(config=True, env=["HF_ENDPOINT"])
    context_length = Int(4096, min=0, help="Context in tokens; 0 for all that the model was made for.").tag(
        config=True, env=["TETHER_CONTEXT_LENGTH"]
    )
    slots = Int(
        0,
        min=0,
        max=64,
        help="Conversations that are answered at once, each with a context of its own; 0 for as many as fit, "
        "up to 8.",
    ).tag(config=True, env=["TETHER_SLOTS"])
    parking = Int(
        512, min=0, help="MiB of memory for what was computed of conversations that have lost their slot."
    ).tag(config=True)
    speculation = Bool(
        True, help="Guess the next tokens from what was said; answers that repeat their question come sooner."
    ).tag(config=True)
    max_waiting = Int(
        32, min=1, help="Questions that one user may have with the model at once; one more gets a 429."
    ).tag(config=True)
    unload_after = Float(
        1800.0,
        min=0.0,
        help="Seconds without a question after which the model gives back its memory; 0: never.",
    ).tag(config=True, env=["TETHER_UNLOAD_AFTER"])
    n_gpu_layers = Int(
        -1, min=-1, help="Layers to put on the GPU: -1 for all, 0 for none. Without a GPU build, none."
    ).tag(config=True, env=["TETHER_GPU_LAYERS"])
    n_threads = Int(
        0, min=0, help="Threads to compute with; 0 for one fewer than there are physical cores."
    ).tag(config=True, env=["TETHER_THREADS"])
    n_batch = Int(512, min=32, help="Prompt tokens per step.").tag(config=True)
    use_mmap = Bool(True, help="Map the model file instead of reading it into memory.").tag(config=True)
    start_timeout = Float(300.0, min=1.0, help="Seconds that a model may take to load.").tag(config=True)
    template_seconds = Float(2.0, min=0.1, help="Seconds that the model's chat template may take.").tag(
        config=True
    )
    template_memory = Int(256, min=64, help="MiB that the model's chat template may take.").tag(config=True)


class OpenAILLM(Configurable):
    """An API that speaks OpenAI's protocol: OpenAI, OpenRouter, Ollama, vLLM, llama-server and others."""

    base_url = Unicode("", help="Where the API is; empty for OpenAI's own.").tag(
        config=True, env=["OPENAI_BASE_URL", "LLM__HOST"]
    )
    model = Unicode("gpt-4o-mini", help="The model to ask for.").tag(
        config=True, env=["TETHER_OPENAI_MODEL", "LLM__MODEL"]
    )
    models = Dict(
        Dict(),
        help="What is known of models, which their API does not tell: "
        "`{'qwen*-vl*': {'vision': True, 'context_length': 32768}, 'qwen*': {'vision': False}}`. The first "
        "name that fits counts; of what is left out nothing is known, and the model is asked.",
    ).tag(config=True)
    api_key_name = Unicode(
        "", help="The environment variable that holds the key; empty for OPENAI_API_KEY."
    ).tag(config=True)
    connect_timeout = Float(5.0, min=0.1, help="Seconds to reach the API.").tag(config=True)
    first_byte_timeout = Float(120.0, min=0.1, help="Seconds to wait for the first byte.").tag(
        config=True, env=["LLM__TIMEOUT_SECONDS"]
    )
    idle_timeout = Float(60.0, min=0.1, help="Seconds between two pieces of an answer.").tag(config=True)
    total_timeout = Float(1800.0, min=1.0, help="Seconds for a whole answer.").tag(config=True)
    max_retries = Int(2, min=0, max=10, help="Tries after the first, before any byte has come.").tag(
        config=True
    )


class MockLLM(Configurable):
    """Fixed answers and scripts, for tests and demonstrations."""

    answer = Unicode("You asked: {question}", help="The answer; `{question}` stands for the question.").tag(
        config=True
    )
    script = List(
        Dict(),
        help="Steps instead of an answer: any event of a turn, `{'sleep': seconds}`, "
        "`{'repeat': [count, event, gap]}` or `{'fail': error type}`.",
    ).tag(config=True)
    delay = Float(0.0, min=0.0, help="Seconds before each word of the answer.").tag(config=True)


GROUPS: dict[str, type[Configurable]] = {
    "tether": Tether,
    "local": LocalLLM,
    "openai": OpenAILLM,
    "mock": MockLLM,
}


@dataclass(frozen=True)
class Settings:
    """The settings in force, and which layer each one came from."""

    tether: Tether
    local: LocalLLM
    openai: OpenAILLM
    mock: MockLLM
    sources: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def secret(self, name: str) -> str:
        """Return a secret by its variable's name, or an empty text. Keys live in no trait and no log."""
        return self.secrets.get(name, "")

    @property
    def data_dir(self) -> Path:
        """Tether's folder in the user's Jupyter data folder. Nobody has made it yet, perhaps."""
        from jupyter_core.paths import jupyter_data_dir

        return Path(jupyter_data_dir()) / "tether"

    @property
    def database_url(self) -> str:
        """Where the history is kept, for SQLAlchemy. It may hold a password: it belongs in no log."""
        return self.secret("DATABASE_URL") or f"sqlite:///{self.data_dir / 'history.db'}"


SECRETS = ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "HF_TOKEN", "JWT_SECRET", "DATABASE_URL")


def load(
    config: Config | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    config_dir: str | Path | None = None,
) -> Settings:
    """Read all layers and return the settings.

    Parameters
    ----------
    config:
        The server's configuration: command line and `jupyter_server_config.py`.
    environment:
        Variables; those of this process by default.
    config_dir:
        The user's Jupyter config folder, which may hold `.env` and `tether.yaml`; `None` for neither.

    Raises
    ------
    InvalidRequest
        A layer holds what its setting cannot be; the message names both.
    """
    config = config or Config()
    environment = os.environ if environment is None else environment
    folder = Path(config_dir) if config_dir else None
    dotenv = read_dotenv(folder / ".env") if folder else {}
    layers = [
        ("tether.yaml", read_yaml(folder / "tether.yaml") if folder else Config()),
        (".env", from_variables(dotenv, ".env")),
        ("environment", from_variables(environment, "the environment")),
        ("server configuration", config),
    ]
    merged = Config()
    sources: dict[str, str] = {}
    for name, layer in layers:
        merged.merge(layer)
        for group in GROUPS.values():
            for trait in layer.get(group.__name__, {}):
                sources[f"{group.__name__}.{trait}"] = name
    names = {*SECRETS, str(merged.get("OpenAILLM", {}).get("api_key_name", ""))}
    # A secret out of a file brings the end of its line, which no header takes.
    secrets = {n: v for n in names if n and (v := (environment.get(n) or dotenv.get(n) or "").strip())}
    try:
        groups: dict[str, Any] = {name: cls(config=merged) for name, cls in GROUPS.items()}
    except TraitError as reason:
        raise InvalidRequest(f"A setting of Tether is not valid: {reason}") from reason
    return Settings(**groups, sources=sources, secrets=secrets)


def from_variables(variables: Mapping[str, str], where: str) -> Config:
    """Return the configuration that a set of environment variables makes."""
    config = Config()
    for group in GROUPS.values():
        for name, trait in group.class_traits(config=True).items():
            for variable in trait.metadata.get("env", ()):
                if text := variables.get(variable, "").strip():
                    config[group.__name__][name] = parse(trait, text, f"{variable} in {where}")
                    break
    return config


def parse(trait: TraitType[Any, Any], text: str, where: str) -> Any:
    """Return the value that a variable's text stands for, of the kind that the trait takes."""
    if isinstance(trait, List):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(trait, Unicode | Enum):
        return text
    number = float if isinstance(trait, Float) else int
    try:
        return number(text)
    except ValueError as reason:
        raise InvalidRequest(f"{where} must be a number.") from reason


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file; none where there is no file. Nothing is exported."""
    text = read_text(path)
    if not text:
        return {}
    from dotenv import dotenv_values

    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {k: v for k, v in found.items() if v is not None}


def read_yaml(path: Path) -> Config:
    """Return the configuration in a `tether.yaml`: a mapping from class to a mapping of settings."""
    text = read_text(path)
    if not text:
        return Config()
    import yaml

    try:
        content = yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError) as reason:
        # A ValueError comes from what looks like a date and is none.
        raise InvalidRequest(f"{path.name} in the Jupyter config folder is not valid YAML.") from reason
    known = {group.__name__: group for group in GROUPS.values()}
    if not isinstance(content, dict) or not all(
        key in known and isinstance(value, dict) and all(isinstance(name, str) for name in value)
        for key, value in content.items()
    ):
        raise InvalidRequest(
            f"{path.name} must map {', '.join(sorted(known))} to their settings, such as "
            "`Tether: {backend: openai}`."
        )
    for key, values in content.items():
        for name, trait in known[key].class_traits(config=True).items():
            # YAML reads a bare `off` as False.
            if values.get(name) is False and isinstance(trait, Enum) and "off" in (trait.values or ()):
                values[name] = "off"
    return Config(content)


def read_text(path: Path) -> str:
    """Return the text of a file in the Jupyter config folder; an empty one where there is no file.

    Raises
    ------
    InvalidRequest
        It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError as reason:
        raise InvalidRequest(
            f"{path.name} in the Jupyter config folder is not UTF-8: save it anew in that encoding."
        ) from reason
    except OSError as reason:
        raise InvalidRequest(
            f"{path.name} in the Jupyter config folder cannot be read: {os.strerror(reason.errno or 0)}."
        ) from reason
