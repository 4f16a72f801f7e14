"""Mesh files as people have them: letters in any encoding, indices that count backwards."""

import numpy as np
import pytest
import trimesh

from antipodal.synth.objects.mesh_text import absolute_indices
from antipodal.synth.objects.meshes import load

PARTS = [
    trimesh.creation.box((0.04, 0.04, 0.04)),
    trimesh.creation.box((0.02, 0.02, 0.08)).apply_translation((0, 0, 0.06)),
    trimesh.creation.box((0.06, 0.01, 0.01)).apply_translation((0.03, 0, 0)),
]


def obj(relative, corner="{}"):
    """An OBJ whose vertices stand between its faces."""
    lines, before = [], 0
    for part in PARTS:
        lines += ["v {:.6f} {:.6f} {:.6f}".format(*v) for v in part.vertices]
        for face in part.faces:
            index = face - len(part.vertices) if relative else face + 1 + before
            lines.append("f " + " ".join(corner.format(i) for i in index))
        before += len(part.vertices)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("corner", ["{}", "{}//"])
def test_relative_indices_give_the_same_faces(corner):
    assert absolute_indices(obj(True, corner).encode()) == obj(False, corner).encode()


def test_every_kind_of_index_counts_its_own(tmp_path):
    text = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf -3/-1/-1 -2/-1/-1 -1/1/-1\nv 5 5 5\nf -1 -2 -3\nl -1 -2\n"
    lines = absolute_indices(text).split(b"\n")
    assert lines[5] == b"f 1/1/1 2/1/1 3/1/1" and lines[7] == b"f 4 3 2" and lines[8] == b"l 4 3"


@pytest.mark.parametrize("relative", [True, False])
def test_no_part_is_lost(tmp_path, relative):
    (tmp_path / "a.obj").write_text(obj(relative))
    whole = trimesh.util.concatenate(PARTS)
    np.testing.assert_allclose(load(tmp_path / "a.obj").extents, whole.extents, atol=1e-6)


CUBE = PARTS[0]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "gbk", "shift-jis", "utf-16"])
def test_letters_in_any_encoding_do_not_matter(tmp_path, encoding):
    letters = {"latin-1": "Größe", "gbk": "盒子乗", "shift-jis": "表ソ能"}.get(encoding, "Größe 盒子")
    text = f"# {letters}\nusemtl {letters}\n" + trimesh.exchange.obj.export_obj(CUBE, include_normals=False)
    (tmp_path / "a.obj").write_bytes(text.encode(encoding))
    np.testing.assert_allclose(load(tmp_path / "a.obj").extents, CUBE.extents, atol=1e-6)


def test_names_of_solids_and_comments_may_hold_any_letter(tmp_path):
    facets = trimesh.exchange.stl.export_stl_ascii(CUBE).split("\n", 1)[1]
    (tmp_path / "a.stl").write_bytes("solid Würfel\n".encode("latin-1") + facets.encode())
    for kind in ("ascii", "binary"):
        data = trimesh.exchange.ply.export_ply(CUBE, encoding=kind)
        (tmp_path / f"{kind}.ply").write_bytes(data.replace(b" 1.0\n", b" 1.0\ncomment Ma\xdfe\n", 1))
    for name in ("a.stl", "ascii.ply", "binary.ply"):
        np.testing.assert_allclose(load(tmp_path / name).extents, CUBE.extents, atol=1e-6)


def test_binary_stl_keeps_its_bytes(tmp_path):
    CUBE.export(tmp_path / "a.stl")
    np.testing.assert_allclose(load(tmp_path / "a.stl").extents, CUBE.extents, atol=1e-6)
