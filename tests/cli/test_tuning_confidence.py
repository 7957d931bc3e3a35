"""The measuring at the end of a run never ends the run: what it could not do is said."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import BOOTS
from tests.training.tiny_base import base_folder, tiny_base
from xiaoan.cli.services import Services
from xiaoan.cli.tuning_confidence import measured_confidence
from xiaoan.cli.tuning_material import Material
from xiaoan.config import Settings
from xiaoan.question_bank.question import Question
from xiaoan.training.data.bank_forms import BankRecipe
from xiaoan.training.dataset import bank_data
from xiaoan.training.methods import Base

TOO_LONG = replace(BOOTS, stem="雷雨天气" * 600 + "应穿（ ）。")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return tiny_base(base_folder(tmp_path_factory.mktemp("base")))


def material_of(*questions: Question) -> Material:
    return Material(bank_data(questions, BankRecipe(), seed=0), questions, (), ())


def interrupted() -> float:
    raise KeyboardInterrupt


def test_what_cannot_be_measured_is_said_and_how_to_do_it_later(base: Base, tmp_path: Path) -> None:
    services = Services(stderr=io.StringIO())
    found = measured_confidence(base, material_of(TOO_LONG), tmp_path, Settings(), services, seed=0)
    assert found is None
    assert isinstance(services.stderr, io.StringIO)
    said = services.stderr.getvalue()
    assert "没有量把握：题库里没有一道题能问" in said
    assert "xiaoan calibrate" in said
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_skips_it_and_the_model_is_left_as_it_was(base: Base, tmp_path: Path) -> None:
    base.model.train(True)
    services = Services(stderr=io.StringIO(), clock=interrupted)
    found = measured_confidence(base, material_of(BOOTS), tmp_path, Settings(), services, seed=0)
    assert (found, base.model.training, list(tmp_path.iterdir())) == (None, True, [])
    assert isinstance(services.stderr, io.StringIO)
    assert "按了 Ctrl-C" in services.stderr.getvalue()


def test_without_a_bank_there_is_nothing_to_measure(base: Base, tmp_path: Path) -> None:
    services = Services(stderr=io.StringIO())
    nothing = replace(material_of(BOOTS), questions=())
    assert measured_confidence(base, nothing, tmp_path, Settings(), services, seed=0) is None
    assert isinstance(services.stderr, io.StringIO)
    assert services.stderr.getvalue() == ""
