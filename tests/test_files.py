import os
import stat
import threading

import pytest

from antipodal.errors import InputError
from antipodal.files import only_writer, read_names, write_text


def test_names_stand_one_a_line_and_may_hold_blanks(tmp_path):
    (tmp_path / "names.txt").write_text("mustard bottle\n\n  cup  \n")
    assert read_names(tmp_path / "names.txt") == ["mustard bottle", "cup"]
    assert read_names(None) == []


@pytest.mark.parametrize("content, complaint", [(b"\n \n", "names nothing"), (b"\xff\xfe", "cannot read")])
def test_a_list_that_names_nothing_is_refused(tmp_path, content, complaint):
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_names(tmp_path / "names.txt")


def test_a_writer_that_fails_leaves_no_lock_behind(tmp_path):
    with pytest.raises(ValueError), only_writer(tmp_path / "model.pt"):
        assert any(tmp_path.iterdir())
        raise ValueError
    assert not any(tmp_path.iterdir())


def test_a_pipe_gets_the_bytes_and_a_links_target_is_written(tmp_path):
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "plan")
    reader.join(10)
    assert got == [b"plan"] and stat.S_ISFIFO(pipe.stat().st_mode)
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "pipe", "target"]
