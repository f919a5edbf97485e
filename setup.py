"""Which folders are installed, and under which names. Everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

# As top-level packages, "flows" and "tasks" would collide with those of other projects.
FOLDERS = {"its_core": "its_core", "its_flows": "flows", "its_tasks": "tasks"}

setup(
    package_dir=FOLDERS,
    packages=[
        package
        for name, folder in FOLDERS.items()
        for package in [name, *(f"{name}.{inner}" for inner in find_packages(folder))]
    ],
)
