"""Point clouds from the command line, and meshes that a URDF scales."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from antipodal.errors import InputError, run_command
from antipodal.synth import meshes as command
from antipodal.synth.objects import meshes, point_clouds

URDF = """<robot name="o"><link name="base">
<collision><origin xyz="0 0 0.01" rpy="0 0 1.5707963"/><geometry><mesh filename="{name}" scale="{scale}"/></geometry>
</collision></link>{more}</robot>"""


@pytest.mark.parametrize("method", point_clouds.METHODS)
def test_points_lie_on_the_surface_and_cover_it(method):
    box = trimesh.creation.box([0.02, 0.04, 0.08])
    cloud = point_clouds.sample_points(box, 2000, np.random.default_rng(0), method)
    assert cloud.shape == (2000, 3)
    np.testing.assert_allclose(np.abs(cloud / box.extents).max(axis=1), 0.5, atol=1e-9)
    ends = np.mean(np.abs(np.abs(cloud[:, 2]) - 0.04) < 1e-9)  # share of the two small faces
    assert ends == pytest.approx(2 * 0.02 * 0.04 / box.area, abs=0.03)


def test_poisson_points_keep_their_distance():
    sphere, least = trimesh.creation.icosphere(3, 0.03), {}
    for method in point_clouds.METHODS:
        cloud = point_clouds.sample_points(sphere, 500, np.random.default_rng(0), method)
        least[method] = cKDTree(cloud).query(cloud, 2)[0][:, 1].min()
    assert least["poisson"] > 5 * least["uniform"]
    assert least["poisson"] > 0.5 * np.sqrt(2 * sphere.area / (np.sqrt(3) * 500))
    with pytest.raises(InputError, match="poisson"):
        point_clouds.sample_points(sphere, 10, np.random.default_rng(0), "halton")


@pytest.mark.parametrize("suffix", point_clouds.FORMATS)
def test_the_command_samples_many_files_and_names_those_it_cannot(suffix, tmp_path, capsys):
    for name, size in (("a", 20), ("b", 30)):
        trimesh.creation.box([size] * 3).export(tmp_path / f"{name}.stl")
    (tmp_path / "bad.stl").write_bytes(b"solid")
    files = [str(tmp_path / f"{n}.stl") for n in ("a", "bad", "b")]
    words = [*files, "--points", "300", "--units", "mm", "--format", suffix, "--out", str(tmp_path / "out")]
    assert run_command(command.main, words) == 2
    assert "bad.stl" in capsys.readouterr().err
    made = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert made == [f"a.{suffix}", f"b.{suffix}"]
    path = tmp_path / "out" / made[1]
    cloud = np.load(path) if suffix == "npy" else trimesh.load(path).vertices
    assert cloud.shape == (300, 3) and np.abs(cloud).max() == pytest.approx(0.015, rel=1e-5)


def test_a_urdf_scales_and_places_its_mesh(tmp_path):
    trimesh.creation.box([2, 3, 4]).export(tmp_path / "box.stl")
    (tmp_path / "o.urdf").write_text(URDF.format(name="box.stl", scale="0.01 0.01 0.02", more=""))
    mesh = meshes.load(tmp_path / "o.urdf")
    np.testing.assert_allclose(mesh.extents, [0.03, 0.02, 0.08], atol=1e-6)
    np.testing.assert_allclose(mesh.metadata["center_of_mass"], [0, 0, 0.01], atol=1e-6)
    assert [m.name for m in meshes.mesh_source(str(tmp_path))] == ["o.urdf"]


def test_a_urdf_finds_its_mesh_in_its_package(tmp_path):
    (tmp_path / "things" / "urdf").mkdir(parents=True)
    trimesh.creation.box([0.02, 0.03, 0.04]).export(tmp_path / "things" / "box.stl")
    text = URDF.format(name="package://things/box.stl", scale="1 1 1", more="")
    (tmp_path / "things" / "urdf" / "o.urdf").write_text(text)
    assert meshes.load(tmp_path / "things" / "urdf" / "o.urdf").volume == pytest.approx(24e-6)


BOMB = "<!DOCTYPE b [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><robot>&b;</robot>"


@pytest.mark.parametrize("text", ["<robot", URDF.format(name="no.stl", scale="1 1 1", more="<link name='b'/>"), BOMB])
def test_a_urdf_that_is_no_rigid_object_is_refused(text, tmp_path):
    (tmp_path / "o.urdf").write_text(text)
    with pytest.raises(meshes.MeshError, match=r"o\.urdf"):
        meshes.load(tmp_path / "o.urdf")


GEOMETRY = "<{kind}><geometry>{shape}</geometry></{kind}>"
MESH, CYLINDER = '<mesh filename="{}" scale="0.25 0.25 0.25"/>', '<cylinder radius="0.03" length="0.06"/>'


def link(*geometry):
    return '<link name="b">' + "".join(GEOMETRY.format(kind=k, shape=s) for k, s in geometry) + "</link>"


@pytest.mark.parametrize(
    "inside, usable",
    [
        (link(("visual", MESH.format("raw.obj"))), True),
        (link(("visual", MESH.format("raw.obj")), ("collision", CYLINDER)), True),  # the visual mesh serves
        (link(("visual", MESH.format("raw.obj")), ("collision", MESH.format("hull.obj"))), True),
        (link(("visual", MESH.format("raw.obj"))) + '<link name="world"/>', True),
        (link(("visual", MESH.format("raw.obj"))) + link(("visual", MESH.format("hull.obj"))), False),
        (link(("visual", CYLINDER), ("collision", CYLINDER)) + "<!-- " + MESH.format("raw.obj") + " -->", None),
        (link(("visual", MESH.format("raw.obj"))) + "<unclosed", False),
    ],
)
def test_what_a_urdf_names_is_used_scaled_once_or_not_at_all(tmp_path, inside, usable):
    for name in ("raw.obj", "hull.obj"):
        trimesh.creation.box(extents=(0.16, 0.2, 0.24)).export(tmp_path / name)
    (tmp_path / "o.urdf").write_text(f'<robot name="o">{inside}</robot>')
    lengths = {}
    for source in meshes.mesh_source(str(tmp_path)):
        try:
            lengths[source.name] = source.get().extents.max()
        except meshes.MeshError:
            lengths[source.name] = None
    named = {"raw.obj", "hull.obj"} & set(inside.replace('"', " ").split())
    if usable is None:  # a comment names nothing
        named = set()
    assert set(lengths) == {"o.urdf", "raw.obj", "hull.obj"} - named
    assert lengths["o.urdf"] == (pytest.approx(0.06) if usable else None)
