"""What is checked and said when a call starts, ends and fails."""

from types import SimpleNamespace

import pytest

from lorabench import layout
from lorabench.comfy.client import launch
from lorabench.dataset.risks import Risk
from lorabench.errors import UserError
from lorabench.lora.receipt import Receipt
from lorabench.lora.receipt import write as write_receipt
from lorabench.workflow import going_on, hooks
from lorabench.workflow.hooks import Hooks
from lorabench.workflow.stopping import Stopping

SLURM = SimpleNamespace(submit_cmd="python scripts/slurm_submit.py")
SHARED = layout.normalized("style", "plain", "1" * 8)


def plan(run_id, embedded=False):
    paths = layout.RunLayout("style", run_id.split("-")[0], run_id, "0" * 8)
    config = SimpleNamespace(batch_size=1)
    sets = [SimpleNamespace(folder=paths.normalized), SimpleNamespace(folder=SHARED)]
    return SimpleNamespace(
        paths=paths, config=config, embedded_server=embedded, sets=sets, several=(),
        receipts=lambda lora: [paths.receipt(lora)], varied="", comparison=None,
    )  # fmt: skip


def words(plan, receipts):
    return " ".join(map(str, receipts))


def job(rule, **wildcards):
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards_dict=wildcards)


@pytest.fixture
def made(monkeypatch):
    """Hooks over the runs a-1 and b-1 with the given jobs, and what they say."""
    said = []
    screen = SimpleNamespace(say=said.append, end=lambda: None, listen=lambda: None)
    monkeypatch.setattr(hooks.outlook, "lines", lambda plan, jobs, at_once, here: [
        f"{plan.paths.run_id}: {dict(jobs)}"])  # fmt: skip

    def make(*jobs, **more):
        workflow = SimpleNamespace(
            dag=SimpleNamespace(needrun_jobs=lambda: jobs),
            global_resources={"comfyui": SimpleNamespace(value=2)},
            touch=False,
            local_exec=True,
            executor_settings=None,
            executor_plugin=SimpleNamespace(name="slurm"),
            remote_execution_settings=SimpleNamespace(container_image=""),
            scheduler=SimpleNamespace(job_rate_limiter="100/1s"),
            dag_settings=SimpleNamespace(forceall=False, forcerun=(), forcetargets=False),
        )
        vars(workflow).update(more)
        plans = {run_id: plan(run_id) for run_id in ("a-1", "b-1")}
        return Hooks(workflow, plans, layout.Path("scripts"), screen, Stopping()), said

    return make


def test_the_jobs_are_told_run_by_run(made):
    found, _ = made(
        job("all"),
        job("normalize_dataset", raw_set="b", profile="style", normalized="0" * 8),
        job("train_lora_b", run_id="b-1"),
        job("bench_image", run_id="a-1"),
        job("bench_image", run_id="a-1"),
    )
    assert found.what_will_be_done() == [
        "a-1: {'bench_image': 2}",
        "b-1: {'normalize_dataset': 1, 'train_lora': 1}",
    ]


def test_a_shared_set_is_normalized_once(made):
    found, _ = made(job("normalize_dataset", raw_set="plain", profile="style", normalized="1" * 8))
    assert found.what_will_be_done() == ["a-1: {'normalize_dataset': 1}"]


def test_servers_that_cannot_render_stop_all_before_the_first_job(made, monkeypatch):
    called = []
    monkeypatch.setattr(
        hooks.commands,
        "preflight",
        lambda plan, receipts: f"--of {plan.paths.run_id} --receipts {len(receipts)}",
    )
    monkeypatch.setattr(
        hooks.subprocess,
        "run",
        lambda words: called.append(list(map(str, words))) or SimpleNamespace(returncode=1),
    )
    found, said = made(job("bench_image", run_id="b-1"), job("install_lora", run_id="b-1"))
    with pytest.raises(SystemExit) as stop:
        found._ask_servers()
    assert (stop.value.code, said) == (1, ["Stopped before the first job."])
    (words,) = called
    assert words[1:6] == ["scripts/bench_preflight.py", "--of", "b-1", "--receipts", "0"]
    assert "--kept=runs/b-1/bench/workflow.json" in words


def test_the_scheduler_does_not_wake_each_second(made):
    found, _ = made()
    found.start(lambda prefix: None)
    assert found._workflow.scheduler.job_rate_limiter is None


def test_docker_is_asked_only_where_a_training_will_start(made, monkeypatch):
    def refuse(config):
        raise UserError("no Docker")

    monkeypatch.setattr(hooks.trainers, "check_docker", refuse)
    made(job("bench_image", run_id="a-1"))[0]._ask_docker()
    with pytest.raises(SystemExit):
        made(job("train_lora", run_id="a-1"))[0]._ask_docker()


def test_a_failure_names_the_logs_of_all_runs(made):
    found, said = made()
    found.fail(["snakemake.log"])
    assert "runs/a-1/logs, runs/b-1/logs; Snakemake's: snakemake.log" in said[0]


def test_strict_stops_before_the_first_job_where_a_training_will_start(made, capsys):
    found, _ = made(job("train_lora_b", run_id="b-1"), job("bench_image", run_id="a-1"))
    for run_id, one in found._plans.items():
        one.config.strict = True
        one.risks = [Risk("few_pictures", {"count": 3})] if run_id == "a-1" else []
    found._be_strict()
    found._plans["b-1"].risks = [Risk("few_pictures", {"count": 3})]
    found._plans["b-1"].config.strict = False
    found._be_strict()
    found._plans["b-1"].config.strict = True
    with pytest.raises(SystemExit) as stop:
        found._be_strict()
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert "error: strict: this would spoil the training:\n  3 pictures are all there is" in said


@pytest.fixture
def night(made, monkeypatch, tmp_path):
    """Hooks over a matrix of which b-1 failed, and what is called and said."""
    monkeypatch.chdir(tmp_path)
    found, said = made(job("bench_verdict", run_id="a-1"))
    found._comparison = comparison = layout.ComparisonLayout("night")
    found._judges = True
    found._started -= 60
    done = found._plans["a-1"].paths
    for path in (done.verdict, comparison.page, comparison.table):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    called = []
    monkeypatch.setattr(hooks.subprocess, "run", lambda words: called.append(
        list(map(str, words))) or SimpleNamespace(returncode=0))  # fmt: skip
    monkeypatch.setattr(found, "say_where_to_look", lambda: said.append("the ranking"))
    return found, called, said


def test_where_a_training_fails_the_others_are_compared(night, monkeypatch):
    found, called, said = night
    monkeypatch.setattr(going_on, "go_on", lambda plans, stopping: [])
    found.fail(["snakemake.log"])
    ((_, program, *words),) = called
    assert program == "scripts/compare_trainings.py" and words[-2:] == ["runs/a-1", "runs/b-1"]
    assert said[0] == "the ranking" and said[1].startswith("\nNot finished")
    verdict, page = found._plans["a-1"].paths.verdict, layout.ComparisonLayout("night").page
    assert page.stat().st_mtime < verdict.stat().st_mtime  # so that the job makes it whole


def test_those_that_came_further_go_on_to_higher_weights(night, monkeypatch):
    found, _, said = night
    monkeypatch.setattr(going_on, "go_on", lambda plans, stopping: [
        f"{plan.paths.run_id} goes on" for plan in plans])  # fmt: skip
    found.fail([])
    assert said == ["the ranking", "a-1 goes on"]
    found._started += 3600
    said.clear()
    found.fail([])
    assert said[0] == "the ranking" and "Not finished" in said[1]


def test_without_a_verdict_there_is_nothing_to_compare(night):
    found, called, said = night
    found._plans["a-1"].paths.verdict.unlink()
    found._judges = False
    found.fail([])
    assert not called and "Not finished" in said[0]


@pytest.mark.parametrize("goes_on", [["a-1: going on"], []], ids=["goes on", "has ended"])
def test_what_goes_on_keeps_its_server(made, monkeypatch, goes_on):
    found, said = made()
    found._judges, found._first.embedded_server = True, True
    found._first.server_state = "server.json"
    stopped = []
    monkeypatch.setattr(launch, "stop_server", stopped.append)
    monkeypatch.setattr(going_on, "go_on", lambda plans, stopping: goes_on)
    monkeypatch.setattr(found, "say_where_to_look", lambda: said.append("the verdict"))
    found.succeed()
    assert (said, stopped) == ((goes_on, []) if goes_on else (["the verdict"], ["server.json"]))


@pytest.mark.parametrize(
    ("search", "settled", "dryrun", "goes_on"),
    [
        (True, False, False, True),
        (True, True, False, False),
        (True, False, True, False),
        (False, False, False, False),
    ],
)
def test_where_nothing_is_to_be_done_a_search_that_has_not_ended_goes_on(
    made, monkeypatch, search, settled, dryrun, goes_on
):
    found, said = made(dryrun=dryrun)
    for one in found._plans.values():
        one.searches, one.search = search, SimpleNamespace(settled=settled)
    monkeypatch.setattr(going_on, "go_on", lambda plans, stopping: ["the search goes on"])
    monkeypatch.setattr(found, "say_where_to_look", lambda: said.append("the verdict"))
    found._rest()
    assert said == ["the search goes on" if goes_on else "the verdict"]


def checks(monkeypatch, tmp_path):
    """The calls of bench_preflight.py that `_can_render` makes from here on."""
    called = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hooks.commands, "preflight", words)
    monkeypatch.setattr(
        hooks.subprocess,
        "run",
        lambda words: called.append(list(map(str, words))) or SimpleNamespace(returncode=0),
    )
    return called


def receipts_in(call):
    return [word for word in call if word.endswith("installed.json")]


def test_several_loras_are_checked_by_the_one_that_stands_in_while_others_are_installed(
    made, monkeypatch, tmp_path
):
    called = checks(monkeypatch, tmp_path)
    jobs = {"bench_image": 1, "install_lora": 1}
    found, _ = made()
    first = plan("a-1", embedded=True)
    first.several = ("one", "another")
    receipts = [first.paths.receipt(""), first.paths.receipt("low.")]
    first.receipts = lambda lora: receipts
    assert found._can_render(first, jobs), "the first LoRA is still to be installed"
    receipts[0].parent.mkdir(parents=True)
    receipts[0].touch()
    assert found._can_render(first, jobs), "so is that for low noise"
    receipts[1].touch()
    assert found._can_render(first, jobs)
    assert list(map(receipts_in, called)) == [[], [], list(map(str, receipts))]


def test_a_workflow_for_the_embedded_server_is_checked_before_the_training(
    made, monkeypatch, tmp_path
):
    called = checks(monkeypatch, tmp_path)
    found, _ = made()
    jobs = {"train_lora": 1, "install_lora": 1, "bench_image": 1}
    assert found._can_render(plan("a-1", embedded=True), jobs)
    assert list(map(receipts_in, called)) == [[]]


def test_a_server_that_starts_in_a_clusters_job_is_not_started_here(made, monkeypatch, tmp_path):
    called = checks(monkeypatch, tmp_path)
    found, _ = made()
    found._workflow.local_exec = False
    one = plan("a-1", embedded=True)
    assert found._can_render(one, {"bench_image": 1})
    assert list(map(receipts_in, called)) == [[]]  # without a LoRA, none is started
    found._bucket = Unreachable()
    assert found._can_render(one, {"bench_image": 1}), "pods have models of their own"
    assert len(called) == 1


def test_what_a_killed_call_left_in_slurm_is_cancelled(made, monkeypatch):
    of_killed_calls = []
    monkeypatch.setattr(hooks.slurm, "cancel", lambda folder, of: of_killed_calls.append(of) or 2)
    found, said = made()
    found._end_left_jobs()
    assert said == []
    found._workflow.executor_settings = SLURM
    found._end_left_jobs()
    assert said == ["2 Slurm jobs of a call that was killed: cancelled"]
    assert of_killed_calls == [hooks.locks.is_gone]


def test_at_a_signal_only_the_jobs_of_this_call_are_cancelled(made, monkeypatch):
    monkeypatch.setenv("LORABENCH_WORKFLOW", "login.7")
    monkeypatch.setattr(hooks.slurm, "cancel", lambda folder, of: 0)
    found, _ = made(executor_settings=SLURM)
    found._end_left_jobs()
    running, cancelled = ["login.7", "login.77", "login2.7"], []
    monkeypatch.setattr(
        hooks.slurm, "cancel", lambda folder, of: cancelled.extend(filter(of, running))
    )
    found._stopping.elsewhere()
    assert cancelled == ["login.7"]


def test_jobs_that_may_run_on_are_told_of(made, monkeypatch, capsys):
    def fail(folder, of):
        raise UserError("Slurm does not answer")

    found, _ = made()
    found._workflow.executor_settings = SLURM
    monkeypatch.setattr(hooks.slurm, "cancel", lambda folder, of: 0)
    found._end_left_jobs()
    monkeypatch.setattr(hooks.slurm, "cancel", fail)
    found._stopping.elsewhere()
    assert capsys.readouterr().err == "warning: Slurm does not answer\n"
    with pytest.raises(SystemExit):
        found._end_left_jobs()


class Unreachable:
    """A bucket that is away, once jobs have begun."""

    def settle(self, plans):
        raise UserError("s3://my-bucket/lora: could not connect")

    def begin(self, plans):
        pass

    def share(self):
        pass

    def write(self, path, data):
        raise UserError("s3://my-bucket/lora: must not be written")

    def remove(self, path):
        raise UserError("s3://my-bucket/lora: could not connect")


def test_a_bucket_that_is_away_at_the_end_is_a_warning(made):
    found, said = made()
    found._bucket = Unreachable()
    found.fail([])
    (warning,) = [line for line in said if line.startswith("warning")]
    assert "s3://my-bucket/lora: could not connect" in warning


@pytest.mark.parametrize(("here", "kept"), [(True, 0), (False, 1)])
def test_plans_are_kept_for_jobs_elsewhere_before_the_first(made, monkeypatch, here, kept):
    found, _ = made()
    found._workflow.local_exec = here
    calls = []
    monkeypatch.setattr(hooks.kept_plans, "keep", lambda *of: calls.append("keep"))
    monkeypatch.setattr(hooks.kept_plans, "drop", lambda *of: calls.append("drop"))
    found.start(lambda prefix: None)
    assert calls == ["keep"] * kept
    found.fail([])
    assert calls == ["keep", "drop"] * kept


def test_a_call_that_is_refused_leaves_the_plans_of_the_one_at_work(made, monkeypatch):
    monkeypatch.setattr(hooks.locks, "begin", lambda plans: "process 1")
    monkeypatch.setattr(hooks.kept_plans, "drop", lambda *of: pytest.fail())
    found, _ = made()
    found._workflow.local_exec = False
    with pytest.raises(SystemExit):
        found.start(lambda prefix: None)


@pytest.mark.parametrize(
    "image",
    [
        "snakemake/snakemake:v9.1",
        "docker.io/snakemake/snakemake:v9.1",
        "index.docker.io/snakemake/snakemake@sha256:00",
        "snakemake/snakemake",
    ],
)
def test_pods_of_snakemakes_own_image_stop_all_before_the_first_job(made, capsys, image):
    found, _ = made(
        executor_plugin=SimpleNamespace(name="kubernetes"),
        remote_execution_settings=SimpleNamespace(container_image=image),
    )
    found._workflow.local_exec = False
    with pytest.raises(SystemExit):
        found.start(lambda prefix: None)
    assert f"error: --container-image: Snakemake's own ({image})" in capsys.readouterr().err


@pytest.mark.parametrize("image", ["registry.example/me/snakemake:1", "me/snakemake/snakemake-2"])
def test_pods_of_an_image_of_ones_own_begin(made, monkeypatch, image):
    monkeypatch.setattr(hooks.kept_plans, "keep", lambda *of: None)
    found, _ = made(
        executor_plugin=SimpleNamespace(name="kubernetes"),
        remote_execution_settings=SimpleNamespace(container_image=image),
    )
    found._workflow.local_exec = False
    found.start(lambda prefix: None)


def test_plans_that_cannot_be_kept_for_a_cluster_stop_all_before_the_first_job(
    made, monkeypatch, capsys
):
    monkeypatch.setattr(hooks.kept_plans, "keep", lambda store, *of: store.write("plans", b""))
    found, _ = made()
    found._workflow.local_exec, found._bucket = False, Unreachable()
    with pytest.raises(SystemExit):
        found.start(lambda prefix: None)
    assert "error: s3://my-bucket/lora: must not be written" in capsys.readouterr().err


def test_a_lora_that_was_installed_on_another_machine_is_not_looked_for_here(
    made, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    found, _ = made()
    asked, one = [], plan("a-1")
    monkeypatch.setattr(hooks.commands, "preflight", words)
    monkeypatch.setattr(
        hooks.subprocess, "run", lambda words: asked.append(words) or SimpleNamespace(returncode=0)
    )
    write_receipt(Receipt("a.safetensors", tmp_path / "a.safetensors", "0"), *one.receipts(""))
    found._bucket = Unreachable()
    assert found._can_render(one, {"bench_image": 1})
    assert not any("installed.json" in str(word) for word in asked[0])
    (tmp_path / "a.safetensors").touch()
    assert found._can_render(one, {"bench_image": 1})
    assert any("installed.json" in str(word) for word in asked[1])
