import os
import stat
import threading

import pytest

from antipodal.errors import InputError
from antipodal.files import json_lines, nested, only_writer, read_json, read_names, read_parsed, read_yaml, write_text

DEEP = b"[" * 100_000


@pytest.mark.parametrize("content", [DEEP, b"{", b"\xff\xfe", b"[1, 2", b"\x00"])
@pytest.mark.parametrize("read", [read_json, read_yaml, lambda path: read_parsed(path, json_lines)])
def test_a_text_that_cannot_be_read_is_one_line_with_its_file(tmp_path, read, content):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(InputError, match=f"cannot read {tmp_path}/bad"):
        read(tmp_path / "bad")
    with pytest.raises(InputError, match=f"cannot read {tmp_path}: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["!!timestamp x", "2001-99-99", "!!int x", "&a [*a, {[1]: 2}]", "@", "!!python/none"])
def test_yaml_of_no_value_is_refused(tmp_path, text):
    (tmp_path / "bad").write_text(text)
    with pytest.raises(InputError, match="cannot read"):
        read_yaml(tmp_path / "bad")
    with pytest.raises(InputError, match="cannot read the value of 'a="):
        nested([f"a={text}"])


def test_each_line_holds_a_mapping():
    assert json_lines('{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    with pytest.raises(ValueError, match="each line must hold a mapping"):
        json_lines("[1]\n")


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
