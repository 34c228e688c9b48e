"""The older command line: what each option means to the workflow, and what it says of nonsense."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline_run
from lorabench.errors import UserError
from lorabench.workflow.older import call as invocation
from tests.project import make_plan

ROOT = Path(__file__).parents[2]
WORKFLOW = "config/workflows/drawnworld_lora_bench.json"
REQUIRED = ("--raw-set", "some_set", "--bench-workflow", WORKFLOW)
EMBEDDED = (*REQUIRED, "--comfy-url", "embedded")
MADE = ("images", "preprocess_log.csv", "rejected")
ODD = "ぽにゅ絵柄, a: {blue} [dog], 'x' \"y\" $HOME ?z # 1\n- !!str two \\ % #"

DEFAULTS = {
    "--raw-set": None,
    "--bench-workflow": None,
    "--profile": "style",
    "--run-id": "now, YYYYMMDD_HHMMSS",
    "--weights": "0.4,0.6,0.8",
    "--seeds": "123456789",
    "--comfy-url": "http://127.0.0.1:8188",
    "--positive": None,
    "--negative": None,
    "--batch-size": "1",
    "--lora-install-dir": "models/loras",
    "--run-lora-bash": "scripts/run_lora.bash",
    "--resize-script": "scripts/resize_dataset.py",
    "--fix-owner-bash": "scripts/fix_datasets_owner.bash",
    "--resize": None,
    "--yes": None,
    "--fix-owner": None,
    "--skip-train": None,
    "--skip-bench": None,
}


class Started:
    """Stands for Snakemake: notes the words and the settings of each call, and ends as told."""

    def __init__(self):
        self.calls, self.configs, self.status = [], [], 0

    def __call__(self, command):
        head, words = command[:7], command[7:]
        assert head[1:4] == ["-m", "snakemake", "--configfile"]
        self.configs.append(json.loads(Path(head[4]).read_text(encoding="utf-8")))
        self.calls.append(words)
        return self.status

    @property
    def config(self):
        return self.configs[-1]


def work_in(project, monkeypatch):
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(pipeline_run, "ROOT", project.root)


@pytest.fixture
def here(project, monkeypatch):
    """A project with one set, as the working directory."""
    project.add_set()
    work_in(project, monkeypatch)
    return project


@pytest.fixture
def started(here, monkeypatch):
    """The project without Snakemake, and with a normalized set."""
    make_normalized()
    monkeypatch.setattr(invocation, "run", started := Started())
    return started


@pytest.fixture
def only_read(shared, monkeypatch):
    """As `started`, for tests that change no file: one project serves them all."""
    work_in(shared, monkeypatch)
    if not Path("datasets", "normalized").exists():
        make_normalized()
    monkeypatch.setattr(invocation, "run", started := Started())
    return started


def make_normalized():
    normalized().mkdir(parents=True)
    for name in MADE:
        (normalized() / name).touch()


def normalized():
    plan = make_plan({"raw_set": "some_set"}, Path("config", "config.yaml"))
    return plan.paths.normalized


def run(*arguments):
    return pipeline_run.main(pipeline_run.parser().parse_args(arguments))


def refusal(*arguments):
    with pytest.raises(UserError) as error:
        run(*arguments)
    return str(error.value)


# ---------------------------------------------------------------- the table


def test_help_and_page_name_every_option_with_its_default():
    actions = {one: a for a in pipeline_run.parser()._actions for one in a.option_strings}
    page = (ROOT / "docs/older-command-line.md").read_text(encoding="utf-8")
    assert sorted(actions) == sorted([*DEFAULTS, "-h", "--help"])
    for option, default in DEFAULTS.items():
        assert re.search(rf"^\| .*`{option}`", page, re.MULTILINE), option
        if default:
            told = actions[option].help % {"default": actions[option].default}
            assert told.endswith(f"(default: {default})"), option
            assert default in page


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (["--profile", "style"], "profile", "style"),
        (["--run-id", "20260131_120000"], "run_id", "20260131_120000"),
        (["--run-id", "007"], "run_id", "007"),
        (["--weights", "0.2,1"], "weights", "0.2,1"),
        (["--weights=-0.5,0.5"], "weights", "-0.5,0.5"),
        (["--seeds", "1,2"], "seeds", "1,2"),
        (["--positive", ODD], "positive", ODD),
        (["--positive", "1e3"], "positive", "1e3"),
        (["--negative", ODD], "negative", ODD),
        (["--negative", ""], "negative", ""),
        (["--batch-size", "3"], "batch_size", "3"),
        (["--lora-install-dir", "/x y/ぽ"], "lora_install_dir", "/x y/ぽ"),
        (["--resize-script", WORKFLOW], "programs", {"resize": WORKFLOW}),
        ([], "comfy_url", ["embedded"]),
        ([], "trainer", "embedded"),
        ([], "skip_train", False),
        ([], "programs", {}),
        ([], "bench_workflow", WORKFLOW),
        ([], "raw_set", "some_set"),
    ],
)
def test_an_option_reaches_the_workflow_as_it_was_typed(only_read, arguments, key, value):
    assert run(*EMBEDDED, *arguments) == 0
    assert only_read.config[key] == value
    assert only_read.calls == [[]]


def test_what_was_not_given_is_left_to_the_settings_file(only_read):
    run(*EMBEDDED)
    left = {"profile", "weights", "seeds", "positive", "negative", "batch_size", "lora_install_dir"}
    assert not left & only_read.config.keys()


def test_the_run_is_named_after_the_time(only_read):
    run(*EMBEDDED)
    assert re.fullmatch(r"\d{8}_\d{6}", only_read.config["run_id"])


def test_char_reads_the_characters(here):
    here.add_set("mofu", profile="characters")
    said = refusal(*EMBEDDED, "--profile", "char", "--raw-set", "mofu")
    assert "there is no normalized set datasets/normalized/char/mofu-" in said


@pytest.mark.parametrize(
    ("arguments", "trainer", "programs"),
    [
        (["--comfy-url", "embedded"], "embedded", {}),
        ([], "kohya", {}),
        (["--comfy-url", "http://a:1,http://b:2"], "kohya", {}),
        (["--comfy-url", "embedded", "--run-lora-bash", "m.sh"], "kohya", {"run_lora": "m.sh"}),
        (["--run-lora-bash", "m.sh"], "kohya", {"run_lora": "m.sh"}),
    ],
)
def test_a_url_means_the_authors_own_programs(arguments, trainer, programs):
    options = pipeline_run.parser().parse_args([*REQUIRED, *arguments])
    given = pipeline_run.older.settings(options, pipeline_run.datetime.now(), {})
    assert (given["trainer"], given["programs"]) == (trainer, programs)
    assert given["comfy_url"] == options.comfy_url


@pytest.mark.parametrize(("arguments", "told"), [([], None), (["--run-lora-bash", "m"], "kohya")])
def test_a_configured_trainer_stands_unless_a_program_is_named(arguments, told):
    options = pipeline_run.parser().parse_args([*REQUIRED, *arguments])
    configured = {"trainer": "embedded"}
    given = pipeline_run.older.settings(options, pipeline_run.datetime.now(), configured)
    assert given.get("trainer") == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--raw-set", "none"], "Sets that exist: some_set (profile=style)"),
        (["--profile", "anime"], "profile: 'anime': should be 'style' or 'char'"),
        (["--run-id", "../up"], "run_id: '../up': should be a name"),
        (["--weights", "0.4;0.6"], "weights: '0.4;0.6'"),
        (["--weights", ""], "weights: is empty; give one value or more"),
        (["--comfy-url", ""], "comfy_url: is empty; give one value or more"),
        (["--run-id=-x"], "run_id: '-x': should be a name"),
        (["--seeds", "-1"], "seeds: '-1'"),
        (["--batch-size", "0"], "batch_size: '0'"),
        (["--comfy-url", "127.0.0.1:8188"], "did you mean http://127.0.0.1:8188?"),
        (["--bench-workflow", "none.json"], "bench_workflow: there is no file none.json"),
        (["--bench-workflow", "Snakefile"], "bench_workflow: Snakefile: no valid JSON: "),
        (["--bench-workflow", "config"], "bench_workflow: config is a folder; name a workflow"),
        (["--lora-install-dir", "Snakefile/x"], "Snakefile is a file; name a folder"),
        (["--resize-script", "none.py"], "programs.resize: there is no file none.py"),
        (["--run-lora-bash", "none.bash"], "programs.run_lora: there is no file none.bash"),
        (["--fix-owner", "--fix-owner-bash", "none"], "--fix-owner-bash: there is no file none"),
        (["--skip-train", "--skip-bench"], "together leave nothing to do"),
        (["--skip-train", "--resize"], "which --skip-train leaves out"),
    ],
)
def test_a_mistake_stops_before_snakemake(only_read, arguments, said):
    assert said in refusal(*EMBEDDED, *arguments)
    assert only_read.calls == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: --raw-set"),
        (["--raw-set", "x", "--weigths", "1"], "did you mean --weights instead of --weigths?"),
        (["--raw-set", "x", "--skip"], "unrecognized arguments: --skip"),
        (["--raw-set"], "expected one argument"),
    ],
)
def test_a_misspelt_command_is_refused(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_it_is_started_in_the_projects_folder(project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "start it in " in refusal(*EMBEDDED)


# ---------------------------------------------------------------- stages


def test_without_resize_a_normalized_set_is_required(started):
    for name in reversed(MADE):
        (normalized() / name).unlink()
        said = refusal(*EMBEDDED)
        assert f"has no {name}" in said
        assert "give --resize --yes" in said
    normalized().rmdir()
    assert f"no normalized set {normalized()}" in (said := refusal(*EMBEDDED))
    assert "give --resize" in said
    assert started.calls == []


def test_resize_makes_what_is_not_there_unasked(started):
    normalized().rename("elsewhere")
    run(*EMBEDDED, "--resize")
    assert started.calls == [[]]


AGAIN = ["dataset", "--forcerun", "normalize_dataset"]


def test_resize_makes_a_set_again_with_yes(only_read):
    run(*EMBEDDED, "--resize", "--yes")
    run(*EMBEDDED, "--resize", "--yes", "--skip-bench")
    assert only_read.calls == [AGAIN, [], AGAIN, ["trained"]]


def test_resize_without_a_terminal_is_refused(only_read, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    said = refusal(*EMBEDDED, "--resize")
    assert "leave --resize out to use it, or give --yes" in said


@pytest.mark.parametrize("terminal", [False, True])
def test_resize_of_a_damaged_set_does_not_advise_to_use_it(started, monkeypatch, terminal):
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    (normalized() / "images").unlink()
    said = refusal(*EMBEDDED, "--resize")
    assert "leave --resize out" not in said
    assert ("was left as it is" if terminal else "has no images: something has") in said
    assert terminal or said.endswith("give --yes to make it again")


@pytest.mark.parametrize(("answer", "calls"), [("y", [AGAIN, []]), ("Yes", [AGAIN, []])])
def test_resize_asks_on_a_terminal(only_read, monkeypatch, answer, calls):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    run(*EMBEDDED, "--resize")
    assert only_read.calls == calls


@pytest.mark.parametrize("answer", ["", "n", "what?"])
def test_any_other_answer_is_no(only_read, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert "was left as it is" in refusal(*EMBEDDED, "--resize")


def test_the_end_of_the_input_is_no(only_read, monkeypatch):
    def ctrl_d(question):
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ctrl_d)
    assert "was left as it is" in refusal(*EMBEDDED, "--resize")


def test_when_normalizing_fails_nothing_follows(only_read):
    only_read.status = 1
    assert run(*EMBEDDED, "--resize", "--yes") == 1
    assert only_read.calls == [AGAIN]


def test_skip_bench_needs_no_workflow(only_read):
    assert run("--raw-set", "some_set", "--comfy-url", "embedded", "--skip-bench") == 0
    assert only_read.calls == [["trained"]]
    said = refusal("--raw-set", "some_set", "--comfy-url", "embedded")
    assert "--bench-workflow is required" in said


def test_skip_train_benches_the_runs_lora(started):
    lora = Path("runs/7_1/train/style_some_set__7_1.safetensors")
    lora.parent.mkdir(parents=True)
    lora.touch()
    normalized().rename("elsewhere")
    assert run(*EMBEDDED, "--skip-train", "--run-id", "7_1") == 0
    assert started.calls == [[]]
    assert (started.config["skip_train"], started.config["run_id"]) == (True, "7_1")
    said = refusal(*EMBEDDED, "--skip-train", "--run-id", "other")
    assert "run other has no LoRA" in said
    assert "runs with a LoRA: 7_1" in said
    assert "skip_train needs run_id" in refusal(*EMBEDDED, "--skip-train")
    said = refusal(*EMBEDDED, "--skip-train", "--raw-set", "b", "--run-id", "7_1")
    assert f"run 7_1 has the LoRA {lora.name}, and none of the set b" in said


# ---------------------------------------------------------------- how it ends


def test_the_exit_status_is_the_workflows(only_read):
    only_read.status = 7
    assert run(*EMBEDDED) == 7


@pytest.mark.parametrize(
    ("worked", "said"),
    [
        (True, "Run my x did not finish; its logs: runs/my x/logs"),
        (False, "Run my x did nothing: the message above says why"),
    ],
)
def test_the_last_lines_say_how_to_go_on(started, monkeypatch, caplog, worked, said):
    def failing(command):
        if worked:
            log = Path("runs", "my x", "logs", "train_lora.log")
            log.parent.mkdir(parents=True)
            log.write_text("error: no")
        return 1

    monkeypatch.setattr(invocation, "run", failing)
    run(*EMBEDDED, "--run-id", "my x")
    *_, ended, last = [record.message for record in caplog.records]
    assert ended == said
    assert last == "To go on with it, type the command again with --run-id 'my x'"


OWNERS = "echo called >> owners; exit {}"


@pytest.mark.parametrize(
    ("workflow", "owner", "status"), [(0, 0, 0), (0, 5, 1), (3, 0, 3), (3, 5, 3)]
)
def test_the_owner_is_fixed_however_the_workflow_ended(started, workflow, owner, status, caplog):
    Path("own.bash").write_text(OWNERS.format(owner))
    started.status = workflow
    assert run(*EMBEDDED, "--fix-owner", "--fix-owner-bash", "own.bash") == status
    assert Path("owners").read_text() == "called\n" * 2
    assert ("own.bash failed" in caplog.text) == bool(owner)


def test_the_owner_is_fixed_before_anything_is_read(started):
    secret = Path("datasets/raw/style/some_set")
    secret.rename("away")
    Path("own.bash").write_text(f"[ -e away ] && mv away {secret} || true")
    assert run(*EMBEDDED, "--fix-owner", "--fix-owner-bash", "own.bash") == 0


def test_a_program_in_python_fixes_the_owner_too(started):
    Path("own.py").write_text("from pathlib import Path; Path('owners').touch()")
    assert run(*EMBEDDED, "--fix-owner", "--fix-owner-bash", "own.py") == 0
    assert Path("owners").exists()


def test_the_owner_is_left_alone_unasked(started):
    Path("own.bash").write_text(OWNERS.format(0))
    run(*EMBEDDED, "--fix-owner-bash", "own.bash")
    assert not Path("owners").exists()


# ---------------------------------------------------------------- with Snakemake


@pytest.fixture
def dry(here, monkeypatch):
    """Dry runs through the true Snakefile; what they say, run by run."""
    said = []

    def run_dry(command):
        words = [*command, "--dry-run", "--printshellcmds"]
        done = subprocess.run(words, capture_output=True, text=True)
        said.append(done.stdout + done.stderr)
        return done.returncode

    monkeypatch.setattr(invocation, "run", run_dry)
    return said


def test_everything_typed_survives_snakemake(dry):
    run_id, program = "20260131_120000", "my program.sh"
    Path(program).touch()
    status = run(
        *(*EMBEDDED, "--resize", "--run-id", run_id, "--positive", ODD, "--negative", ""),
        *("--weights", "0.2", "--seeds", "1,2", "--batch-size", "2", "--resize-script", program),
    )
    assert status == 0, dry
    assert shlex.quote(f"--positive={ODD}") in dry[0]
    assert " --negative= " in dry[0]
    assert f"runs/{run_id}/bench/w0.20/seed2_01.png" in dry[0]
    assert "bash 'my program.sh' datasets/raw/style/some_set --output " in dry[0]
    assert len(re.findall(r"Rendering w\d\.\d\d, seed [12]$", dry[0], re.MULTILINE)) == 4


def test_skip_bench_plans_up_to_the_lora(dry):
    run("--raw-set", "some_set", "--comfy-url", "embedded", "--skip-bench", "--resize")
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", dry[0], re.MULTILINE))
    del jobs["total"]
    planned = {"record_run", "normalize_dataset", "dataset_page", "snapshot_dataset"}
    planned |= {"train_lora", "trained"}
    assert jobs.keys() == planned


def test_a_lock_of_a_killed_run_is_removed(dry):
    lock = Path(".snakemake", "locks", "0.output.lock")
    lock.parent.mkdir(parents=True)
    lock.write_text("runs/x/run.yaml\n")
    assert run(*EMBEDDED, "--resize", "--run-id", "x") == 0
    assert not lock.exists()


def test_the_program_itself(here):
    def call(*arguments):
        return subprocess.run(
            [sys.executable, "scripts/pipeline_run.py", *arguments], capture_output=True, text=True
        )

    assert "--fix-owner-bash" in call("--help").stdout
    done = call(*EMBEDDED, "--log", "said.log")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "give --resize" in done.stderr
