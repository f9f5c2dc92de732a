"""``mgca-rt`` whose graph runs on a Triton server: frames and words go there, masks come back.

    python deploy/triton_client.py --server HOST:8001 --bundle bundles/mine \
        --images frames/ --classes person,car --label-dir labels/

Every other flag is one of ``mgca-rt``: sources, words, labels, overlay video, JSON. The bundle's
folder has to be here as well, for its vocabulary, its text encoder and its sizes; the model on the
server that was written from it is found by the bundle's id. Needs ``pip install 'mgca[triton]'``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout's, where not installed

from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.bundle import Bundle, load_bundle
from runtime.cli import main as run_mgca_rt
from runtime.cli.config import RunningConfig
from runtime.command import CommandParser, run_command
from runtime.demo import DEMO_BUNDLE
from runtime.errors import MgcaError, UserError
from runtime.flag_values import number
from runtime.segment.model import Model

if TYPE_CHECKING:
    import numpy as np

PROG = "deploy/triton_client.py"
_DTYPES = {"FP32": "float32", "UINT8": "uint8", "INT32": "int32", "INT64": "int64"}
_KSERVE = {dtype: name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class Server:
    """Where the model is, and how long an answer may take.

    Attributes:
        address: ``HOST:PORT`` of the server's gRPC endpoint.
        model: its name there; None: the one whose configuration names the bundle.
        timeout_s: seconds for each answer.
    """

    address: str
    model: str | None
    timeout_s: float


class TritonBackend(ClosingBackend):
    """A model of a Triton server (KServe v2 over gRPC) as the graph that the runtime runs.

    Raises :class:`MgcaError` where the server cannot be reached, :class:`UserError` where it does
    not serve this bundle.
    """

    name = "triton"

    def __init__(self, server: Server, bundle: Bundle) -> None:
        self._triton = _import_client()
        self._server = server
        self._client: Any = self._triton.InferenceServerClient(server.address)
        try:
            self._model = server.model or self._find_model(bundle.id)
            self._check_bundle(bundle.id)
            found = self._ask(self._client.get_model_metadata, self._model)
        except MgcaError:
            self.close()
            raise
        self.inputs = {item.name: _spec(item) for item in found.inputs}
        self.outputs = {item.name: _spec(item) for item in found.outputs}
        self.provider = f"{found.platform} at {server.address}"

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """One request; see :class:`runtime.backends.protocol.Backend`."""
        check_feeds(self.inputs, feeds)
        names = check_wanted(self.outputs, outputs)
        inputs = []
        for name, array in feeds.items():
            tensor = self._triton.InferInput(name, array.shape, _KSERVE[array.dtype.name])
            inputs.append(tensor.set_data_from_numpy(array))
        wanted = [self._triton.InferRequestedOutput(name) for name in names]
        result = self._ask(self._client.infer, self._model, inputs, outputs=wanted)
        return {name: result.as_numpy(name) for name in names}

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _find_model(self, bundle_id: str) -> str:
        """Name of the model that was written from a bundle of this id."""
        models = self._ask(self._client.get_model_repository_index).models
        names = sorted({model.name for model in models if model.state in ("", "READY")})
        for name in names:
            if not name.endswith("-text") and self._bundle_of(name) == bundle_id:
                return name
        raise UserError(
            f"--server {self._server.address} serves no model of the bundle {bundle_id} (it has "
            f"{', '.join(names) or 'none'}); export it with --triton, or give another --bundle"
        )

    def _check_bundle(self, bundle_id: str) -> None:
        """Refuse a model whose scores would not be this bundle's."""
        served = self._bundle_of(self._model)
        if served != bundle_id:
            raise UserError(
                f"model {self._model} of --server {self._server.address} is of the bundle "
                f"{served}, --bundle is {bundle_id}; give that one"
            )

    def _bundle_of(self, model: str) -> str:
        config = self._ask(self._client.get_model_config, model).config
        return str(config.parameters["bundle"].string_value) if config.parameters else ""

    def _ask(self, call: Any, *arguments: Any, **options: Any) -> Any:
        """Call the server; what goes wrong is one line."""
        try:
            return call(*arguments, client_timeout=self._server.timeout_s, **options)
        except self._triton.InferenceServerException as error:
            message = f"--server {self._server.address}: {error.message()}"
            if "NOT_FOUND" in str(error.status()):
                raise UserError(f"{message}; see which models it serves") from error
            raise MgcaError(message) from error


def open_model(server: Server, running: RunningConfig) -> Model:
    """The model on the server, for ``mgca-rt``; raises ``UserError`` or ``MgcaError``."""
    bundle = load_bundle(running.bundle or DEMO_BUNDLE)
    return Model(bundle, TritonBackend(server, bundle), running.threads)


def _import_client() -> Any:
    try:
        import tritonclient.grpc
    except ImportError as error:
        raise UserError(
            f"this needs tritonclient, which is not installed ({error}); pip install 'mgca[triton]'"
        ) from None
    return tritonclient.grpc


def _spec(item: Any) -> TensorSpec:
    sides = tuple(f"?{axis}" if side < 0 else int(side) for axis, side in enumerate(item.shape))
    return TensorSpec(_DTYPES.get(item.datatype, item.datatype), sides)


def build_parser() -> CommandParser:
    """The flags that ``mgca-rt`` does not have."""
    parser = CommandParser(
        prog=PROG,
        description="mgca-rt with its graph on a Triton server.",
        epilog="All other flags are those of mgca-rt; mgca-rt --help lists them.\n\n"
        f"example:\n  python {PROG} --server localhost:8001 --images frames/ "
        "--classes person,car --label-dir labels/ --out overlay.mp4",
    )
    add = parser.add_argument
    add("--server", required=True, metavar="HOST:PORT", help="the server's gRPC endpoint")
    add("--model", help="its name there (default: the one that was written from the bundle)")
    add("--timeout", type=number(0.001), default=30.0, metavar="S", help="of each answer (30)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)

    def run(words: Sequence[str]) -> int:
        own, rest = build_parser().parse_known_args(words)
        server = Server(own.server, own.model, own.timeout)
        _import_client()
        return run_mgca_rt(rest, open_model=partial(open_model, server))

    return run_command(PROG, run, given)


if __name__ == "__main__":
    sys.exit(main())
