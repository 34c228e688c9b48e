"""What the workflow's console makes of Snakemake's records, and of what jobs send."""

import io
import logging
import signal
import threading
from types import SimpleNamespace

import pytest

from lorabench import cli
from lorabench.text import relay
from lorabench.text.screen import Screen
from lorabench.workflow import slurm
from lorabench.workflow.console import Console, attach, refuse
from lorabench.workflow.stopping import Stopping


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def console(clock):
    """A console that writes to `.stream`, with the records that it left to Snakemake in `.left`."""
    default = logging.Handler()
    console = Console(Screen(stream := io.StringIO(), clock), default)
    console.stream, console.left = stream, []
    default.emit = lambda record: console.left.append(record.getMessage())
    console._receiver = SimpleNamespace(close=lambda: None)  # as in a run that is no dry run
    return console


def record(event=None, text="", level=logging.INFO, **values):
    made = logging.LogRecord("snakemake", level, "", 0, text, None, None)
    made.__dict__.update(values, **({"event": event} if event else {}))
    return made


def job(number, rule, message, **wildcards):
    return record("job_info", jobid=number, rule_name=rule, rule_msg=message, wildcards=wildcards)


def said(console):
    return console.stream.getvalue().splitlines()


def test_the_plan_comes_first(console):
    console.plan = lambda jobs: [f"to do: {jobs['train_lora']}"]
    console.emit(record("run_info", "Job stats: …", stats={"train_lora": 1}))
    assert said(console) == ["to do: 1"]


def test_a_dry_run_ends_with_the_plan_and_says_that_it_was_one(console):
    console.plan = lambda jobs: [f"to do: {jobs['train_lora']}"]
    console.end_dry_run = lambda: True
    console.emit(record("workflow_started"))
    console.emit(record("run_info", "Job stats: …", stats={"train_lora": 1}))
    assert said(console) == ["to do: 1", "Dry run: nothing was made."]


def test_a_stage_is_a_line_and_cells_are_one_bar(console, clock):
    console.emit(record("workflow_started"))
    console.emit(record("run_info", stats={"bench_image": 3, "bench_metrics": 1}))
    for number in range(3):
        console.emit(job(number, "bench_image", f"Rendering w0.{number}"))
        clock.now += 31
        console.emit(record("job_finished", job_id=number))
        console.emit(record(text="Select jobs to execute..."))
    console.emit(job(3, "bench_metrics", "Measuring the pictures"))
    console.emit(record("progress", done=4, total=4))
    lines = said(console)
    assert lines[0] == "Rendering 3 pictures"
    assert [line for line in lines if "2/3" in line]
    assert lines[-2:] == ["rendering: 100% 3/3 [01:33<00:00]", "Measuring the pictures"]
    assert console.left == []


def test_a_fault_is_said_once_however_many_jobs_have_it(console, tmp_path):
    (tmp_path / "a.log").write_text("some line\nerror: no memory\n")
    (tmp_path / "b.log").write_text("error: no memory\n")
    console.emit(record("workflow_started"))
    console.take({"text": "error: no memory", "level": logging.ERROR, "log": "a.log"})
    for number, name in enumerate(("a.log", "b.log")):
        console.emit(record("error", "RuleException: …", exception="RuleException"))
        log = [str(tmp_path / name)]
        console.emit(record("job_error", jobid=number, rule_name="bench_image", log=log, aux={}))
    console.emit(record(text="Exiting because a job execution failed. Look…", level=logging.ERROR))
    text = "WorkflowError:\nAt least one job did not complete successfully."
    console.emit(record("error", text, exception="WorkflowError"))
    assert said(console) == ["error: no memory", "  the whole log: a.log"]
    assert console.left == []


def test_a_job_without_words_is_named(console, tmp_path):
    log = [str(tmp_path / "none.log")]
    console.emit(record("job_error", jobid=1, rule_name="train_lora", log=log, aux={}))
    assert said(console)[0] == "error: train_lora ended without a word of its own"


def test_of_jobs_that_a_cluster_ran_as_one_only_those_that_failed_say_so(
    console, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name, text in {"fine": "rendered\n", "bad": "error: no memory\n"}.items():
        (tmp_path / f"{name}.log").write_text(text)
    several = [
        {"jobid": number, "rule_name": "bench_image", "log": [f"{name}.log"]}
        for number, name in enumerate(("fine", "bad", "never-begun"))
    ]

    def fail():
        console.emit(record("group_error", job_error_info=several, external_jobid="7"))
        for one in several:
            console.emit(record("job_error", aux={}, **one))

    fail()
    assert said(console) == ["error: no memory", "  the whole log: bad.log"]
    (tmp_path / "bad.log").write_text("rendered\n")
    fail()
    without = "error: 3 jobs that ran as one (bench_image) ended without a word"
    assert said(console)[2:] == [without]
    slurm.log("7").parent.mkdir(parents=True)
    slurm.log("7").write_text("error: Slurm ended the job 7: TIMEOUT\n")
    fail()
    assert said(console)[3:] == ["error: Slurm ended the job 7: TIMEOUT"]


def test_what_ends_because_it_is_told_to_is_no_fault(clock):
    stopping = Stopping()
    console = Console(Screen(stream := io.StringIO(), clock), None, stopping)
    stopping.begun = True
    console.emit(record("job_error", jobid=1, rule_name="train_lora", log=[], aux={}))
    assert stream.getvalue() == ""


def test_a_ctrl_c_that_came_to_the_job_first_is_no_fault(clock):
    stopping = Stopping()
    console = Console(Screen(stream := io.StringIO(), clock), None, stopping)
    threading.Timer(0.05, setattr, (stopping, "begun", True)).start()
    console.emit(record("job_error", jobid=1, rule_name="train_lora", log=[], aux={}))
    assert stream.getvalue() == ""


def test_errors_of_snakemakes_own_are_left_to_it(console):
    console.emit(record("error", "MissingRuleException: No rule", exception="MissingRuleException"))
    console.emit(record("workflow_started"))
    console.emit(record("error", "WorkflowError: …", exception="WorkflowError"))
    assert console.left == ["MissingRuleException: No rule", "WorkflowError: …"]


def test_a_full_disk_under_snakemakes_own_files_is_one_sentence(console):
    for text in ("WorkflowError:\n([Errno 28] No space left on device)", "No space left on device"):
        console.emit(record("error", text, exception="WorkflowError"))
    (only,) = said(console)
    assert only.startswith("error: No space left on device")
    assert "run the same command again" in only


def test_a_lock_is_told_with_what_to_type(console):
    console.emit(record("error", "Error: Directory cannot be locked…", exception="LockException"))
    assert len(said(console)) == 1
    assert "type the command once with --unlock" in said(console)[0]
    assert console.left == []


def test_with_nothing_to_do_the_end_is_said_again(console):
    console.nothing_to_do = lambda: console.say("Verdict: works")
    console.emit(record("workflow_started"))
    console.emit(record(text="Nothing to be done (all requested files are present …)."))
    assert said(console) == ["Nothing to be done.", "Verdict: works"]


@pytest.mark.parametrize("asked", ["verbose", "quiet", "printshellcmds", "debug_dag"])
def test_who_asks_for_more_or_less_gets_snakemakes_own(asked):
    settings = dict.fromkeys(("verbose", "quiet", "printshellcmds", "debug_dag"), False)
    handler = logging.StreamHandler()
    handler.name = "DefaultStreamHandler"
    logger = logging.Logger("a")
    logger.addHandler(handler)
    manager = SimpleNamespace(logger=logger, settings=SimpleNamespace(**settings))
    setattr(manager.settings, asked, True)
    assert attach(manager, Stopping()) is None
    assert logger.handlers == [handler]
    setattr(manager.settings, asked, False)
    assert logger.handlers == [handler]
    assert attach(manager, Stopping()) is logger.handlers[0]


def test_a_bar_moves_on_a_terminal_and_stays_when_it_is_over(clock):
    screen = Screen(stream := Terminal(), clock)
    for done in (10, 20):
        clock.now += 1
        screen.bar("a", "training", seconds=done, done=done, total=20, rate=1.0, note="loss=0.1")
    screen.line("said meanwhile")
    screen.over("a")
    text = stream.getvalue()
    assert "training:  50%" in text
    assert "10/20" in text
    kept = [line.rpartition("\x1b[K")[2] for line in text.split("\n")]
    assert kept[0] == "said meanwhile"
    assert kept[1].startswith("training: 100%")
    assert "loss=0.1" in kept[1]


def test_a_bar_says_how_long_each_takes_and_no_end_before_that_is_known(clock):
    screen = Screen(stream := Terminal(), clock)
    clock.now += 1
    screen.bar("a", "rendering", seconds=15, done=1, total=28, unit="picture")
    assert "1/28 [00:15<?, ?s/picture]" in stream.getvalue()
    clock.now += 1
    screen.bar("a", "rendering", seconds=16, done=2, total=28, rate=4, unit="picture")
    assert "2/28 [00:16<00:06,  0.25s/picture]" in stream.getvalue()
    clock.now += 1
    screen.bar("a", "rendering", seconds=20, done=28, total=28, unit="picture")
    assert "28/28 [00:20<00:00,  0.71s/picture]" in stream.getvalue()


def test_away_from_a_terminal_a_bar_is_a_line_every_half_a_minute(clock):
    screen = Screen(stream := io.StringIO(), clock)
    for second in range(70):
        clock.now += 1
        screen.bar("a", "training", seconds=second, done=second, total=100, rate=1.0)
    assert stream.getvalue().splitlines() == [
        "training:  30% 30/100 [00:30<01:10]",
        "training:  60% 60/100 [01:00<00:40]",
    ]


def test_programs_speak_through_the_workflows_screen(console, tmp_path, monkeypatch):
    console._receiver = None
    console.listen()

    def program(arguments):
        cli.log.info("four pictures")
        cli.detail("only by hand")
        for _ in cli.bar(range(3), desc="normalizing", unit="picture"):
            pass
        raise OSError("no room")

    try:
        status = cli.run(cli.argparse.ArgumentParser(), program, ["--log", str(tmp_path / "l")])
    finally:
        console.end()
        monkeypatch.setattr(cli, "_screen", None)
    assert status == 1
    lines = said(console)
    assert lines[0] == "four pictures"
    assert lines[1].startswith("normalizing: 100% 3/3")
    assert lines[2:] == ["error: no room", f"  the whole log: {tmp_path / 'l'}"]
    assert "only by hand" not in lines
    assert relay.sender(None) is None  # the screen is for the program alone


def test_a_program_that_is_started_deaf_to_ctrl_c_stays_so(monkeypatch):
    heard = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
    monkeypatch.setattr("signal.getsignal", heard.get)
    monkeypatch.setattr("signal.signal", heard.__setitem__)
    assert cli.run(cli.argparse.ArgumentParser(), lambda arguments: 0, []) == 0
    assert heard[signal.SIGINT] == signal.SIG_IGN
    assert heard[signal.SIGTERM] != signal.SIG_DFL


def test_a_setting_without_its_option_is_the_fault_that_is_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["snakemake", "--cores", "1", "raw_set=some_set"])
    with pytest.raises(SystemExit) as ended:
        refuse("raw_set: is required")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "error: raw_set=some_set is a setting: write --config before it\n"


def test_of_several_runs_each_job_is_said_with_its_run(console):
    console.called = {"a": "a", "b": "rank 8"}
    console.emit(record("workflow_started"))
    console.emit(record("run_info", stats={"bench_metrics": 2, "bench_image": 4}))
    for number, run in enumerate("ab"):
        console.emit(job(number, "bench_image", "Rendering w0.40", run_id=run))
        console.emit(job(10 + number, "bench_metrics", "Measuring", run_id=run))
    assert said(console) == ["Rendering 4 pictures", "a: Measuring", "rank 8: Measuring"]


def test_files_of_a_bucket_have_their_usual_paths(console, clock):
    console.copies = ".snakemake/storage/s3/my-bucket/lora/"
    path = "runs/one/train/style_set__one.safetensors"
    console.emit(job(1, "train_lora", f"Training {console.copies}{path}"))
    console.say(f"{console.copies}{path}: 96 modules")
    clock.now += 40
    console.screen.tick()
    line, again, bar = said(console)
    assert line == f"Training {path}" and again == f"{path}: 96 modules" and line in bar
    assert console.copies not in console.stream.getvalue()
