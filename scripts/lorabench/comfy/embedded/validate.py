"""Check that a graph can run, with ComfyUI's own error types, messages and places."""

import math
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lorabench.comfy.embedded.declaration import Input, Node
from lorabench.comfy.graph.graph import Graph
from lorabench.errors import UserError

Error = dict[str, Any]

LONG_LIST = 20
LONGEST_TEXT = 100_000  # the text encoder takes about 3 kB of memory for each character
CONVERSIONS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@dataclass
class Verdict:
    """The result of a validation.

    `outputs` are the output nodes that can run; `error` is set if none can; `node_errors` has the
    reasons by node, also if only some outputs fail.
    """

    outputs: list[str] = field(default_factory=list)
    error: Error | None = None
    node_errors: dict[str, dict[str, Any]] = field(default_factory=dict)


def validate(graph: Any, nodes: Mapping[str, Node], targets: list[str] | None = None) -> Verdict:
    """Check `graph` and convert its widget values in place; `targets` limits which outputs run."""
    if error := _misshapen(graph) or _unknown_class(graph, nodes):
        return Verdict(error=error)
    wanted = [
        name
        for name, node in graph.items()
        if nodes[node["class_type"]].is_output and (targets is None or name in targets)
    ]
    if not wanted:
        return Verdict(error=_error("prompt_no_outputs", "Prompt has no outputs"))
    verdict, checked, reasons = Verdict(), _Checker(graph, nodes), []
    for output in wanted:
        try:
            good = checked.passes(output)
        except Exception as error:
            checked.results[output] = [
                _exception("exception_during_validation", "Exception when validating node", error)
            ]
            good = False
        if good:
            verdict.outputs.append(output)
        else:
            reasons += checked.results[output]
            _collect(verdict.node_errors, checked.results, graph, output)
    if not verdict.outputs:
        verdict.error = _error(
            "prompt_outputs_failed_validation",
            "Prompt outputs failed validation",
            "\n".join(f"{reason['message']}: {reason['details']}" for reason in reasons),
        )
    return verdict


class _Checker:
    """Checks each node once, inputs first."""

    def __init__(self, graph: Graph, nodes: Mapping[str, Node]) -> None:
        self.graph = graph
        self.nodes = nodes
        self.results: dict[str, list[Error]] = {}
        self._passed: dict[str, bool] = {}
        self._open: list[str] = []

    def passes(self, name: str) -> bool:
        """Return whether node `name` and its ancestors are valid."""
        if name in self._passed:
            return self._passed[name]
        if name in self._open:
            raise ValueError(f"Dependency cycle detected at node {name}")
        self._open.append(name)
        try:
            errors, good = self._check(name)
        finally:
            self._open.pop()
        self.results[name] = [*self.results.get(name, []), *errors]  # a circle left its own
        self._passed[name] = good and not errors
        return self._passed[name]

    def _check(self, name: str) -> tuple[list[Error], bool]:
        given = self.graph[name]["inputs"]
        errors, good = [], True
        for key, declared in self.nodes[self.graph[name]["class_type"]].inputs.items():
            if key not in given:
                errors.append(_missing(key))
            elif isinstance(given[key], list):
                error, sound = self._check_link(key, given[key], declared)
                errors += [error] if error else []
                good = good and sound
            elif error := self._check_widget(name, key, declared):
                errors.append(error)
        if good and not errors:
            errors += self._check_size(given, self.nodes[self.graph[name]["class_type"]])
        return errors, good

    def _check_widget(self, name: str, key: str, declared: Input) -> Error | None:
        node = self.graph[name]
        accepts = self.nodes[node["class_type"]].accepts.get(key)
        if accepts is None:
            return _check_value(key, node["inputs"], declared)
        value = node["inputs"][key]
        if isinstance(value, str) and accepts(value):
            return None
        message = "Custom validation failed for node"
        details = f"{key} - Invalid image file: {_cut(value)}"
        return _input_error("custom_validation_failed", message, details, key, declared, value)

    def _check_size(self, given: dict[str, Any], node: Node) -> Iterator[Error]:
        """Yield that a batch is larger than the memory, after each input has passed."""
        sides = [given[key] for key in ("width", "height", "batch_size") if key in given]
        if node.most_pixels is None or any(isinstance(side, list) for side in sides):
            return  # a link's value is known when the node runs
        pixels = math.prod(sides)
        if pixels > node.most_pixels:
            details = (
                f"width × height × batch_size = {pixels} pixels; the memory of this machine has"
                f" room for {node.most_pixels}. Take a smaller picture or batch_size"
            )
            key = "batch_size" if given["batch_size"] > 1 else "width"
            most = node.most_pixels * given[key] // pixels
            message = f"Value {given[key]} bigger than max of {most}"
            declared = node.inputs[key]
            yield _input_error("value_bigger_than_max", message, details, key, declared, given[key])

    def _check_link(self, key: str, link: list[Any], declared: Input) -> tuple[Error | None, bool]:
        if not _leads_to_a_node(link, self.graph, self.nodes):
            return _bad_link(key, declared, link), True
        source, slot = link
        offered = self.nodes[self.graph[source]["class_type"]].outputs[slot]
        if offered != declared[0]:
            error = _error(
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                f"{key}, received_type({offered}) mismatch input_type({declared[0]})",
                input_name=key,
                input_config=declared,
                received_type=offered,
                linked_node=link,
            )
            return error, True
        try:
            return None, self.passes(source)
        except Exception as error:
            self.results[source] = [
                _exception(
                    "exception_during_inner_validation",
                    "Exception when validating inner node",
                    error,
                    input_name=key,
                    input_config=declared,
                    exception_message=str(error),
                    linked_node=link,
                )
            ]
            self._passed[source] = False
            return None, False


def _leads_to_a_node(link: list[Any], graph: Graph, nodes: Mapping[str, Node]) -> bool:
    """Return whether a link is `[node_id, slot_index]`; a missing node is reported later."""
    if len(link) != 2 or not isinstance(link[0], str) or type(link[1]) is not int:
        return False
    slots = nodes[graph[link[0]]["class_type"]].outputs if link[0] in graph else (None,) * 99
    return 0 <= link[1] < len(slots)


def _bad_link(key: str, declared: Input, value: Any) -> Error:
    message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
    return _input_error("bad_linked_input", message, key, key, declared, value)


def _check_value(key: str, given: dict[str, Any], declared: Input) -> Error | None:
    """Convert a widget's value to its type and check it against its limits or choices."""
    kind, options = declared
    value = given[key]
    if isinstance(value, dict) and "__value__" in value:
        value = given[key] = value["__value__"]
    if isinstance(kind, list):
        return None if value in kind else _not_in_list(key, value, kind, declared)
    if kind not in CONVERSIONS:
        return _bad_link(key, declared, value)
    try:
        value = given[key] = _converted(value, kind)
    except Exception as error:
        message = f"Failed to convert an input value to a {kind} value"
        details = f"{key}, {_cut(value)}, {error}"
        found = _input_error("invalid_input_type", message, details, key, declared, value)
        found["extra_info"]["exception_message"] = str(error)
        return found
    if "min" in options and value < options["min"]:
        message = f"Value {value} smaller than min of {options['min']}"
        return _input_error("value_smaller_than_min", message, key, key, declared, value)
    if "max" in options and value > options["max"]:
        message = f"Value {value} bigger than max of {options['max']}"
        return _input_error("value_bigger_than_max", message, key, key, declared, value)
    return None


def check_linked(key: str, inputs: dict[str, Any], declared: Input) -> None:
    """Check a widget's value that came by a link; raises `UserError`. Sockets pass."""
    if declared[0] in CONVERSIONS and (error := _check_value(key, inputs, declared)):
        raise UserError(f"{error['message']}: {error['details']}")


def _converted(value: Any, kind: str) -> Any:
    if kind == "STRING" and not isinstance(value, str | int | float):
        raise TypeError("it is no text")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError(f"it has more than {LONGEST_TEXT} characters")
    converted = CONVERSIONS[kind](value)
    if isinstance(converted, float) and not math.isfinite(converted):
        raise ValueError("it is no finite number")
    return converted


def _cut(value: Any, length: int = 200) -> str:
    text = str(value)
    return text if len(text) <= length else f"{text[:length]} …"


def _not_in_list(key: str, value: Any, choices: list[str], declared: Input) -> Error:
    long = len(choices) > LONG_LIST
    listed = f"(list of length {len(choices)})" if long else str(choices)
    details = f"{key}: '{value}' not in {listed}"
    config = None if long else declared
    return _input_error("value_not_in_list", "Value not in list", details, key, config, value)


def _misshapen(graph: Any) -> Error | None:
    if not isinstance(graph, dict):
        return _error("invalid_prompt", "The prompt is no object of nodes")
    for name, node in graph.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            message = "Cannot execute because a node is missing the class_type property."
            return _error("invalid_prompt", message, f"Node ID '#{name}'")
        if not isinstance(node.get("inputs"), dict):
            message = "Cannot execute because a node is missing the inputs property."
            return _error("invalid_prompt", message, f"Node ID '#{name}'")
    return None


def _unknown_class(graph: Graph, nodes: Mapping[str, Node]) -> Error | None:
    for name, node in graph.items():
        if node["class_type"] not in nodes:
            return _error(
                "invalid_prompt",
                f"Cannot execute because node {node['class_type']} does not exist.",
                f"Node ID '#{name}'; this embedded server runs only {', '.join(nodes)}",
                supported=list(nodes),
            )
    return None


def _collect(
    node_errors: dict[str, dict[str, Any]],
    results: dict[str, list[Error]],
    graph: Graph,
    output: str,
) -> None:
    """Add every wrong node, even if it does not concern this output, as ComfyUI does."""
    for name, errors in results.items():
        if errors:
            class_type = graph[name]["class_type"]
            entry = {"errors": errors, "dependent_outputs": [], "class_type": class_type}
            node_errors.setdefault(name, entry)["dependent_outputs"].append(output)


def _error(kind: str, message: str, details: str = "", **extra: Any) -> Error:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _missing(key: str) -> Error:
    return _error("required_input_missing", "Required input is missing", key, input_name=key)


def _input_error(
    kind: str, message: str, details: str, key: str, config: Input | None, value: Any
) -> Error:
    return _error(kind, message, details, input_name=key, input_config=config, received_value=value)


def _exception(kind: str, message: str, error: Exception, **extra: Any) -> Error:
    found = _error(kind, message, str(error), **extra)
    found["extra_info"]["exception_type"] = type(error).__name__
    found["extra_info"]["traceback"] = traceback.format_tb(error.__traceback__)
    return found
