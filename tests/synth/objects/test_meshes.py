"""Procedural meshes are what they promise; files of any quality are repaired or refused with a reason."""

import numpy as np
import pytest
import trimesh

from antipodal.errors import InputError
from antipodal.synth.objects import meshes
from antipodal.synth.objects.procedural import FAMILIES, procedural


@pytest.mark.parametrize("index", range(3 * len(FAMILIES)))
def test_procedural_meshes_are_closed_small_and_made_of_their_parts(index):
    mesh = procedural(index)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
    assert 0.02 < mesh.extents.max() < 0.3
    parts = mesh.metadata["parts"]
    assert all(p.is_watertight and p.is_convex for p in parts) and len(parts) < 100
    assert sum(p.volume for p in parts) == pytest.approx(mesh.volume, rel=0.05)
    np.testing.assert_allclose(np.min([p.bounds[0] for p in parts], axis=0), mesh.bounds[0], atol=1e-6)
    np.testing.assert_allclose(np.max([p.bounds[1] for p in parts], axis=0), mesh.bounds[1], atol=1e-6)


def test_procedural_is_a_function_of_index_and_seed():
    np.testing.assert_array_equal(procedural(7, 3).vertices, procedural(7, 3).vertices)
    assert not np.array_equal(procedural(7, 3).bounds, procedural(7, 4).bounds)
    assert not np.array_equal(procedural(7, 3).bounds, procedural(18, 3).bounds)


@pytest.mark.parametrize("suffix", ["obj", "stl", "ply", "off", "glb"])
def test_every_format_gives_the_same_solid(suffix, tmp_path):
    mesh = procedural(1)
    mesh.metadata.clear()
    mesh.export(tmp_path / f"a.{suffix}")
    loaded = meshes.load(tmp_path / f"a.{suffix}")
    assert loaded.is_watertight
    assert loaded.volume == pytest.approx(mesh.volume, rel=1e-3)
    np.testing.assert_allclose(loaded.metadata["center_of_mass"], mesh.center_mass, atol=1e-5)


def test_scale_turns_millimetres_into_metres(tmp_path):
    trimesh.creation.box([20, 30, 40]).export(tmp_path / "box.stl")
    with pytest.raises(meshes.MeshError, match="is the scale"):
        meshes.load(tmp_path / "box.stl")
    loaded = meshes.load(tmp_path / "box.stl", meshes.MeshOptions(scale=meshes.UNITS["mm"]))
    np.testing.assert_allclose(loaded.extents, [0.02, 0.03, 0.04])


def test_flipped_holed_and_doubled_faces_are_repaired(tmp_path):
    mesh = trimesh.creation.icosphere(2, 0.04)
    faces = mesh.faces.copy()
    faces[::3] = faces[::3, ::-1]
    faces = np.vstack([faces[1:], faces[5:9], [[3, 3, 4]]])
    trimesh.Trimesh(mesh.vertices, faces, process=False).export(tmp_path / "bad.off")
    loaded = meshes.load(tmp_path / "bad.off")
    assert loaded.is_watertight
    assert loaded.volume == pytest.approx(mesh.volume, rel=1e-2)


def test_an_open_mesh_keeps_its_surface_and_takes_its_hulls_centre(tmp_path):
    mesh = trimesh.creation.icosphere(3, 0.04)
    mesh.update_faces(mesh.triangles_center[:, 2] < 0.02)
    mesh.remove_unreferenced_vertices()
    mesh.export(tmp_path / "open.ply")
    loaded = meshes.load(tmp_path / "open.ply")
    np.testing.assert_allclose(loaded.metadata["center_of_mass"], mesh.convex_hull.center_mass, atol=2e-3)


@pytest.mark.parametrize(
    "name, content",
    [
        ("empty.obj", b""),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"),
        ("noise.glb", bytes(range(256)) * 9),
        ("cut.stl", b"\0" * 80 + b"\xff\xff\xff\x7f" + b"\1" * 100),
        ("text.ply", b"ply\nformat ascii 1.0\nelement vertex 99999999\nproperty float x\nend_header\n1\n"),
        ("flat.obj", b"v 0 0 0\nv .1 0 0\nv 0 .1 0\nv .1 .1 0\nf 1 2 3\nf 2 4 3\n"),
        ("collapsed.obj", b"v 0 0 0\nv 0 0 0\nv .1 0 0\nf 1 2 3\n"),
        ("nan.obj", b"v nan 0 0\nv .1 0 0\nv 0 .1 0\nf 1 2 3\n"),
        ("mesh.step", b"ISO-10303-21;"),
    ],
)
def test_what_is_no_solid_is_refused_by_name(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(meshes.MeshError, match=name):
        meshes.load(tmp_path / name)


def test_a_source_is_a_series_or_a_folder(tmp_path):
    assert [m.name for m in meshes.mesh_source("procedural:3", seed=2)] == [f"procedural_2_{i:05d}" for i in range(3)]
    (tmp_path / "deep").mkdir()
    for name in ("b.obj", "deep/a.STL", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [m.name for m in meshes.mesh_source(str(tmp_path))] == ["b.obj", "deep/a.STL"]
    for wrong in ("procedural:x", "procedural:0", "procedurals", str(tmp_path / "none")):
        with pytest.raises(InputError):
            meshes.mesh_source(wrong)


def test_linked_folders_are_followed_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.obj").write_text("")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(tmp_path / "source")
    assert [m.name for m in meshes.mesh_source(str(tmp_path / "source"))] == ["linked/a.obj"]


def test_collision_geometry_is_no_object_of_its_own(tmp_path):
    (tmp_path / "mug" / "collision").mkdir(parents=True)
    for name in ("mug.obj", "collision/mug_0.obj", "collision/mug_1.obj"):
        trimesh.creation.box((0.03, 0.04, 0.05)).export(tmp_path / "mug" / name)
    found = {m.name: m for m in meshes.mesh_source(str(tmp_path))}
    assert found["mug/mug.obj"].get().volume == pytest.approx(6e-5)
    for part in ("mug/collision/mug_0.obj", "mug/collision/mug_1.obj"):
        with pytest.raises(meshes.MeshError, match="collision geometry"):
            found[part].get()
