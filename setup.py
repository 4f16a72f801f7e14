"""For catkin, which installs the Python package with the ROS package; pip reads pyproject.toml."""

from setuptools import find_packages, setup

setup(name="antipodal", version="0.1.0", packages=find_packages("src"), package_dir={"": "src"})
