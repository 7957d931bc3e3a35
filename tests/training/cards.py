"""A run's card with made-up figures."""

from xiaoan.figures import Share
from xiaoan.training.run_card import Accuracy, GeneralScore, Measured, RunCard

CARD = RunCard(
    method="ptuning",
    preset="exam",
    reasons=("前缀 128：要记 10 个问答",),
    base="tiny",
    base_sha256="0" * 64,
    base_dtype="bfloat16",
    base_parameters=5_800_000,
    trained_parameters=393_216,
    settings={"loop": {"steps": 600, "learning_rate": 0.3}, "method": {"pre_seq_len": 128}},
    forms=("plain", "options"),
    data={"sha256": "1" * 64, "train": 20},
    seed=1234,
    ending="early",
    steps=600,
    step=300,
    best_step=250,
    best_exact=1.0,
    exact_train=1.0,
    exact_held_out=0.9,
    final_loss=0.01,
    before=Measured(Accuracy(Share(3, 10), {"单选题": Share(3, 10)}), GeneralScore(Share(5, 5), 0.1)),
    after=Measured(Accuracy(Share(9, 10), {"单选题": Share(9, 10)}), GeneralScore(Share(4, 5), 0.3)),
    targets_cut=0,
    sources_cut=1,
    tokens=123_456,
    training_s=61.5,
    total_s=70.25,
    started="2026-11-21T09:00:00+08:00",
    hardware="CPU",
    processes=1,
    versions={"xiaoan": "0.1.0", "torch": "2.13.0"},
)
