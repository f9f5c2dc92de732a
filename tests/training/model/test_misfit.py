"""What is said of weights that do not fit: counts and one name, never the whole list."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.misfit import describe_misfit  # noqa: E402


def _error_of(model, state) -> Exception:
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    return caught.value


def test_each_kind_is_counted_and_its_first_named() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 5))
    state = {
        "0.weight": torch.zeros(4, 2),
        "0.bias": torch.zeros(4),
        "head": torch.zeros(1),
        "tail": torch.zeros(1),
    }
    assert describe_misfit(_error_of(model, state)) == (
        "2 weights are missing (first: 1.weight), 2 are left over (first: head), "
        "1 is of another shape (first: 0.weight, [4, 2] instead of [4, 3])"
    )
    del state["head"], state["tail"]
    state |= {"0.weight": torch.zeros(4, 3), "1.weight": torch.zeros(5, 4)}
    assert describe_misfit(_error_of(model, state)) == "1 weight is missing (first: 1.bias)"


def test_a_hundred_long_names_stay_short() -> None:
    model = torch.nn.ModuleDict({f"{'block' * 30}_{i}": torch.nn.Linear(2, 2) for i in range(50)})
    state = {f"{'other' * 30}_{i}": torch.zeros(1) for i in range(70)}
    state[f"{'block' * 30}_7.weight"] = torch.zeros(3, 3)
    error = _error_of(model, state)
    said = describe_misfit(error)
    assert len(str(error)) > 10_000
    assert len(said) < 300
    assert said.startswith("99 weights are missing") and "70 are left over" in said


def test_other_errors_say_what_they_say_but_shortly() -> None:
    assert describe_misfit(RuntimeError("shape '[1, 13]' is invalid\n  here")) == (
        "shape '[1, 13]' is invalid here"
    )
    assert len(describe_misfit(RuntimeError("word " * 1000))) <= 200
    assert describe_misfit(KeyError("decoder")) == "KeyError('decoder')"
    assert describe_misfit(ValueError()) == "ValueError"
