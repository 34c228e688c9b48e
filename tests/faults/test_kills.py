"""Short forms of what kills programs, of the proxy, of the full disk: the long ones are by hand."""

from tests.faults import disk, kills, proxy


def test_killed_programs_are_gone_on_with():
    for kind, trial in kills.run(["cell", "install"], 4, seed=1):
        assert trial.kills.total() >= 1
        assert trial.faults == [], kind


def test_cells_behind_a_misbehaving_proxy_end_right_or_with_a_name():
    found = proxy.run(80, seed=1)
    assert found.exchanges.total() >= 80
    assert found.right
    assert found.wrong == []


def test_a_full_disk_is_named_at_every_write():
    count = disk.run("full", 12, 1, "limit")
    assert count.cases["named"] > 4
    assert count.wrong == []


def test_a_training_on_a_full_disk_goes_on_to_the_same_tensors():
    count = disk.run("training", 1, 160, "limit")
    assert count.cases["named"]
    assert count.wrong == []


def test_damaged_files_are_found_on_their_next_use():
    count = disk.run("damaged", 20, 1, "limit")
    assert count.cases.total() == 20
    assert count.wrong == []
